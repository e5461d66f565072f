package signing

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dunglas/httpsfv"
)

type digestVector struct{ Body, SHA256, SHA512 string }

func digestRow(t testing.TB) digestVector {
	t.Helper()
	var file struct {
		Row digestVector `json:"rfc9530_content_digest"`
	}
	if err := json.Unmarshal(standardsJSON, &file); err != nil {
		t.Fatal(err)
	}
	if file.Row.Body == "" {
		t.Fatal("no vector")
	}
	return file.Row
}

func TestDigestRFC9530(t *testing.T) {
	v := digestRow(t)
	if got := DigestBody([]byte(v.Body)); got != v.SHA256 {
		t.Errorf("digest %s, want %s", got, v.SHA256)
	}
	for _, value := range []string{
		v.SHA256, v.SHA512, v.SHA256 + ", " + v.SHA512, "md5=::, " + v.SHA512 + ", x.y*-_=:AA==:",
		v.SHA256 + "," + v.SHA512, v.SHA256 + " ,  " + v.SHA512, v.SHA512 + ",\t" + v.SHA256 + " \t, md5=::",
	} {
		d, err := ParseContentDigest(value)
		if err != nil {
			t.Fatal(value, err)
		}
		if d.String() != value {
			t.Errorf("written back as %s", d)
		}
		for _, body := range []string{v.Body, "", v.Body + "\n", v.Body[1:], strings.ToUpper(v.Body)} {
			if got := d.Matches([]byte(body)); got != (body == v.Body) {
				t.Errorf("%s: matches %q: %v", value, body, got)
			}
		}
		w, matches := d.Verifier()
		if _, err := io.Copy(w, iotest.OneByteReader(strings.NewReader(v.Body))); err != nil || !matches() ||
			!matches() {
			t.Errorf("%s: does not match in pieces (%v)", value, err)
		}
		if _, err := w.Write([]byte(" ")); err != nil || matches() {
			t.Errorf("%s: matches with one byte more (%v)", value, err)
		}
	}
}

func TestEveryKnownDigestCounts(t *testing.T) {
	v := digestRow(t)
	other := DigestBody([]byte("another body"))
	d, err := ParseContentDigest(other + ", " + v.SHA512)
	if err != nil {
		t.Fatal(err)
	}
	if d.Matches([]byte(v.Body)) || d.Matches([]byte("another body")) {
		t.Error("one digest of two is enough")
	}
	if (ContentDigest{}).Matches(nil) {
		t.Error("no digest at all is enough")
	}
}

func TestContentDigestRefuses(t *testing.T) {
	v := digestRow(t)
	many := ""
	for c := range maxDigests {
		many += "a" + string(rune('a'+c)) + "=::, "
	}
	for name, value := range map[string]string{
		"empty":                    "",
		"unknown algorithm alone":  "md5=:AAAA:",
		"algorithm alone":          "sha-256",
		"no value":                 "sha-256=",
		"empty value":              "sha-256=::",
		"upper-case algorithm":     strings.ToUpper(v.SHA256[:7]) + v.SHA256[7:],
		"twice":                    v.SHA256 + ", " + v.SHA256,
		"unknown algorithm twice":  "a=::, " + v.SHA256 + ", a=:AAAA:",
		"blanks between, no comma": v.SHA256 + "  " + v.SHA512,
		"two commas":               v.SHA256 + ", ," + v.SHA512,
		"LF between":               v.SHA256 + ",\n" + v.SHA512,
		"no-break space between":   v.SHA256 + ",\u00a0" + v.SHA512,
		"leading blank":            " " + v.SHA256,
		"trailing blank":           v.SHA256 + " ",
		"trailing comma":           v.SHA256 + ",",
		"trailing comma and blank": v.SHA256 + ", ",
		"parameter":                v.SHA256 + ";a",
		"parameter of an unknown":  v.SHA256 + ", a=::;b=1",
		"string":                   `sha-256="` + v.SHA256[9:53] + `"`,
		"token":                    "sha-256=abc",
		"inner list":               "sha-256=()",
		"unknown, number":          v.SHA256 + ", a=1",
		"unknown, no value":        v.SHA256 + ", a",
		"unknown, not base64":      v.SHA256 + ", a=:A:",
		"without padding":          v.SHA256[:len(v.SHA256)-2] + ":",
		"base64url":                "sha-256=:" + strings.Repeat("_", 42) + "8=:",
		"stray bits":               strings.Replace(v.SHA256, "PE=:", "PF=:", 1),
		"31 bytes":                 "sha-256=:" + strings.Repeat("A", 40) + "AA==:",
		"33 bytes":                 "sha-256=:" + strings.Repeat("A", 44) + ":",
		"63 bytes":                 "sha-512=:" + strings.Repeat("A", 84) + ":",
		"65 bytes":                 "sha-512=:" + strings.Repeat("A", 84) + "AAA=:",
		"sha-512 as sha-256":       strings.Replace(v.SHA512, "512", "256", 1),
		"line feed in base64":      v.SHA256[:20] + "\n" + v.SHA256[20:],
		"line feed at the end":     v.SHA256 + "\n",
		"no end":                   v.SHA256[:len(v.SHA256)-1],
		"one byte too many":        v.SHA256 + ", a=:" + strings.Repeat("A", maxDigestValue) + ":",
		"one too many":             many + v.SHA256,
	} {
		d, err := ParseContentDigest(value)
		if !errors.Is(err, ErrMalformed) || d != (ContentDigest{}) {
			t.Errorf("%s: %v", name, err)
		} else if len(value) > 8 && strings.Contains(err.Error(), value[:8]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseContentDigest(strings.Replace(many, "aa=::, ", "", 1) + v.SHA256); err != nil {
		t.Errorf("as many as allowed: %v", err)
	}
}

var (
	slowComma  = regexp.MustCompile("[ \t]*,[ \t]*")
	slowDigest = regexp.MustCompile(`^([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):$`)
)

// isSlowDigest says of a Content-Digest what ParseContentDigest does, by patterns.
func isSlowDigest(s string) bool {
	members := slowComma.Split(s, -1)
	lengths := map[string]int{sha256Name: 32, sha512Name: 64}
	seen, known := map[string]bool{}, false
	for _, member := range members {
		parts := slowDigest.FindStringSubmatch(member)
		if parts == nil || seen[parts[1]] {
			return false
		}
		seen[parts[1]] = true
		sum, err := base64.StdEncoding.Strict().DecodeString(parts[2])
		length, is := lengths[parts[1]]
		if err != nil || is && len(sum) != length {
			return false
		}
		known = known || is
	}
	return known && len(members) <= maxDigests && len(s) <= maxDigestValue
}

// What is accepted is what another parser of RFC 8941 reads and writes, but for the blanks.
func FuzzParseContentDigest(f *testing.F) {
	v := digestRow(f)
	f.Add(v.SHA256)
	f.Add(v.SHA256 + ", " + v.SHA512)
	f.Add("a=:AA==:, " + v.SHA512)
	f.Add(v.SHA256 + ";a=1")
	f.Add(v.SHA256 + ",\t " + v.SHA512 + " ,a=::")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseContentDigest(s)
		if slow := isSlowDigest(s); slow != (err == nil) {
			t.Fatalf("%v, and slowly %t", err, slow)
		}
		if err != nil {
			return
		}
		if d.String() != s {
			t.Fatal("not written back as read")
		}
		dict, err := httpsfv.UnmarshalDictionary([]string{s})
		if err != nil {
			t.Fatal(err)
		}
		text, err := httpsfv.Marshal(dict)
		blanks := strings.NewReplacer(" ", "", "\t", "")
		if err != nil || blanks.Replace(text) != blanks.Replace(s) {
			t.Fatalf("the oracle writes %q (%v)", text, err)
		}
		for name, want := range map[string][]byte{
			sha256Name: known(d.has256, d.sha256[:]), sha512Name: known(d.has512, d.sha512[:]),
		} {
			member, has := dict.Get(name)
			if has != (want != nil) {
				t.Fatalf("the oracle has %s: %v", name, has)
			}
			if item, ok := member.(httpsfv.Item); has && (!ok || !bytes.Equal(item.Value.([]byte), want)) {
				t.Fatalf("the oracle reads another %s", name)
			}
		}
	})
}

func known(has bool, sum []byte) []byte {
	if !has {
		return nil
	}
	return sum
}
