package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// scheduled is a key that rotates 83 days after start or a little earlier.
func scheduled(w *world) *apikey.Key {
	k := newKey(w.tenant, "billing", id(1))
	k.AutoRotate = true
	return k
}

func spelled(all []slot) string {
	var parts []string
	for _, s := range all {
		parts = append(parts, string(s.of)+" "+s.due.Format(time.DateOnly))
	}
	return strings.Join(parts, ", ")
}

// A key with a schedule has an entry of its rotation always, and one of a chore where that
// comes first.
func TestSlots(t *testing.T) {
	w := newWorld(t)
	k := scheduled(w)
	ends := string(rotation(k.Newest().ExpiresAt))
	rotates := ends + " " + k.NextRotation().Format(time.DateOnly)
	rotated, err := rotate(k, id(2), start)
	must(t, err)
	deleted, err := k.Delete(admin, start)
	must(t, err)
	failed := *k
	failed.Failed = &apikey.Failure{RetryAt: start.Add(200 * day)}
	policy := apikey.Policy{Retention: 7 * day}
	for name, row := range map[string]struct {
		k    *apikey.Key
		p    apikey.Policy
		want string
	}{
		"a schedule alone": {k, policy, rotates},
		"an idle look that comes first": {
			k, apikey.Policy{Retention: 7 * day, Idle: 10 * day}, rotates + ", c 2026-01-25",
		},
		"an idle look that comes later": {k, apikey.Policy{Retention: 7 * day, Idle: 89 * day}, rotates},
		"an older version to be erased": {
			rotated,
			policy,
			string(rotation(rotated.Newest().ExpiresAt)) + " " +
				rotated.NextRotation().Format(time.DateOnly) + ", c 2026-01-29",
		},
		"a retry that waits longer":   {&failed, policy, ends + " 2026-08-03, c 2026-04-22"},
		"nothing but an erasure":      {newKey(w.tenant, "billing", id(1)), policy, "c 2026-04-22"},
		"a tenant that is not active": {k, apikey.Policy{Retention: 7 * day, Paused: true}, "c 2026-04-22"},
		"a deleted key":               {deleted, policy, "c 2026-01-22"},
	} {
		if got := spelled(slots(row.k, row.p)); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

// Handling a chore leaves the rotation's entry alone. After an entry of the old form all entries are written again,
// because the index is unknown.
func TestTendOfEachClass(t *testing.T) {
	const name = "keys:acme:external:billing"
	base := newWorld(t)
	k := scheduled(base)
	_, err := base.update("billing", becomes(k))
	must(t, err)
	ends := string(rotation(k.Newest().ExpiresAt))
	for _, of := range []mark{unmarked, chore, rotation(k.Newest().ExpiresAt)} {
		w := base.on(t, copied(t, base.s))
		e := w.entry("billing")
		e.of = of
		old := duePath(e.minute, e.at, of)
		w.s.Write(t, old, `{"schema":1,"uid":"uid-of-acme"}`)
		ops := w.tends(e, true, stays)
		puts := storagetest.Only(ops, "put")
		if want := of != chore; (len(puts) == 1) != want || len(puts) > 1 {
			t.Errorf("%q: %v", of, puts)
		}
		var left []string
		for path := range w.s.Entries(t) {
			if strings.HasPrefix(path, "due/") {
				left = append(left, path[strings.LastIndex(path, "/")+1:])
			}
		}
		if !slices.Equal(left, []string{name + ":" + ends}) {
			t.Errorf("%q: left %v", of, left)
		}
	}
}

// A rotation that is dropped because the tenant is suspended leaves the chores that it had
// covered.
func TestRotationOfASuspendedTenantLeavesChores(t *testing.T) {
	w := newWorld(t)
	k := scheduled(w)
	_, err := w.update("billing", becomes(k))
	must(t, err)
	_, err = w.st.UpdateTenant(t.Context(), w.s, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
		c := *old
		c.SuspendedAt = start
		c.Revision++
		return &c, nil
	})
	must(t, err)
	e := DueEntry{
		at:     w.entry("billing").at,
		minute: k.NextRotation().Truncate(time.Minute),
		of:     rotation(k.Newest().ExpiresAt),
	}
	w.tends(e, true, stays)
	var left []string
	for path := range w.s.Entries(t) {
		if strings.HasPrefix(path, "due/") {
			left = append(left, path)
		}
	}
	if len(left) != 1 || !strings.HasSuffix(left[0], "billing:c") {
		t.Errorf("left: %v", left)
	}
}

// The walk mends both entries of a key, each for itself.
func TestMendOfBothClasses(t *testing.T) {
	base := newWorld(t)
	k, err := rotate(scheduled(base), id(2), start)
	must(t, err)
	_, err = base.update("billing", becomes(k))
	must(t, err)
	var due []string
	for path := range base.s.Entries(t) {
		if strings.HasPrefix(path, "due/") {
			due = append(due, path)
		}
	}
	if len(due) != 2 {
		t.Fatalf("due: %v", due)
	}
	mend := func(w *world, want int) {
		t.Helper()
		m, err := w.st.RepairIndex(t.Context(), w.s, DueEntry{at: w.entry("billing").at}, start,
			func(*apikey.Key, *tenant.Tenant) (bool, error) { return false, nil }, func(string) {})
		if must(t, err); m.Due != want {
			t.Errorf("%+v", m)
		}
	}
	for _, lost := range [][]string{nil, due[:1], due[1:], due} {
		t.Run(fmt.Sprint(len(lost)), func(t *testing.T) {
			w := base.on(t, copied(t, base.s))
			for _, path := range lost {
				must(t, w.s.Delete(t.Context(), path))
			}
			mend(w, len(lost))
			mend(w, 0)
		})
	}
}
