package signing

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// alike returns n long names that differ in their last bytes.
func alike(prefix string, n, length int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = prefix + strings.Repeat("a", length-len(prefix)-2) + string(
			[]byte{"abcdefghij"[i/10], "abcdefghij"[i%10]},
		)
	}
	return names
}

var noTag = base64.StdEncoding.EncodeToString(make([]byte, TagSize))

// coveringMuch is a head of as many components and lines as fit, of names that are
// alike, in which each name could be looked for in each line.
func coveringMuch() string {
	const each = 190
	names := alike("x-", maxComponents-5, each)
	var b strings.Builder
	b.WriteString(
		"GET /" + strings.Repeat("p", 2000) + "?q HTTP/1.1\nHost: example.com\nSignature: sig1=:" + noTag + ":\n",
	)
	b.WriteString(`Signature-Input: sig1=("@method" "@authority" "@path" "@query" "@target-uri"`)
	for _, name := range names {
		b.WriteString(` "` + name + `"`)
	}
	b.WriteString(`);created=1700000000;keyid="tEsTkId1";nonce="abcdefgh"`)
	for _, name := range slices.Concat(names, alike("y-", 20, each)) {
		b.WriteString("\n" + strings.ToUpper(name) + ":")
	}
	return b.String()
}

// lenient is a head of as many long Verint- headers as fit, out of order and in upper case.
func lenient(size int) string {
	const lines = 97
	head := "GET /%20?q HTTP/1.1\nAuthorization: Vrnt-1-HMAC-SHA256 " +
		"salt=abcdefgh,iat=2025-01-15T10:30:00Z,kid=tEsTkId1,sig=" +
		strings.TrimRight(base64.URLEncoding.EncodeToString(make([]byte, TagSize)), "=")
	names := alike("verint-", lines, max(12, (size-len(head))/lines-3))
	slices.Reverse(names)
	for _, name := range names {
		head += "\n" + name + ":X"
	}
	return head
}

func TestComponentsAreFoundWithoutLookingThroughAllLines(t *testing.T) {
	h := mustParseHead(t, coveringMuch())
	call, err := ParseCall(h)
	if err != nil {
		t.Fatal(err)
	}
	names := append([]string{"x-none"}, call.Covered()...)
	find := h.finderFor(names)
	for _, name := range names {
		_, found := find.appendComponent(nil, name)
		if found != (name != "x-none") {
			t.Errorf("%.20s: %v", name, found)
		}
	}
	if find.looked > len(h.fields) {
		t.Errorf("%d names were compared for %d components, in %d lines", find.looked, len(names), len(h.fields))
	}
}

// The same names are found, in the same order, as when each line is looked at.
func TestFindersAgree(t *testing.T) {
	h := mustParseHead(t, "GET / HTTP/1.1\nX-A: 1\nx-b: 2\nX-a: 3\nX-C: 4\nx-A: 5")
	few, many := h.finderFor([]string{"x-a"}), h.finderFor([]string{"x-a", "x-b", "x-c", "x-d"})
	if few.sums != nil || many.sums == nil {
		t.Fatal("few names are looked for by sums, or many are not")
	}
	for name, want := range map[string]string{"x-a": "1, 3, 5", "x-b": "2", "x-c": "4", "x-d": ""} {
		for _, f := range []*finder{&few, &many} {
			got, ok := f.appendComponent(nil, name)
			if string(got) != fmt.Sprintf("%q: %s", name, want) || ok != (want != "") {
				t.Errorf("%s: %q %v", name, got, ok)
			}
		}
	}
}

func TestSignatureInputThatRepeatsAName(t *testing.T) {
	head := strings.Replace(coveringMuch(), `"@method"`, `"@method" "x-b" "x-c" "x-b"`, 1)
	if _, err := ParseCall(mustParseHead(t, head+"\nx-b:\nx-c:")); err == nil {
		t.Error("is taken")
	}
}

// What a key that lets variants in costs is bounded, however long the call.
func TestVariantsOfLongHeadsAreBounded(t *testing.T) {
	compat := Compat{HeadersSorted, HeaderValueCase, PathQuery, KeyASCII}
	for _, row := range []struct{ size, macs int }{{2000, 16}, {3800, 16}, {8000, 9}, {MaxHeadBytes, 3}} {
		call, err := ParseLenientCall(mustParseHead(t, lenient(row.size)))
		if err != nil {
			t.Fatal(err)
		}
		macs, hashed := 0, 0
		call.signedAs(compat, func(message []byte, _ bool) (tag [TagSize]byte) {
			macs, hashed = macs+1, hashed+len(message)
			return [TagSize]byte{1}
		}, true)
		if macs != row.macs || hashed-len(call.Message) > MaxVariantBytes {
			t.Errorf("head of %d: %d MACs over %d bytes, want %d", row.size, macs, hashed, row.macs)
		}
	}
}

// What explaining costs is bounded, whatever is to be explained.
func TestExplainOfMuchIsBounded(t *testing.T) {
	body := bytes.Repeat([]byte("\n\x00{"), 1<<20/3)
	heads := map[string]*Attempt{"message": ReadTaggedAttempt(body, "v1:tEsTkId1:"+strings.Repeat("A", 43))}
	for name, head := range map[string]string{
		"covering much": coveringMuch(), "lenient": lenient(MaxHeadBytes), "lenient and short": lenient(2000),
	} {
		heads[name] = ReadAttempt(mustParseHead(t, head))
	}
	for name, a := range heads {
		s := newSearch(a.tag, testKey)
		a.try(s, body)
		// The last message may go beyond: it was begun before.
		if s.tries > maxTries || s.bytes > maxTriedBytes+2<<20 || s.tries == 0 {
			t.Errorf("%s: %d MACs over %d bytes", name, s.tries, s.bytes)
		}
		t.Logf("%s: %d MACs over %d bytes", name, s.tries, s.bytes)
	}
}

// BenchmarkWorst is the costliest there is of each kind; the first is a plain one.
func BenchmarkWorst(b *testing.B) {
	message := make([]byte, 1<<20)
	plain := "GET /orders/17?x=1 HTTP/1.1\nHost: example.com\nUser-Agent: curl/8.5.0\nAccept: */*\nSignature: sig1=:" + noTag +
		":\nSignature-Input: sig1=(\"@method\" \"@authority\" \"@path\" " +
		"\"@query\");created=1700000000;keyid=\"tEsTkId1\";nonce=\"abcdefgh\""
	all := Compat{HeadersSorted, HeaderValueCase, PathQuery, KeyASCII}
	for _, row := range []struct{ name, head string }{
		{"plain", plain},
		{"components", coveringMuch()},
		{"variants-8k", lenient(8000)},
		{"variants-32k", lenient(MaxHeadBytes)},
	} {
		b.Run(row.name, func(b *testing.B) {
			var p Parser
			for b.Loop() {
				call, _, err := p.LenientCall(row.head)
				if err != nil {
					b.Fatal(err)
				}
				call.SignedAs(testKey, all)
			}
		})
	}
	b.Run("message", func(b *testing.B) {
		for b.Loop() {
			MAC(testKey, message)
		}
	})
	b.Run("explain-message", func(b *testing.B) {
		for b.Loop() {
			ReadTaggedAttempt(
				message,
				"v1:tEsTkId1:"+strings.Repeat("A", 43),
			).Explain(HMACSHA256, testKey, nil, time.Now())
		}
	})
	b.Run("explain-body", func(b *testing.B) {
		h, err := ParseHeadString(lenient(2000))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			ReadAttempt(h).Explain(Vrnt1, testKey, message, time.Now())
		}
	})
	b.Run("explain-components", func(b *testing.B) {
		h, err := ParseHeadString(coveringMuch())
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			ReadAttempt(h).Explain(RFC9421, testKey, message, time.Now())
		}
	})
}
