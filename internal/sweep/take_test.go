package sweep

import (
	"fmt"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Chores of one tenant may wait for each other, as those that erase do. However long they
// take, half of the workers are left to rotations while there are any.
func TestChoresLeaveWorkersToRotations(t *testing.T) {
	for _, all := range []int{1, 2, workers} {
		t.Run(fmt.Sprint(all), func(t *testing.T) {
			w := newWorld(t)
			w.fill(w.acme, 300, 300*time.Hour)
			bolt := w.open("bolt", func(*tenant.Tenant) {})
			w.fill(bolt, 30, 400*day)
			for n := range 30 {
				_, err := w.st.UpdateKey(
					t.Context(),
					w.s,
					bolt,
					apikey.External,
					apikey.Name(fmt.Sprintf("key-%05d", n)),
					func(k *apikey.Key) (*apikey.Key, error) {
						return k.Delete(apikey.Actor{}, w.now)
					},
				)
				w.must(err)
			}
			w.now = w.now.Add(305 * time.Hour)
			w.sweep.turn <- struct{}{}
			r, ok := w.sweep.newRun(t.Context(), w.s, w.now, time.Hour)
			if !ok {
				t.Fatal("nothing is to be run")
			}
			defer w.sweep.end(r.cancel)
			minutes, err := w.st.DueMinutes(t.Context(), w.s, w.now)
			w.must(err)
			r.list(t.Context(), minutes)
			r.working = all - 1
			var chores []unit
			for r.rotations.n > 0 {
				u, ok := r.take()
				if !ok {
					t.Fatal("nothing is to be done")
				}
				if u.chore() {
					chores = append(chores, u) // it never ends
				}
			}
			if most := (all + 1) / 2; len(chores) != most {
				t.Errorf("%d chores at a time of %d workers, want %d", len(chores), all, most)
			}
			for _, u := range chores {
				r.put(u)
			}
			if u, ok := r.take(); !ok || !u.chore() || r.chored != 1 {
				t.Errorf("then %+v, %d at a time", u, r.chored)
			}
		})
	}
}
