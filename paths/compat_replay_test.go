package paths_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// One call in other dress is the same call: whatever text the key lets in for its parameters or its signature, it is
// good once.
func TestReplayInAnotherForm(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", fields{
			"scheme": "vrnt-1", "compat": []any{"sig_std_base64", "param_whitespace", "param_order"},
		})
		text := h.Head("GET /wfo/agents HTTP/1.1", time.Now())
		before, sig, _ := strings.Cut(text, ",sig=")
		sig = strings.TrimSpace(sig)
		tag, err := base64.RawURLEncoding.DecodeString(sig)
		w.Must(err)
		head, parameters, _ := strings.Cut(before, "SHA256 ")
		salt, rest, _ := strings.Cut(parameters, ",")
		w.Root().Write("verify", fields{"request": text}).Is(fields{"verdict": "valid", "variant": nil})
		for form, other := range map[string]string{
			"sig_std_base64":               before + ",sig=" + base64.StdEncoding.EncodeToString(tag) + "\n",
			"param_whitespace":             strings.ReplaceAll(before, ",", ", ") + ", sig=" + sig + "\n",
			"param_order":                  head + "SHA256 " + rest + "," + salt + ",sig=" + sig + "\n",
			"param_whitespace,param_order": head + "SHA256 sig=" + sig + ", " + rest + ", " + salt + "\n",
		} {
			a := w.Root().Write("verify", fields{"request": other})
			if a.Data["verdict"] != "replayed" || a.Data["variant"] == nil {
				t.Errorf("%s: %v", form, a.Data)
			}
		}
		// Bits that decode to nothing make no other call either.
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, sig[len(sig)-1])
		for bits := range 4 {
			other := sig[:len(sig)-1] + string(alphabet[last&^3|bits])
			if got := w.Verdict(fields{"request": before + ",sig=" + other + "\n"}); other != sig &&
				got != "malformed" {
				t.Errorf("bits %d: %s", bits, got)
			}
		}
	})
}
