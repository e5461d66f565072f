package backend_test

import (
	"fmt"
	"sync"
	"testing"
)

// together runs a request several times at once and returns how many had each status.
func together(n int, ask func(i int) answer) map[int]int {
	var wg sync.WaitGroup
	answers := make([]answer, n)
	for i := range n {
		wg.Go(func() { answers[i] = ask(i) })
	}
	wg.Wait()
	statuses := make(map[int]int)
	for _, a := range answers {
		statuses[a.status]++
	}
	return statuses
}

// One writer wins, the others get a 409, and nothing is lost.
func TestWritersAtOnce(t *testing.T) {
	const writers = 16
	for _, row := range []struct {
		name string
		ask  func(w *world, acme person, i int, keyID string) answer
	}{
		{"create with cas", func(_ *world, acme person, i int, _ string) answer {
			return acme.write("my/external/keys/fresh", fields{"cas": 0, "owner": fmt.Sprint(i)})
		}},
		{"change with cas", func(_ *world, acme person, i int, _ string) answer {
			return acme.write(billing, fields{"cas": 2, "owner": fmt.Sprint(i)})
		}},
		{"rotate with current_key_id", func(_ *world, acme person, _ int, keyID string) answer {
			return acme.write(billing+"/rotate", fields{"current_key_id": keyID})
		}},
		{"role with cas", func(_ *world, acme person, i int, _ string) answer {
			return acme.write("my/external/roles/fresh", fields{"cas": 0, "description": fmt.Sprint(i)})
		}},
		{"tenant with cas", func(w *world, _ person, i int, _ string) answer {
			return w.spa().trying().write("admin/tenants/acme", fields{"cas": 1, "display_name": fmt.Sprint(i)})
		}},
		{"config with cas", func(w *world, _ person, i int, _ string) answer {
			return w.root().trying().write("config", fields{"cas": 0, "max_keys": 100 + i})
		}},
		{"reveal once", func(_ *world, acme person, i int, _ string) answer {
			return acme.write("my/external/keys/once/reveal", fields{"request_id": fmt.Sprint(i)})
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			acme := w.tenant("acme")
			h := acme.key(billing, nil)
			acme.write("my/external/keys/once", nil)
			got := together(writers, func(i int) answer { return row.ask(w, acme.trying(), i, h.keyID) })
			if got[200] != 1 || got[409] != writers-1 {
				t.Errorf("statuses %v", got)
			}
			h.finds("valid")
		})
	}
}

// Without cas all writers are heard, one after the other.
func TestChangesAtOnceAreAllKept(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("acme")
	acme.write(billing, fields{"metadata": fields{"first": "x"}})
	together(20, func(i int) answer {
		return acme.trying().patch(billing, fields{"metadata": fields{fmt.Sprint("k", i): "v"}})
	})
	a := acme.read(billing)
	if n := len(a.data["metadata"].(fields)); n != 21 || a.num("revision") != 21 {
		t.Errorf("%d pairs at revision %d", n, a.num("revision"))
	}
}

// Limits hold against many at once too.
func TestLimitsAtOnce(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("acme")
	w.root().write("config", fields{"max_keys": 5, "max_leased": 3})
	acme.write("my/external/roles/app", nil)
	got := together(20, func(i int) answer { return acme.trying().write(fmt.Sprint("my/external/keys/k", i), nil) })
	if got[200] != 5 || got[400] != 15 {
		t.Errorf("keys: %v", got)
	}
	got = together(20, func(int) answer { return acme.trying().read("tenants/acme/external/creds/app") })
	if got[200] != 3 || got[400] != 17 {
		t.Errorf("leased: %v", got)
	}
	acme.read("my").is(fields{"keys": 5, "leased_keys": 3})
}

// A replayed call is accepted once, however many gateways ask at once.
func TestReplayAtOnce(t *testing.T) {
	w := newWorld(t)
	h := w.tenant("acme").key(billing, nil)
	call := h.call()
	var mu sync.Mutex
	verdicts := make(map[any]int)
	together(20, func(int) answer {
		a := w.root().trying().write("verify", call)
		mu.Lock()
		defer mu.Unlock()
		verdicts[a.data["verdict"]]++
		return a
	})
	if verdicts["valid"] != 1 || verdicts["replayed"] != 19 {
		t.Errorf("%v", verdicts)
	}
}

// Verification goes on while its key is rotated, and every holder is always right.
func TestVerifyWhileRotating(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("acme")
	h := acme.key(billing, nil)
	w.root().write("config", fields{"max_versions": 20})
	together(8, func(i int) answer {
		for range 15 {
			if i == 0 {
				acme.trying().write(billing+"/rotate", nil)
			} else if a := w.root().trying().write("verify", h.call()); a.data["verdict"] != "valid" {
				t.Errorf("%v", a.data)
			}
		}
		return answer{}
	})
}
