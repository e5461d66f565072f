package paths

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

const maxBatch = 1000

// batch returns the items of a batch as fields, or nil when the request is a single call.
func (r *request) batch() ([]any, error) {
	name, given := "batch", r.Data["batch"]
	if packed := r.Data["batch_json"]; packed != nil {
		if given != nil {
			return nil, refusal.Errorf(refusal.Invalid, "batch_json: cannot be given together with batch")
		}
		name, given = "batch_json", unpack(packed)
	}
	if given == nil {
		return nil, nil
	}
	items, ok := given.([]any)
	if !ok || len(items) == 0 || len(items) > maxBatch {
		return nil, refusal.Errorf(refusal.Invalid, "%s: must be a list of 1 to %d items", name, maxBatch)
	}
	for _, beside := range append([]string{"signature"}, contentFields...) {
		if r.Data[beside] != nil {
			return nil, refusal.Errorf(refusal.Invalid, "%s: cannot be given beside %s; put it into its items", beside, name)
		}
	}
	return items, nil
}

// unpack returns the list that is a JSON text, or what is none.
func unpack(packed any) any {
	text, _ := packed.(string)
	var items []any
	if err := json.Unmarshal([]byte(text), &items); err != nil {
		return text
	}
	return items
}

// ofCall are the fields of a verdict that differ from call to call; the others tell of the key's version.
var ofCall = []string{"valid", "verdict", "error", "key_id", "state", "variant", "content_digest", "replay_table_full"}

// pack returns the results of a batch as a JSON text, in which each version is told of once. Audit devices hash each text of
// an answer, so beside it stands what somebody will look for there: the key IDs that are told, and how many verdicts
// there were of each.
func pack(results []any) (map[string]any, error) {
	ids, verdicts, versions := []string{}, map[string]any{}, map[string]map[string]any{}
	data := map[string]any{"verdicts": verdicts}
	calls := make([]map[string]any, len(results))
	for i, result := range results {
		told, _ := result.(map[string]any)
		if verdict, _ := told["verdict"].(string); verdict != "" {
			n, _ := verdicts[verdict].(int)
			verdicts[verdict] = n + 1
		}
		if told["replay_table_full"] == true {
			data["replay_table_full"] = true
		}
		calls[i] = make(map[string]any, len(ofCall))
		for _, name := range ofCall {
			if value, ok := told[name]; ok {
				calls[i][name] = value
				delete(told, name)
			}
		}
		if id, ok := calls[i]["key_id"].(string); ok && versions[id] == nil {
			ids, versions[id] = append(ids, id), told
		}
	}
	text, err := json.Marshal(map[string]any{"results": calls, "versions": versions})
	data["results_json"], data["key_ids"] = string(text), ids
	return data, err
}

// item returns the fields of one item of a batch.
func item(raw any, allowed []string) (map[string]any, error) {
	switch v := raw.(type) {
	case string:
		return map[string]any{"request": v}, nil
	case map[string]any:
		for name := range v {
			if !slices.Contains(allowed, name) {
				return nil, refusal.Errorf(refusal.Invalid, "an item has no field %q", refusal.Quote(name))
			}
		}
		return v, nil
	default:
		return nil, refusal.Errorf(refusal.Invalid, "an item must be a request head as text, or an object")
	}
}

// verifyBatch judges the items of a batch. One that cannot be judged fails alone, unless
// none can.
func (h *Handlers) verifyBatch(ctx context.Context, r *request, items []any, within string) (*logical.Response, error) {
	if err := new(call).parseOptions(r.Data); err != nil {
		return nil, err // told once, not in each item
	}
	results, unjudged := make([]any, len(items)), []error(nil)
	for i, raw := range items {
		data, err := h.judgeItem(ctx, r, raw, within)
		if err != nil {
			h.log.Error("item of a batch not judged", "error", err)
			data = map[string]any{"valid": false, "verdict": "", "error": err.Error()}
			unjudged = append(unjudged, err)
		}
		results[i] = data
	}
	if len(unjudged) == len(items) {
		return nil, unjudged[0]
	}
	if r.Data["batch_json"] == nil {
		return reply(map[string]any{"results": results})
	}
	data, err := pack(results)
	if err != nil {
		return nil, err
	}
	return reply(data)
}

// judgeItem judges one item of a batch. What the caller got wrong in it is told in the
// item: it must not fail the others. An error is returned for what could not be judged.
func (h *Handlers) judgeItem(ctx context.Context, r *request, raw any, within string) (map[string]any, error) {
	c, err := r.parseItem(raw)
	if errors.Is(err, refusal.Invalid) {
		return map[string]any{"valid": false, "verdict": string(apikey.Malformed), "error": err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	return h.judge(ctx, r, c, within)
}

// verifyItemFields are the fields that an item may have.
var verifyItemFields = slices.Concat(contentFields, []string{"signature"}, optionFields)

// parseItem reads an item to verify. Options beside the batch hold where it has none of
// its own.
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
	if err == nil && c.look && r.Data["replay_check"] == nil {
		return nil, refusal.Errorf(refusal.Invalid, "replay_check: an item may say false only where replay_check is given beside batch, "+
			"since policies do not see into items")
	}
	return c, err
}
