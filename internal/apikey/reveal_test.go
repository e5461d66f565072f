package apikey

import (
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

func nobodyUsed(string) bool { return false }

func TestRevealOnceMayBeRepeatedByTheSameRequestAlone(t *testing.T) {
	taken, _, err := newKey().Revealed(acme(), "attempt-1", false, nobodyUsed, app, start)
	if err != nil {
		t.Fatal(err)
	}
	if v := taken.Newest(); v.RevealedAt != start || v.RevealedTo.Get() != app.as("attempt-1") {
		t.Errorf("revealed %s to %+v", v.RevealedAt, v.RevealedTo.Get())
	}
	other := func(change func(*Actor)) Actor { a := app; change(&a); return a }
	for _, row := range []struct {
		name  string
		id    string
		by    Actor
		after time.Duration
		used  bool
		again bool
	}{
		{"at once", "attempt-1", app, 0, false, true},
		{
			"Vault's own request ID differs", "attempt-1", other(func(a *Actor) { a.RequestID = "another" }), 0, false,
			true,
		},
		{"after 59.9 s", "attempt-1", app, 60*time.Second - 1, false, true},
		{"after 60 s", "attempt-1", app, 60 * time.Second, false, false},
		{"another name", "attempt-1", other(func(a *Actor) { a.Name = "other" }), 0, false, true},
		{"another id", "attempt-2", app, 0, false, false},
		{"no id", "", app, 0, false, false},
		{"another entity", "attempt-1", other(func(a *Actor) { a.EntityID = "entity-of-another" }), 0, false, false},
		{
			"another token of the same entity", "attempt-1", other(func(a *Actor) { a.Accessor = "accessor-3" }), 0,
			false, false,
		},
		{"after the first use", "attempt-1", app, 0, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			asked := ""
			used := func(keyID string) bool { asked = keyID; return row.used }
			k, v, err := taken.Revealed(acme(), row.id, false, used, row.by, at(row.after))
			if !row.again {
				refusedAs(t, err, refusal.Conflict, "reveal:")
				return
			}
			if err != nil || k != taken || v != taken.Newest() {
				t.Fatalf("a new key %t, %v", k != taken, err)
			}
			if asked != id(1) {
				t.Errorf("asked whether %q was used", asked)
			}
		})
	}
}

func TestRevealOnceWithoutAnIDCannotBeRepeated(t *testing.T) {
	taken, _, err := newKey().Revealed(acme(), "", false, nobodyUsed, app, start)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = taken.Revealed(acme(), "", false, nobodyUsed, app, start)
	refusedAs(t, err, refusal.Conflict, "reveal:")
}

func TestRevealOnceIsPerVersion(t *testing.T) {
	taken, _, err := newKey().Revealed(acme(), "", false, nobodyUsed, app, start)
	if err != nil {
		t.Fatal(err)
	}
	next := rotated(taken, 1, at(day))
	k, v, err := next.Revealed(acme(), "", false, nobodyUsed, app, at(day))
	if err != nil || v.KeyID != id(2) || v.RevealedAt != at(day) || k.Versions[0].RevealedAt != start {
		t.Errorf("%+v, %v", v, err)
	}
	lastChanges(t, k, "create", "reveal", "rotate", "reveal")
}

func TestRevealAlways(t *testing.T) {
	k := newKey(revealing(RevealAlways))
	for n := range 3 {
		var v *Version
		var err error
		if k, v, err = k.Revealed(acme(), "", false, nobodyUsed, app, at(time.Duration(n)*day)); err != nil {
			t.Fatal(err)
		}
		if v != k.Newest() || v.RevealedAt != at(time.Duration(n)*day) {
			t.Errorf("revealed %s", v.RevealedAt)
		}
	}
}

func TestRevealNever(t *testing.T) {
	_, _, err := newKey(revealing(RevealNever)).Revealed(acme(), "x", false, nobodyUsed, app, start)
	refusedAs(t, err, refusal.Invalid, "reveal:")
	_, _, err = leased().Revealed(acme(), "x", false, nobodyUsed, app, start)
	refusedAs(t, err, refusal.Invalid, "reveal:")
}

func TestFetched(t *testing.T) {
	for _, mode := range []RevealMode{RevealOnce, RevealNever} {
		_, _, err := newKey(revealing(mode)).Fetched(acme(), app, start)
		refusedAs(t, err, refusal.Invalid, "reveal:")
	}
	k := newKey(revealing(RevealAlways))
	first, v, err := k.Fetched(acme(), app, start)
	if err != nil || first == k || v.RevealedAt != start || v.RevealedTo.Get() != app.as("") {
		t.Fatalf("the first time is noted: %+v, %v", v, err)
	}
	again, v, err := first.Fetched(acme(), admin, at(day))
	if err != nil || again != first || v != first.Newest() {
		t.Errorf("later ones write nothing: changed %t, %v", again != first, err)
	}
	next := rotated(again, 1, at(2*day))
	if noted, v, err := next.Fetched(acme(), app, at(2*day)); err != nil || noted == next || v.KeyID != id(2) {
		t.Errorf("a new version's first time is noted: %+v, %v", v, err)
	}
}

// A secret that would not work is not handed out, and the refusal begins with why.
func TestRevealOfWhatWouldNotVerify(t *testing.T) {
	k := newKey(revealing(RevealAlways))
	for _, row := range []struct {
		want   Verdict
		k      *Key
		tenant *tenant.Tenant
		now    time.Time
	}{
		{TenantSuspended, k, suspended(), start},
		{VerdictRevoked, must(k.Revoke("", "", admin, start)), acme(), start},
		{VerdictRevoked, must(k.Revoke(id(1), "", admin, start)), acme(), start},
		{VerdictDisabled, must(k.Disable("", "", admin, start)), acme(), start},
		{VerdictDisabled, must(k.Disable(id(1), "", admin, start)), acme(), start},
		{VerdictDisabled, must(k.Delete(admin, start)), acme(), start},
		{VerdictExpired, k, acme(), at(90 * day)},
	} {
		_, _, err := row.k.Revealed(row.tenant, "x", false, nobodyUsed, app, row.now)
		refusedAs(t, err, refusal.Invalid, string(row.want)+": ")
		_, _, err = row.k.Fetched(row.tenant, app, row.now)
		refusedAs(t, err, refusal.Invalid, string(row.want)+": ")
		if v, verdict := row.k.MaySign(row.tenant, row.now); v != nil || verdict != row.want {
			t.Errorf("signing: %s, want %s", verdict, row.want)
		}
	}
}
