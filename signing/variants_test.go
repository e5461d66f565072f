package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

// deviating returns a head that has tag's signature over message, computed
// here from what clients of section 1.3's table do.
func deviating(t *testing.T, head, key, message string) *Call {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(message))
	call, err := ParseLenientCall(
		mustParseHead(
			t,
			head+"\nAuthorization: Vrnt-1-HMAC-SHA256 salt=abcdefgh,iat=2025-01-15T10:30:00Z,kid=tEsTkId1,sig="+
				base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		),
	)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

func TestVariantsCombine(t *testing.T) {
	key := string(testKey)
	text := base64.RawURLEncoding.EncodeToString(testKey)
	const head = "GET /a%20b?c=D HTTP/1.1\nVerint-UserName: Agent\nVerint-Id: X"
	const received, sorted = "verint-username:agent\nverint-id:x\n", "verint-id:x\nverint-username:agent\n"
	const receivedCase, sortedCase = "verint-username:Agent\nverint-id:X\n", "verint-id:X\nverint-username:Agent\n"
	message := func(path, canon string) string {
		return "abcdefgh\nGET\n" + path + "\n2025-01-15T10:30:00Z\n" + canon + "\n"
	}
	paths := map[Variant]string{"": "/a%20b", PathDecoded: "/a b", PathQuery: "/a%20b?c=D"}
	canons := map[string]Compat{
		received:     nil,
		sorted:       {HeadersSorted},
		receivedCase: {HeaderValueCase},
		sortedCase:   {HeadersSorted, HeaderValueCase},
	}
	for variant, path := range paths {
		for canon, headers := range canons {
			for _, secret := range []string{key, text} {
				call := deviating(t, head, secret, message(path, canon))
				want := slices.Clone(headers)
				if variant != "" {
					want = append(want, variant)
				}
				if secret == text {
					want = append(want, KeyASCII)
				}
				for _, c := range everything {
					matched, ok := call.SignedAs(testKey, c)
					if wantOK := variant == "" || c.Has(variant); ok != wantOK || ok && !slices.Equal(matched, want) {
						t.Errorf("%v with %v: %v %v", want, c, matched, ok)
					}
				}
				for i := range want {
					if _, ok := call.SignedAs(testKey, slices.Delete(slices.Clone(want), i, i+1)); ok {
						t.Errorf("%v without %s", want, want[i])
					}
				}
				if matched, ok := NewMACKey(testKey).SignedAs(call, want); !ok || !slices.Equal(matched, want) {
					t.Errorf("%v: a MACKey says %v %v", want, matched, ok)
				}
			}
		}
	}
}

// A list that no parser lets through does not let more in either.
func TestVariantsThatExcludeEachOther(t *testing.T) {
	both := Compat{PathDecoded, PathQuery}
	for _, path := range []string{"/a b", "/a%20b?c"} {
		call := deviating(t, "GET /a%20b?c", string(testKey), "abcdefgh\nGET\n"+path+"\n2025-01-15T10:30:00Z\n\n")
		if _, ok := call.SignedAs(testKey, both); ok {
			t.Errorf("%s is let in", path)
		}
	}
}

func TestDecodedPath(t *testing.T) {
	for path, want := range map[string]string{
		"/a%20b":        "/a b",
		"/%41%6a%4A":    "/AjJ",
		"/100%25":       "/100%",
		"/100%25.pdf":   "/100%.pdf",
		"/%25%":         "",
		"/%C3%A9":       "/\u00e9",
		"/%2e%2E/":      "/../",
		"/%3B%26":       "/;&",
		"/a":            "",
		"/%0a":          "",
		"/%0D":          "",
		"/%00":          "",
		"/%1f":          "",
		"/%7f":          "",
		"/%3f":          "",
		"/%3Fx=1":       "",
		"/%23":          "",
		"/%2f":          "",
		"/%2F":          "",
		"/%5c":          "",
		"/a\\%20":       "",
		"/%252F":        "",
		"/%2520":        "",
		"/%25%34%31":    "",
		"/%254%31":      "",
		"/%":            "",
		"/%4":           "",
		"/%4g":          "",
		"/%g4":          "",
		"/%20%zz":       "",
		"/%u0041%20":    "",
		"/%20/%41%%41b": "",
	} {
		got, ok := decodedPath(path)
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", path, got, ok, want)
		}
	}
}

// What a decoding client signs for one call is never taken for another's.
func TestDecodedPathIsNoOtherCall(t *testing.T) {
	for _, row := range []struct{ signed, sent string }{
		{"/a?x=1", "/a%3Fx=1"},
		{"/a%20b", "/a%2520b"},
		{"/a\nb", "/a%0Ab"},
		{"/a/b", "/a%2Fb"},
		{"/a\\b", "/a%5Cb"},
	} {
		call := deviating(
			t,
			"GET "+row.sent,
			string(testKey),
			"abcdefgh\nGET\n"+row.signed+"\n2025-01-15T10:30:00Z\n\n",
		)
		for _, c := range everything {
			if matched, ok := call.SignedAs(testKey, c); ok {
				t.Errorf("%q: taken with %v", row.sent, matched)
			}
		}
	}
}

// Each MAC is of another message or another key, and there are at most 16.
func TestVariantsAreBounded(t *testing.T) {
	for _, row := range []struct {
		head           string
		decoded, query int // MACs with the two lists of everything
	}{
		{"GET /", 2, 2},
		{"GET /a\nVerint-A: b", 2, 2},
		{"GET /a%20b\nVerint-A: b", 4, 2},
		{"GET /a%0ab\nVerint-A: b", 2, 2},
		{"GET /a?b\nVerint-A: B\nVerint-C: D", 4, 8},
		{"GET /a\nVerint-C: b\nVerint-A: d", 4, 4},
		{"GET /a%20b?c\nVerint-C: B\nX: Y\nVerint-A: D", 16, 16},
	} {
		call := deviating(t, row.head, "another key", "")
		for i, want := range []int{row.decoded, row.query} {
			tried, n := map[string]bool{}, 0
			_, ok := call.signedAs(everything[i], func(message []byte, ascii bool) [TagSize]byte {
				n++
				tried[string(message)+map[bool]string{true: "text"}[ascii]] = true
				return [TagSize]byte{}
			}, true)
			if ok || n != len(tried) || n != want {
				t.Errorf("%q: %d MACs of %d messages, want %d", row.head, n, len(tried), want)
			}
		}
	}
}

// Whatever the size of a head, the bytes hashed for its variants are bounded; one that is short is tried in all of
// them.
func TestBytesOfVariantsAreBounded(t *testing.T) {
	for _, size := range []int{100, 1000, 3900, 5000, 8000, 16_000, 30_000} {
		head := "GET /a%20b?" + strings.Repeat("c", size/2) + "\nVerint-C: " + strings.Repeat(
			"B",
			size/2,
		) + "\nVerint-A: D"
		for i, compat := range everything {
			call := deviating(t, head, "another key", "")
			hashed, macs := -len(call.Message), 0
			_, ok := call.signedAs(compat, func(message []byte, _ bool) [TagSize]byte {
				hashed, macs = hashed+len(message), macs+1
				return [TagSize]byte{}
			}, true)
			if ok || hashed > MaxVariantBytes || macs < 3 || size < 4000 && macs != 16 {
				t.Errorf("%d bytes, list %d: %d MACs of %d bytes", size, i, macs, hashed)
			}
		}
	}
}

func TestNoNonce(t *testing.T) {
	const input = `("@method" "@target-uri");created=1736937000;keyid="tEsTkId1"`
	text := signed9421("GET /\nHost: h\n", "\"@method\": GET\n\"@target-uri\": https://h/\n", input)
	call, err := ParseLenientCall(mustParseHead(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(call.Form, Compat{NoNonce}) || call.Nonce != base64.RawURLEncoding.EncodeToString(call.Tag[:]) {
		t.Errorf("form %v, nonce %s", call.Form, call.Nonce)
	}
	if matched, ok := call.SignedAs(testKey, Compat{NoNonce}); !ok || !slices.Equal(matched, Compat{NoNonce}) {
		t.Errorf("matched %v %v", matched, ok)
	}
	if _, ok := call.SignedAs(testKey, everything[0]); ok || call.SignedBy(testKey) {
		t.Error("signed without its variant")
	}
	if _, ok := call.SignedAs([]byte("another key"), Compat{NoNonce}); ok {
		t.Error("signed by another key")
	}
}
