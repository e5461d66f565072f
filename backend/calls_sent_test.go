package backend_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// Vault writes U+FFFD for bytes that are no UTF-8. So a text that has it in its target is malformed, and base64 is not.
func TestReplacedBytesInTargets(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", nil)
		for _, target := range []string{"/a?q=\uFFFD", "/a?\uFFFD=caf\u00e9"} {
			head := h.head("GET "+target+" HTTP/2", time.Now())
			w.judges(fields{"batch": []any{
				head, fields{"request": head}, fields{"request_base64": encoded(head)},
			}}, "malformed", "malformed", "valid")
			acme.write("my/verify", fields{"request": head}).is(fields{"verdict": "malformed"})
			a := acme.write("my/explain", fields{"request": head})
			if a.is(fields{"verdict": "malformed"}); !strings.Contains(a.about("head_malformed")["text"].(string),
				"request_base64") {
				t.Errorf("explain says %v", a.about("head_malformed"))
			}
			acme.write("my/explain", fields{"request_base64": encoded(head)}).is(fields{"verdict": "replayed"})
			unsigned := "GET " + target + " HTTP/1.1\nHost: api.example.com\n"
			acme.refused(400, "request_base64").write("my/external/sign/billing", fields{"request": unsigned})
			acme.write("my/external/sign/billing", fields{"request_base64": encoded(unsigned)})
		}
		elsewhere := h.head("GET /a?q=caf\u00e9 HTTP/3", time.Now()) + "X-Name: \uFFFD\n"
		w.judges(fields{"batch": []any{elsewhere}}, "valid")
		latin := h.head("GET /a?q=caf\xe9 HTTP/1.1", time.Now())
		w.judges(fields{"batch": []any{fields{"request_base64": encoded(latin)}}}, "valid")
	})
}
