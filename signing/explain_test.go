package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The key has both '-' and '_' in its text, so that decoders can differ.
const explainedKey = "-_-_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0"

const explainedSalt, explainedTime, explainedID = "oKGio6SlpqeoqaqrrK2urw", "2025-01-15T10:30:00Z", "tEsTkId1"

var explainedNow = time.Date(2025, 1, 15, 10, 30, 5, 0, time.UTC)

func explainedBytes(t testing.TB) []byte {
	t.Helper()
	key, err := base64.RawURLEncoding.DecodeString(explainedKey)
	if err != nil || len(key) != 32 {
		t.Fatal(err, len(key))
	}
	return key
}

// sum is HMAC-SHA256 as a client computes it.
func sum(key, text string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func urlText(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func attempted(t testing.TB, head string) *Attempt {
	t.Helper()
	h, err := ParseHeadString(head)
	if err != nil {
		t.Fatal(err)
	}
	return ReadAttempt(h)
}

// names returns the IDs of findings.
func names(all []Finding) string {
	var ids []string
	for _, f := range all {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// explains checks what an attempt is explained by: those findings and no others.
func explains(t *testing.T, what string, a *Attempt, scheme Scheme, body []byte, want string) Explanation {
	t.Helper()
	key := explainedBytes(t)
	e := a.Explain(scheme, key, body, explainedNow)
	if got := names(e.Findings); got != want {
		t.Errorf("%s: found %q, want %q", what, got, want)
	}
	if e.Signed != (want == "") {
		t.Errorf("%s: signed is %t", what, e.Signed)
	}
	for _, f := range e.Findings {
		if f.Text == "" || strings.Contains(f.Text, explainedKey) {
			t.Errorf("%s: %s says %q", what, f.ID, f.Text)
		}
		if f.Variant != "" && f.Variant.Scheme() != scheme {
			t.Errorf("%s: %s has variant %s", what, f.ID, f.Variant)
		}
	}
	return e
}

// Every finding is in the integrators' table, and no other.
func TestFindingsAreDocumented(t *testing.T) {
	var source []byte
	for _, file := range []string{"explain_findings.go", "explain_findings_signed.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	doc, err := os.ReadFile("../docs/integrators.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, m := range regexp.MustCompile(`newFinding\(\s*"(\w+)",\s*(?:"|`+"`"+`)`).FindAllStringSubmatch(string(source), -1) {
		if seen[m[1]] {
			t.Errorf("finding %s is there twice", m[1])
		}
		seen[m[1]] = true
		if !strings.Contains(string(doc), "`"+m[1]+"`") {
			t.Errorf("finding %s is not documented", m[1])
		}
	}
	if len(seen) < 70 {
		t.Errorf("only %d findings", len(seen))
	}
}

// A call is explained by no key alone, a right one by nothing, another key's by no mistake.
func TestExplainRightCalls(t *testing.T) {
	key := explainedBytes(t)
	for _, scheme := range []Scheme{Vrnt1, RFC9421} {
		text := "POST /a%20b?x=1 HTTP/1.1\nHost: API.example.com:443\nVerint-B: X\nVerint-A: y\nContent-Length: 2\nContent-Digest: " + DigestBody(
			[]byte("{}"),
		) + "\n"
		h, err := ParseHeadString(text)
		if err != nil {
			t.Fatal(err)
		}
		added, err := SignHead(scheme, h, explainedID, key, explainedNow)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range added {
			text += a.Name + ": " + a.Value + "\n"
		}
		a := attempted(t, text)
		explains(t, string(scheme)+" with its body", a, scheme, []byte("{}"), "")
		h, _ = ParseHeadString(text)
		c, err := ParseCall(h)
		if err != nil || string(c.Message) != a.StringToSign || c.KeyID != a.KeyID || !c.Time.Equal(a.Time) {
			t.Errorf("%s: %v, %q", scheme, err, a.StringToSign)
		}
		other := map[Scheme]Scheme{Vrnt1: RFC9421, RFC9421: HMACSHA256}[scheme]
		explains(t, "another scheme", a, other, nil, "wrong_scheme")
		if e := a.Explain(
			scheme,
			[]byte(strings.Repeat("x", 32)),
			[]byte("{}"),
			explainedNow,
		); names(e.Findings) != "no_known_mistake" ||
			e.Signed {
			t.Errorf("another key: %+v", e)
		}
		if e := a.Explain(scheme, nil, []byte("{}"), explainedNow); e.Signed || len(e.Findings) != 0 {
			t.Errorf("no key: %+v", e)
		}
	}
	a := ReadTaggedAttempt([]byte("order 17"), SignTagged(explainedID, key, []byte("order 17")))
	explains(t, "message", a, HMACSHA256, nil, "")
}

func TestExplainClock(t *testing.T) {
	key := explainedBytes(t)
	for _, row := range []struct {
		ahead time.Duration
		want  string
	}{
		{0, ""},
		{-5 * time.Minute, ""},
		{29 * time.Minute, "clock_zone"},
		{28 * time.Minute, ""},
		{-2 * time.Hour, "clock_zone"},
		{5*time.Hour + 30*time.Minute + 40*time.Second, "clock_zone"},
		{-2*time.Hour - 10*time.Minute, ""},
		{24 * time.Hour, ""},
		{1e6 * time.Hour, ""},
	} {
		text := "GET / HTTP/1.1\n"
		h, _ := ParseHeadString(text)
		added, err := SignHead(Vrnt1, h, explainedID, key, explainedNow.Add(row.ahead))
		if err != nil {
			t.Fatal(err)
		}
		e := attempted(t, text+added[0].Name+": "+added[0].Value+"\n").Explain(Vrnt1, key, nil, explainedNow)
		if names(e.Findings) != row.want || e.Skew != row.ahead || !e.Signed {
			t.Errorf("%v: %+v", row.ahead, e)
		}
	}
}

// Mistakes in messages.
func TestExplainTagged(t *testing.T) {
	key := string(explainedBytes(t))
	const message = "{\"a\": 1,\n \"b\": 2}\n"
	tagged := func(key, signed string) string { return "v1:" + explainedID + ":" + urlText(sum(key, signed)) }
	for _, row := range []struct{ want, signature string }{
		{"message_final_lf", tagged(key, strings.TrimSuffix(message, "\n"))},
		{"message_final_lf", tagged(key, message+"\n")},
		{"message_crlf", tagged(key, strings.ReplaceAll(message, "\n", "\r\n"))},
		{"message_encoded", tagged(key, base64.StdEncoding.EncodeToString([]byte(message)))},
		{"message_encoded", tagged(key, hex.EncodeToString([]byte(message)))},
		{"message_prefixed", tagged(key, "v1:"+explainedID+":"+message)},
		{"message_json", tagged(key, `{"a":1,"b":2}`)},
		{"key_ascii", tagged(explainedKey, message)},
		{"key_text_padded message_json", tagged(explainedKey+"=", `{"a":1,"b":2}`)},
		{"no_known_mistake", tagged(key, "another")},
		{"sig_hex", "v1:" + explainedID + ":" + hex.EncodeToString(sum(key, message))},
		{"sig_std_base64", "v1:" + explainedID + ":" + base64.StdEncoding.EncodeToString(sum(key, message))},
		{"version_prefix", explainedID + ":" + urlText(sum(key, message))},
		{"version_prefix", "v2:" + explainedID + ":" + urlText(sum(key, message))},
		{"version_prefix", urlText(sum(key, message))},
		{"version_prefix", ""},
		{"kid_malformed", "v1:x:" + urlText(sum(key, message))},
		{"sig_malformed", "v1:" + explainedID + ":" + urlText(sum(key, message)[:31])},
	} {
		a := ReadTaggedAttempt([]byte(message), row.signature)
		if e := a.Explain(HMACSHA256, explainedBytes(t), nil, explainedNow); names(e.Findings) != row.want || e.Signed {
			t.Errorf("%s: %+v, want %s", row.signature, e, row.want)
		}
		if a.StringToSign != message {
			t.Errorf("the string to sign is %q", a.StringToSign)
		}
	}
}
