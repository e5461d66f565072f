package signing

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var (
	testKey  = []byte("0123456789abcdef0123456789abcdef")
	testTime = time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC)
)

func TestParseScheme(t *testing.T) {
	for s, http := range map[Scheme]bool{RFC9421: true, Vrnt1: true, HMACSHA256: false} {
		if got, err := ParseScheme(string(s)); err != nil || got != s || got.HTTP() != http {
			t.Errorf("%s: %s, HTTP %v, %v", s, got, got.HTTP(), err)
		}
	}
	for _, s := range []string{"", "RFC9421", "vrnt-1 ", "Vrnt-1", "none", "hmac-sha512"} {
		if got, err := ParseScheme(s); !errors.Is(err, ErrUnknownScheme) || got != "" {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	if Scheme("none").HTTP() {
		t.Error("an unknown scheme signs heads")
	}
}

func TestValidKeyID(t *testing.T) {
	for s, want := range map[string]bool{
		"abcdefgh":              true,
		"ABCXYZabcxyz0189_-":    true,
		strings.Repeat("a", 64): true,
		"":                      false,
		"abcdefg":               false,
		strings.Repeat("a", 65): false,
		"abcdefg.":              false,
		"abcdefg:":              false,
		"abcdefg,":              false,
		"abcdefg\n":             false,
		"abcdefg\u00e9":         false,
		"abcdefg@":              false, // the byte before A
		"abcdefg[":              false, // the byte after Z
		"abcdefg`":              false,
		"abcdefg{":              false,
	} {
		if got := ValidKeyID(s); got != want {
			t.Errorf("%q: valid = %v, want %v", s, got, want)
		}
	}
}

func TestParseCallFindsOneSignature(t *testing.T) {
	vrnt1 := "Authorization: " + vrnt1Row(t, "V01").Authorization + "\n"
	for _, row := range []struct {
		name, headers string
		ok            bool
	}{
		{"vrnt-1", vrnt1, true},
		{"vrnt-1, name in upper case", strings.Replace(vrnt1, "Authorization", "AUTHORIZATION", 1), true},
		{"vrnt-1, spaces around the value", strings.Replace(vrnt1, ": ", ":  ", 1), true},
		{"none", "Accept: a\n", false},
		{"Bearer", "Authorization: Bearer abc\n", false},
		{"Basic", "Authorization: Basic abc\n", false},
		{"empty", "Authorization:\n", false},
		{"vrnt-1 in another header", strings.Replace(vrnt1, "Authorization", "Proxy-Authorization", 1), false},
		{"vrnt-1 in lower case", strings.Replace(vrnt1, "Vrnt", "vrnt", 1), false},
		{"vrnt-1 after Bearer", strings.Replace(vrnt1, "Vrnt", "Bearer abc, Vrnt", 1), false},
		{"vrnt-1 and Signature", vrnt1 + "Signature: a\n", false},
		{"vrnt-1 and Signature-Input", "signature-input: a\n" + vrnt1, false},
		{"rfc9421", "Signature-Input: a\nSignature: b\n", false}, // not implemented
		{"rfc9421 and Bearer", "Authorization: Bearer abc\nSignature-Input: a\nSignature: b\n", false},
	} {
		h := mustParseHead(t, "GET /wfo/user-mgmt-api/v1/employees HTTP/1.1\n"+row.headers)
		call, err := ParseCall(h)
		if (err == nil) != row.ok || err != nil && (!errors.Is(err, ErrMalformed) || call != nil) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil && !call.SignedBy(vrnt1Row(t, "V01").key(t)) {
			t.Errorf("%s: not signed", row.name)
		}
	}
}

// Reasons reach logs, and what was sent may be a secret in the wrong place.
func TestErrorsDoNotQuote(t *testing.T) {
	const secret = "5ecre7value"
	for _, text := range []string{
		secret, secret + " " + secret, "GET /" + secret + "#", "GET / " + secret, "GET /\n" + secret,
		"GET /\n" + secret + " : a", "GET /\nA: " + secret + "\x00", "GET /\n " + secret,
		"GET /\nVerint-" + secret + ": a\nVerint-" + secret + ": a",
		"GET /\nAuthorization: " + secret, "GET /\nAuthorization: Vrnt-1-HMAC-SHA256 " + secret,
		"GET /\nAuthorization: Vrnt-1-HMAC-SHA256 salt=" + secret + ",iat=" + secret + ",kid=" + secret + ",sig=" + secret,
		"GET /\nSignature: " + secret,
	} {
		h, err := ParseHead([]byte(text))
		if err == nil {
			_, err = ParseCall(h)
		}
		if !errors.Is(err, ErrMalformed) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, sig := range []string{secret, "v1:" + secret, "v1:" + secret + ":" + secret} {
		if _, err := ParseTagged(nil, sig); !errors.Is(err, ErrMalformed) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", sig, err)
		}
	}
}

func TestSignHeadVerifies(t *testing.T) {
	zone := time.FixedZone("", 3*3600)
	seen := map[string]bool{}
	for range 10 {
		h := mustParseHead(t, "GET /a HTTP/1.1\r\nVerint-UserName: Agent\r\n\r\n")
		add, err := SignHead(Vrnt1, h, "tEsTkId1", testKey, testTime.In(zone).Add(999*time.Millisecond))
		if err != nil || len(add) != 1 || add[0].Name != "Authorization" {
			t.Fatal(add, err)
		}
		text := strings.TrimSuffix(h.String(), "\r\n") + "Authorization: " + add[0].Value + "\r\n\r\n"
		call, err := ParseCall(mustParseHead(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if !call.SignedBy(testKey) || call.KeyID != "tEsTkId1" || !call.Time.Equal(testTime) {
			t.Errorf("call of %s at %s", call.KeyID, call.Time)
		}
		if len(call.Nonce) != 22 || seen[call.Nonce] {
			t.Errorf("nonce of %d characters, or seen before", len(call.Nonce))
		}
		seen[call.Nonce] = true
	}
}

func TestSignHeadRefuses(t *testing.T) {
	for _, row := range []struct {
		name   string
		scheme Scheme
		head   string
		keyID  string
		key    []byte
		now    time.Time
		want   error
	}{
		{"scheme not for heads", HMACSHA256, "GET /", "tEsTkId1", testKey, testTime, ErrUnknownScheme},
		{"scheme unknown", "none", "GET /", "tEsTkId1", testKey, testTime, ErrUnknownScheme},
		{"Bearer", Vrnt1, "GET /\nauthorization: Bearer a", "tEsTkId1", testKey, testTime, ErrSigned},
		{"Signature", Vrnt1, "GET /\nSignature: a", "tEsTkId1", testKey, testTime, ErrSigned},
		{"Signature-Input", Vrnt1, "GET /\nsignature-input: a", "tEsTkId1", testKey, testTime, ErrSigned},
		{"key ID", Vrnt1, "GET /", "a,b", testKey, testTime, ErrMalformed},
		{"empty key", Vrnt1, "GET /", "tEsTkId1", nil, testTime, ErrMalformed},
		{"zero time", Vrnt1, "GET /", "tEsTkId1", testKey, time.Time{}, ErrMalformed},
		{"zero time and a half second", Vrnt1, "GET /", "tEsTkId1", testKey, time.Time{}.Add(time.Second / 2), ErrMalformed},
		{"year of five digits", Vrnt1, "GET /", "tEsTkId1", testKey, testTime.AddDate(9000, 0, 0), ErrMalformed},
		{"year before 0", Vrnt1, "GET /", "tEsTkId1", testKey, testTime.AddDate(-3000, 0, 0), ErrMalformed},
		{"no line left", Vrnt1, lines(MaxHeadLines), "tEsTkId1", testKey, testTime, ErrMalformed},
		{"no bytes left", Vrnt1, sized(MaxHeadBytes - 100), "tEsTkId1", testKey, testTime, ErrMalformed},
	} {
		add, err := SignHead(row.scheme, mustParseHead(t, row.head), row.keyID, row.key, row.now)
		if !errors.Is(err, row.want) || add != nil {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
}

func TestTagged(t *testing.T) {
	for _, message := range []string{"", "m", "a\nb\x00\xff"} {
		sig := SignTagged("tEsTkId1", testKey, []byte(message))
		call, err := ParseTagged([]byte(message), sig)
		if err != nil {
			t.Fatal(err)
		}
		if !call.SignedBy(testKey) || call.KeyID != "tEsTkId1" || call.Scheme != HMACSHA256 {
			t.Errorf("%q: call of %s in %s", message, call.KeyID, call.Scheme)
		}
		if call.Nonce != "" || !call.Time.IsZero() {
			t.Errorf("%q: a nonce or a time", message)
		}
		if other, err := ParseTagged([]byte(message+"x"), sig); err != nil || other.SignedBy(testKey) {
			t.Errorf("%q: signed with one more byte (%v)", message, err)
		}
	}
}

func TestParseTaggedStrictForm(t *testing.T) {
	good := SignTagged("tEsTkId1", testKey, nil)
	tag := strings.TrimPrefix(good, "v1:tEsTkId1:")
	for _, sig := range []string{
		"", "v1", "v1:", "v1::" + tag, "v1:tEsTkId1", "v1:tEsTkId1:", "v2:tEsTkId1:" + tag, "V1:tEsTkId1:" + tag,
		" " + good, good + " ", good + "\n", good + "=", good + ":", good[:len(good)-1], "v1:tEsTkId:" + tag,
		"v1:tEsTkId1::" + tag, "v1:tEsTkId1:v1:" + tag, "v1:tEsTkId1:" + tag[1:] + "\n", "v1:tEsTkId1:" + tag[1:] + "=",
		"v1:tEsTkId1:" + tag[:42] + "~", "tEsTkId1:" + tag, "vault:v1:" + tag,
	} {
		if call, err := ParseTagged(nil, sig); !errors.Is(err, ErrMalformed) || call != nil {
			t.Errorf("%q: %v", sig, err)
		}
	}
}

func TestEmptyKeySignsNothing(t *testing.T) {
	call, err := ParseTagged(nil, SignTagged("tEsTkId1", nil, nil))
	if err != nil || call.SignedBy(nil) || call.SignedBy([]byte{}) {
		t.Errorf("an empty key verifies (%v)", err)
	}
}
