package backend_test

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
		acme, bolt := w.tenant("acme"), w.tenant("bolt")
		fat := acme.key("my/internal/keys/fat", fields{"scheme": "vrnt-1", "metadata": long})
		lean := bolt.key("my/internal/keys/lean", fields{"scheme": "hmac-sha256", "metadata": fields{"a": "b"}})
		other := bolt.key("my/internal/keys/other", fields{"scheme": "hmac-sha256", "metadata": long})
		items := []any{}
		for i := range 400 {
			items = append(items, fat.callAt(time.Now().Add(-time.Duration(i)*time.Millisecond)))
		}
		items = append(items, lean.call(), fat.forged(), other.call(), fat.forged())
		var left []any
		told := 0
		results := w.root().write("verify", fields{"batch": items}).rows("results")
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
			items[i] = fat.callAt(time.Now().Add(-time.Minute - time.Duration(i)*time.Millisecond))
		}
		all := w.root().write("verify", batchOf(t, packedBatch, items))
		if counts, _ := all.data["verdicts"].(map[string]any); fmt.Sprint(counts["valid"]) != fmt.Sprint(len(items)) {
			t.Errorf("as text: %v", counts)
		}
		for _, r := range w.root().write("verify", fields{"batch": left}).rows("results") {
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
		acme := w.tenant("acme")
		old := acme.key(billing, nil)
		for _, path := range []string{billing, "my/external/keys/another"} {
			acme.refused(400, "recipients: an ssh-rsa").write(path, fields{"recipients": []any{large}})
		}
		k := w.record()
		rules := k.Rules.Get()
		rules.Recipients = tenant.Lines(large)
		k.Rules = apikey.Intern(rules)
		w.plant(k)
		acme.read(billing)
		acme.write(billing+"/rotate", nil)
		acme.refused(400, "recipients: an ssh-rsa recipient has 2048 to 8192 bits").read(billing + "/handover")
		w.root().write("pickup", old.call()).is(fields{"verdict": "valid", "sealed": nil})
		acme.read(billing).is(fields{"unrevealed": true})
	})
}
