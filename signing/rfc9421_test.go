package signing

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

const (
	testNonce  = "bm9uY2Ugb2YgYSB0ZXN0"
	testParams = `;created=1736937000;keyid="tEsTkId1";nonce="` + testNonce + `"`
	testDigest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:" // RFC 9530's
)

// signed9421 returns head, which ends with LF, with the signature over base
// and the parameters of input. It writes as RFC 9421 section 4 says, and shares
// no code with the signer.
func signed9421(head, base, input string) string {
	tag := MAC(testKey, []byte(base+`"@signature-params": `+input))
	return head + "Signature-Input: sig1=" + input + "\nSignature: sig1=:" + base64.StdEncoding.EncodeToString(
		tag[:],
	) + ":\n"
}

func TestRFC9421SignatureBase(t *testing.T) {
	const host, mine, three = "Host: example.com\n", "\"@method\": GET\n\"@authority\": example.com\n", `("@method" "@authority" "@path"`
	for _, row := range []struct{ name, head, base, list string }{
		{"the least", "GET /a HTTP/1.1\n" + host, mine + "\"@path\": /a\n", three + ")"},
		{"query", "GET /a?b=c&d HTTP/1.1\n" + host, mine + "\"@path\": /a\n\"@query\": ?b=c&d\n", three + ` "@query")`},
		{"empty query", "GET /a? HTTP/1.1\n" + host, mine + "\"@path\": /a\n\"@query\": ?\n", three + ` "@query")`},
		{"query that is not there", "GET /a HTTP/1.1\n" + host, mine + "\"@path\": /a\n\"@query\": ?\n", three + ` "@query")`},
		{"nothing decoded", "GET /%61/../b//?%3f HTTP/1.1\n" + host, mine + "\"@path\": /%61/../b//\n\"@query\": ?%3f\n", three + ` "@query")`},
		{"target URI", "GET /a?b HTTP/1.1\n" + host, "\"@method\": GET\n\"@target-uri\": https://example.com/a?b\n", `("@method" "@target-uri")`},
		{"another order", "GET /a HTTP/1.1\n" + host, "\"@path\": /a\n\"@authority\": example.com\n\"@method\": GET\n", `("@path" "@authority" "@method")`},
		{"method as it is", "get /a HTTP/1.1\n" + host, strings.Replace(mine, "GET", "get", 1) + "\"@path\": /a\n", three + ")"},
		{"a field", "GET /a HTTP/1.1\nX-A:  b  c \n" + host, mine + "\"@path\": /a\n\"x-a\": b  c\n", three + ` "x-a")`},
		{"a field of two lines", "GET /a HTTP/1.1\nX-A: b\n" + host + "x-a: c\n", mine + "\"@path\": /a\n\"x-a\": b, c\n", three + ` "x-a")`},
		{"an empty field", "GET /a HTTP/1.1\nX-A:\n" + host, mine + "\"@path\": /a\n\"x-a\": \n", three + ` "x-a")`},
		{"a field of bytes", "GET /a HTTP/1.1\nX-A: \xff\n" + host, mine + "\"@path\": /a\n\"x-a\": \xff\n", three + ` "x-a")`},
		{"Authorization", "GET /a HTTP/1.1\nAuthorization: Bearer a\n" + host, mine + "\"@path\": /a\n\"authorization\": Bearer a\n", three + ` "authorization")`},
		{
			"body", "GET /a HTTP/1.1\nContent-Length: 18\nContent-Digest: " + testDigest + "\n" + host,
			mine + "\"@path\": /a\n\"content-digest\": " + testDigest + "\n", three + ` "content-digest")`,
		},
		{
			"digest of two lines", "GET /a HTTP/1.1\nContent-Digest: a=::\nTransfer-Encoding: chunked\nContent-Digest: " + testDigest + "\n" + host,
			mine + "\"@path\": /a\n\"content-digest\": a=::, " + testDigest + "\n", three + ` "content-digest")`,
		},
		{"no body", "GET /a HTTP/1.1\nContent-Length: 0\n" + host, mine + "\"@path\": /a\n", three + ")"},
		{"digest without a body", "GET /a HTTP/1.1\nContent-Digest: none\n" + host, mine + "\"@path\": /a\n", three + ")"},
	} {
		call, err := ParseCall(mustParseHead(t, signed9421(row.head, row.base, row.list+testParams)))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if want := row.base + `"@signature-params": ` + row.list + testParams; string(call.Message) != want {
			t.Errorf("%s: base is %q, want %q", row.name, call.Message, want)
		}
		if !call.SignedBy(testKey) || call.KeyID != "tEsTkId1" || call.Nonce != testNonce ||
			!call.Time.Equal(testTime) {
			t.Errorf("%s: call of %s at %s", row.name, call.KeyID, call.Time)
		}
		_, digest, covered := strings.Cut(row.base, `"content-digest": `)
		if digest = strings.TrimSuffix(digest, "\n"); call.ContentDigest != digest {
			t.Errorf("%s: digest %s, covered: %v", row.name, call.ContentDigest, covered)
		}
		if call.Scheme != RFC9421 || call.Time.Location() != time.UTC || !call.Expires.IsZero() || call.Form != nil {
			t.Errorf("%s: call is %s, expires %s, form %v", row.name, call.Scheme, call.Expires, call.Form)
		}
	}
}

func TestRFC9421Expires(t *testing.T) {
	const base = "\"@method\": GET\n\"@target-uri\": https://h/\n"
	input := `("@method" "@target-uri");expires=1736937001;tag="an \"app\"";alg="hmac-sha256"` + testParams
	call, err := ParseCall(mustParseHead(t, signed9421("GET /\nHost: h\n", base, input)))
	if err != nil {
		t.Fatal(err)
	}
	if !call.SignedBy(testKey) || !call.Expires.Equal(testTime.Add(time.Second)) ||
		call.Expires.Location() != time.UTC {
		t.Errorf("expires %s", call.Expires)
	}
}

// The RFC's own example covers neither method nor path: its base and MAC are
// right, and the profile refuses it.
func TestRFC9421B25(t *testing.T) {
	var file struct {
		Row struct {
			Key     string `json:"key_b64"`
			Method  string
			URL     string
			Headers map[string]string
			Base    string `json:"signature_base"`
			Input   string `json:"signature_input"`
			Tag     string `json:"signature"`
		} `json:"rfc9421_B.2.5"`
	}
	if err := json.Unmarshal(standardsJSON, &file); err != nil {
		t.Fatal(err)
	}
	v := file.Row
	text := v.Method + " " + strings.TrimPrefix(v.URL, "http://example.com") + " HTTP/1.1\n"
	for name, value := range v.Headers {
		text += name + ": " + value + "\n"
	}
	h := mustParseHead(t, text)
	params := strings.TrimPrefix(v.Input, "sig-b25=")
	base, err := signatureBase(nil, h, []string{"date", "@authority", "content-type"}, params)
	if err != nil || string(base) != v.Base {
		t.Errorf("base is %q (%v)", base, err)
	}
	key, err := base64.StdEncoding.DecodeString(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	var want [TagSize]byte
	if !parseSignature(&want, v.Tag, "sig-b25") || MAC(key, base) != want {
		t.Error("another MAC")
	}
	signed := mustParseHead(t, text+"Signature-Input: "+v.Input+"\nSignature: "+v.Tag+"\n")
	if _, err := ParseCall(signed); !errors.Is(err, ErrMalformed) {
		t.Errorf("the profile takes it: %v", err)
	}
	if _, err := ParseLenientCall(signed); !errors.Is(err, ErrMalformed) {
		t.Errorf("the lenient profile takes it: %v", err)
	}
}

func TestRFC9421Authority(t *testing.T) {
	for host, want := range map[string]string{
		"example.com":            "example.com",
		"EXAMPLE.com":            "example.com",
		"example.com:443":        "example.com",
		"example.com:80":         "example.com",
		"example.com:8443":       "example.com:8443",
		"example.com:0443":       "example.com:0443",
		"example.com.":           "example.com.",
		"127.0.0.1:80":           "127.0.0.1",
		"a_b~c-d":                "a_b~c-d",
		"[2001:DB8::1]":          "[2001:db8::1]",
		"[2001:db8::1]:443":      "[2001:db8::1]",
		"[2001:db8::443]":        "[2001:db8::443]",
		"[::ffff:1.2.3.4]:8080":  "[::ffff:1.2.3.4]:8080",
		strings.Repeat("a", 255): strings.Repeat("a", 255),
		"":                       "",
		"a b":                    "",
		"a,b":                    "",
		"user@a":                 "",
		"a/b":                    "",
		"a?b":                    "",
		"a#b":                    "",
		"a\\b":                   "",
		"a%41":                   "",
		"a:":                     "",
		"a:b":                    "",
		"a:1:2":                  "",
		"a:123456":               "",
		":443":                   "",
		"[::1":                   "",
		"::1":                    "",
		"[::1]a":                 "",
		"[::1]]":                 "",
		"[]":                     "",
		"[::1%25lo]":             "",
		"[g::1]":                 "",
		"a]:1":                   "",
		"b\u00fccher.example":    "",
		strings.Repeat("a", 256): "",
	} {
		got, ok := appendAuthority(nil, mustParseHead(t, "GET /\nHost: "+host))
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%q: %s %v, want %q", host, got, ok, want)
		}
	}
	if _, ok := appendAuthority(nil, mustParseHead(t, "GET /")); ok {
		t.Error("a head without Host has an authority")
	}
}
