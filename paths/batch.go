package paths

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

const (
	maxBatch  = 1000
	maxPacked = 4 << 20 // bytes of the text of a batch
)

// batch returns the items of a batch as fields, or nil when the request is a single call.
func (r *request) batch() ([]any, error) {
	name, given := "batch", r.Data["batch"]
	if packed := r.Data["batch_json"]; packed != nil {
		if given != nil {
			return nil, refusal.Errorf(refusal.Invalid, "batch_json: cannot be given together with batch")
		}
		//mutate:false "how long a packed batch may be" TestUnpackingTakesLittle
		if text, _ := packed.(string); len(text) > maxPacked {
			return nil, refusal.Errorf(refusal.Invalid,
				"batch_json: has %d bytes and %d is the most; send fewer items at once", len(text), maxPacked)
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
			return nil, refusal.Errorf(refusal.Invalid,
				"%s: cannot be given beside %s; put it into its items", beside, name)
		}
	}
	return items, nil
}

// unpack returns the list in a JSON text, or the text where it holds no list. It reads item by item and stops after one
// too many: decoded as a whole, the text could take thirty times its size.
func unpack(packed any) any {
	text, _ := packed.(string)
	d := json.NewDecoder(strings.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('[') {
		return text
	}
	var items []any
	//mutate:true:2 "items beyond what a batch may have" TestUnpackingTakesLittle
	for d.More() && len(items) <= maxBatch {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return text
		}
		item, err := unpackItem(raw)
		if err != nil {
			return text // a number out of range
		}
		items = append(items, item)
	}
	if len(items) > maxBatch {
		return items
	}
	if _, err := d.Token(); err != nil { // the end of the list
		return text
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return text
	}
	return items
}

// badItem is an item that was not read to its end.
type badItem struct{ why error }

// unpackItem returns an item that is known to be JSON; of an object, the fields. It stops at the first field that no
// item has, or that comes twice: a map of all could take fifty times the text.
func unpackItem(raw json.RawMessage) (any, error) {
	if raw[0] != '{' {
		return scalar(raw)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil { // the brace
		return nil, err
	}
	fields := make(map[string]any, len(contentFields))
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if _, twice := fields[name]; twice {
			return badItem{refusal.Errorf(refusal.Invalid, "an item has the field %q twice", refusal.Quote(name))}, nil
		}
		//mutate:false "strange fields of one item of a text" TestUnpackingTakesLittle
		if !slices.Contains(verifyItemFields, name) {
			return badItem{noField(name)}, nil
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if fields[name], err = scalar(value); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

func noField(name string) error {
	return refusal.Errorf(refusal.Invalid, "an item has no field %q", refusal.Quote(name))
}

// scalar returns a JSON value. Lists and objects become empty lists, because no field takes one.
func scalar(raw json.RawMessage) (v any, err error) {
	if raw[0] == '[' || raw[0] == '{' {
		return []any{}, nil
	}
	err = json.Unmarshal(raw, &v)
	return v, err
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
		return v, nil
	case badItem:
		return nil, v.why
	default:
		return nil, refusal.Errorf(refusal.Invalid, "an item must be a request head as text, or an object")
	}
}
