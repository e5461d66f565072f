package paths

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/paths/field"
)

// gauge is one number of the engine's health, for status and metrics.
type gauge struct {
	name, kind, help string
	value            int64
}

func (h *Handlers) gauges(r *request) []gauge {
	s := h.sweeper.Status(r.now)
	return []gauge{
		{"sweep_lag_seconds", "gauge", "Since when something may be due that was not done.", field.Seconds(s.Lag)},
		{"due", "gauge", "What was due at the last tick and is not done.", int64(s.Due)},
		{
			"oldest_rotation_seconds", "gauge", "Since when the oldest rotation that was due waits.",
			field.Seconds(s.Oldest),
		},
		{"rotated", "counter", "Keys rotated by schedule.", s.Rotated},
		{"rotated_late", "counter", "Of these, keys whose rotation came when half of the overlap had passed.", s.Late},
		{"failed", "counter", "Attempts to do what was due that failed.", s.Failed},
		{"erased", "counter", "Secrets and keys erased after their time.", s.Erased},
		{"cache_entries", "gauge", "Records of keys in memory.", int64(h.store.Cached())},
		{"replay_entries", "gauge", "Calls remembered against replay.", int64(h.calls.Len())},
	}
}

var statusAnswer = schema{
	"sweep_lag_seconds": number("Since when something may be due that was not done; about a minute is usual."),
	"due": number("What was due at the last tick and is not done: entries, and the keys of a tenant " +
		"that is being erased."),
	"rotated":      number("Keys rotated by schedule since this node started."),
	"rotated_late": number("Of these, keys whose rotation came when half of the overlap had passed."),

	"oldest_rotation_seconds": number("Since when the oldest rotation that was due at the last tick waits; 0 when " +
		"none does."),

	"failed":         number("Attempts to do what was due that failed since this node started."),
	"erased":         number("Secrets and keys erased since this node started."),
	"cache_entries":  number("Records of keys in memory."),
	"replay_entries": number("Calls remembered against replay."),
	"version":        text("The version of the plugin that answers: what runs, whatever the catalogue says."),
	"verdicts":       table("How often each verdict was given since this node started."),
}

func (h *Handlers) statusResources() []resource {
	return []resource{
		{
			scope: platform, pattern: "status", suffix: "status",
			operations: only(logical.ReadOperation, h.statusRead, "Read how the engine is doing.", statusAnswer),
			synopsis:   "How the engine is doing on the active node.",
			description: "Numbers are of this node since it started. A lag that grows says that the sweep does not " +
				"keep up, or does not run.",
		},
		{
			scope: platform, pattern: "metrics", suffix: "metrics",
			operations: only(logical.ReadOperation, h.metricsRead,
				"Read the engine's health as Prometheus text.", nil),
			synopsis: "What status shows, for Prometheus.",
			description: "A raw answer in the text format of Prometheus: read it over HTTP, or with vault read " +
				"-format=raw.",
		},
	}
}

func (h *Handlers) statusRead(_ context.Context, r *request) (*logical.Response, error) {
	data := map[string]any{"version": h.version}
	for _, g := range h.gauges(r) {
		data[g.name] = g.value
	}
	counts := make(map[string]any)
	for verdict, n := range h.verdicts {
		counts[string(verdict)] = n.Load()
	}
	data["verdicts"] = counts
	return reply(data)
}

// metricsRead answers in the text format of Prometheus, version 0.0.4.
func (h *Handlers) metricsRead(_ context.Context, r *request) (*logical.Response, error) {
	var b bytes.Buffer
	describe := func(name, kind, help string) string {
		name = "apikeys_" + name
		if kind == "counter" {
			name += "_total"
		}
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		return name
	}
	for _, g := range h.gauges(r) {
		fmt.Fprintf(&b, "%s %d\n", describe(g.name, g.kind, g.help), g.value)
	}
	name := describe("verdicts", "counter", "Verdicts given.")
	for _, verdict := range apikey.Verdicts {
		fmt.Fprintf(&b, "%s{verdict=%q} %d\n", name, string(verdict), h.verdicts[verdict].Load())
	}
	return reply(map[string]any{
		logical.HTTPContentType: plainText,
		logical.HTTPRawBody:     b.Bytes(),
		logical.HTTPStatusCode:  http.StatusOK,
	})
}
