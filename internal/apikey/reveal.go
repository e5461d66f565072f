package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// RevealRetry is how long the same caller may repeat the same reveal, in case the answer was lost.
const RevealRetry = 60 * time.Second

// Revealed returns k after by has fetched its current secret, and that version. It returns k itself if the same
// caller repeats the request with the same requestID. used reports whether the version has been used since;
// then the repetition is refused, because the first answer arrived. sealed says that only a recipient can read
// the answer.
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
		if v.RevealedTo.Get().same(by.as(requestID)) && now.Before(v.RevealedAt.Add(RevealRetry)) &&
			!used(v.KeyID) {
			return k, v, nil
		}
		return nil, nil, refusal.Errorf(refusal.Conflict,
			"reveal: version %s was revealed at %s and reveal=once; rotate to get a new one",
			v.KeyID, v.RevealedAt.Format(time.RFC3339))
	}
	return k.markRevealed(requestID, sealed, by, now)
}

// Fetched returns k after an app has read its current secret, and that version. It returns k itself if the
// secret was handed out before. Only keys with reveal=always can be fetched.
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

// HandedOver returns k after its current secret was handed out sealed to its recipients, and that version. It
// returns k itself if that has happened before. Repetitions are allowed, because only the recipients can read
// the answer.
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
	v.RevealedAt, v.RevealedTo = second(now), Intern(by.as(requestID))
	v.setFlags(func(m *VersionFlags) { m.SealedOnly = sealed && (m.SealedOnly || k.Newest().RevealedAt.IsZero()) })
	c.record(v.RevealedAt, by, "reveal", v.KeyID, "")
	return c, v, nil
}

// mayReveal refuses to hand out a secret that would not verify.
func (k *Key) mayReveal(t *tenant.Tenant, now time.Time) error {
	verdict := k.standingAt(k.Newest(), t, nil, now)
	//mutate:true "handing over what would not verify" TestRevealOfWhatWouldNotVerify
	if verdict == Valid {
		return nil
	}
	return Refuse(verdict)
}

// Refuse returns the error of an operation that needs a key that would verify. Its text begins with the
// verdict's name.
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

// same reports whether a is the same caller with the same request. Without a request ID, two requests cannot be
// told apart, and same is false.
func (a Actor) same(b Actor) bool {
	return a.RequestID != "" && a.RequestID == b.RequestID && a.EntityID == b.EntityID &&
		a.Accessor == b.Accessor
}
