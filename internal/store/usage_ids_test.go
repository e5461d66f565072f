package store

import (
	"errors"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// mendAll looks after acme's records, as the walk does.
func (w *world) mendAll() {
	w.t.Helper()
	places, err := w.st.KeyPlaces(w.t.Context(), w.s, "acme")
	must(w.t, err)
	for _, place := range places {
		late := func(*apikey.Key, *tenant.Tenant) (bool, error) { return false, nil }
		_, err := w.st.RepairIndex(w.t.Context(), w.s, place, start, late, func(string) {})
		must(w.t, err)
	}
}

// A use of older versions whose key ID has no readable entry is moved to the key that the walk has found with that
// ID. Where the walk prunes uses, such a use is kept, and does not stop the pruning of others.
func TestUsesOfDamagedIDs(t *testing.T) {
	w := newWorld(t)
	k, other := w.create("billing", id(1)), w.create("other", id(2))
	use := Use{minute(1), minute(2), "192.0.2.1"}
	shard := shardOf(locate(k))
	w.oldShard(shard, map[string]Use{id(1): use, id(2): use, id(3): use})
	w.s.Write(t, "ids/"+id(1), "{")
	w = w.fresh()
	must(t, w.st.BeginUsage(t.Context(), w.s, minute(9)))
	w.mendAll()
	must(t, w.walkUsage())
	if w.s.Entries(t)["usage/"+shard] != nil {
		t.Error("the entry is there yet")
	}
	w.uses(id(1), use, use)
	must(t, w.st.CloseUsage(t.Context(), w.s, far()))
	w = w.fresh()
	must(t, w.st.BeginUsage(t.Context(), w.s, minute(20)))
	for _, k := range []*apikey.Key{k, other} { // from here on all is known
		if got := w.lastUsed(k); got != (LastUse{minute(2), minute(9)}) {
			t.Errorf("%s: %+v", k.Name, got)
		}
	}

	w.st.Used(newKey(w.tenant, "billing", id(3)), id(3), "", minute(3)) // nobody has it
	w.flush()
	for range 20 { // in whatever order
		if err := w.walkUsage(); !errors.Is(err, ErrCorrupt) {
			t.Errorf("the damage is not told of: %v", err)
		}
		w.flush()
		w.uses(id(3), Use{}, Use{})
		w.uses(id(1), use, use)
		w.st.Used(newKey(w.tenant, "billing", id(3)), id(3), "", minute(3))
		w.flush()
	}
}
