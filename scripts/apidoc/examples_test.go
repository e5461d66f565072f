package main

import (
	"regexp"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/signing"
)

var signatureLine = regexp.MustCompile(`(?m)^Signature-Input: (sig1=\(.*"oKGio6SlpqeoqaqrrK2urw")\nSignature: (sig1=:[A-Za-z0-9+/=]+:)$`)

// TestWorkedExample has the worked example of rfc9421, which was computed with openssl and with Python, verified.
func TestWorkedExample(t *testing.T) {
	text := read(t, root+"docs/integrators.md")
	shown := signatureLine.FindStringSubmatch(text)
	if shown == nil {
		t.Fatal("there is none")
	}
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	const params = `sig1=("@method" "@authority" "@path" "content-digest");created=1736937000;keyid="tEsTkId1";nonce="oKGio6SlpqeoqaqrrK2urw"`
	posted := "sig1=:5Bl4CGITPOJWJiWrpLScxdaI9pMCSvXhWRpE8nuCfPo=:"
	if !strings.Contains(text, strings.Trim(posted, "sig1=:")) {
		t.Error("the signature of the call with a body is not shown")
	}
	for _, head := range []string{
		"GET /wfo/agents?page=2\nHost: api.example\nSignature-Input: " + shown[1] + "\nSignature: " + shown[2],
		"POST /wfo/agents\nHost: api.example\nContent-Length: 18\nContent-Digest: " + signing.DigestBody([]byte(`{"hello": "world"}`)) +
			"\nSignature-Input: " + params + "\nSignature: " + posted,
	} {
		parsed, err := signing.ParseHead([]byte(head))
		if err != nil {
			t.Fatal(err)
		}
		call, err := signing.ParseCall(parsed)
		if err != nil || !call.SignedBy(key) {
			t.Errorf("%s: %v", head, err)
		}
	}
}
