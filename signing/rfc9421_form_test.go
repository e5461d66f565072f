package signing

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestRFC9421StrictForm(t *testing.T) {
	good := "POST /a?b HTTP/1.1\nHost: example.com\nContent-Length: 18\nContent-Digest: " + testDigest + "\nX-A: b\n" +
		`Signature-Input: sig1=("@method" "@authority" "@path" "@query" "content-digest" "x-a")` + testParams + "\n" +
		"Signature: sig1=:" + strings.Repeat("A", 43) + "=:\n"
	many := ""
	for n := range maxComponents - 5 {
		many += fmt.Sprintf(" %q", fmt.Sprintf("x-%d", n))
	}
	const list, created, keyid, nonce = `("@method" "@authority" "@path" "@query" "content-digest" "x-a")`, ";created=1736937000", `;keyid="tEsTkId1"`, `;nonce="` + testNonce + `"`
	for _, row := range []struct {
		name, old, new string
		ok             bool
	}{
		{"as it is", "", "", true},
		{"other label", "sig1=", "*a_.-9=", true},
		{"label of 64", "sig1=", strings.Repeat("a", 64) + "=", true},
		{"parameters in another order", created + keyid, keyid + created, true},
		{"alg", list, list + `;alg="hmac-sha256"`, true},
		{"expires", list, list + ";expires=1736937000", true},
		{"last second there is", "1736937000", "253402300799", true},
		{"first second there is", "1736937000", "1", true},
		{"tag", list, list + `;tag=""`, true},
		{"tag of 128", list, list + `;tag="` + strings.Repeat("t", 128) + `"`, true},
		{"nonce of 8", testNonce, "!#[]~+/=", true},
		{"nonce of 128", testNonce, strings.Repeat("n", 128), true},
		{"length of 15 digits", ": 18", ": 999999999999999", true},
		{"@target-uri alone", `"@authority" "@path" "@query"`, `"@target-uri"`, true},
		{"all of them", `"x-a"`, `"@target-uri"`, true},

		{"no input", "Signature-Input", "X-Input", false},
		{"no signature", "Signature:", "X-Signature:", false},
		{"another label in the signature", "Signature: sig1", "Signature: sig2", false},
		{"label in upper case", "sig1=", "Sig1=", false},
		{"label starting with a digit", "sig1=", "1=", false},
		{"label of 65", "sig1=", strings.Repeat("a", 65) + "=", false},
		{"no label", "sig1=", "=", false},
		{"two inputs", nonce, nonce + ", sig2=()", false},
		{"two signatures", "A=:\n", "A=:, sig2=:AAAA:\n", false},
		{"blank after the label", "sig1=(", "sig1= (", false},
		{"blank in front of the list's end", `"x-a")`, `"x-a" )`, false},
		{"blank at the list's start", "sig1=(", "sig1=( ", false},
		{"two blanks in the list", `"@method" `, `"@method"  `, false},
		{"no blank in the list", `"@method" `, `"@method"`, false},
		{"empty list", list, "()", false},
		{"no list", list, `"@method"`, false},
		{"list without an end", `"x-a")`, `"x-a"`, false},
		{"blank in front of a parameter", ";created", " ;created", false},
		{"blank after a semicolon", ";created", "; created", false},
		{"parameter of the signature", "A=:\n", "A=:;a=1\n", false},
		{"parameter of the signature, bare", "A=:\n", "A=:;a\n", false},
		{"signature a string", "sig1=:" + strings.Repeat("A", 43) + "=:", `sig1="AAAA"`, false},
		{
			"signature in a list", "Signature: sig1=:" + strings.Repeat("A", 43) + "=:", "Signature: sig1=(:AAAA:)",
			false,
		},

		{"@method twice", `"@method"`, `"@method" "@method"`, false},
		{"field twice", `"x-a"`, `"x-a" "x-a"`, false},
		{"field in upper case", `"x-a"`, `"X-A"`, false},
		{"field that is not there", `"x-a"`, `"x-b"`, false},
		{"field that is no token", `"x-a"`, `"x a"`, false},
		{"field without a name", `"x-a"`, `""`, false},
		{"field not quoted", `"x-a"`, `x-a`, false},
		{"field with an escape", `"x-a"`, `"x\-a"`, false},
		{"Signature covered", `"x-a"`, `"signature"`, false},
		{"Signature-Input covered", `"x-a"`, `"signature-input"`, false},
		{"parameter req", `"@method"`, `"@method";req`, false},
		{"parameter bs", `"x-a"`, `"x-a";bs`, false},
		{"parameter sf", `"x-a"`, `"x-a";sf`, false},
		{"parameter tr", `"x-a"`, `"x-a";tr`, false},
		{"parameter key", `"x-a"`, `"x-a";key="b"`, false},
		{"@status", `"x-a"`, `"@status"`, false},
		{"@scheme", `"x-a"`, `"@scheme"`, false},
		{"@request-target", `"x-a"`, `"@request-target"`, false},
		{"@query-param", `"x-a"`, `"@query-param";name="b"`, false},
		{"@signature-params", `"x-a"`, `"@signature-params"`, false},
		{"derived, unknown", `"x-a"`, `"@a"`, false},
		{"too many components", `"x-a"`, `"x-a"` + many, false},

		{"@method not covered", `"@method" `, "", false},
		{"@authority not covered", `"@authority" `, "", false},
		{"@path not covered", `"@path" `, "", false},
		{"@query not covered", `"@query" `, "", false},
		{"@target-uri without @method", `"@method" "@authority" "@path" "@query"`, `"@target-uri"`, false},
		{"digest not covered", `"content-digest" `, "", false},
		{"digest not covered, chunked", `Content-Length: 18`, "Transfer-Encoding: chunked", true},
		{"digest that is none", testDigest, "sha-256=:AAAA:", false},
		{"digest of an unknown kind", "sha-256", "sha-128", false},
		{"no digest", "Content-Digest", "X-Digest", false},
		{"digest twice", "X-A: b", "Content-Digest: " + testDigest + "\nX-A: b", false},
		{"length with a sign", ": 18", ": +18", false},
		{"length with a zero", ": 18", ": 018", false},
		{"length of zeros", ": 18", ": 00", false},
		{"length empty", ": 18", ":", false},
		{"length in hexadecimal", ": 18", ": 0x12", false},
		{"length below 0", ": 18", ": -1", false},
		{"two lengths in one", ": 18", ": 18, 18", false},
		{"second length", "X-A: b", "X-A: b\nContent-Length: 18", false},
		{"no Host", "Host: example.com\n", "", false},
		{"Host that is none", "example.com", "a@example.com", false},

		{"no created", created, "", false},
		{"created twice", created, created + created, false},
		{"created 0", "=1736937000", "=0", false},
		{"created below 0", "=1736937000", "=-1", false},
		{"created with a zero", "=1736937000", "=01736937000", false},
		{"created with a fraction", "=1736937000", "=1736937000.0", false},
		{"created a string", "=1736937000", `="1736937000"`, false},
		{"created after the last year", "=1736937000", "=253402300800", false},
		{"created of 20 digits", "=1736937000", "=18446744073709551617", false},
		{"created without a value", "=1736937000", "", false},
		{"no keyid", keyid, "", false},
		{"keyid twice", keyid, keyid + keyid, false},
		{"keyid of 7", "tEsTkId1", "tEsTkId", false},
		{"keyid a token", `"tEsTkId1"`, "tEsTkId1", false},
		{"no nonce", nonce, "", false},
		{"nonce twice", nonce, nonce + nonce, false},
		{"nonce of 7", testNonce, "abcdefg", false},
		{"nonce of 129", testNonce, strings.Repeat("n", 129), false},
		{"nonce with a blank", testNonce, "abc defgh", false},
		{"nonce with an escape", testNonce, `abcdefgh\\`, false},
		{"nonce of UTF-8", testNonce, "abcdefgh\u00e9", false},
		{"nonce of bytes", `"` + testNonce + `"`, ":AAAA:", false},
		{"other alg", list, list + `;alg="hmac-sha512"`, false},
		{"alg a token", list, list + ";alg=hmac-sha256", false},
		{"alg twice", list, list + `;alg="hmac-sha256";alg="hmac-sha256"`, false},
		{"expires before created", list, list + ";expires=1736936999", false},
		{"expires after the last year", list, list + ";expires=253402300800", false},
		{"expires twice", list, list + ";expires=1736937000;expires=1736937000", false},
		{"tag of 129", list, list + `;tag="` + strings.Repeat("t", 129) + `"`, false},
		{"tag twice", list, list + `;tag="a";tag="a"`, false},
		{"tag with a bad escape", list, list + `;tag="\a"`, false},
		{"tag without an end", nonce, nonce + `;tag="a`, false},
		{"tag that ends in an escape", nonce, nonce + `;tag="\`, false},
		{"unknown parameter", list, list + ";a=1", false},
		{"unknown parameter, bare", list, list + ";a", false},
		{"parameter in upper case", ";created", ";Created", false},
		{"parameter without a name", nonce, nonce + ";", false},

		{"31 bytes", "AAA=:", "A==:", false},
		{"33 bytes", "AAA=:", "AAAA:", false},
		{"without padding", "AAA=:", "AAA:", false},
		{"base64url", "AAA=:", "A_A=:", false},
		{"stray bits", "AAA=:", "AAB=:", false},
		{"no end", "AAA=:", "AAA=", false},
		{"no start", "Signature: sig1=:", "Signature: sig1=", false},
		{"text after the end", "AAA=:", "AAA=: a", false},
	} {
		n := 1
		if strings.HasPrefix(row.old, "sig1=") {
			n = 2
		}
		text := strings.Replace(good, row.old, row.new, n)
		if text == good && row.old != "" {
			t.Errorf("%s: the row changes nothing", row.name)
		}
		_, err := ParseCall(mustParseHead(t, text))
		if (err == nil) != row.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error is %v", row.name, err)
		}
		_, err = ParseLenientCall(mustParseHead(t, text))
		if want := row.ok || row.name == "no nonce"; (err == nil) != want {
			t.Errorf("%s: lenient error is %v", row.name, err)
		}
	}
}
