package backend_test

import (
	"strings"
	"testing"
	"time"
)

// Another tenant's key is as unknown as none: the answers are the same but for the ID.
func TestExplainKnowsOwnKeysAlone(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, other := w.tenant("acme"), w.tenant("initech")
		h := acme.key("my/external/keys/billing", fields{"scheme": "vrnt-1"})
		call := h.call()
		for _, request := range []string{
			call["request"].(string), strings.ReplaceAll(call["request"].(string), ",", ", "),
			strings.Replace(call["request"].(string), "Z,kid", ".5Z,kid", 1),
		} {
			theirs := other.write("my/explain", fields{"request": request})
			none := other.write(
				"my/explain",
				fields{"request": strings.ReplaceAll(request, h.keyID, "0123456789abcdef")},
			)
			if theirs.findings() != none.findings() || theirs.data["verdict"] != none.data["verdict"] ||
				len(theirs.data) != len(none.data) {
				t.Errorf("%v differs from %v", theirs.data, none.data)
			}
			for _, name := range []string{"key_id", "name", "kind", "scheme"} {
				if theirs.data[name] != nil {
					t.Errorf("tells %s", name)
				}
			}
			theirs.about("unknown_key")
		}
		other.write("my/explain", call).is(fields{"verdict": "unknown_key"})
		acme.write("my/explain", fields{"request": "rubbish"}).is(fields{"verdict": "malformed"})
		if got := acme.write(
			"my/explain", fields{"request": "GET / HTTP/1.1\nA:\tb"},
		).about("head_malformed")["text"]; got != "The head cannot be read: malformed: control character in line 2." {
			t.Errorf("says %v", got)
		}
		if got := acme.write("my/explain", fields{"request": "GET /"}).findings(); got != "no_signature" {
			t.Errorf("found %s", got)
		}
		odd := acme.write(
			"my/explain",
			fields{"request": strings.Replace(call["request"].(string), ",kid", ", kid", 1)},
		)
		if odd.is(fields{"verdict": "malformed", "key_id": h.keyID}); odd.findings() != "param_whitespace" ||
			odd.about("param_whitespace")["variant"] != "param_whitespace" {
			t.Errorf("found %v", odd.data["findings"])
		}
	})
}

// Explaining leaves no trace: the call stays good, is no use, is not counted, and nothing is written.
func TestExplainLeavesNoTrace(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", nil)
		call, before := h.call(), w.root().read("status").data["verdicts"].(fields)
		cost := w.cost(func() {
			for range 3 {
				acme.write("my/explain", call).is(fields{"verdict": "valid"})
				acme.write("my/explain", h.forged()).is(fields{"verdict": "bad_signature"})
				acme.write("my/explain", fields{"request": "rubbish"})
			}
		})
		if cost.Puts+cost.Deletes != 0 {
			t.Errorf("%+v", cost)
		}
		after := w.root().read("status").data["verdicts"].(fields)
		for verdict, n := range before {
			if after[verdict] != n {
				t.Errorf("%s: counted %v, was %v", verdict, after[verdict], n)
			}
		}
		w.must(w.tick())
		if v := acme.read("my/external/keys/billing").rows("versions")[0]; v["first_used_at"] != nil {
			t.Errorf("counts as use: %v", v)
		}
		w.root().write("verify", call).is(fields{"verdict": "valid"})
		acme.write("my/explain", call).is(fields{"verdict": "replayed"})
	})
}

// A version whose secret is erased is as unknown as another's.
func TestExplainDestroyed(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(explained, nil)
		acme.write(explained+"/rotate", fields{"overlap": 0})
		for range 9 {
			wait(24 * time.Hour)
			w.must(w.tick())
		}
		a := acme.write("my/explain", h.call())
		if a.is(fields{"verdict": "unknown_key", "name": nil, "key_id": nil}); a.findings() != "unknown_key" {
			t.Errorf("found %s", a.findings())
		}
	})
}
