package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// Imported is a version whose secret was made elsewhere.
type Imported struct {
	KeyID     string
	Secret    secret.Bytes
	IssuedAt  time.Time // zero: now
	ExpiresAt time.Time // zero: after the key's ttl
	Forever   bool      // the version does not expire; the mount must allow that
	Provider  bool      // the provider imports it, and therefore knows the secret
}

// Import returns a key whose first version was made elsewhere. Its settings must have been resolved. The
// version counts as revealed, because somebody has the secret.
func Import(
	ref Ref,
	uid string,
	s Settings,
	v Imported,
	c *tenant.Config,
	t *tenant.Tenant,
	by Actor,
	now time.Time,
) (*Key, error) {
	now = second(now)
	if v.IssuedAt.IsZero() {
		v.IssuedAt = now
	}
	if err := v.check(ref.Kind, c, t, now); err != nil {
		return nil, err
	}
	k := New(ref, uid, s, v.KeyID, by, now)
	first := &k.Versions[0]
	first.Secret, first.IssuedAt, first.RevealedAt = v.Secret, second(v.IssuedAt), now
	switch {
	case v.Forever:
		first.ExpiresAt = time.Time{}
	case !v.ExpiresAt.IsZero():
		first.ExpiresAt = second(v.ExpiresAt)
	}
	first.setFlags(func(m *VersionFlags) { m.Imported, m.ProviderKnows = true, v.Provider })
	k.History[0].Operation = "import"
	return k, nil
}

func (v *Imported) check(kind Kind, c *tenant.Config, t *tenant.Tenant, now time.Time) error {
	most, by := maxTTL(kind, c, t)
	size := len(v.Secret.Reveal())
	switch {
	case !signing.ValidKeyID(v.KeyID):
		return refusal.Errorf(refusal.Invalid, "key_id: has 8 to 64 of 0-9, A-Z, a-z, - and _")
	//mutate:false:1 "short secrets" ./paths TestImportItems
	//mutate:false:2 "long secrets" ./paths TestImportItems
	case size < MinSecret || size > MaxSecret:
		return refusal.Errorf(
			refusal.Invalid,
			"key: must be %d to %d bytes in unpadded base64url",
			MinSecret,
			MaxSecret,
		)
	//mutate:false "secrets without entropy" TestKeysWithoutEntropyAreNotImported
	case weakness(v.Secret.Reveal()) != "":
		return refusal.Errorf(
			refusal.Invalid,
			"key: %s, so that anybody may guess it; give it random bytes, or rotate it where it comes from first",
			weakness(v.Secret.Reveal()),
		)
	case v.IssuedAt.After(now):
		return refusal.Errorf(refusal.Invalid, "issued_at: lies in the future")
	case v.Forever:
		return checkTTL(0, kind, c, t)
	case !v.ExpiresAt.IsZero() && !v.ExpiresAt.After(now):
		return refusal.Errorf(refusal.Invalid, "expires_at: has passed")
	case v.ExpiresAt.After(now.Add(most)):
		return refusal.Errorf(
			refusal.Invalid,
			"expires_at: is more than %s away, the cap set by %s",
			tenant.Spell(most),
			by,
		)
	default:
		return nil
	}
}
