package apikey

import (
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

func windowed(w Window) setting { return func(s *Settings) { s.Rules = Intern(Rules{Window: w}) } }

// A version ends in the window where that leaves half of its life and twice the overlap, and else when its life is
// over. It begins on a Thursday, at 10:00 UTC.
func TestWindowsLeaveHalfOfALife(t *testing.T) {
	for _, row := range []struct {
		name      string
		window    Window
		ttl, lap  time.Duration
		want      time.Duration
		isInHours bool
	}{
		{"its end is in the window", "Sun 02:00-11:00 UTC", 3 * day, 0, 3 * day, true},
		{"the window is in the last hours", "Sun 02:00-03:00 UTC", 3 * day, 0, 2*day + 17*time.Hour, true},
		{"just after half of the life", "Fri 20:00-22:01 UTC", 3 * day, 0, 36*time.Hour + time.Minute, true},
		{"just at half of the life", "Fri 20:00-22:00 UTC", 3 * day, 0, 3 * day, false},
		{"in the first half", "Thu 09:00-16:00 UTC", 3 * day, 0, 3 * day, false},
		{"seconds after the beginning", "Thu 09:00-10:01 UTC", 3 * day, 0, 3 * day, false},
		{"the last one that there was", "Mon-Sun 11:00-12:00 UTC", 3 * day, 0, 2*day + 2*time.Hour, true},
		{"a life shorter than it takes to the window", "Fri 09:00-16:00 UTC", time.Hour, 0, time.Hour, false},
		{"just after twice the overlap", "Sat 09:00-10:01 UTC", 3 * day, day, 2*day + time.Minute, true},
		{"within twice the overlap", "Sat 09:00-10:00 UTC", 3 * day, day, 3 * day, false},
		{"an overlap of half of the life", "Sun 02:00-09:59 UTC", 3 * day, 36 * time.Hour, 3 * day, false},
	} {
		k := newKey(living(row.ttl), overlap(row.lap), windowed(row.window))
		got := k.Newest().ExpiresAt
		if !got.Equal(at(row.want)) || k.Window().Holds(got) != row.isInHours {
			t.Errorf("%s: ends after %s, want %s", row.name, got.Sub(start), row.want)
		}
		next := rotated(k, 1, start).Newest().ExpiresAt
		if !next.Equal(at(row.want)) {
			t.Errorf("%s: its successor ends after %s, want %s", row.name, next.Sub(start), row.want)
		}
	}
}

// Older versions keep an end that comes no later after the overlap than by the schedule's spread. Else they end in
// the window where that leaves half of the overlap and the least that was asked for, and else when the overlap is
// over. A given overlap is the most. The rotation is on a Thursday, at 10:00 UTC.
func TestWindowsLeaveHalfOfAnOverlap(t *testing.T) {
	const forever = 0
	for _, row := range []struct {
		name       string
		window     Window
		own        time.Duration // when the version would end
		lap, least time.Duration
		given      bool
		want       time.Duration
	}{
		{"its own end is before", "Thu 09:00-16:00 UTC", 5 * day, 10 * day, 0, false, 5 * day},
		{"and where it was given", "Thu 09:00-16:00 UTC", 5 * day, 10 * day, 0, true, 5 * day},
		{"its own end is a spread after", "Thu 09:00-16:00 UTC", 11 * day, 10 * day, 0, false, 11 * day},
		{
			"and a second after that, for what is rounded", "Thu 09:00-16:00 UTC", 11*day + time.Second, 10 * day, 0,
			false, 11*day + time.Second,
		},
		{"and more", "Thu 09:00-16:00 UTC", 11*day + 2*time.Second, 10 * day, 0, false, 7*day + 6*time.Hour},
		{
			"its own end is a spread after a given one", "Thu 09:00-16:00 UTC", 11 * day, 10 * day, 0, true,
			7*day + 6*time.Hour,
		},
		{"no expiry", "Thu 09:00-16:00 UTC", forever, 10 * day, 0, false, 7*day + 6*time.Hour},
		{"the overlap ends in the window", "Sun 09:00-16:00 UTC", 90 * day, 10 * day, 0, false, 10 * day},
		{"half is left, and a minute", "Tue 09:00-10:01 UTC", 90 * day, 10 * day, 0, false, 5*day + time.Minute},
		{"half is left, and no more", "Tue 09:00-10:00 UTC", 90 * day, 10 * day, 0, false, 10 * day},
		{"and of a given one", "Tue 09:00-10:00 UTC", 90 * day, 10 * day, 0, true, 10 * day},
		{"less is left", "Mon 09:00-16:00 UTC", 90 * day, 10 * day, 0, false, 10 * day},
		{
			"the least is left, and a minute", "Thu 10:00-10:11 UTC", 90 * day, 15 * time.Minute, 10 * time.Minute,
			true, 11 * time.Minute,
		},
		{
			"the least is left, and no more", "Thu 10:00-10:10 UTC", 90 * day, 15 * time.Minute, 10 * time.Minute, true,
			15 * time.Minute,
		},
		{
			"the overlap is less than the least", "Thu 10:00-10:04 UTC", 90 * day, 5 * time.Minute, 10 * time.Minute,
			true, 5 * time.Minute,
		},
		{"none is given", "Thu 09:00-16:00 UTC", 90 * day, 0, 10 * time.Minute, true, 0},
		{"none is given, before the window", "Thu 11:00-16:00 UTC", 90 * day, 0, 10 * time.Minute, true, 0},
		{"no window", "", 11 * day, 10 * day, 0, false, 10 * day},
	} {
		k := newKey(windowed(row.window))
		k.Versions[0].ExpiresAt = time.Time{}
		if row.own != forever {
			k.Versions[0].ExpiresAt = at(row.own)
		}
		c := must(
			k.Rotate(
				Rotation{
					NewKeyID:     id(2),
					Overlap:      row.lap,
					OverlapGiven: row.given,
					LeastOverlap: row.least,
					Life:         day,
				},
				admin,
				start,
			),
		)
		if got := c.Versions[0].ExpiresAt; !got.Equal(at(row.want)) {
			t.Errorf("%s: ends after %s, want %s", row.name, got.Sub(start), row.want)
		}
	}
}

// What a window leaves of an overlap is enough for the mount and for whoever reads again when told.
func TestLeastOverlap(t *testing.T) {
	for _, row := range []struct{ min, reread, want time.Duration }{
		{10 * time.Minute, 5 * time.Minute, 10 * time.Minute},
		{time.Minute, 30 * time.Second, 150 * time.Second},
		{time.Minute, time.Hour, 150 * time.Second}, // half of min_overlap holds
	} {
		c := tenant.DefaultConfig()
		c.MinOverlap, c.StaticTTL = row.min, row.reread
		if got := LeastOverlap(c); got != row.want {
			t.Errorf("min_overlap %s, static_ttl %s: %s, want %s", row.min, row.reread, got, row.want)
		}
	}
}
