package paths

import (
	"bytes"
	"encoding/json"
	"slices"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// maxParts bounds the list or map of one field of a key to import. No setting takes as many.
const maxParts = 256

// importItemFields are the fields that a key to import may have in a text.
var importItemFields = func() []string {
	all := []string{"name", "key_id", "key", "issued_at", "expires_at", "reference", "tenant", "kind"}
	for _, s := range keySettings {
		all = append(all, s.Name)
	}
	return all
}()

// unpackKey returns a key to import.
func unpackKey(raw json.RawMessage) (any, error) {
	if raw[0] != '{' {
		return scalar(raw)
	}
	return unpackObject(raw, importItemFields, settingValue)
}

// settingValue returns the value of a field. Settings are lists and maps of texts at most, so it reads no other ones:
// decoded as a whole, they could take twenty times their size.
func settingValue(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if raw[0] != '[' && raw[0] != '{' {
		var v any
		err := d.Decode(&v)
		return v, err
	}
	texts, err := textsIn(d)
	if err != nil {
		return nil, err
	}
	if raw[0] == '[' {
		return texts, nil
	}
	pairs := make(map[string]any, len(texts)/2)
	for pair := range slices.Chunk(texts, 2) {
		name := pair[0].(string)
		if _, twice := pairs[name]; twice {
			return nil, refusal.Errorf(refusal.Invalid, "has a key twice")
		}
		pairs[name] = pair[1]
	}
	return pairs, nil
}

// textsIn returns the texts of a list, or the names and texts of a map in turn.
func textsIn(d *json.Decoder) ([]any, error) {
	texts := []any{}
	if _, err := d.Token(); err != nil { // the bracket or brace
		return nil, err
	}
	for d.More() {
		part, err := d.Token()
		if err != nil {
			return nil, err
		}
		text, ok := part.(string)
		//mutate:false:1 "parts of a field that are no texts" TestUnpackingKeysTakesLittle
		//mutate:false:2 "how many parts a field may have" TestUnpackingKeysTakesLittle
		if !ok || len(texts) == maxParts {
			return nil, refusal.Errorf(refusal.Invalid, "must hold texts alone, and %d at most", maxParts)
		}
		texts = append(texts, text)
	}
	return texts, nil
}
