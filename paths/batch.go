package paths

import (
	"encoding/json"
	"slices"

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
