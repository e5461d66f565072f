package paths_test

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
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", nil)
		for _, target := range []string{"/a?q=\uFFFD", "/a?\uFFFD=caf\u00e9"} {
			head := h.Head("GET "+target+" HTTP/2", time.Now())
			judges(w, fields{"batch": []any{
				head, fields{"request": head}, fields{"request_base64": encoded(head)},
			}}, "malformed", "malformed", "valid")
			acme.Write("my/verify", fields{"request": head}).Is(fields{"verdict": "malformed"})
			a := acme.Write("my/explain", fields{"request": head})
			if a.Is(fields{"verdict": "malformed"}); !strings.Contains(about(a, "head_malformed")["text"].(string),
				"request_base64") {
				t.Errorf("explain says %v", about(a, "head_malformed"))
			}
			acme.Write("my/explain", fields{"request_base64": encoded(head)}).Is(fields{"verdict": "replayed"})
			unsigned := "GET " + target + " HTTP/1.1\nHost: api.example.com\n"
			acme.Refused(400, "request_base64").Write("my/external/sign/billing", fields{"request": unsigned})
			acme.Write("my/external/sign/billing", fields{"request_base64": encoded(unsigned)})
		}
		elsewhere := h.Head("GET /a?q=caf\u00e9 HTTP/3", time.Now()) + "X-Name: \uFFFD\n"
		judges(w, fields{"batch": []any{elsewhere}}, "valid")
		latin := h.Head("GET /a?q=caf\xe9 HTTP/1.1", time.Now())
		judges(w, fields{"batch": []any{fields{"request_base64": encoded(latin)}}}, "valid")
	})
}
