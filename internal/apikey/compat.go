package apikey

import (
	"slices"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// compatible refuses variants that only imported keys may have. Holders of keys made here get the secret in its
// encoded form and decode it.
func (l *Limits) compatible(imported bool) error {
	//mutate:false:1 "variants for imported keys alone" TestCheckCompat|TestRoleCheck
	if !imported && slices.Contains(l.Compat.List(), string(signing.KeyASCII)) {
		return refusal.Errorf(
			refusal.Invalid,
			"compat: %s is for imported keys, whose holders may use the text of a key as the key; "+
				"holders of keys made here decode it",
			signing.KeyASCII,
		)
	}
	return nil
}

// CheckCompat refuses new variants that none of k's versions can use. Variants that old has stay allowed. old
// is nil for a new key.
func (k *Key) CheckCompat(old *Key) error {
	limits := k.Rules.Get().Limits
	if old != nil && old.Rules.Get().Compat == limits.Compat {
		return nil // its imported version may have gone since
	}
	imported := slices.ContainsFunc(k.Versions, func(v Version) bool { return v.Marks.Get().Imported })
	return limits.compatible(imported)
}

// compat returns the variants that are accepted in v's calls. No variant changes the MAC key of a secret that
// was made here.
func (k *Key) compat(v *Version) signing.Compat {
	lines := k.Rules.Get().Compat
	if lines == "" {
		return nil
	}
	var c signing.Compat
	for name := range lines.All() {
		//mutate:true:2 "the text of a secret as its key" TestKeyASCIIIsForImportedVersions
		if variant := signing.Variant(name); variant != signing.KeyASCII || v.Marks.Get().Imported {
			c = append(c, variant)
		}
	}
	return c
}

// CompatLines validates the names of variants. Its refusal does not quote an unknown name, because that could
// be a secret. [Limits.check] decides whether a key's scheme has the variants.
func CompatLines(names []string) (tenant.Lines, error) {
	for i, name := range names {
		if signing.Variant(name).Scheme() == "" {
			return "", refusal.Errorf(
				refusal.Invalid,
				"compat: name %d is no variant; vrnt-1 has headers_sorted, header_value_case, "+
					"path_decoded, path_query, sig_std_base64, param_whitespace, param_order and key_ascii, and "+
					"rfc9421 has no_nonce",
				i+1,
			)
		}
		if slices.Contains(names[:i], name) {
			return "", refusal.Errorf(refusal.Invalid, "compat: %s is given twice", name)
		}
	}
	return tenant.LinesOf(names), nil
}

// Variants returns the names of the variants that are accepted in v's calls. It is never nil.
func (k *Key) Variants(v *Version) []string {
	names := []string{}
	for _, variant := range k.compat(v) {
		names = append(names, string(variant))
	}
	return names
}
