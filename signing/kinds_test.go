package signing

import (
	"encoding/base64"
	"strings"
	"testing"
)

// kind is a call of a kind that people and proxies send, signed by hand.
type kind struct{ name, head, params, base string }

const ownParams = `;created=1736937000;keyid="tEsTkId1";nonce="` + testNonce + `";tag="apikeys"`

func kinds() []kind {
	const target = "\"@method\": GET\n\"@target-uri\": https://h"
	const uri = `("@method" "@target-uri")` + ownParams
	const four = `("@method" "@authority" "@path" "@query")` + ownParams
	digest := testDigest + " ,  md5=:QUJDRA==:"
	return []kind{
		{"HTTP/2", "GET /a?b HTTP/2\nHost: h\n", uri, target + "/a?b\n"},
		{"HTTP/3.0", "GET /a?b HTTP/3.0\nHost: h\n", uri, target + "/a?b\n"},
		{
			"UTF-8 in the query", "GET /?\u00e9=\u00fc HTTP/1.1\nHost: h\n", four,
			"\"@method\": GET\n\"@authority\": h\n\"@path\": /\n\"@query\": ?\u00e9=\u00fc\n",
		},
		{"Latin-1 in the query", "GET /a?\xe9\xff HTTP/2\nHost: h\n", uri, target + "/a?\xe9\xff\n"},
		{
			"blanks in a digest", "PUT / HTTP/1.1\nHost: h\nContent-Length: 18\nContent-Digest: " + digest + "\n",
			`("@method" "@target-uri" "content-digest")` + ownParams,
			"\"@method\": PUT\n\"@target-uri\": https://h/\n\"content-digest\": " + digest + "\n",
		},
		{
			"a digest of two lines",
			"PUT / HTTP/1.1\nHost: h\nContent-Length: 18\nContent-Digest: md5=::,a=::\nContent-Digest: " +
				testDigest + "\n",
			`("@method" "@target-uri" "content-digest")` + ownParams,
			"\"@method\": PUT\n\"@target-uri\": https://h/\n\"content-digest\": md5=::,a=::, " + testDigest + "\n",
		},
	}
}

// forms are how the signature is sent: alone, or with another in the same line or in a line of its own.
func (k kind) forms() map[string]string {
	tag := MAC(testKey, []byte(k.base+`"@signature-params": `+k.params))
	in, sig := "sig1="+k.params, "sig1=:"+base64.StdEncoding.EncodeToString(tag[:])+":"
	return map[string]string{
		"alone": k.head + "Signature-Input: " + in + "\nSignature: " + sig + "\n",
		"in a line": k.head + "Signature-Input: " + strangeInput + " , " + in + "\nSignature: " + sig + "," +
			strangeTag + "\n",
		"in lines": k.head + "Signature-Input: " + in + "\nSignature-Input: " + strangeInput + "\nSignature: " +
			strangeTag +
			"\nSignature: " + sig + "\n",
	}
}

// Each kind of head is signed, in whatever form. With any bit of it changed it is so only where the same text was
// signed, by the same key, with the same nonce: what the others have signed is none of ours.
func TestKindsOfHeads(t *testing.T) {
	for _, k := range kinds() {
		for form, text := range k.forms() {
			call, err := ParseCall(mustParseHead(t, text))
			if err != nil || !call.SignedBy(testKey) ||
				string(call.Message) != k.base+`"@signature-params": `+k.params {
				t.Fatalf("%s %s: %v", k.name, form, err)
			}
			refused := 0
			for at := range len(text) {
				for bit := range 8 {
					mutant := []byte(text)
					mutant[at] ^= 1 << bit
					h, err := ParseHead(mutant)
					if err != nil {
						refused++
						continue
					}
					other, err := ParseCall(h)
					if err != nil || !other.SignedBy(testKey) {
						refused++
						continue
					}
					if string(other.Message) != string(call.Message) || other.Nonce != call.Nonce ||
						other.KeyID != call.KeyID ||
						other.ContentDigest != call.ContentDigest || !other.Time.Equal(call.Time) {
						t.Errorf("%s %s: signed as %q", k.name, form, mutant)
					}
				}
			}
			if refused < 8*(len(k.base)+len(k.params)) {
				t.Errorf("%s %s: only %d of %d mutants are refused", k.name, form, refused, 8*len(text))
			}
		}
	}
}

// What each kind is made into is not signed, or no call.
func TestMutantsOfKinds(t *testing.T) {
	for _, row := range []struct{ old, new string }{
		{"GET", "PUT"},
		{"PUT", "GET"},
		{"?b", "?c"},
		{" HTTP/2", " HTTP/22"},
		{" HTTP/3.0", " HTTP/3."},
		{"\u00e9=\u00fc", "%C3%A9=%C3%BC"},
		{"\u00e9=\u00fc", "\u00fc=\u00e9"},
		{"\xe9\xff", "\u00e9\u00ff"},
		{"/a?\xe9", "/a\xe9?"},
		{" ,  md5", ", md5"},
		{" ,  md5", ",md5"},
		{" ,  md5=:QUJDRA==:", ""},
		{"md5=::,a=::\n", "md5=::\n"},
		{"\nSignature-Input: ", "\nSignature-Input: new=();tag=\"apikeys\", "},
		{`tag="apikeys"`, `tag="apikey"`},
		{`"@target-uri"`, `"@path"`},
	} {
		changed := 0
		for _, k := range kinds() {
			for form, text := range k.forms() {
				mutant := strings.Replace(text, row.old, row.new, 1)
				if mutant == text {
					continue
				}
				changed++
				h, err := ParseHead([]byte(mutant))
				if err != nil {
					continue
				}
				if call, err := ParseCall(h); err == nil && call.SignedBy(testKey) {
					t.Errorf("%s %s with %q for %q is signed", k.name, form, row.new, row.old)
				}
			}
		}
		if changed == 0 {
			t.Errorf("%q is nowhere", row.old)
		}
	}
}
