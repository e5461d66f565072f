package apikey

import (
	"slices"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// hourly returns k after n rotations an hour apart, each of which ends the version before at once.
func hourly(k *Key, n int, seen UsageKnown) *Key {
	for range n {
		now := at(time.Duration(k.Newest().Number) * time.Hour)
		k = must(k.Rotate(Rotation{NewKeyID: id(k.Newest().Number + 1), Life: k.TTL, Seen: seen}, admin, now))
	}
	return k
}

// The time in which a key may go unused counts from the last use of a version that is on record no more, too: from the
// one that is known, or else from the latest that there may have been.
func TestUsesOfDroppedVersions(t *testing.T) {
	full := hourly(newKey(), KeptEnded, UsageKnown{})
	kept := hourly(full, 1, UsageKnown{Known: true, At: at(5 * time.Hour)})
	earlier := func(k *Key) { k.Versions, k.UsedAt = k.Versions[1:], time.Time{} } // by an engine that kept no uses
	for _, row := range []struct {
		name string
		k    *Key
		want time.Duration // after the start
	}{
		{"none is dropped", full, 0},
		{
			"none is dropped, and a use is known",
			hourly(newKey(), KeptEnded, UsageKnown{Known: true, At: at(30 * time.Minute)}), 0,
		},
		{"the last use is known", hourly(full, 1, UsageKnown{Known: true, At: at(30 * time.Minute)}), 30 * time.Minute},
		{"it is known that there was none", hourly(full, 1, UsageKnown{Known: true}), 0},
		{"nothing is known: the end of the version", hourly(full, 1, UsageKnown{}), time.Hour},
		{"the ends of several", hourly(full, 3, UsageKnown{}), 3 * time.Hour},
		{"a use that was kept before is later", hourly(kept, 1, UsageKnown{}), 5 * time.Hour},
		{"it stays when no later one is known", hourly(kept, 9, UsageKnown{Known: true}), 5 * time.Hour},
		{"dropped before uses were kept", deepWith(full, earlier), 20 * time.Hour},
		{"and some since", hourly(deepWith(full, earlier), 2, UsageKnown{Known: true}), 21 * time.Hour},
	} {
		p := Policy{Idle: 100 * day}
		if got := row.k.idleCheckAt(p); !got.Equal(at(row.want + 100*day)) {
			t.Errorf("%s: looked at %s, want %s", row.name, got, at(row.want+100*day))
		}
	}
	if !full.Full() || hourly(newKey(), KeptEnded-1, UsageKnown{}).Full() {
		t.Error("Full is not when a rotation drops versions")
	}
}

// While nobody knows when a key was used, its scheduled rotation does not take it for unused.
func TestScheduleKeepsUsesOfDroppedVersions(t *testing.T) {
	k := hourly(newKey(rotating), KeptEnded, UsageKnown{})
	const late = 200 * day // so that the newest version has ended, too
	for _, row := range []struct {
		name string
		care MaintainInput
		want time.Time
	}{
		{"known", MaintainInput{LastUsed: at(2 * time.Hour)}, at(2 * time.Hour)},
		{
			"a lost one may be later",
			MaintainInput{LastUsed: at(2 * time.Hour), MaybeUsed: at(3 * time.Hour)},
			at(3 * time.Hour),
		},
		{"not known", MaintainInput{UsageUnknown: true}, at(time.Hour)},
	} {
		row.care.Config, row.care.Tenant, row.care.NewKeyID = tenant.DefaultConfig(), acme(), id(99)
		c, did, err := k.Maintain(row.care, at(late))
		if err != nil || !did.Rotated || !c.UsedAt.Equal(row.want) {
			t.Errorf("%s: used %s, want %s; %v", row.name, c.UsedAt, row.want, err)
		}
	}
}

// While a tenant is not active the time of its keys does not run, and it begins anew when it is.
func TestIdleTimeWhileNotActive(t *testing.T) {
	resumed := acme()
	resumed.ResumedAt = at(15 * day)
	for name, row := range map[string]struct {
		of   *tenant.Tenant
		want time.Time
	}{
		"always active": {acme(), at(10 * day)},
		"suspended":     {suspended(), time.Time{}},
		"resumed":       {resumed, at(25 * day)},
	} {
		k := newKey(func(s *Settings) { s.Rules = Intern(Rules{IdleDisableAfter: 10 * day}) })
		c := tenant.DefaultConfig()
		if got := k.idleCheckAt(k.Policy(c, row.of)); !got.Equal(row.want) {
			t.Errorf("%s: looked at %s, want %s", name, got, row.want)
		}
		for _, now := range []time.Time{at(10*day - 1), at(10 * day), at(25*day - 1), at(25 * day)} {
			tended, _, err := k.Maintain(MaintainInput{Config: c, Tenant: row.of}, now)
			must(tended, err)
			want := !row.want.IsZero() && !now.Before(row.want)
			if got := tended.State() == Disabled; got != want || k.IdleCheckDue(k.Policy(c, row.of), now) != want {
				t.Errorf("%s: at %s it is %s", name, now, tended.State())
			}
		}
	}
}

// A report holds against a key what is on its record of uses.
func TestReportsOfDroppedUses(t *testing.T) {
	used := hourly(newKey(), KeptEnded+1, UsageKnown{Known: true, At: at(time.Hour)})
	never := hourly(newKey(), KeptEnded+1, UsageKnown{Known: true})
	for _, row := range []struct {
		name  string
		k     *Key
		after time.Duration
		want  []string
	}{
		{"used", used, 60 * day, nil},
		{"used long ago", used, 100 * day, []string{"idle"}},
		{"never used", never, 60 * day, []string{"never_used"}},
	} {
		broken := row.k.Broken(MaintainInput{Config: tenant.DefaultConfig(), Tenant: acme()}, at(row.after))
		broken = slices.DeleteFunc(broken, func(rule string) bool { return rule != "idle" && rule != "never_used" })
		if !slices.Equal(broken, row.want) {
			t.Errorf("%s: %v, want %v", row.name, broken, row.want)
		}
	}
}

// What lists show is a use that is known: of a version on record, or of one that was dropped. A time after which there
// was none is none.
func TestUsesThatAreShown(t *testing.T) {
	used := func(in time.Duration) UsageKnown { return UsageKnown{true, at(in), at(in)} }
	maybe := func(in time.Duration) UsageKnown { return UsageKnown{Known: true, At: at(in)} }
	full := hourly(newKey(), KeptEnded, UsageKnown{})
	idle := newKey(func(s *Settings) { s.Rules = Intern(Rules{IdleDisableAfter: 10 * day}) })
	looked := func(c MaintainInput) *Key {
		c.Config, c.Tenant = tenant.DefaultConfig(), acme()
		k, _, err := idle.Maintain(c, at(12*day))
		return must(k, err)
	}
	for _, row := range []struct {
		name string
		k    *Key
		last time.Duration // of the versions on record; 0: none
		want time.Duration
	}{
		{"none is dropped", full, 0, 0},
		{"none is dropped, one is on record", full, time.Hour, time.Hour},
		{"a dropped one", hourly(full, 1, used(5*time.Hour)), 0, 5 * time.Hour},
		{"a later one on record", hourly(full, 1, used(5*time.Hour)), 6 * time.Hour, 6 * time.Hour},
		{"an earlier one on record", hourly(full, 1, used(5*time.Hour)), 4 * time.Hour, 5 * time.Hour},
		{"there was none", hourly(full, 1, UsageKnown{Known: true}), 0, 0},
		{"a time that may be one", hourly(full, 1, maybe(5*time.Hour)), 0, 0},
		{"nothing is known", hourly(full, 1, UsageKnown{}), 0, 0},
		{
			"known before, and nothing later", hourly(hourly(full, 1, used(5*time.Hour)), 1, UsageKnown{Known: true}),
			0, 5 * time.Hour,
		},
		{
			"known before, and perhaps a later one", hourly(hourly(full, 1, used(5*time.Hour)), 1, maybe(9*time.Hour)),
			0, 0,
		},
		{"found by a look", looked(MaintainInput{LastUsed: at(11 * day)}), 0, 11 * day},
		{"perhaps one, by a look", looked(MaintainInput{LastUsed: at(1 * day), MaybeUsed: at(11 * day)}), 0, 0},
	} {
		last, want := time.Time{}, time.Time{}
		if row.last > 0 {
			last = at(row.last)
		}
		if row.want > 0 {
			want = at(row.want)
		}
		if got := row.k.LastKnownUse(last); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", row.name, got, want)
		}
	}
	soon := UsageKnown{
		true,
		start.Truncate(time.Minute),
		start.Truncate(time.Minute),
	} // in the minute in which the key was made
	k := hourly(deepWith(full, func(k *Key) { k.CreatedAt = start.Add(time.Second) }), 1, soon)
	if got := k.LastKnownUse(time.Time{}); !got.Equal(k.CreatedAt) {
		t.Errorf("used in its first minute: %s", got)
	}
}
