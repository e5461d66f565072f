//go:build interop

// Package interop signs and verifies heads of RFC 9421 against a library that
// others wrote, in both directions.
package interop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

const keyID = "tEsTkId1"

var key = []byte("0123456789abcdef0123456789abcdef")

// message is a request that both sides can write down: the head is ours, the
// URL and the map are theirs.
type message struct {
	method, host, target, body string
}

// messages are of every method with every host, target and body.
func messages() (all []message) {
	for i, method := range []string{"GET", "POST", "DELETE", "PATCH"} {
		for _, host := range []string{
			"example.com", "API.Example.com", "example.com:443", "example.com:8443", "127.0.0.1:9000", "[2001:db8::1]",
			"[::1]:8443",
		} {
			for _, target := range []string{
				"/", "/a", "/a/b.c;d/", "/%7Ea%20b%2Fc", "/a?", "/a?b=c&d", "/?q=%C3%A9+x", "/a?b?c=/d", "/a//b?x=y%26",
			} {
				all = append(all, message{method, host, target, ""})
				if i%2 == 1 {
					all = append(all, message{method, host, target, fmt.Sprintf(`{"target": %q}`, target)})
				}
			}
		}
	}
	return all
}

func (m message) headers() [][2]string {
	headers := [][2]string{{"Host", m.host}, {"Accept", "text/html"}, {"Accept", "text/plain;q=0.5"}, {"X-Empty", ""}}
	if m.body != "" {
		headers = append(
			headers,
			[2]string{"Content-Length", fmt.Sprint(len(m.body))},
			[2]string{"Content-Digest", signing.DigestBody([]byte(m.body))},
		)
	}
	return headers
}

func (m message) head(add ...[2]string) string {
	text := m.method + " " + m.target + " HTTP/1.1\n"
	for _, h := range append(m.headers(), add...) {
		text += h[0] + ": " + h[1] + "\n"
	}
	return text
}

// request returns the message as the peer takes it.
func (m message) request(op string, add ...[2]string) request {
	host := strings.TrimSuffix(strings.ToLower(m.host), ":443")
	r := request{
		Op:      op,
		Method:  m.method,
		URL:     "https://" + host + m.target,
		Headers: map[string][]string{},
		Key:     key,
		KeyID:   keyID,
	}
	for _, h := range append(m.headers(), add...) {
		r.Headers[h[0]] = append(r.Headers[h[0]], h[1])
	}
	return r
}

// sign returns the message's own signature.
func (m message) sign(t *testing.T) [][2]string {
	t.Helper()
	h, err := signing.ParseHeadString(m.head())
	if err != nil {
		t.Fatal(err)
	}
	headers, err := signing.SignHead(signing.RFC9421, h, keyID, key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return [][2]string{{headers[0].Name, headers[0].Value}, {headers[1].Name, headers[1].Value}}
}

func verify(text string) (*signing.Call, bool) {
	h, err := signing.ParseHeadString(text)
	if err != nil {
		return nil, false
	}
	call, err := signing.ParseCall(h)
	if err != nil {
		return nil, false
	}
	return call, call.SignedBy(key)
}

func TestPeerVerifiesOurSignatures(t *testing.T) {
	p := startPeer(t)
	for _, m := range messages() {
		add := m.sign(t)
		if a := p.ask(t, m.request("verify", add...)); !a.Valid || a.Error != "" {
			t.Errorf("%s: not valid to the peer: %s", m.head(add...), a.Error)
		}
		other := m
		other.target += "x"
		if a := p.ask(t, other.request("verify", add...)); a.Valid {
			t.Errorf("%s: valid to the peer with another target", m.head(add...))
		}
	}
}

// theirs returns the peer's signature of m, with what number n chooses.
func theirs(t *testing.T, p *peer, m message, n int) [][2]string {
	t.Helper()
	r := m.request("sign")
	r.Label = []string{"sig1", "sig", "a-b.c_d*"}[n%3]
	r.Fields = []string{"@method", "@authority", "@path"}
	if strings.Contains(m.target, "?") || n%2 == 0 {
		r.Fields = append(r.Fields, "@query")
	}
	if n%4 == 1 {
		r.Fields = []string{"@method", "@target-uri"}
	}
	if m.body != "" {
		r.Fields = append(r.Fields, "content-digest")
	}
	if n%5 == 0 {
		r.Fields = append(r.Fields, "accept", "x-empty")
		slices.Reverse(r.Fields)
	}
	now := time.Now().Unix()
	r.Values = map[string]any{
		"created": now,
		"expires": now + 60,
		"nonce":   fmt.Sprintf("nonce-%d", n+100),
		"tag":     "app",
		"keyid":   keyID,
	}
	r.Params = [][]string{
		{"created", "keyid", "nonce"},
		{"keyid", "alg", "nonce", "expires", "created"},
		{"tag", "nonce", "created", "keyid"},
	}[n/3%3]
	a := p.ask(t, r)
	if a.Error != "" {
		t.Fatalf("the peer does not sign: %s", a.Error)
	}
	return [][2]string{
		{"Signature-Input", a.Headers["Signature-Input"].(string)},
		{"Signature", a.Headers["Signature"].(string)},
	}
}

func TestWeVerifyThePeersSignatures(t *testing.T) {
	p := startPeer(t)
	for n, m := range messages() {
		add := theirs(t, p, m, n)
		call, ok := verify(m.head(add...))
		if !ok {
			t.Errorf("%s: not signed to us", m.head(add...))
			continue
		}
		if call.KeyID != keyID || call.Nonce != fmt.Sprintf("nonce-%d", n+100) ||
			(call.ContentDigest != "") != (m.body != "") {
			t.Errorf("%s: call of %s, nonce %s", m.head(add...), call.KeyID, call.Nonce)
		}
		if n%2 == 1 && m.body != "" {
			digest, err := signing.ParseContentDigest(call.ContentDigest)
			if err != nil || !digest.Matches([]byte(m.body)) {
				t.Errorf("digest %s (%v)", call.ContentDigest, err)
			}
		}
	}
}

// Whatever byte of what is signed changes, whoever signed it, is noticed.
func TestMutationsAreRefused(t *testing.T) {
	p := startPeer(t)
	random := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for n, m := range messages() {
		add := m.sign(t)
		if n%2 == 0 {
			add = theirs(t, p, m, n)
		}
		text := m.head(add...)
		if _, ok := verify(text); !ok {
			t.Fatalf("%s: not signed to us", text)
		}
		for _, part := range m.signedParts(text, add) {
			for range 8 {
				at := part[0] + random.IntN(part[1]-part[0])
				forged := []byte(text)
				forged[at] ^= 1 << random.IntN(8)
				if strings.EqualFold(string(forged[at]), text[at:at+1]) {
					continue // the case of Host
				}
				if _, ok := verify(string(forged)); ok {
					t.Errorf("%q is signed, byte %d of %q changed", forged, at, text)
				}
				refused++
			}
		}
	}
	if refused < 5000 {
		t.Errorf("only %d mutations", refused)
	}
}

// signedParts returns where in text the parts are of which each byte counts:
// the labels do not.
func (m message) signedParts(text string, add [][2]string) (parts [][2]int) {
	find := func(value string) {
		at := strings.LastIndex(text, value)
		parts = append(parts, [2]int{at, at + len(value)})
	}
	parts = append(parts, [2]int{0, len(m.method + " " + m.target)})
	host := strings.Index(text, "Host: ") + len("Host: ")
	parts = append(parts, [2]int{host, host + len(m.host)})
	for _, h := range add {
		_, value, _ := strings.Cut(h[1], "=")
		find(value)
	}
	if m.body != "" {
		find(signing.DigestBody([]byte(m.body)))
	}
	return parts
}
