package signing

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Signatures that others add: a CDN's, of another algorithm and with what RFC 9421 allows.
const (
	strangeInput = `cdn-1=("@method" "@query-param";name="a,\"b" "x";bs;key="c");created=1736937000;keyid="cdn, one";` +
		`alg="ed25519";tag="web-bot-auth";x=?1;y=-1.5;z=*a/b:c;w`
	strangeTag = "cdn-1=:" + "QUJDRA==" + ":"
)

// ownSigned returns a GET, and the two headers that sign it with a tag.
func ownSigned(label, nonce, tag string) (head, input, signature string) {
	head = "GET /a?b=c HTTP/1.1\nHost: example.com\nX-A: y\n"
	input = `("@method" "@target-uri" "x-a");created=1736937000;keyid="tEsTkId1";nonce="` + nonce + `"`
	if tag != "" {
		input += `;tag="` + tag + `"`
	}
	sum := MAC(testKey, []byte("\"@method\": GET\n\"@target-uri\": https://example.com/a?b=c\n\"x-a\": y\n"+
		`"@signature-params": `+input))
	return head, label + "=" + input, label + "=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func TestSeveralSignatures(t *testing.T) {
	head, ours, ourTag := ownSigned("sig1", testNonce, ownTag)
	_, second, secondTag := ownSigned("sig2", testNonce+"2", ownTag)
	_, other, otherTag := ownSigned("sig3", testNonce+"3", "app")
	_, bare, bareTag := ownSigned("sig4", testNonce+"4", "")
	_, again, againTag := ownSigned("sig1", testNonce+"5", "app")
	lines := func(name string, values ...string) (text string) {
		for _, v := range values {
			text += name + ": " + v + "\n"
		}
		return text
	}
	in := func(values ...string) string { return lines("Signature-Input", values...) }
	sig := func(values ...string) string { return lines("Signature", values...) }
	many, manyTags := ours, ourTag
	for n := range maxSignatures - 1 {
		many, manyTags = many+fmt.Sprintf(", a%d=()", n), manyTags+fmt.Sprintf(", a%d=::", n)
	}
	for _, row := range []struct {
		name, text string
		ok         bool
	}{
		{"one of ours", in(ours) + sig(ourTag), true},
		{"one of another tag", in(other) + sig(otherTag), true},
		{"one without a tag", in(bare) + sig(bareTag), true},
		{"a stranger's after it", in(ours+", "+strangeInput) + sig(ourTag+", "+strangeTag), true},
		{"a stranger's before it", in(strangeInput+","+ours) + sig(strangeTag+" , "+ourTag), true},
		{"lines", in(strangeInput, ours) + sig(strangeTag, ourTag), true},
		{"lines in another order", in(ours, strangeInput) + sig(strangeTag, ourTag), true},
		{"lines and members", in(other, ours+","+strangeInput) + sig(otherTag+","+ourTag, strangeTag), true},
		{"our key's with another tag", in(ours, other, bare) + sig(bareTag, otherTag, ourTag), true},
		{"as many as there may be", in(many) + sig(manyTags), true},
		{"a stranger's signature with parameters", in(ours, "a=()") + sig(ourTag, "a=::;b=1"), true},

		{"two of ours", in(ours, second) + sig(ourTag, secondTag), false},
		{"two of ours in one line", in(ours+", "+second) + sig(ourTag+", "+secondTag), false},
		{"several, none of ours", in(other, strangeInput) + sig(otherTag, strangeTag), false},
		{"several, one without a tag", in(bare, strangeInput) + sig(bareTag, strangeTag), false},
		{"a label twice", in(ours, again) + sig(ourTag, againTag), false},
		{"a label twice, one signature", in(ours, again) + sig(ourTag), false},
		{"the same twice", in(ours, ours) + sig(ourTag, ourTag), false},
		{"a signature's label twice", in(ours, other) + sig(ourTag, ourTag), false},
		{"one too many", in(many, "b=()") + sig(manyTags, "b=::"), false},
		{"one signature too many", in(ours) + sig(ourTag, strangeTag), false},
		{"one input too many", in(ours, strangeInput) + sig(ourTag), false},
		{"another's input", in(ours, strangeInput) + sig(ourTag, otherTag), false},
		{"an empty line", in(ours, "") + sig(ourTag), false},
		{"a comma at the end", in(ours+",") + sig(ourTag), false},
		{"a comma at the start", in(","+ours) + sig(ourTag), false},
		{"a signature's comma at the end", in(ours) + sig(ourTag+","), false},
		{"our tag a token", in(strings.Replace(other, `"app"`, ownTag, 1), strangeInput) + sig(otherTag,
			strangeTag), false},
		{"our tag of two lines", in(strings.Replace(other, `"app"`, `"api`, 1), `keys"`) + sig(otherTag), false},
		{"our tag of a component", in(other, `a=("x";tag="apikeys")`) + sig(otherTag, "a=::"), false},
		{"our tag in another's string", in(other, `a=();tag="x;tag=\"apikeys\""`) + sig(otherTag, "a=::"), false},
		{"our tag, then another", in(other, ours+`;tag="x"`) + sig(otherTag, ourTag), false},
		{"a stranger's that is no list", in(ours, "a=1") + sig(ourTag, "a=::"), false},
		{"a stranger's that is bare", in(ours, "a") + sig(ourTag, "a=::"), false},
		{"a stranger's list without an end", in(ours, `a=("x"`) + sig(ourTag, "a=::"), false},
		{"a stranger's string without an end", in(ours, `a=();b="x`) + sig(ourTag, "a=::"), false},
		{"a stranger's signature that is none", in(ours, "a=()") + sig(ourTag, `a="x"`), false},
		{"a stranger's signature that is not base64", in(ours, "a=()") + sig(ourTag, "a=:A:"), false},
		{"a stranger's label in upper case", in(ours, "A=()") + sig(ourTag, "A=::"), false},
		{
			"Vrnt-1 too", in(ours, strangeInput) + sig(ourTag, strangeTag) + "Authorization: Vrnt-1-HMAC-SHA256 a\n",
			false,
		},
	} {
		h := mustParseHead(t, head+row.text)
		call, err := ParseCall(h)
		if (err == nil) != row.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error is %v", row.name, err)
		}
		attempt := ReadAttempt(h)
		if (len(attempt.Findings) == 0) != row.ok {
			t.Errorf("%s: explained by %v", row.name, attempt.Findings)
		}
		if err == nil && (!call.SignedBy(testKey) || !slices.Equal(call.Covered(), []string{"x-a"}) ||
			attempt.StringToSign != string(call.Message) || !strings.HasPrefix(call.Nonce, testNonce)) {
			t.Errorf("%s: not the right one, nonce %s, or not signed", row.name, call.Nonce)
		}
		if err == nil && strings.Contains(row.text, ownTag) && call.Nonce != testNonce {
			t.Errorf("%s: nonce %s", row.name, call.Nonce)
		}
		if _, err := SignHead(RFC9421, h, "tEsTkId1", testKey, testTime); !errors.Is(err, ErrSigned) {
			t.Errorf("%s: signed once more: %v", row.name, err)
		}
	}
}

// Coverage, the digest and the nonce are those of our signature, whatever the others cover.
func TestOthersSignaturesCoverNothing(t *testing.T) {
	const posted = "POST /a HTTP/1.1\nHost: h\nContent-Length: 18\nContent-Digest: " + testDigest + "\n"
	const all = `("@method" "@authority" "@path" "content-digest" "x-b");created=1;keyid="tEsTkId2";nonce="elsewhere"`
	for ours, ok := range map[string]bool{
		`("@method" "@authority" "@path" "content-digest")`: true,
		`("@method" "@authority" "@path")`:                  false,
		`("@method" "@path" "content-digest")`:              false,
	} {
		call, err := ParseCall(mustParseHead(t,
			posted+"X-B: c\nSignature-Input: a="+all+"\nSignature-Input: b="+ours+testParams+
				`;tag="apikeys"`+"\nSignature: a=:"+noTag+":, b=:"+noTag+":\n"))
		if (err == nil) != ok {
			t.Errorf("%s: %v", ours, err)
		}
		if err == nil && (call.KeyID != "tEsTkId1" || call.Nonce != testNonce || call.ContentDigest != testDigest ||
			!slices.Equal(call.Covered(), []string{"content-digest"}) || call.Time.Unix() != 1736937000) {
			t.Errorf("%s: %+v", ours, call)
		}
	}
}
