package apikey

import (
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

func ending(at time.Time) Ending { return Ending{At: at, Field: "expires_at", Reason: "they are done"} }

func TestExpire(t *testing.T) {
	window := func(s *Settings) { s.Rules = Intern(Rules{Window: "Mon 09:00-10:00 UTC"}) }
	k := rotated(newKey(window, overlap(30*day)), 1, at(day))
	for n, end := range map[int]time.Time{1: at(3*day + time.Second), 2: at(4*day + time.Minute)} {
		c := must(k.Expire(id(n), ending(end), admin, at(2*day)))
		v := c.Version(id(n))
		if v.ExpiresAt != end || v.Marks.Get().ShortenedAt != at(2*day) || c.Revision != k.Revision+1 {
			t.Errorf("ends %s, moved %s, revision %d", v.ExpiresAt, v.Marks.Get().ShortenedAt, c.Revision)
		}
		if other := id(3 - n); c.Version(other).ExpiresAt != k.Version(other).ExpiresAt {
			t.Errorf("the other version ends %s", c.Version(other).ExpiresAt)
		}
		last := c.History[len(c.History)-1]
		if last.Operation != "expire" || last.KeyID != id(n) || last.Reason != "they are done" {
			t.Errorf("history: %+v", last)
		}
		if s := c.VersionState(v, end); s != Expired || c.VersionState(v, end.Add(-time.Second)) == Expired {
			t.Errorf("at its new end: %s", s)
		}
		if at := c.eraseAt(v, retention); at != end.Add(retention) {
			t.Errorf("its secret is erased at %s", at)
		}
	}
	// Now is this very moment, also for a version that is disabled, or would never end.
	for _, k := range []*Key{newKey(), newKey(living(0)), must(newKey().Disable("", "", admin, start))} {
		c := must(k.Expire(id(1), ending(start), admin, start.Add(999*time.Millisecond)))
		if c.Current(start) != nil || c.Live(start) != 0 {
			t.Error("it goes on")
		}
	}
	// Twice is earlier twice, and extend may follow.
	again := must(must(newKey().Expire(id(1), ending(at(3*day)), admin, start)).
		Expire(id(1), ending(at(2*day)), admin, start))
	later := must(again.Extend(id(1), at(9*day), extension, "", admin, start))
	if got := later.Newest().ExpiresAt; got != at(9*day) {
		t.Errorf("extended to %s", got)
	}
}

// What is done already is not done again: a retry finds it so, and writes nothing.
func TestExpireAgain(t *testing.T) {
	soon := must(newKey().Expire(id(1), ending(at(day)), admin, start))
	for name, row := range map[string]struct {
		end, now time.Time
	}{
		"to the same end":            {at(day), at(time.Hour)},
		"to the end that has passed": {at(day), at(2 * day)},
		"now, after the end":         {at(2 * day), at(2 * day)},
		"now, at the end":            {at(day), at(day)},
	} {
		if c := must(soon.Expire(id(1), ending(row.end), admin, row.now)); c != soon {
			t.Errorf("%s: changed", name)
		}
	}
}

func TestExpireIsRefused(t *testing.T) {
	k := newKey()
	ended := must(k.Expire(id(1), ending(at(day)), admin, start))
	for _, row := range []struct {
		name  string
		k     *Key
		keyID string
		end   time.Time
		now   time.Time
		kind  error
		about string
	}{
		{"later", k, id(1), at(90*day + time.Second), start, refusal.Invalid, "expires_at: is later than 2026-04-15"},
		{"later than before", ended, id(1), at(2 * day), start, refusal.Invalid, "expires_at: is later than"},
		{"in the past", k, id(1), at(-time.Second), start, refusal.Invalid, "expires_at: has passed; give in=0"},
		{"after its end", ended, id(1), at(3 * day), at(2 * day), refusal.Invalid, "expires_at: version"},
		{"after its end, earlier", ended, id(1), at(time.Hour), at(2 * day), refusal.Invalid, "expires_at: has passed"},
		{"no such version", k, id(9), at(day), start, refusal.NotFound, "key_id"},
		{
			"a revoked version", must(rotated(k, 1, start).Revoke(id(1), "", admin, start)), id(1), at(day), start,
			refusal.Invalid, "revoked",
		},
		{"a revoked key", must(k.Revoke("", "", admin, start)), id(1), at(day), start, refusal.Invalid, "revoked"},
		{"a deleted key", must(k.Delete(admin, start)), id(1), at(day), start, refusal.Invalid, "deleted"},
	} {
		c, err := row.k.Expire(row.keyID, ending(row.end), admin, row.now)
		if c != nil {
			t.Errorf("%s: done", row.name)
		}
		refusedAs(t, err, row.kind, row.about)
	}
}

// The schedule follows the end, and makes the successor at once where there is no time left. That is not late.
func TestExpireOfARotatingKey(t *testing.T) {
	k := newKey(rotating)
	for _, row := range []struct{ end, next time.Duration }{
		{60 * day, 0}, // by the overlap and the spread before the end
		{31 * day, 30 * day},
		{30 * day, 30 * day},
	} {
		c := must(k.Expire(id(1), ending(at(row.end)), admin, at(30*day)))
		next := at(row.next)
		if row.next == 0 {
			next = k.NextRotation().Add(at(row.end).Sub(k.Newest().ExpiresAt))
		}
		if got := c.NextRotation(); !got.Equal(next) {
			t.Errorf("end after %s: rotates %s, want %s", row.end, got, next)
		}
		if c.RotationLate(next.Add(time.Minute)) {
			t.Errorf("end after %s: late from the start", row.end)
		}
	}
}
