package paths_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// A batch tells of long metadata up to a bound. What does not fit was not judged, so that
// it can be sent again.
func TestBatchTellsSoMuchOfLongMetadata(t *testing.T) {
	long := fields{}
	for i := range 64 {
		long[fmt.Sprintf("%064d", i)] = strings.Repeat("v", 256)
	}
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		fat := acme.Key("my/internal/keys/fat", fields{"scheme": "vrnt-1", "metadata": long})
		lean := bolt.Key("my/internal/keys/lean", fields{"scheme": "hmac-sha256", "metadata": fields{"a": "b"}})
		other := bolt.Key("my/internal/keys/other", fields{"scheme": "hmac-sha256", "metadata": long})
		items := []any{}
		for i := range 400 {
			items = append(items, fat.CallAt(time.Now().Add(-time.Duration(i)*time.Millisecond)))
		}
		items = append(items, lean.Call(), fat.Forged(), other.Call(), fat.Forged())
		var left []any
		told := 0
		results := w.Root().Write("verify", fields{"batch": items}).Rows("results")
		for i, r := range results[:400] {
			switch text, _ := r["error"].(string); {
			case r["verdict"] == "valid":
				told++
			case strings.HasPrefix(text, "not judged: ") && r["verdict"] == "":
				left = append(left, items[i])
			default:
				t.Fatalf("%d: %v", i, r)
			}
		}
		if told < 200 || told > 210 || results[400]["verdict"] != "valid" || results[402]["verdict"] != "valid" {
			t.Errorf("%d of 400 are told; another tenant's: %v, %v", told, results[400], results[402])
		}
		for _, i := range []int{401, 403} { // who cannot sign does not learn that there is such a key
			if results[i]["verdict"] != "bad_signature" || results[i]["error"] != nil {
				t.Errorf("a forged call: %v", results[i])
			}
		}
		// As text, each version is told of once, so all fit.
		for i := range items {
			items[i] = fat.CallAt(time.Now().Add(-time.Minute - time.Duration(i)*time.Millisecond))
		}
		all := w.Root().Write("verify", batchOf(t, packedBatch, items))
		if counts, _ := all.Data["verdicts"].(map[string]any); fmt.Sprint(counts["valid"]) != fmt.Sprint(len(items)) {
			t.Errorf("as text: %v", counts)
		}
		for _, r := range w.Root().Write("verify", fields{"batch": left}).Rows("results") {
			if r["verdict"] != "valid" {
				t.Fatalf("sent again: %v", r)
			}
		}
	})
}

// A recipient that was written before there were bounds is refused when it is used, by name,
// and nothing is noted as handed over; a new one is refused at once.
func TestRecipientsFromBeforeTheBounds(t *testing.T) {
	// RFC 4253 section 6.6: the name, the exponent, and a modulus of 16,384 bits.
	modulus := append([]byte{0}, bytes.Repeat([]byte{0xff}, 2048)...)
	var wire []byte
	for _, part := range [][]byte{[]byte("ssh-rsa"), {1, 0, 1}, modulus} {
		wire = append(binary.BigEndian.AppendUint32(wire, uint32(len(part))), part...) // #nosec G115 -- short
	}
	large := "ssh-rsa " + base64.StdEncoding.EncodeToString(wire)
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		old := acme.Key(billing, nil)
		for _, path := range []string{billing, "my/external/keys/another"} {
			acme.Refused(400, "recipients: an ssh-rsa").Write(path, fields{"recipients": []any{large}})
		}
		k := w.Record()
		rules := k.Rules.Get()
		rules.Recipients = tenant.Lines(large)
		k.Rules = apikey.Intern(rules)
		plant(w, k)
		acme.Read(billing)
		acme.Write(billing+"/rotate", nil)
		acme.Refused(400, "recipients: an ssh-rsa recipient has 2048 to 8192 bits").Read(billing + "/handover")
		w.Root().Write("pickup", old.Call()).Is(fields{"verdict": "valid", "sealed": nil})
		acme.Read(billing).Is(fields{"unrevealed": true})
	})
}
