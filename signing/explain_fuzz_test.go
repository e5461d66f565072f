package signing

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
)

// Whatever a head holds, explaining it ends, tells nothing of the key, and agrees with what
// verifies. A tag that nobody made is never a mistake of the client's.
func FuzzExplain(f *testing.F) {
	key := explainedBytes(f)
	signed := joined(explainedSalt, "GET", "/a%20b/C:d", explainedTime, "verint-username:anna", "verint-role:agent", "")
	f.Add([]byte(authorized(verintHead, explainedTime, urlText(sum(string(key), signed)))), []byte("{}"))
	f.Add([]byte(authorized("GET / HTTP/1.1\n", "now", "x")), []byte(nil))
	f.Add([]byte(signedBy(posted(), covered+inputParams, string(key), base())), []byte(postedBody))
	f.Add([]byte("GET / HTTP/1.1\nSignature: a=::\nSignature-Input: a=();created=;keyid"), []byte("x"))
	f.Add([]byte("G /%\nAuthorization: salt=,sig="), []byte(nil))
	f.Fuzz(func(t *testing.T, text, body []byte) {
		h, err := ParseHead(text)
		if err != nil {
			return
		}
		a := ReadAttempt(h)
		for _, scheme := range []Scheme{Vrnt1, RFC9421} {
			e := a.Explain(scheme, key, body, explainedNow)
			c, err := ParseCall(h)
			if verifies := err == nil && c.Scheme == scheme && c.SignedBy(key); e.Signed != verifies {
				t.Fatalf("signed is %t, verifies is %t: %q", e.Signed, verifies, e.Findings)
			}
			if err != nil && len(a.Findings) == 0 {
				t.Fatalf("does not say why it is no call: %v", err)
			}
			if err == nil && string(c.Message) != a.StringToSign {
				t.Fatalf("the string to sign is %q", a.StringToSign)
			}
			for _, finding := range e.Findings {
				if strings.Contains(finding.Text, explainedKey) || bytes.Contains([]byte(finding.Text), key) {
					t.Fatalf("%s tells of the key", finding.ID)
				}
			}
		}
		if !a.tagged || a.try == nil {
			return
		}
		if _, err := rand.Read(a.tag[:]); err != nil {
			t.Fatal(err)
		}
		if e := a.Explain(a.Scheme, key, body, explainedNow); !strings.Contains(names(e.Findings), "no_known_mistake") {
			t.Fatalf("a tag of chance is explained: %v", names(e.Findings))
		}
	})
}

func FuzzExplainTagged(f *testing.F) {
	key := explainedBytes(f)
	f.Add([]byte("order 17"), SignTagged(explainedID, key, []byte("order 17")))
	f.Add([]byte(`{"a": 1}`), "v1::")
	f.Fuzz(func(t *testing.T, message []byte, signature string) {
		e := ReadTaggedAttempt(message, signature).Explain(HMACSHA256, key, nil, explainedNow)
		c, err := ParseTagged(message, signature)
		if verifies := err == nil && c.SignedBy(key); e.Signed != verifies {
			t.Fatalf("signed is %t, verifies is %t: %q", e.Signed, verifies, e.Findings)
		}
	})
}

// The work is bounded, however much in a head could have been mistaken.
func TestExplainIsBounded(t *testing.T) {
	key := explainedBytes(t)
	head := "GET /A%20b/?q=" + strings.Repeat("x", 8000) + " HTTP/1.1\nHost: API.example.com:443\n"
	for i := range 90 {
		head += "Verint-" + string(rune('a'+i%26)) + strings.Repeat("Z", i) + ": " + strings.Repeat("V", 100) + "\n"
	}
	a := attempted(t, authorized(head, explainedTime, urlText(make([]byte, TagSize))))
	s := newSearch(a.tag, key)
	a.try(s, make([]byte, 1<<20))
	if s.found || s.tries > maxTries || s.bytes > maxTriedBytes+2<<20 {
		t.Errorf("%d tries over %d bytes", s.tries, s.bytes)
	}
	a = attempted(t, signedBy(posted(), covered+inputParams, "x", ""))
	s = newSearch(a.tag, key)
	a.try(s, []byte(postedBody))
	if s.found || s.tries >= maxTries {
		t.Errorf("rfc9421: %d tries: the pairs are cut short", s.tries)
	}
	a = attempted(t, authorized(verintHead, explainedTime, urlText(make([]byte, TagSize))))
	s = newSearch(a.tag, key)
	if a.try(s, []byte(postedBody)); s.found || s.tries >= maxTries {
		t.Errorf("vrnt-1: %d tries: the pairs are cut short", s.tries)
	}
}
