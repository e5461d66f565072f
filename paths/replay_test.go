package paths_test

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func TestReplay(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", nil)
		call := h.Call()
		look := maps.Clone(call)
		look["replay_check"] = false
		verify := func(f fields, want string) { w.Root().Write("verify", f).Is(fields{"verdict": want}) }

		verify(look, "valid") // looking records nothing
		verify(look, "valid")
		verify(call, "valid")
		verify(call, "replayed")
		verify(look, "replayed")
		acme.Write("my/verify", call).Is(fields{"verdict": "replayed"}) // whoever asks

		// Only what is otherwise valid is recorded.
		acme.Write("my/external/keys/billing/disable", nil)
		second := h.Call()
		verify(second, "disabled")
		acme.Write("my/external/keys/billing/enable", nil)
		verify(second, "valid")
		verify(second, "replayed")

		wait(299 * time.Second)
		verify(call, "replayed")
		wait(2 * time.Second)
		verify(call, "too_old")
	})
}

// A call stamped ahead of the clock is remembered for as long as it can come again.
func TestReplayOfACallFromTheFuture(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		h := w.Tenant("acme").Key("my/external/keys/billing", nil)
		call := h.CallAt(time.Now().Add(60 * time.Second))
		w.Root().Write("verify", call).Is(fields{"verdict": "valid"})
		for range 359 {
			wait(time.Second)
			w.Root().Write("verify", call).Is(fields{"verdict": "replayed"})
		}
		wait(2 * time.Second)
		w.Root().Write("verify", call).Is(fields{"verdict": "too_old"})
	})
}

func TestReplayOff(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", fields{"replay": "off"})
		call := h.Call()
		for range 3 {
			w.Root().Write("verify", call).Is(fields{"verdict": "valid"})
		}
		acme.Write("my/external/keys/billing", fields{"replay": "on"})
		w.Root().Write("verify", call).Is(fields{"verdict": "valid"})
		w.Root().Write("verify", call).Is(fields{"verdict": "replayed"})
		// Messages have neither nonce nor time.
		m := acme.Key("my/external/keys/orders", fields{"scheme": "hmac-sha256"}).Call()
		for range 3 {
			w.Root().Write("verify", m).Is(fields{"verdict": "valid"})
		}
	})
}

func TestReplayWithinABatch(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		h := w.Tenant("acme").Key("my/external/keys/billing", nil)
		call, other := h.Call(), h.Call()
		judges(w, fields{"batch": []any{call, call, other}}, "valid", "replayed", "valid")
		judges(w, fields{"batch": []any{call["request"], other}}, "replayed", "replayed")
		// replay_check beside batch holds for items without their own.
		fresh := h.Call()
		judges(w, fields{"batch": []any{fresh, fresh}, "replay_check": false}, "valid", "valid")
		own := maps.Clone(fresh)
		own["replay_check"] = true
		judges(w,
			fields{"batch": []any{fresh, own, fresh, own}, "replay_check": false},
			"valid",
			"valid",
			"replayed",
			"replayed",
		)
	})
}

// An item alone may not turn the check off: policies do not see into items.
func TestReplayIsNotTurnedOffInAnItem(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		h := w.Tenant("acme").Key("my/external/keys/billing", nil)
		look := h.Call()
		look["replay_check"] = false
		results := w.Root().Write("verify", fields{"batch": []any{look, h.Call()}}).Rows("results")
		if results[0]["valid"] != false || results[0]["error"] == nil || results[1]["verdict"] != "valid" {
			t.Errorf("%v", results)
		}
		judges(w, fields{"batch": []any{look, look}, "replay_check": true}, "valid", "valid")
	})
}

// After a restart the table is empty; with replay=strict, what was stamped before is too old.
func TestReplayAfterARestart(t *testing.T) {
	for mode, want := range map[string]string{"memory": "valid", "strict": "too_old"} {
		clocked(t, mode, func(_ *testing.T, w *world) {
			acme := w.Tenant("acme")
			h := acme.Key("my/external/keys/billing", nil)
			m := acme.Key("my/external/keys/orders", fields{"scheme": "hmac-sha256"})
			w.Root().Write("config", fields{"replay": mode})
			call := h.Call()
			w.Root().Write("verify", call).Is(fields{"verdict": "valid"})
			w.Root().Write("verify", call).Is(fields{"verdict": "replayed"})
			wait(10 * time.Second)
			w.Restart()
			w.Root().Write("verify", call).Is(fields{"verdict": want})
			m.Finds("valid") // nothing says when it was signed
			wait(time.Second)
			h.Finds("valid")
		})
	}
}

// A full table refuses, and says why; what it holds is not let go, and others are not hit.
func TestFullTable(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		h := acme.Key("my/external/keys/billing", nil)
		w.Root().Write("config", fields{"replay_entries": 1000})
		first := h.Call()
		w.Root().Write("verify", first).Is(fields{"verdict": "valid"})
		full := 0
		for range 3 {
			items := make([]any, 1000)
			for i := range items {
				items[i] = h.Call()
			}
			for _, r := range w.Root().Write("verify", fields{"batch": items}).Rows("results") {
				if r["replay_table_full"] == true {
					if full++; r["verdict"] != "replayed" || r["valid"] != false {
						t.Fatalf("%v", r)
					}
				}
			}
		}
		if full < 1900 || full > 2500 {
			t.Errorf("%d of 3000 calls met a full table of 1000", full)
		}
		again := w.Root().Write("verify", first)
		again.Is(fields{"verdict": "replayed", "replay_table_full": nil})
		bolt.Key("my/external/keys/billing", nil).Finds("valid")
		wait(10 * time.Minute)
		h.Finds("valid")
	})
}

// What all tenants may have is shared: a tenant that sends too much refuses its own calls alone.
func TestFullNode(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		h := acme.Key(explained, nil)
		w.Root().Write("config", fields{"replay_entries_total": 1000})
		items := make([]any, 1000)
		for i := range items {
			items[i] = h.Call()
		}
		good := 0
		for _, r := range w.Root().Write("verify", fields{"batch": items}).Rows("results") {
			if r["verdict"] == "valid" {
				good++
			} else if r["verdict"] != "replayed" || r["replay_table_full"] != true {
				t.Fatalf("%v", r)
			}
		}
		if good != 500 {
			t.Errorf("%d calls of one tenant are remembered, of 1000 for all", good)
		}
		about := about(acme.Write("my/explain", h.Call()), "replayed")["text"].(string)
		if !strings.Contains(about, "replay_entries_total") {
			t.Errorf("%s", about)
		}
		other := bolt.Key("my/external/keys/billing", nil)
		for range 100 {
			other.Finds("valid")
		}
	})
}
