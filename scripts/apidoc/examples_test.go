package main

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/signing"
	"vault-plugin-secrets-apikeys/test/testdoc"
)

var signatureLine = regexp.MustCompile(
	`(?m)^Signature-Input: (sig1=\(.*"oKGio6SlpqeoqaqrrK2urw";tag="apikeys")\nSignature: (sig1=:[A-Za-z0-9+/=]+:)$`,
)

// TestWorkedExample has the worked examples, which were computed with openssl and with Python, verified: the texts that
// are shown are what was signed, and give the signatures that are shown.
func TestWorkedExample(t *testing.T) {
	t.Parallel()
	guide, text := testdoc.Open(t, "docs/integrators.md"), read(t, root+"docs/integrators.md")
	shown := signatureLine.FindStringSubmatch(text)
	if shown == nil {
		t.Fatal("there is none")
	}
	signed := func(base string) []byte {
		tag := signing.MAC(secretBytes(), []byte(base))
		return tag[:]
	}
	base := strings.TrimSuffix(guide.Next(`"@method": GET`).Text, "\n") // no LF after the last line
	if got := "sig1=:" + base64.StdEncoding.EncodeToString(signed(base)) + ":"; got != shown[2] {
		t.Errorf("the text of rfc9421 gives %s, and not %s", got, shown[2])
	}
	vrnt1 := base64.RawURLEncoding.EncodeToString(signed(guide.Next("user-mgmt-api").Text))
	if !strings.Contains(text, "and the signature `"+vrnt1+"`") {
		t.Errorf("the text of vrnt-1 gives %s, which is not shown", vrnt1)
	}

	const params = `sig1=("@method" "@authority" "@path" "content-digest");` +
		`created=1736937000;keyid="tEsTkId1";nonce="oKGio6SlpqeoqaqrrK2urw";tag="apikeys"`
	posted := "sig1=:T92/bwHC4s4+BmE9ySUHbut7BCm/cbsAGQQ6JU8ZitE=:"
	if !strings.Contains(text, strings.Trim(posted, "sig1=:")) {
		t.Error("the signature of the call with a body is not shown")
	}
	for _, head := range []string{
		"GET /wfo/agents?page=2\nHost: api.example\nSignature-Input: " + shown[1] + "\nSignature: " + shown[2],
		"POST /wfo/agents\nHost: api.example\nContent-Length: 18\n" +
			"Content-Digest: " + signing.DigestBody([]byte(`{"hello": "world"}`)) + "\n" +
			"Signature-Input: " + params + "\nSignature: " + posted,
	} {
		parsed, err := signing.ParseHead([]byte(head))
		if err != nil {
			t.Fatal(err)
		}
		call, err := signing.ParseCall(parsed)
		if err != nil || !call.SignedBy(secretBytes()) {
			t.Errorf("%s: %v", head, err)
		}
	}
}

// TestShownKey checks that the key that is shown to integrators is one: ID, secret and checksum go with each other.
func TestShownKey(t *testing.T) {
	t.Parallel()
	var shown struct {
		Credential string
		Key        string
		KeyID      string `json:"key_id"`
	}
	if err := json.Unmarshal(
		[]byte(testdoc.Open(t, "docs/integrators.md").Next("credential").Text),
		&shown,
	); err != nil {
		t.Fatal(err)
	}
	keyID, key, err := apikey.ParseCredential(shown.Credential)
	if err != nil || keyID != shown.KeyID || key.RevealText() != shown.Key {
		t.Errorf("credential %s is not of key ID %s and key %s: %v", shown.Credential, shown.KeyID, shown.Key, err)
	}
}
