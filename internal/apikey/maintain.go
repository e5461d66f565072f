package apikey

import (
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// MaintainInput is what the sweep brings along to look after a key.
type MaintainInput struct {
	Config       *tenant.Config
	Tenant       *tenant.Tenant
	LastUsed     time.Time // of any version; zero: no use is known
	MaybeUsed    time.Time // a later use, which nobody knows of any more, may have been as late; zero: there was none
	UsageUnknown bool      // nothing is known of when it was used, and nothing is done about that
	NewKeyID     string    // for the next version, should one be due
}

// used returns when the key may have been used last; zero: never.
func (c MaintainInput) used() time.Time {
	//mutate:false "idle keys whose last use is not known" ./backend TestUnloadingThatCannotWrite
	if c.MaybeUsed.After(c.LastUsed) {
		return c.MaybeUsed
	}
	return c.LastUsed
}

// Maintained says what was done about a key.
type Maintained struct {
	Rotated, Disabled bool
	Late              bool // the rotation was
	Erased            int  // secrets
}

// Maintain returns k after all that is due at now: rotated, disabled for not being used,
// without the secrets whose retention has passed. It is k itself when nothing is. A limit
// never stops a rotation that is due, and however many were missed, one is made.
func (k *Key) Maintain(c MaintainInput, now time.Time) (*Key, Maintained, error) {
	p, did := k.Policy(c.Config, c.Tenant), Maintained{}
	tended := k
	if !c.UsageUnknown {
		tended = k.disableIdle(p, c, now)
	}
	did.Disabled = tended.State() != k.State()
	if !p.Paused && tended.RotationDue(now) {
		life, _ := k.Life(c.Config, c.Tenant)
		late := tended.late(now)
		var err error
		tended, err = tended.Rotate(Rotation{
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
		tended.RotatedLate = late // nobody else has it yet
		did.Rotated, did.Late = true, late
	}
	erased := tended.Erase(p.Retention, now)
	for i := range erased.Versions {
		if erased.Versions[i].Secret.Erased() && !tended.Versions[i].Secret.Erased() {
			did.Erased++
		}
	}
	return erased, did, nil
}

// Overdue reports whether Maintain would do anything at now.
func (k *Key) Overdue(c MaintainInput, now time.Time) bool {
	tended, _, err := k.Maintain(c, now)
	return err != nil || tended != k
}

// Retries of a rotation that has failed: a minute later, then twice as late each time, up
// to an hour.
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

// Waiting reports whether what has failed is to be left alone until a time. One further off
// than any retry is of a clock that was set back since, and does not count.
func Waiting(until, now time.Time) bool {
	return now.Before(until) && !until.After(now.Add(retryMost))
}

func (f *Failure) retryAt() time.Time {
	if f == nil {
		return time.Time{}
	}
	return f.RetryAt
}

// RotationFailed returns k with the reason why the rotation that is due has not happened,
// and when it is tried again.
func (k *Key) RotationFailed(why error, now time.Time) *Key {
	c := k.edit()
	text := refusal.Told(why, "storage has failed; the server's log says how")
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
