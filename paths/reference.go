package paths

import "vault-plugin-secrets-apikeys/paths/field"

// maxReference bounds what comes back with the result of an item, in bytes.
const maxReference = 256

// reference reads the text by which a caller knows an item again; "" where there is none.
func reference(raw any) (string, error) {
	if raw == nil {
		return "", nil
	}
	//mutate:instead "what a reference may be" TestBadReferences => return raw.(string), nil
	return field.ParseText("reference", raw, maxReference)
}

// referenceOf returns the reference of an item of a batch, also of one that is refused.
func referenceOf(item any) (known string) {
	switch v := item.(type) {
	case map[string]any:
		known, _ = reference(v["reference"])
	case badItem:
		known, _ = reference(v.reference)
	}
	return known
}
