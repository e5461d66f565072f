package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// RevealRetry is how long the same caller may repeat the same reveal, for an answer lost
// on its way.
const RevealRetry = 60 * time.Second

// Revealed returns k after its current secret was handed to by, and that version; k
// itself when the same caller repeats the request it calls requestID. Used reports
// whether the version has been used since: then a repetition is refused, for the answer
// did arrive somewhere. Sealed says that nobody but a recipient can read the answer.
func (k *Key) Revealed(
	t *tenant.Tenant,
	requestID string,
	sealed bool,
	used func(keyID string) bool,
	by Actor,
	now time.Time,
) (*Key, *Version, error) {
	if err := k.mayReveal(t, now); err != nil {
		return nil, nil, err
	}
	v := k.Newest()
	//mutate:false "a secret never handed out" TestRevealNever
	if k.Reveal == RevealNever {
		return nil, nil, refusal.Errorf(
			refusal.Invalid,
			"reveal: this key's secret is never handed out; have Vault sign with it, or hand it over to the key's "+
				"recipients",
		)
	}
	//mutate:false "a secret handed out twice" TestRevealOnceMayBeRepeatedByTheSameRequestAlone
	if k.Reveal == RevealOnce && !v.RevealedAt.IsZero() {
		if v.RevealedTo.same(Actor{by.EntityID, by.Accessor, requestID}) && now.Before(v.RevealedAt.Add(RevealRetry)) &&
			!used(v.KeyID) {
			return k, v, nil
		}
		return nil, nil, refusal.Errorf(refusal.Conflict,
			"reveal: version %s was revealed at %s and reveal=once; rotate to get a new one",
			v.KeyID, v.RevealedAt.Format(time.RFC3339))
	}
	return k.markRevealed(requestID, sealed, by, now)
}

// Fetched returns k after its current secret was read by an app, and that version; k
// itself when somebody had it before. Only keys with reveal=always are fetched.
func (k *Key) Fetched(t *tenant.Tenant, by Actor, now time.Time) (*Key, *Version, error) {
	if k.Reveal != RevealAlways {
		return nil, nil, refusal.Errorf(
			refusal.Invalid,
			"reveal: static-creds need a key with reveal=always; this one has reveal=%s",
			k.Reveal,
		)
	}
	if err := k.mayReveal(t, now); err != nil {
		return nil, nil, err
	}
	if v := k.Newest(); !v.RevealedAt.IsZero() {
		return k, v, nil
	}
	return k.markRevealed("", false, by, now)
}

// HandedOver returns k after its current secret was given out sealed to its recipients,
// and that version; k itself when that has happened before. It may be repeated: nobody
// else can read what is given.
func (k *Key) HandedOver(t *tenant.Tenant, by Actor, now time.Time) (*Key, *Version, error) {
	if k.Rules.Get().Recipients == "" {
		return nil, nil, refusal.Errorf(
			refusal.Invalid,
			"recipients: the key has none to seal to; write recipients first",
		)
	}
	if err := k.mayReveal(t, now); err != nil {
		return nil, nil, err
	}
	v := k.Newest()
	if !v.Marks.Get().HandedOverAt.IsZero() {
		return k, v, nil
	}
	c := k.edit()
	v = c.Newest()
	v.setFlags(func(m *VersionFlags) { m.HandedOverAt = second(now) })
	c.record(second(now), by, "handover", v.KeyID, "")
	return c, v, nil
}

func (k *Key) markRevealed(requestID string, sealed bool, by Actor, now time.Time) (*Key, *Version, error) {
	c := k.edit()
	v := c.Newest()
	v.RevealedAt, v.RevealedTo = second(now), &Actor{by.EntityID, by.Accessor, requestID}
	v.setFlags(func(m *VersionFlags) { m.SealedOnly = sealed && (m.SealedOnly || k.Newest().RevealedAt.IsZero()) })
	c.record(v.RevealedAt, by, "reveal", v.KeyID, "")
	return c, v, nil
}

// mayReveal refuses to hand out a secret that would not work.
func (k *Key) mayReveal(t *tenant.Tenant, now time.Time) error {
	verdict := k.standingAt(k.Newest(), t, nil, now)
	//mutate:true "handing over what would not verify" TestRevealOfWhatWouldNotVerify
	if verdict == Valid {
		return nil
	}
	return Refuse(verdict)
}

// Refuse returns the refusal of an operation that only works on what would verify. Its
// text begins with the verdict's name.
func Refuse(verdict Verdict) error {
	next := map[Verdict]string{
		TenantSuspended: "the tenant is suspended by the provider; reading the tenant says why",
		VerdictRevoked: "the current version is revoked; rotate to get a new one, or make a new key if the whole " +
			"key is revoked",
		VerdictDisabled: "the key or its current version is disabled or deleted; enable or restore it first",
		VerdictExpired:  "the current version has expired; rotate to get a new one",
	}[verdict]
	return refusal.Errorf(refusal.Invalid, "%s: %s", verdict, next)
}

// same reports whether a is the same caller repeating the same request. A request
// without an ID of the caller's own cannot be told from another.
func (a *Actor) same(b Actor) bool {
	return a != nil && a.RequestID != "" && a.RequestID == b.RequestID && a.EntityID == b.EntityID &&
		a.Accessor == b.Accessor
}
