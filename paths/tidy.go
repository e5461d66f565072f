package paths

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/sweep"
	"vault-plugin-secrets-apikeys/paths/field"
)

var tidyAnswer = schema{
	"state":        text("never, running or finished."),
	"started_at":   stamp("When the walk began."),
	"finished_at":  stamp("When it ended."),
	"records":      number("Records looked at."),
	"ids_mended":   number("Entries of key IDs that were missing."),
	"due_mended":   number("Entries of the due index that were missing."),
	"strays":       number("Entries that led nowhere, and are gone."),
	"destroyed":    number("Records that belonged to no tenant, or to a lease long over."),
	"failures":     number("Records that could not be read or mended."),
	"last_failure": text("The last of these, and why."),
}

func (h *Handlers) tidyResources() []resource {
	return []resource{
		{
			scope: platform, pattern: "tidy", suffix: "tidy",
			operations: only(logical.UpdateOperation, h.tidy, "Repair the indexes now.", tidyAnswer),
			synopsis:   "Look at every record, and mend what leads to it.",
			description: "The engine does the same by itself at least once a day. A walk that takes longer than a " +
				"request may goes on with the next ticks; tidy/status says how far it is.",
		},
		{
			scope: platform, pattern: "tidy/status", suffix: "tidy-status",
			operations: only(logical.ReadOperation, h.tidyStatus, "Read what the last repair has found.", tidyAnswer),
			synopsis:   "What the walk under way, or the last one, has found.",
			description: "Of this node since it started. Strays and missing entries are what crashes leave behind; " +
				"many of them ask for a look at storage.",
		},
	}
}

func (h *Handlers) tidy(ctx context.Context, r *request) (*logical.Response, error) {
	report, err := h.sweeper.Tidy(ctx, r.Storage, r.now)
	if err != nil {
		return nil, err
	}
	if report.Finished.IsZero() {
		r.warn("the walk is not through yet; it goes on by itself, and tidy/status says how far it is")
	}
	return reply(reportData(report))
}

func (h *Handlers) tidyStatus(_ context.Context, _ *request) (*logical.Response, error) {
	return reply(reportData(h.sweeper.Report()))
}

func reportData(r sweep.Report) map[string]any {
	state := "finished"
	switch {
	case r.Started.IsZero():
		state = "never"
	case r.Finished.IsZero():
		state = "running"
	}
	return map[string]any{
		"state": state, "started_at": field.RFC3339(r.Started), "finished_at": field.RFC3339(r.Finished),
		"records":    r.Records,
		"ids_mended": r.IDs, "due_mended": r.Due, "strays": r.Strays, "destroyed": r.Destroyed,
		"failures": r.Failures, "last_failure": r.LastFailure,
	}
}
