package signing

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestVrnt1HeaderStrictForm(t *testing.T) {
	good := vrnt1Row(t, "V01").Authorization
	salt, sig := vrnt1Row(t, "V01").Salt, vrnt1Row(t, "V01").Sig
	for _, row := range []struct {
		name, old, new string
		ok             bool
	}{
		{"as it is", "", "", true},
		{"salt of 8", salt, "abc_-XY9", true},
		{"salt of 128", salt, strings.Repeat("a", 128), true},
		{"key ID of 64", "tEsTkId1", strings.Repeat("k", 64), true},
		{"leap day", "2025-01-15", "2024-02-29", true},
		{"last second there is", "2025-01-15T10:30:00Z", "9999-12-31T23:59:59Z", true},

		{"empty", good, "", false},
		{"scheme in lower case", "Vrnt-1", "vrnt-1", false},
		{"scheme of another version", "Vrnt-1", "Vrnt-2", false},
		{"scheme alone", good, "Vrnt-1-HMAC-SHA256 ", false},
		{"two spaces after the scheme", "256 ", "256  ", false},
		{"no space after the scheme", "256 ", "256", false},
		{"HTAB after the scheme", "256 ", "256\t", false},
		{"leading space", "Vrnt", " Vrnt", false},
		{"trailing space", sig, sig + " ", false},
		{"trailing comma", sig, sig + ",", false},
		{"blank after a comma", ",iat", ", iat", false},
		{"blank around an equals sign", "kid=", "kid =", false},
		{"quoted value", "kid=tEsTkId1", `kid="tEsTkId1"`, false},
		{"parameter name in upper case", "kid=", "KID=", false},
		{"no salt", "salt=" + salt + ",", "", false},
		{"no iat", "iat=2025-01-15T10:30:00Z,", "", false},
		{"no kid", "kid=tEsTkId1,", "", false},
		{"no sig", ",sig=" + sig, "", false},
		{"kid before iat", "iat=2025-01-15T10:30:00Z,kid=tEsTkId1", "kid=tEsTkId1,iat=2025-01-15T10:30:00Z", false},
		{"kid twice", "kid=", "kid=tEsTkId1,kid=", false},
		{"sig twice", ",sig=", ",sig=" + sig + ",sig=", false},
		{"unknown parameter", ",sig=", ",alg=none,sig=", false},
		{"unknown parameter at the end", sig, sig + ",alg=none", false},

		{"salt of 7", salt, "abcdefg", false},
		{"salt of 129", salt, strings.Repeat("a", 129), false},
		{"salt of standard base64", salt, "oKGio6Slpqeo+/rrK2urw", false},
		{"padded salt", salt, salt + "==", false},
		{"salt with a line feed", salt, "oKGio6Sl\nqqrrK2urw", false},
		{"salt of UTF-8", salt, "oKGio6Sl\u00e9K2urw", false},

		{"fraction of a second", "00Z", "00.5Z", false},
		{"fraction, comma", "00Z", "00,5Z", false},
		{"offset", "00Z", "00+00:00", false},
		{"no zone", "00Z", "00", false},
		{"lower-case t", "15T10", "15t10", false},
		{"lower-case z", "00Z", "00z", false},
		{"one-digit hour, padded", "T10:", "T 1:", false},
		{"one-digit hour", "T10:30:00Z", "T1:30:000Z", false},
		{"thirtieth of February", "2025-01-15", "2025-02-30", false},
		{"leap day of a common year", "2025-01-15", "2025-02-29", false},
		{"month 13", "2025-01", "2025-13", false},
		{"day 0", "01-15", "01-00", false},
		{"hour 24", "T10:30", "T24:00", false},
		{"leap second", "30:00Z", "59:60Z", false},
		{"signed year", "2025-", "-025-", false},
		{"Go's zero time", "2025-01-15T10:30:00Z", "0001-01-01T00:00:00Z", false},

		{"key ID of 7", "tEsTkId1", "tEsTkId", false},
		{"key ID of 65", "tEsTkId1", strings.Repeat("k", 65), false},
		{"key ID with a dot", "tEsTkId1", "tEsTkId.1", false},

		{"sig of 42", sig, sig[1:], false},
		{"sig of 44, padded", sig, sig + "=", false},
		{"sig of 43 with padding", sig, sig[1:] + "=", false},
		{"sig of standard base64", sig, strings.NewReplacer("-", "+", "_", "/").Replace(sig), false},
		{"sig with a line feed in it", sig, sig[:20] + "\n" + sig[21:], false},
		{"sig with a line feed at the end", sig, sig[:42] + "\n", false},
		{"sig and a CR", sig, sig + "\r", false},
		{"sig with stray bits", "u-c4", "u-c5", false},
		{"sig in hexadecimal", sig, strings.Repeat("0", 64), false},
	} {
		text := strings.Replace(good, row.old, row.new, 1)
		if text == good && row.old != "" {
			t.Errorf("%s: the row changes nothing", row.name)
		}
		v, err := ParseVrnt1Header(text)
		if (err == nil) != row.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error is %v", row.name, err)
		}
		if err == nil && v.String() != text {
			t.Errorf("%s: written back as %s", row.name, v)
		}
	}
}

// Of the characters that could stand last in a sig, four decode to the same
// tag in a lenient decoder. One alone may pass.
func TestOneTextForATag(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	good := vrnt1Row(t, "V01").Authorization
	accepted := 0
	for _, last := range alphabet {
		v, err := ParseVrnt1Header(good[:len(good)-1] + string(last))
		if err != nil {
			continue
		}
		accepted++
		if same := v.String() == good; same != (last == rune(good[len(good)-1])) {
			t.Errorf("last character %c: same tag = %v", last, same)
		}
	}
	if accepted != len(alphabet)/4 {
		t.Errorf("%d last characters accepted, want %d", accepted, len(alphabet)/4)
	}
}

func TestVrnt1Tamper(t *testing.T) {
	key := vrnt1Row(t, "V01").key(t)
	const head = "POST /api/v1/things?page=2 HTTP/1.1\nHost: api.example.com\nAccept: text/plain\n" +
		"verint-request-id: 12345\nverint-username: agent@example.com\n"
	add, err := SignHead(Vrnt1, mustParseHead(t, head), "tEsTkId1", key, time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	signed := head + add[0].Name + ": " + add[0].Value + "\n"
	const first, second = "verint-request-id: 12345\n", "verint-username: agent@example.com\n"
	for _, row := range []struct {
		name, old, new string
		good           bool
	}{
		{"nothing", "", "", true},
		{"method", "POST", "PUT", false},
		{"case of the method", "POST", "post", false},
		{"path", "/things", "/thing", false},
		{"trailing slash", "/things", "/things/", false},
		{"escape in the path", "/things", "/%74hings", false},
		{"dot segment", "/things", "/./things", false},
		{"query moved into the path", "?page", "%3Fpage", false},
		{"header value", "12345", "12346", false},
		{"header name", "request-id", "request-ids", false},
		{"header removed", first, "", false},
		{"header added", first, "verint-a: b\n" + first, false},
		{"empty header added", first, "Verint-: \n" + first, false},
		{"header order", first + second, second + first, false},
		{
			"one header made of two", first + second, "verint-request-id: 12345 verint-username:agent@example.com\n",
			false,
		},
		{"salt", "salt=", "salt=A", false},
		{"time", "10:30:00Z", "10:30:01Z", false},

		{"query", "page=2", "page=3", true},
		{"query removed", "?page=2", "", true},
		{"Host", "api.example.com", "evil.example", true},
		{"other header", "text/plain", "*/*", true},
		{"other header added", "Accept", "X-Verint-A: b\nAccept", true},
		{"version", " HTTP/1.1", "", true},
		{"line endings", "\n", "\r\n", true},
		{"case of a header name", "verint-username", "Verint-UserName", true},
		{"case of a header value", "agent@", "AGENT@", true},
		{"spaces around a header value", "12345", " 12345 ", true},
		{"key ID, which chooses the key", "kid=tEsTkId1", "kid=tEsTkId2", true},
	} {
		n := 1
		if row.old == "\n" {
			n = -1
		}
		call, err := ParseCall(mustParseHead(t, strings.Replace(signed, row.old, row.new, n)))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
		} else if got := call.SignedBy(key); got != row.good {
			t.Errorf("%s: signed = %v, want %v", row.name, got, row.good)
		}
	}
}

func TestVrnt1TagBits(t *testing.T) {
	key := vrnt1Row(t, "V01").key(t)
	call, err := ParseCall(mustParseHead(t, vrnt1Row(t, "V01").signed()))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range TagSize * 8 {
		forged := *call
		forged.Tag[bit/8] ^= 1 << (bit % 8)
		if forged.SignedBy(key) {
			t.Errorf("bit %d of the tag is not compared", bit)
		}
	}
	if other := vrnt1Row(t, "V12").key(t); call.SignedBy(other) {
		t.Error("signed by another key")
	}
}

func TestSortedVerint(t *testing.T) {
	for head, want := range map[string]bool{
		"GET /":                                        true,
		"GET /\nZ: 1\nVerint-B: 1\nA: 1":               true,
		"GET /\nVerint-A: 1\nX: 1\nverint-b: 1":        true,
		"GET /\nverint-b: 1\nVerint-A: 1":              false,
		"GET /\nVerint-B: 1\nverint-a: 1":              false,
		"GET /\nVerint-B: 1\nX: 1\nVerint-A: 1":        false,
		"GET /\nverint-a: 1\nverint-a-b: 1":            true,
		"GET /\nverint-a-b: 1\nverint-a: 1":            false,
		"GET /\nverint-_: 1\nVERINT-A: 1":              true, // by lower case: '_' is before 'a', but after 'A'
		"GET /\nX-Verint-B: 1\nX-Verint-A: 1":          true,
		"GET /\nVerint-B: 1\nVerint-C: 1\nVerint-A: 1": false,
	} {
		if got := SortedVerint(mustParseHead(t, head)); got != want {
			t.Errorf("%q: sorted = %v, want %v", head, got, want)
		}
	}
}

// TestIssuedAt reads what time.Parse does, of that one shape.
func TestIssuedAt(t *testing.T) {
	check := func(s string) {
		want, err := time.Parse("2006-01-02T15:04:05Z", s)
		exists := err == nil && !want.IsZero() && s == want.Format("2006-01-02T15:04:05Z")
		if got, ok := parseIssuedAt(s); ok != exists || ok && !got.Equal(want) {
			t.Errorf("%s: %v %s, want %v %s", s, ok, got, exists, want)
		}
	}
	for _, year := range []int{0, 1, 4, 1900, 1999, 2000, 2023, 2024, 2100, 9999} {
		for month := range 14 {
			for day := range 33 {
				check(fmt.Sprintf("%04d-%02d-%02dT00:00:00Z", year, month, day))
			}
		}
	}
	for n := range 62 {
		check(fmt.Sprintf("2026-01-31T%02d:59:59Z", n))
		check(fmt.Sprintf("2026-01-31T23:%02d:59Z", n))
		check(fmt.Sprintf("2026-01-31T23:59:%02dZ", n))
	}
	for _, s := range []string{
		"", "Z", "2026-01-31T23:59:59", "2026-01-31t23:59:59Z", "2026-01-31T23:59:59z", "2026-01-31T23:59:5Z",
		"2026-1-31T23:59:59Z",
		"2026-01-31T23:59:59.5Z", "2026-01-31T3:59:59.5Z", "+026-01-31T23:59:59Z", "2026-01-31T2/:59:59Z",
		"2026-01-31T2::59:59Z", "2026-01-31 23:59:59Z",
	} {
		check(s)
	}
}
