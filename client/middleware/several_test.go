package middleware

import (
	"net/http"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/signing"
)

// TestMiddlewareSecondSignature passes on what our signature covers, and nothing for what a stranger's does.
func TestMiddlewareSecondSignature(t *testing.T) {
	const stranger = `cdn=("@method" "verint-username" "x-other";bs);created=1;keyid="cdn";tag="web-bot-auth"`
	head := "GET /?caf\u00e9=\xe9 HTTP/1.1\nHost: api.example\nVerint-UserName: agent7\nX-Other: 1\n"
	for _, lines := range []bool{false, true} {
		raw := signedRaw(t, signing.RFC9421, head, "")
		between := ", "
		if lines {
			between = "\r\nSIGNATURE: "
		}
		raw = strings.Replace(raw, "Signature: ", "Signature: cdn=:QUJDRA==:"+between, 1)
		raw = strings.Replace(raw, "Signature-Input: ", "Signature-Input: "+stranger+"\r\nSignature-Input: ", 1)
		raw = strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\n", "\r\n")
		called := false
		w := serve(t, New(new(keyJudge), WithSignedHeadersOnly())(http.HandlerFunc(
			func(_ http.ResponseWriter, r *http.Request) { called = len(r.Header) == 0 },
		)), raw)
		if !called {
			t.Errorf("%d %s: %s", w.Code, w.Body, raw)
		}
	}
}
