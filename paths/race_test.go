package paths_test

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
		statuses[a.Status]++
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
			return acme.Write("my/external/keys/fresh", fields{"cas": 0, "owner": fmt.Sprint(i)})
		}},
		{"change with cas", func(_ *world, acme person, i int, _ string) answer {
			return acme.Write(billing, fields{"cas": 2, "owner": fmt.Sprint(i)})
		}},
		{"rotate with current_key_id", func(_ *world, acme person, _ int, keyID string) answer {
			return acme.Write(billing+"/rotate", fields{"current_key_id": keyID})
		}},
		{"role with cas", func(_ *world, acme person, i int, _ string) answer {
			return acme.Write("my/external/roles/fresh", fields{"cas": 0, "description": fmt.Sprint(i)})
		}},
		{"tenant with cas", func(w *world, _ person, i int, _ string) answer {
			return w.SPA().Trying().Write("admin/tenants/acme", fields{"cas": 1, "display_name": fmt.Sprint(i)})
		}},
		{"config with cas", func(w *world, _ person, i int, _ string) answer {
			return w.Root().Trying().Write("config", fields{"cas": 0, "max_keys": 100 + i})
		}},
		{"reveal once", func(_ *world, acme person, i int, _ string) answer {
			return acme.Write("my/external/keys/once/reveal", fields{"request_id": fmt.Sprint(i)})
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			acme := w.Tenant("acme")
			h := acme.Key(billing, nil)
			acme.Write("my/external/keys/once", nil)
			got := together(writers, func(i int) answer { return row.ask(w, acme.Trying(), i, h.KeyID) })
			if got[200] != 1 || got[409] != writers-1 {
				t.Errorf("statuses %v", got)
			}
			h.Finds("valid")
		})
	}
}

// Without cas all writers are heard, one after the other.
func TestChangesAtOnceAreAllKept(t *testing.T) {
	w := newWorld(t)
	acme := w.Tenant("acme")
	acme.Write(billing, fields{"metadata": fields{"first": "x"}})
	together(20, func(i int) answer {
		return acme.Trying().Patch(billing, fields{"metadata": fields{fmt.Sprint("k", i): "v"}})
	})
	a := acme.Read(billing)
	if n := len(a.Data["metadata"].(fields)); n != 21 || a.Num("revision") != 21 {
		t.Errorf("%d pairs at revision %d", n, a.Num("revision"))
	}
}

// Limits hold against many at once too.
func TestLimitsAtOnce(t *testing.T) {
	w := newWorld(t)
	acme := w.Tenant("acme")
	w.Root().Write("config", fields{"max_keys": 5, "max_leased": 3})
	acme.Write("my/external/roles/app", nil)
	got := together(20, func(i int) answer { return acme.Trying().Write(fmt.Sprint("my/external/keys/k", i), nil) })
	if got[200] != 5 || got[400] != 15 {
		t.Errorf("keys: %v", got)
	}
	got = together(20, func(int) answer { return acme.Trying().Read("tenants/acme/external/creds/app") })
	if got[200] != 3 || got[400] != 17 {
		t.Errorf("leased: %v", got)
	}
	acme.Read("my").Is(fields{"keys": 5, "leased_keys": 3})
}

// A replayed call is accepted once, however many gateways ask at once.
func TestReplayAtOnce(t *testing.T) {
	w := newWorld(t)
	h := w.Tenant("acme").Key(billing, nil)
	call := h.Call()
	var mu sync.Mutex
	verdicts := make(map[any]int)
	together(20, func(int) answer {
		a := w.Root().Trying().Write("verify", call)
		mu.Lock()
		defer mu.Unlock()
		verdicts[a.Data["verdict"]]++
		return a
	})
	if verdicts["valid"] != 1 || verdicts["replayed"] != 19 {
		t.Errorf("%v", verdicts)
	}
}

// Verification goes on while its key is rotated, and every holder is always right.
func TestVerifyWhileRotating(t *testing.T) {
	w := newWorld(t)
	acme := w.Tenant("acme")
	h := acme.Key(billing, nil)
	w.Root().Write("config", fields{"max_versions": 20})
	together(8, func(i int) answer {
		for range 15 {
			if i == 0 {
				acme.Trying().Write(billing+"/rotate", nil)
			} else if a := w.Root().Trying().Write("verify", h.Call()); a.Data["verdict"] != "valid" {
				t.Errorf("%v", a.Data)
			}
		}
		return answer{}
	})
}
