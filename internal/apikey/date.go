package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// CheckDate refuses a date that has passed at now, that lies beyond a cap, or that leaves the schedule no time. The
// refusal names the cap.
func (s *Settings) CheckDate(kind Kind, c *tenant.Config, t *tenant.Tenant, now time.Time) error {
	date := s.Date.Get()
	life := date.Sub(second(now))
	switch most, by := maxTTL(kind, c, t); {
	case date.IsZero():
		return nil
	//mutate:false "first versions that have ended before they begin" TestDatesOfNewKeys
	case life <= 0:
		return refusal.Errorf(refusal.Invalid, "expires_at: has passed; give a time that is to come, or leave it out")
	//mutate:false "dates beyond a cap" TestDatesOfNewKeys
	case life > most:
		return refusal.Errorf(
			refusal.Invalid, "expires_at: is more than %s away, the cap set by %s", tenant.Spell(most), by,
		)
	case s.AutoRotate && life < 2*c.MinOverlap:
		return refusal.Errorf(
			refusal.Invalid, "expires_at: with auto_rotate it is at least twice config min_overlap away, %s",
			tenant.Spell(2*c.MinOverlap),
		)
	default:
		return nil
	}
}
