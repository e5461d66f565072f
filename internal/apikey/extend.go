package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Extend returns k with the end of one version moved to end, for a holder who has not switched to the next
// version yet. The new end is at most the old one plus most. A version can be extended once, and not after
// it has ended.
func (k *Key) Extend(
	keyID string,
	end time.Time,
	most time.Duration,
	reason string,
	by Actor,
	now time.Time,
) (*Key, error) {
	if err := k.writable(); err != nil {
		return nil, err
	}
	c := k.edit()
	v, err := c.pick(keyID)
	if err != nil {
		return nil, err
	}
	end = k.Window().Cut(v.ExpiresAt, second(end))
	if err := v.mayExtend(end, most, now); err != nil {
		return nil, err
	}
	at := second(now)
	v.ExpiresAt = end
	v.setFlags(func(m *VersionFlags) { m.ExtendedAt = at })
	c.record(at, by, "extend", keyID, reason)
	return c, nil
}

func (v *Version) mayExtend(end time.Time, most time.Duration, now time.Time) error {
	extended := v.Marks.Get().ExtendedAt
	switch latest := v.ExpiresAt.Add(most); {
	case !v.RevokedAt.IsZero():
		return refusal.Errorf(refusal.Invalid, "revoked: version %s is revoked for good", v.KeyID)
	case v.ExpiresAt.IsZero():
		return refusal.Errorf(refusal.Invalid, "expires_at: version %s does not expire", v.KeyID)
	case v.expired(now):
		return refusal.Errorf(
			refusal.Invalid,
			"expired: version %s ended at %s and cannot be extended; rotate to get a new one",
			v.KeyID,
			v.ExpiresAt.Format(time.RFC3339),
		)
	case !extended.IsZero():
		return refusal.Errorf(
			refusal.Invalid,
			"expires_at: version %s was already extended at %s; a version can be extended once",
			v.KeyID,
			extended.Format(time.RFC3339),
		)
	case !end.After(v.ExpiresAt):
		return refusal.Errorf(
			refusal.Invalid,
			"expires_at: must be later than it is, which is %s",
			v.ExpiresAt.Format(time.RFC3339),
		)
	case end.After(latest):
		return refusal.Errorf(
			refusal.Invalid,
			"expires_at: may be %s at the latest (config max_extension)",
			latest.Format(time.RFC3339),
		)
	default:
		return nil
	}
}
