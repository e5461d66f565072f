package apikey

import (
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// MaintainInput is what the sweep knows when it maintains a key.
type MaintainInput struct {
	Config       *tenant.Config
	Tenant       *tenant.Tenant
	LastUsed     time.Time // last known use of any version; zero: none
	MaybeUsed    time.Time // a later use whose record was lost may be as late as this; zero: none was lost
	UsageUnknown bool      // the uses are not known, so the key is not judged by them
	NewKeyID     string    // for the next version, if one is due
}

// used returns when the key may have been used last; zero: never.
func (c MaintainInput) used() time.Time {
	//mutate:false "idle keys whose last use is not known" ./backend TestUnloadingThatCannotWrite
	if c.MaybeUsed.After(c.LastUsed) {
		return c.MaybeUsed
	}
	return c.LastUsed
}

// Maintained says what Maintain did to a key.
type Maintained struct {
	Rotated, Disabled bool
	Late              bool // the rotation was late
	Erased            int  // number of secrets
}

// Maintain returns k after everything that is due at now: it rotates the key, disables an unused key, and
// erases secrets whose retention has passed. It returns k itself if nothing is due. No limit stops a rotation
// that is due. If several rotations were missed, it makes one.
func (k *Key) Maintain(c MaintainInput, now time.Time) (*Key, Maintained, error) {
	p, did := k.Policy(c.Config, c.Tenant), Maintained{}
	maintained := k
	if !c.UsageUnknown {
		maintained = k.disableIdle(p, c, now)
	}
	did.Disabled = maintained.State() != k.State()
	if !p.Paused && maintained.RotationDue(now) {
		life, _ := k.Life(c.Config, c.Tenant)
		late := maintained.late(now)
		var err error
		maintained, err = maintained.Rotate(Rotation{
			NewKeyID:     c.NewKeyID,
			Overlap:      k.Overlap,
			LeastOverlap: LeastOverlap(c.Config),
			Life:         life,
			Reason:       "scheduled",
			Seen:         UsageKnown{!c.UsageUnknown, c.used(), c.LastUsed},
		}, Actor{}, now)
		if err != nil {
			return nil, Maintained{}, err
		}
		maintained.RotatedLate = late // nobody else has it yet
		did.Rotated, did.Late = true, late
	}
	erased := maintained.Erase(p.Retention, now)
	for i := range erased.Versions {
		if erased.Versions[i].Secret.Erased() && !maintained.Versions[i].Secret.Erased() {
			did.Erased++
		}
	}
	return erased, did, nil
}

// Overdue reports whether Maintain would do anything at now.
func (k *Key) Overdue(c MaintainInput, now time.Time) bool {
	maintained, _, err := k.Maintain(c, now)
	return err != nil || maintained != k
}

// A failed rotation is tried again after a minute, then after twice as long each time, up to an hour.
const (
	retryFirst = time.Minute
	retryMost  = time.Hour
	maxFailure = 256 // bytes of the error that are kept
)

// Backoff returns how long to wait after the n-th failure in a row.
func Backoff(n int) time.Duration {
	if n > 6 {
		return retryMost
	}
	return retryFirst << max(0, n-1)
}

// Waiting reports whether the next try is not due before until. A time further off than the longest wait was
// set by a clock that has since been set back, and does not count.
func Waiting(until, now time.Time) bool {
	return now.Before(until) && !until.After(now.Add(retryMost))
}

func (f *Failure) retryAt() time.Time {
	if f == nil {
		return time.Time{}
	}
	return f.RetryAt
}

// RotationFailed returns k with the reason why the due rotation failed, and the time of the next try.
func (k *Key) RotationFailed(why error, now time.Time) *Key {
	c := k.edit()
	text := refusal.PublicText(why, "storage has failed; the server's log says how")
	if len(text) > maxFailure {
		text = strings.ToValidUTF8(text[:maxFailure], "")
	}
	n := 1
	if k.Failed != nil {
		n = k.Failed.Count + 1
	}
	c.Failed = &Failure{Error: text, Count: n, RetryAt: second(now.Add(Backoff(n)))}
	return c
}
