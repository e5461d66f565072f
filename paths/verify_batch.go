package paths

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

// outcome is the result of one item of a batch.
type outcome struct {
	judgement
	wrong     string // what is wrong with the item; or why it was not judged, and then there is no verdict
	reference string
}

// verifyBatch judges the items of a batch. An item that cannot be judged fails alone, unless none can.
func (h *Handlers) verifyBatch(ctx context.Context, r *request, items []any, within string) (*logical.Response, error) {
	if err := new(call).parseOptions(r.Data); err != nil {
		return nil, err // once, not in each item
	}
	opts := judgeOptions{within: within, beside: new(longMetadata)}
	if r.Data["batch_json"] != nil {
		opts.beside.shown = make(map[string]bool)
	}
	turn := new(turn)
	r.ofManyTenants = within == "" // such a batch waits for a tenant's turn when it comes to an item of that tenant
	if !r.ofManyTenants {
		var err error
		if turn, err = r.take(ctx, h.shares.work, relayed(within), len(items)); err != nil {
			return nil, err
		}
		defer turn.leave()
		r.hasTurn = turn.held
	}
	outcomes, unjudged := make([]outcome, len(items)), []error(nil)
	for i, raw := range items {
		err := turn.next(ctx)
		if errors.Is(err, errGone) {
			return nil, err // nobody waits for the answer, and what was recorded stays
		}
		if err == nil {
			outcomes[i], err = h.judgeItem(ctx, r, raw, opts)
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, errGone
			}
			outcomes[i].wrong = publicError(h.log, "item of a batch not judged", err).Error()
			unjudged = append(unjudged, err)
		}
		outcomes[i].reference = referenceOf(raw)
	}
	if len(unjudged) == len(items) {
		return nil, unjudged[0]
	}
	if r.Data["batch_json"] != nil {
		return packed(outcomes)
	}
	results := make([]any, len(outcomes))
	for i := range outcomes {
		data := outcomes[i].data()
		if wrong := outcomes[i].wrong; wrong != "" {
			data["error"] = wrong
		}
		if known := outcomes[i].reference; known != "" {
			data["reference"] = known
		}
		results[i] = data
	}
	return reply(map[string]any{"results": results})
}

// judgeItem judges one item of a batch. A mistake of the caller's is an outcome of that item, because it must not fail
// the others. The error says why an item could not be judged.
func (h *Handlers) judgeItem(ctx context.Context, r *request, raw any, opts judgeOptions) (outcome, error) {
	c, err := r.parseItem(raw)
	if errors.Is(err, refusal.Invalid) {
		return outcome{judgement: malformed, wrong: err.Error()}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	j, err := h.judged(ctx, r, c, opts)
	if j.version != nil {
		opts.beside.add(j.found, j.version.KeyID)
	}
	return outcome{judgement: j}, err
}

// parseItem reads an item to verify. Options beside the batch hold for items without their own.
func (r *request) parseItem(raw any) (*call, error) {
	fields, err := item(raw, verifyItemFields)
	if err != nil {
		return nil, err
	}
	for _, name := range optionFields {
		if _, own := fields[name]; !own && r.Data[name] != nil {
			fields[name] = r.Data[name]
		}
	}
	c, err := parseCall(fields, true)
	if err == nil && c.dryRun && r.Data["replay_check"] == nil {
		return nil, refusal.Errorf(refusal.Invalid, "replay_check: an item may say false only where replay_check is "+
			"given beside batch, since policies do not see into items")
	}
	return c, err
}

// packedResult is what results_json says of one call, by the names of the fields that answer a single one.
type packedResult struct {
	Valid           bool           `json:"valid"`
	Verdict         apikey.Verdict `json:"verdict"`
	Error           string         `json:"error,omitempty"`
	Reference       string         `json:"reference,omitempty"`
	KeyID           string         `json:"key_id,omitempty"`
	State           string         `json:"state,omitempty"`
	Variant         string         `json:"variant,omitempty"`
	ContentDigest   string         `json:"content_digest,omitempty"`
	ReplayTableFull bool           `json:"replay_table_full,omitempty"`
}

// packed answers a batch with one JSON text that describes each version once. Audit devices hash each text of an
// answer. So that people find what they look for there, the key IDs and the number of each verdict stand beside it.
func packed(outcomes []outcome) (*logical.Response, error) {
	ids, counts, versions := []string{}, map[apikey.Verdict]int{}, map[string]map[string]any{}
	results, full := make([]packedResult, len(outcomes)), false
	for i := range outcomes {
		o := &outcomes[i]
		r := packedResult{
			Valid: o.Verdict == apikey.Valid, Verdict: o.Verdict, Error: o.wrong, Reference: o.reference,
			Variant: o.Variants.String(), ContentDigest: o.digest, ReplayTableFull: o.Replay.NoRoom(),
		}
		if o.Verdict != "" {
			counts[o.Verdict]++
		}
		if v := o.version; v != nil {
			r.KeyID, r.State = v.KeyID, o.state()
			if versions[v.KeyID] == nil {
				ids = append(ids, v.KeyID)
				versions[v.KeyID] = make(map[string]any, 12)
				o.addVersionFields(versions[v.KeyID])
			}
		}
		results[i], full = r, full || r.ReplayTableFull
	}
	text, err := json.Marshal(map[string]any{"results": results, "versions": versions})
	if err != nil {
		return nil, err
	}
	verdicts := make(map[string]any, len(counts))
	for verdict, n := range counts {
		verdicts[string(verdict)] = n
	}
	data := map[string]any{"results_json": string(text), "key_ids": ids, "verdicts": verdicts}
	if full {
		data["replay_table_full"] = true
	}
	return reply(data)
}
