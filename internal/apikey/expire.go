package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Ending says when a version is to end, and why.
type Ending struct {
	At     time.Time // a whole second
	Field  string    // what the caller gave it as, for refusals
	Reason string    // kept in the history
}

// Expire returns k with the end of one version moved earlier, exactly to e.At, whatever the window. It returns k
// itself if the version ends then already, or is to end now and has ended. A later end is refused, and so is one that
// has passed.
func (k *Key) Expire(keyID string, e Ending, by Actor, now time.Time) (*Key, error) {
	if err := k.writable(); err != nil {
		return nil, err
	}
	c := k.edit()
	v, err := c.pick(keyID)
	if err != nil {
		return nil, err
	}
	at := second(now)
	if err := v.mayExpire(e, at); err != nil {
		return nil, err
	}
	if v.ExpiresAt.Equal(e.At) || v.expired(at) {
		return k, nil
	}
	v.ExpiresAt = e.At
	v.setFlags(func(m *VersionFlags) { m.ShortenedAt = at })
	c.record(at, by, "expire", keyID, e.Reason)
	return c, nil
}

func (v *Version) mayExpire(e Ending, now time.Time) error {
	switch {
	case !v.RevokedAt.IsZero():
		return refusal.Errorf(refusal.Invalid, "revoked: version %s is revoked for good", v.KeyID)
	case v.ExpiresAt.Equal(e.At):
		return nil // what is done is not done again
	//mutate:false "ends that have passed" TestExpireIsRefused
	case e.At.Before(now):
		return refusal.Errorf(refusal.Invalid, "%s: has passed; give in=0 to end the version now", e.Field)
	case v.expired(now) && e.At.After(now):
		return refusal.Errorf(
			refusal.Invalid,
			"%s: version %s ended at %s, and lives no longer; rotate to get a new one",
			e.Field,
			v.KeyID,
			v.ExpiresAt.Format(time.RFC3339),
		)
	//mutate:false:3 "ends later than they are" TestExpireIsRefused
	case !v.expired(now) && !v.ExpiresAt.IsZero() && e.At.After(v.ExpiresAt):
		return refusal.Errorf(
			refusal.Invalid,
			"%s: is later than %s, when version %s ends; expire ends it earlier alone, and extend lets it live longer",
			e.Field,
			v.ExpiresAt.Format(time.RFC3339),
			v.KeyID,
		)
	default:
		return nil
	}
}
