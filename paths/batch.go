package paths

import (
	"slices"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// batch returns the items of a batch as fields, or nil when the request is a single call.
func (r *request) batch() ([]any, error) {
	name, given, err := r.list("batch", unpackItem)
	if given == nil || err != nil {
		return nil, err
	}
	items, ok := given.([]any)
	if !ok || len(items) == 0 || len(items) > maxBatch {
		return nil, refusal.Errorf(refusal.Invalid, "%s: must be a list of 1 to %d items", name, maxBatch)
	}
	for _, beside := range append([]string{"signature"}, contentFields...) {
		if r.Data[beside] != nil {
			return nil, refusal.Errorf(refusal.Invalid,
				"%s: cannot be given beside %s; put it into its items", beside, name)
		}
	}
	return items, nil
}

// list returns what was given in a field, or in the JSON text of the field beside it, and the name of the one.
func (r *request) list(field string, read jsonReader) (name string, given any, err error) {
	name, given = field+"_json", r.Data[field]
	packed := r.Data[name]
	if packed == nil {
		return field, given, nil
	}
	if given != nil {
		return name, nil, refusal.Errorf(refusal.Invalid, "%s: cannot be given together with %s", name, field)
	}
	//mutate:false "how long a packed batch may be" TestUnpackingTakesLittle
	if text, _ := packed.(string); len(text) > maxPacked {
		return name, nil, refusal.Errorf(refusal.Invalid,
			"%s: has %d bytes and %d is the most; send fewer items at once", name, len(text), maxPacked)
	}
	return name, unpack(packed, read), nil
}

// item returns the fields of one item of a batch.
func item(raw any, allowed []string) (map[string]any, error) {
	switch v := raw.(type) {
	case string:
		return map[string]any{"request": v}, nil
	case map[string]any:
		for name := range v {
			if !slices.Contains(allowed, name) {
				return nil, noField(name)
			}
		}
		_, err := reference(v["reference"])
		return v, err
	case badItem:
		return nil, v.why
	default:
		return nil, refusal.Errorf(refusal.Invalid, "an item must be a request head as text, or an object")
	}
}
