package store

import (
	"errors"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

// An ended key takes no place after a deletion that succeeded but was reported as failed, and its place is given up
// only once, whichever call notices first.
func TestCountsAfterADeletionToldAsFailed(t *testing.T) {
	const limit = 2
	for name, found := range map[string]func(w *world, e DueEntry){
		"by settling": func(w *world, e DueEntry) {
			must(t, w.st.Settle(t.Context(), w.s, farOff))
			w.tends(e, true, goes)
		},
		"by the sweep, counted before": func(w *world, e DueEntry) {
			w.counts()
			w.tends(e, true, goes)
			must(t, w.st.Settle(t.Context(), w.s, farOff))
		},
		"by an erasure": func(w *world, e DueEntry) { w.counts(); must(t, w.st.Destroy(t.Context(), w.s, e)) },
	} {
		for _, mood := range []string{"landed", "late"} {
			w := newWorld(t)
			w.issue(id(1))
			w.counts()
			w.changeLeased(id(1), func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil })
			e := DueEntry{at: location{familyLeased, "acme", apikey.Internal, id(1)}, minute: start, of: chore}
			broken := func(op string) error {
				return map[bool]error{true: errBroken}[op == "delete "+e.at.path()]
			}
			if w.s.StepIn(nil, broken); mood == "late" {
				w.s.StepIn(broken, nil)
			}
			if _, err := w.st.ApplyDue(t.Context(), w.s, e, goes); !errors.Is(err, errBroken) {
				t.Fatal(err)
			}
			if w.s.StepIn(nil, nil); mood == "late" {
				w.counts()
				must(t, w.s.InmemStorage.Delete(t.Context(), e.at.path()))
			}
			found(w, e)
			w.counted(name+", "+mood, 0, 0)
			reserve := func() error { _, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, limit); return err }
			for n := range limit {
				must(t, reserve())
				w.issue(id(10 + n))
			}
			if err := reserve(); !errors.Is(err, refusal.Invalid) {
				t.Errorf("%s, %s: over the limit: %v", name, mood, err)
			}
			if n := w.st.counts.of(familyLeased, w.tenant.UID); n.n != limit {
				t.Errorf("%s, %s: %d entries are counted, and %d are there", name, mood, n.n, limit)
			}
		}
	}
}
