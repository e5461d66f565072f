package apikey

import (
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

func dated(end time.Time) setting {
	return func(s *Settings) { s.Date = Intern(end) }
}

// A date is the end of the first version, within the caps. Of the schedule, it leaves what a ttl has to leave.
func TestDatesOfNewKeys(t *testing.T) {
	const taken = ""
	for _, row := range []struct {
		name   string
		s      Settings
		refuse string
	}{
		{"none", settings(), taken},
		{"sooner than the ttl", settings(dated(at(day))), taken},
		{"later than the ttl", settings(dated(at(300 * day))), taken},
		{"the next second", settings(dated(at(time.Second))), taken},
		{"now", settings(dated(start)), "expires_at: has passed"},
		{"before", settings(dated(at(-day))), "expires_at: has passed"},
		{"at the cap", settings(dated(at(365 * day))), taken},
		{"beyond the cap", settings(dated(at(365*day + time.Second))), "expires_at: is more than 365d away, the cap " +
			"set by config external_max_ttl"},
		{"by schedule", settings(rotating, dated(at(20*time.Minute))), taken},
		{
			"too soon for the schedule", settings(rotating, dated(at(20*time.Minute-time.Second))),
			"expires_at: with auto_rotate it is at least twice config min_overlap away, 20m",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			now := start.Add(999 * time.Millisecond) // keys are made at whole seconds
			if err := row.s.CheckDate(External, tenant.DefaultConfig(), acme(), now); row.refuse != taken {
				refusedAs(t, err, refusal.Invalid, row.refuse)
				return
			} else if err != nil {
				t.Fatal(err)
			}
			k := New(Ref{Tenant: "acme", Kind: External, Name: "billing"}, "uid", row.s, id(1), admin, now)
			want := row.s.Date.Get()
			if want.IsZero() {
				want = at(row.s.TTL)
			}
			if got := k.Newest().ExpiresAt; !got.Equal(want) {
				t.Errorf("ends %s, want %s", got, want)
			}
			if next := rotated(k, 1, at(time.Second)).Newest(); !next.ExpiresAt.Equal(at(time.Second + row.s.TTL)) {
				t.Errorf("the next version ends %s, and not after its ttl", next.ExpiresAt)
			}
		})
	}
}

// A window cuts a date as it cuts a life. What was given is kept as it was given.
func TestWindowsCutDates(t *testing.T) {
	k := newKey(dated(at(60*day)), func(s *Settings) { s.Rules = Intern(Rules{Window: "Mon 09:00-10:00 UTC"}) })
	want := time.Date(2026, 3, 16, 10, 0, 0, 0, time.UTC)
	if got := k.Newest().ExpiresAt; !got.Equal(want) || !k.Date.Get().Equal(at(60*day)) {
		t.Errorf("ends %s, want %s; given %s", got, want, k.Date.Get())
	}
}

// Changes leave the date as it is. A change of it names the ways to move a version's end.
func TestDatesStay(t *testing.T) {
	other := func(k *Key, date time.Time) Settings {
		s := k.Settings
		s.Date, s.Description = Intern(date), "changed"
		return s
	}
	undated, with := newKey(), newKey(dated(at(30*day)))
	for _, k := range []*Key{undated, with} {
		c := must(k.Change(other(k, k.Date.Get()), admin, start))
		if c.Date != k.Date || c.Description != "changed" || c.Newest().ExpiresAt != k.Newest().ExpiresAt {
			t.Errorf("changed to %+v", c.Settings)
		}
	}
	for name, row := range map[string]struct {
		k      *Key
		date   time.Time
		refuse string
	}{
		"another":                {with, at(31 * day), "expires_at: cannot change, it is 2026-02-14T10:00:00Z"},
		"none":                   {with, time.Time{}, "expires_at: cannot change, it is 2026-02-14T10:00:00Z"},
		"one for a key without":  {undated, at(31 * day), "expires_at: is taken when a key is made"},
		"another, deleted first": {must(with.Delete(admin, start)), at(31 * day), "deleted"},
	} {
		c, err := row.k.Change(other(row.k, row.date), admin, start)
		if refusedAs(t, err, refusal.Invalid, row.refuse); c != nil {
			t.Errorf("%s: done", name)
		}
	}
}
