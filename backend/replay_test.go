package backend_test

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func TestReplay(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", nil)
		call := h.call()
		look := maps.Clone(call)
		look["replay_check"] = false
		verify := func(f fields, want string) { w.root().write("verify", f).is(fields{"verdict": want}) }

		verify(look, "valid") // looking records nothing
		verify(look, "valid")
		verify(call, "valid")
		verify(call, "replayed")
		verify(look, "replayed")
		acme.write("my/verify", call).is(fields{"verdict": "replayed"}) // whoever asks

		// Only what is otherwise valid is recorded.
		acme.write("my/external/keys/billing/disable", nil)
		second := h.call()
		verify(second, "disabled")
		acme.write("my/external/keys/billing/enable", nil)
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
		h := w.tenant("acme").key("my/external/keys/billing", nil)
		call := h.callAt(time.Now().Add(60 * time.Second))
		w.root().write("verify", call).is(fields{"verdict": "valid"})
		for range 359 {
			wait(time.Second)
			w.root().write("verify", call).is(fields{"verdict": "replayed"})
		}
		wait(2 * time.Second)
		w.root().write("verify", call).is(fields{"verdict": "too_old"})
	})
}

func TestReplayOff(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", fields{"replay": "off"})
		call := h.call()
		for range 3 {
			w.root().write("verify", call).is(fields{"verdict": "valid"})
		}
		acme.write("my/external/keys/billing", fields{"replay": "on"})
		w.root().write("verify", call).is(fields{"verdict": "valid"})
		w.root().write("verify", call).is(fields{"verdict": "replayed"})
		// Messages have neither nonce nor time.
		m := acme.key("my/external/keys/orders", fields{"scheme": "hmac-sha256"}).call()
		for range 3 {
			w.root().write("verify", m).is(fields{"verdict": "valid"})
		}
	})
}

func TestReplayWithinABatch(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		h := w.tenant("acme").key("my/external/keys/billing", nil)
		call, other := h.call(), h.call()
		w.judges(fields{"batch": []any{call, call, other}}, "valid", "replayed", "valid")
		w.judges(fields{"batch": []any{call["request"], other}}, "replayed", "replayed")
		// replay_check beside batch holds for items without their own.
		fresh := h.call()
		w.judges(fields{"batch": []any{fresh, fresh}, "replay_check": false}, "valid", "valid")
		own := maps.Clone(fresh)
		own["replay_check"] = true
		w.judges(
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
		h := w.tenant("acme").key("my/external/keys/billing", nil)
		look := h.call()
		look["replay_check"] = false
		results := w.root().write("verify", fields{"batch": []any{look, h.call()}}).rows("results")
		if results[0]["valid"] != false || results[0]["error"] == nil || results[1]["verdict"] != "valid" {
			t.Errorf("%v", results)
		}
		w.judges(fields{"batch": []any{look, look}, "replay_check": true}, "valid", "valid")
	})
}

// After a restart the table is empty; with replay=strict, what was stamped before is too old.
func TestReplayAfterARestart(t *testing.T) {
	for mode, want := range map[string]string{"memory": "valid", "strict": "too_old"} {
		clocked(t, mode, func(_ *testing.T, w *world) {
			acme := w.tenant("acme")
			h := acme.key("my/external/keys/billing", nil)
			m := acme.key("my/external/keys/orders", fields{"scheme": "hmac-sha256"})
			w.root().write("config", fields{"replay": mode})
			call := h.call()
			w.root().write("verify", call).is(fields{"verdict": "valid"})
			w.root().write("verify", call).is(fields{"verdict": "replayed"})
			wait(10 * time.Second)
			w.restart()
			w.root().write("verify", call).is(fields{"verdict": want})
			m.finds("valid") // nothing says when it was signed
			wait(time.Second)
			h.finds("valid")
		})
	}
}

// A full table refuses, and says why; what it holds is not let go, and others are not hit.
func TestFullTable(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := w.tenant("acme"), w.tenant("bolt")
		h := acme.key("my/external/keys/billing", nil)
		w.root().write("config", fields{"replay_entries": 1000})
		first := h.call()
		w.root().write("verify", first).is(fields{"verdict": "valid"})
		full := 0
		for range 3 {
			items := make([]any, 1000)
			for i := range items {
				items[i] = h.call()
			}
			for _, r := range w.root().write("verify", fields{"batch": items}).rows("results") {
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
		again := w.root().write("verify", first)
		again.is(fields{"verdict": "replayed", "replay_table_full": nil})
		bolt.key("my/external/keys/billing", nil).finds("valid")
		wait(10 * time.Minute)
		h.finds("valid")
	})
}

// A tenant that falls silent keeps nothing, once its calls are too old to come again.
func TestSilentTenantsAreForgotten(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		w.root().write("config", fields{"window_past": 5})
		call := w.tenant("acme").key("my/external/keys/billing", nil).call()
		w.root().write("verify", call).is(fields{"verdict": "valid"})
		w.must(w.tick())
		w.root().read("status").is(fields{"replay_entries": 1})
		wait(time.Minute)
		w.must(w.tick())
		w.root().read("status").is(fields{"replay_entries": 0})
		w.root().write("config", fields{"window_past": 900}) // a wider window does not let in what was let go
		w.root().write("verify", call).is(fields{"verdict": "replayed"})
	})
}

// What all tenants may have is shared: a tenant that sends too much refuses its own calls alone.
func TestFullNode(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := w.tenant("acme"), w.tenant("bolt")
		h := acme.key(explained, nil)
		w.root().write("config", fields{"replay_entries_total": 1000})
		items := make([]any, 1000)
		for i := range items {
			items[i] = h.call()
		}
		good := 0
		for _, r := range w.root().write("verify", fields{"batch": items}).rows("results") {
			if r["verdict"] == "valid" {
				good++
			} else if r["verdict"] != "replayed" || r["replay_table_full"] != true {
				t.Fatalf("%v", r)
			}
		}
		if good != 500 {
			t.Errorf("%d calls of one tenant are remembered, of 1000 for all", good)
		}
		about := acme.write("my/explain", h.call()).about("replayed")["text"].(string)
		if !strings.Contains(about, "replay_entries_total") {
			t.Errorf("%s", about)
		}
		other := bolt.key("my/external/keys/billing", nil)
		for range 100 {
			other.finds("valid")
		}
	})
}
