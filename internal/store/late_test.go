package store

import (
	"errors"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// lately returns a store whose last write, of the new version of billing, was reported as failed and may still
// succeed.
func lately(t *testing.T) (*world, *moody, *Store) {
	t.Helper()
	w := newWorld(t)
	w.create("billing", id(1))
	s := new(moody)
	for _, e := range w.s.Entries(t) {
		must(t, s.InmemStorage.Put(t.Context(), e))
	}
	st := New()
	s.moods = []mood{prompt, prompt, late} // the claim, what is due, the record
	_, err := st.UpdateKey(
		t.Context(),
		s,
		w.tenant,
		apikey.External,
		"billing",
		func(k *apikey.Key) (*apikey.Key, error) { return rotate(k, id(2), start) },
	)
	if !errors.Is(err, errBroken) || !st.writes.unsettled("keys/acme/external/billing") {
		t.Fatalf("the rotation: %v, open: %v", err, st.writes.all())
	}
	return w, s, st
}

// The walk leaves the claim of a version whose record may still come.
func TestWalkLeavesClaimsOfWhatMayStillCome(t *testing.T) {
	_, s, st := lately(t)
	if dropped, err := st.DropStray(t.Context(), s, id(2)); err != nil || dropped {
		t.Errorf("dropped %t, %v", dropped, err)
	}
	s.land("")
	must(t, st.Settle(t.Context(), s, farOff))
	if found, err := st.Find(t.Context(), s, id(2)); err != nil || found == nil || found.Key.Newest().KeyID != id(2) {
		t.Errorf("%+v, %v", found, err)
	}
	if dropped, err := st.DropStray(t.Context(), s, id(2)); err != nil || dropped {
		t.Errorf("settled: dropped %t, %v", dropped, err)
	}
}

// If the sweep leaves a record unchanged, it drops the entry only once no earlier write can change the record.
func TestWhatTheSweepLeavesIsWhatHolds(t *testing.T) {
	w, s, st := lately(t)
	if done, err := st.ApplyDue(t.Context(), s, w.entry("billing"), stays); err != nil || !done {
		t.Errorf("%t, %v", done, err)
	}
	s.land("")
	k, err := New().KeyWithHistory(t.Context(), s, w.tenant, apikey.External, "billing")
	if must(t, err); k.Newest().KeyID != id(1) || len(st.writes.all()) != 0 {
		t.Errorf("the newest is %s, and %v are unsettled", k.Newest().KeyID, st.writes.all())
	}
}
