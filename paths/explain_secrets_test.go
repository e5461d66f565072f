package paths_test

import (
	"strings"
	"testing"
	"time"
)

// Another tenant's key is as unknown as none: the answers are the same but for the ID.
func TestExplainKnowsOwnKeysAlone(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, other := w.Tenant("acme"), w.Tenant("initech")
		h := acme.Key("my/external/keys/billing", fields{"scheme": "vrnt-1"})
		call := h.Call()
		for _, request := range []string{
			call["request"].(string), strings.ReplaceAll(call["request"].(string), ",", ", "),
			strings.Replace(call["request"].(string), "Z,kid", ".5Z,kid", 1),
		} {
			theirs := other.Write("my/explain", fields{"request": request})
			none := other.Write(
				"my/explain",
				fields{"request": strings.ReplaceAll(request, h.KeyID, "0123456789abcdef")},
			)
			if findings(theirs) != findings(none) || theirs.Data["verdict"] != none.Data["verdict"] ||
				len(theirs.Data) != len(none.Data) {
				t.Errorf("%v differs from %v", theirs.Data, none.Data)
			}
			for _, name := range []string{"key_id", "name", "kind", "scheme"} {
				if theirs.Data[name] != nil {
					t.Errorf("tells %s", name)
				}
			}
			about(theirs, "unknown_key")
		}
		other.Write("my/explain", call).Is(fields{"verdict": "unknown_key"})
		acme.Write("my/explain", fields{"request": "rubbish"}).Is(fields{"verdict": "malformed"})
		if got := about(acme.Write(
			"my/explain", fields{"request": "GET / HTTP/1.1\nA:\tb"},
		), "head_malformed")["text"]; got != "The head cannot be read: malformed: control character in line 2." {
			t.Errorf("says %v", got)
		}
		if got := findings(acme.Write("my/explain", fields{"request": "GET /"})); got != "no_signature" {
			t.Errorf("found %s", got)
		}
		odd := acme.Write(
			"my/explain",
			fields{"request": strings.Replace(call["request"].(string), ",kid", ", kid", 1)},
		)
		if odd.Is(fields{"verdict": "malformed", "key_id": h.KeyID}); findings(odd) != "param_whitespace" ||
			about(odd, "param_whitespace")["variant"] != "param_whitespace" {
			t.Errorf("found %v", odd.Data["findings"])
		}
	})
}

// Explaining leaves no trace: the call stays good, is no use, is not counted, and nothing is written.
func TestExplainLeavesNoTrace(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", nil)
		call, before := h.Call(), w.Root().Read("status").Data["verdicts"].(fields)
		cost := w.Cost(func() {
			for range 3 {
				acme.Write("my/explain", call).Is(fields{"verdict": "valid"})
				acme.Write("my/explain", h.Forged()).Is(fields{"verdict": "bad_signature"})
				acme.Write("my/explain", fields{"request": "rubbish"})
			}
		})
		if cost.Puts+cost.Deletes != 0 {
			t.Errorf("%+v", cost)
		}
		after := w.Root().Read("status").Data["verdicts"].(fields)
		for verdict, n := range before {
			if after[verdict] != n {
				t.Errorf("%s: counted %v, was %v", verdict, after[verdict], n)
			}
		}
		w.Must(w.Tick())
		if v := acme.Read("my/external/keys/billing").Rows("versions")[0]; v["first_used_at"] != nil {
			t.Errorf("counts as use: %v", v)
		}
		w.Root().Write("verify", call).Is(fields{"verdict": "valid"})
		acme.Write("my/explain", call).Is(fields{"verdict": "replayed"})
	})
}

// A version whose secret is erased is as unknown as another's.
func TestExplainDestroyed(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(explained, nil)
		acme.Write(explained+"/rotate", fields{"overlap": 0})
		for range 9 {
			wait(24 * time.Hour)
			w.Must(w.Tick())
		}
		a := acme.Write("my/explain", h.Call())
		if a.Is(fields{"verdict": "unknown_key", "name": nil, "key_id": nil}); findings(a) != "unknown_key" {
			t.Errorf("found %s", findings(a))
		}
	})
}
