//go:build interop

package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

const strangeID = "a stranger's key, of the CDN"

var strangeKey = []byte("fedcba9876543210fedcba9876543210")

// besides has the peer add the signature of a stranger, as something on the way does, and returns both headers.
func besides(t *testing.T, p *peer, m message, signed [][2]string) [][2]string {
	t.Helper()
	r := m.request("sign", signed...)
	r.Key, r.KeyID, r.Label = strangeKey, strangeID, "cdn"
	r.Fields, r.Params = []string{"@method", "@authority", "@path", "accept"}, []string{
		"created", "keyid", "alg",
		"tag",
	}
	r.Values = map[string]any{"created": time.Now().Unix(), "keyid": strangeID, "tag": "web-bot-auth"}
	return p.signs(t, r)
}

// signs returns the two headers with which the peer signs.
func (p *peer) signs(t *testing.T, r request) [][2]string {
	t.Helper()
	a := p.ask(t, r)
	if a.Error != "" {
		t.Fatalf("the peer does not sign: %s", a.Error)
	}
	var headers [][2]string
	for _, name := range []string{"Signature-Input", "Signature"} {
		headers = append(headers, [2]string{name, a.Headers[name].(string)})
	}
	return headers
}

// tagged is a signature of the peer's that is meant for us.
func tagged(t *testing.T, p *peer, m message, n int) [][2]string {
	t.Helper()
	r := m.request("sign")
	r.Label, r.Fields = "app", []string{"@method", "@target-uri"}
	if m.body != "" {
		r.Fields = append(r.Fields, "content-digest")
	}
	r.Params = []string{"tag", "nonce", "created", "keyid"}
	r.Values = map[string]any{
		"created": time.Now().Unix(), "nonce": fmt.Sprintf("nonce-%d", n+100), "tag": "apikeys", "keyid": keyID,
	}
	return p.signs(t, r)
}

// asLines writes each member of both headers as a line of its own, the last first.
func asLines(headers [][2]string) (lines [][2]string) {
	for _, h := range headers {
		first, second, found := strings.Cut(h[1], ", cdn=")
		if !found {
			panic("the stranger's is not the second: " + h[1])
		}
		lines = append(lines, [2]string{h[0], "cdn=" + second}, [2]string{h[0], first})
	}
	return lines
}

// Beside a stranger's signature ours is found by both sides, whoever made it, and each side finds what is changed.
func TestTwoSignatures(t *testing.T) {
	p := startPeer(t)
	for n, m := range messages() {
		signed := m.sign(t)
		if n%2 == 0 {
			signed = tagged(t, p, m, n)
		}
		both := besides(t, p, m, signed)
		other := m
		other.target += "x"
		for form, add := range map[string][][2]string{"members": both, "lines": asLines(both)} {
			call, ok := verify(m.head(add...))
			if !ok || call.KeyID != keyID || (call.ContentDigest != "") != (m.body != "") {
				t.Errorf("%s, %s: not signed to us", form, m.head(add...))
			}
			if _, ok := verify(other.head(add...)); ok {
				t.Errorf("%s, %s: signed to us with another target", form, m.head(add...))
			}
			if a := p.ask(t, m.request("verify", add...)); !a.Valid || a.Error != "" {
				t.Errorf("%s, %s: not valid to the peer: %s", form, m.head(add...), a.Error)
			}
			if a := p.ask(t, other.request("verify", add...)); a.Valid {
				t.Errorf("%s, %s: valid to the peer with another target", form, m.head(add...))
			}
			untagged := strings.Replace(m.head(add...), `tag="apikeys"`, `tag="app"`, 1)
			if h, err := signing.ParseHeadString(untagged); err != nil {
				t.Error(err)
			} else if _, err := signing.ParseCall(h); err == nil {
				t.Errorf("%s: judged without our tag", untagged)
			}
		}
	}
}
