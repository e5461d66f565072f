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

// jsonReader decodes what is known to be JSON, as far as it is wanted.
type jsonReader func(raw json.RawMessage) (any, error)

// unpack returns the list in a JSON text, or the text where it holds no list. It reads item by item and stops after one
// too many: decoded as a whole, the text could take thirty times its size.
func unpack(packed any, read jsonReader) any {
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
		item, err := read(raw)
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
type badItem struct {
	why       error
	reference any
}

// newBadItem reads nothing but the reference of an item.
func newBadItem(raw json.RawMessage, why error) badItem {
	var of struct{ Reference *string }
	if err := json.Unmarshal(raw, &of); err != nil || of.Reference == nil {
		return badItem{why: why}
	}
	return badItem{why, *of.Reference}
}

// unpackItem returns an item to sign or to verify.
func unpackItem(raw json.RawMessage) (any, error) {
	if raw[0] != '{' {
		return scalar(raw)
	}
	return unpackObject(raw, verifyItemFields, scalar)
}

// unpackObject returns the fields of an object. It stops at the first field that no item has, or that comes twice: a
// map of all could take fifty times the text.
func unpackObject(raw json.RawMessage, allowed []string, read jsonReader) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil { // the brace
		return nil, err
	}
	fields := make(map[string]any)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if _, twice := fields[name]; twice {
			return newBadItem(raw, refusal.Errorf(refusal.Invalid, "an item has the field %q twice",
				refusal.Quote(name))), nil
		}
		//mutate:false "strange fields of one item of a text" TestUnpackingTakesLittle
		if !slices.Contains(allowed, name) {
			return newBadItem(raw, noField(name)), nil
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		fields[name], err = read(value)
		if errors.Is(err, refusal.Invalid) {
			return newBadItem(raw, refusal.Errorf(refusal.Invalid, "%s: %s", name, err)), nil
		}
		if err != nil {
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
