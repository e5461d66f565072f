//go:build acceptance

package acceptance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// head is a call as it is signed, before something is changed: a request line, Host, two headers, Authorization.
type head string

// signedHead returns a call of its own, which nobody has seen.
func signedHead(h holder) head {
	return head(h.call("GET", "/wfo/v1/agents?page=1", "Accept: text/plain", "Verint-UserName: anna"))
}

func (h head) with(line string) head        { return h + head(line) }
func (h head) without(line string) head     { return h.swap(line, "") }
func (h head) swap(old, change string) head { return head(strings.Replace(string(h), old, change, 1)) }

func (h head) ends(eol string) head { return head(strings.ReplaceAll(string(h), "\n", eol)) }

// line returns the header line that begins with name, with its end.
func (h head) line(name string) string {
	_, rest, _ := strings.Cut(string(h), "\n"+name)
	line, _, _ := strings.Cut(rest, "\n")
	return name + line + "\n"
}

// wellFormed are the ways in which a call may be written down, and stays as good as it was.
var wellFormed = map[string]func(head) head{
	"as signed":                 func(h head) head { return h },
	"CRLF":                      func(h head) head { return h.ends("\r\n") },
	"a blank line at its end":   func(h head) head { return h.with("\n") },
	"CRLF and a blank line":     func(h head) head { return h.with("\n").ends("\r\n") },
	"no end of its last line":   func(h head) head { return head(strings.TrimSuffix(string(h), "\n")) },
	"no version":                func(h head) head { return h.without(" HTTP/1.1") },
	"HTTP/2.0":                  func(h head) head { return h.swap("HTTP/1.1", "HTTP/2.0") },
	"HTTP/2":                    func(h head) head { return h.swap("HTTP/1.1", "HTTP/2") },
	"UTF-8 in the query":        func(h head) head { return h.swap("page=1", "page=ë") }, // which vrnt-1 does not sign
	"no Host":                   func(h head) head { return h.without("Host: api.example\n") },
	"another header twice":      func(h head) head { return h.with("Accept: text/html\n") },
	"no blank after the colon":  func(h head) head { return h.swap("Host: ", "Host:") },
	"many blanks after a colon": func(h head) head { return h.swap("Host: ", "Host:     ") },
	"names in lower case": func(h head) head {
		return h.swap("Authorization", "authorization").swap("Host", "host")
	},
	"UTF-8 in a value": func(h head) head { return h.with("X-Name: Zoë\n") },
	"100 lines":        func(h head) head { return h.with(strings.Repeat("X-More: 1\n", 95)) },
}

// malformed are ways to write a call that two readers could take differently, or that say nothing of who signed.
var malformed = map[string]func(head) head{
	"nothing at all":             func(head) head { return "" },
	"a blank line alone":         func(head) head { return "\n" },
	"no signature":               func(h head) head { return h.without(h.line("Authorization")) },
	"signed in another way":      func(h head) head { return h.swap("Vrnt-1-HMAC-SHA256", "Bearer") },
	"another case of the scheme": func(h head) head { return h.swap("Vrnt-1", "vrnt-1") },
	"a Signature alone": func(h head) head {
		return h.without(h.line("Authorization")).with("Signature: sig1=:AAAA:\n")
	},
	"two schemes": func(h head) head {
		return h.with(
			"Signature-Input: sig1=(\"@method\");created=1;keyid=\"0123456789abcdef\"\nSignature: sig1=:AAAA:\n",
		)
	},
	"Authorization twice":        func(h head) head { return h.with(h.line("Authorization")) },
	"Authorization in two cases": func(h head) head { return h.with("authorization: Basic AAAA\n") },
	"Host twice":                 func(h head) head { return h.with("host: api.example\n") },
	"a verint- header twice":     func(h head) head { return h.with("verint-username: bob\n") },

	"CRLF, then LF":            func(h head) head { return h.swap("\n", "\r\n") },
	"LF, then CRLF":            func(h head) head { return h.swap("example\n", "example\r\n") },
	"a bare CR":                func(h head) head { return h.swap("text/plain", "text\rplain") },
	"a folded line":            func(h head) head { return h.swap("text/plain", "text/plain\n more") },
	"a line folded by a tab":   func(h head) head { return h.swap("text/plain", "text/plain\n\tmore") },
	"a blank before a colon":   func(h head) head { return h.swap("Host:", "Host :") },
	"a tab in a value":         func(h head) head { return h.swap("text/plain", "text/\tplain") },
	"NUL in a value":           func(h head) head { return h.swap("text/plain", "text/\x00plain") },
	"DEL in a value":           func(h head) head { return h.swap("text/plain", "text/\x7fplain") },
	"no colon":                 func(h head) head { return h.with("X-More\n") },
	"no name":                  func(h head) head { return h.with(": more\n") },
	"a name with a blank":      func(h head) head { return h.with("X More: 1\n") },
	"a body":                   func(h head) head { return h.with("\nbody") },
	"two blank lines":          func(h head) head { return h.with("\n\n") },
	"a blank line first":       func(h head) head { return "\n" + h },
	"101 lines":                func(h head) head { return h.with(strings.Repeat("X-More: 1\n", 96)) },
	"more than 32 KiB":         func(h head) head { return h.with("X-More: " + strings.Repeat("1", 32<<10) + "\n") },
	"no target":                func(h head) head { return h.without(" /wfo/v1/agents?page=1") },
	"no method":                func(h head) head { return h.without("GET ") },
	"a method with a colon":    func(h head) head { return h.swap("GET", "GET:") },
	"two blanks in line one":   func(h head) head { return h.swap("GET ", "GET  ") },
	"an absolute target":       func(h head) head { return h.swap(" /", " https://api.example/") },
	"an authority as target":   func(h head) head { return h.swap(" /wfo/v1/agents?page=1", " api.example:443") },
	"* as target":              func(h head) head { return h.swap(" /wfo/v1/agents?page=1", " *") },
	"a fragment in the target": func(h head) head { return h.swap("?page=1", "#page") },
	"UTF-8 in the target":      func(h head) head { return h.swap("agents", "agënts") },
	"U+FFFD in the query":      func(h head) head { return h.swap("page=1", "page=\uFFFD") },
	"a version that is none":   func(h head) head { return h.swap("HTTP/1.1", "HTTP/one") },
	"a version too many":       func(h head) head { return h.swap("HTTP/1.1", "HTTP/1.1 HTTP/1.1") },

	"no salt":                func(h head) head { return h.swap("salt=", "sa1t=") },
	"a short salt":           func(h head) head { return h.swap(h.param("salt"), "AAAAAAA") },
	"a salt of another kind": func(h head) head { return h.swap(h.param("salt"), "AAAA+AAAA/AAAA") },
	"no kid":                 func(h head) head { return h.without("kid=" + h.param("kid") + ",") },
	"a kid too short":        func(h head) head { return h.swap(h.param("kid"), "0123456") },
	"a kid of a path":        func(h head) head { return h.swap(h.param("kid"), "../../../etc/passwd") },
	"a kid twice":            func(h head) head { return h.swap("kid=", "kid="+h.param("kid")+",kid=") },
	"no sig":                 func(h head) head { return h.without(",sig=" + h.param("sig")) },
	"a short sig":            func(h head) head { return h.swap(h.param("sig"), h.param("sig")[1:]) },
	"a padded sig":           func(h head) head { return h.swap(h.param("sig"), h.param("sig")+"=") },
	"a sig in hexadecimal":   func(h head) head { return h.swap(h.param("sig"), strings.Repeat("0f", 32)) },
	"stray bits in the sig":  func(h head) head { return h.swap(h.param("sig"), strings.Repeat("A", 42)+"B") },
	"another order": func(h head) head {
		return h.swap("salt="+h.param("salt")+",", "").swap("kid=", "salt="+h.param("salt")+",kid=")
	},
	"blanks between":            func(h head) head { return h.swap(",iat", ", iat") },
	"another parameter":         func(h head) head { return h.swap(",sig", ",alg=none,sig") },
	"quotes":                    func(h head) head { return h.swap(h.param("kid"), `"`+h.param("kid")+`"`) },
	"a time with an offset":     func(h head) head { return h.swap(h.param("iat"), "2026-01-02T03:04:05+00:00") },
	"a time with fractions":     func(h head) head { return h.swap(h.param("iat"), "2026-01-02T03:04:05.5Z") },
	"a time in seconds":         func(h head) head { return h.swap(h.param("iat"), "1767323045") },
	"a day that does not exist": func(h head) head { return h.swap(h.param("iat"), "2026-02-30T03:04:05Z") },
}

// param returns the value of a parameter of the signature.
func (h head) param(name string) string {
	_, rest, _ := strings.Cut(h.line("Authorization"), name+"=")
	return rest[:strings.IndexAny(rest, ",\n")]
}

// TestMalformed checks which heads are read, and that of the others nothing is told but that they are none.
func TestMalformed(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "malformed")
	admin, verifier := shared.caller(t, tenant+"-admin"), shared.caller(t, tenant+"-verifier")
	gateway := shared.caller(t, "gateway")
	admin.must("POST", "apikeys/my/external/keys/billing", fields{"scheme": "vrnt-1"})
	holder := admin.must("POST", "apikeys/my/external/keys/billing/reveal", nil).holder(t)

	for name, write := range wellFormed {
		if got := gateway.verdict(string(write(signedHead(holder)))); got != "valid" {
			t.Errorf("%s: %s", name, got)
		}
	}
	want := fields{"valid": false, "verdict": "malformed"}
	var batch []any
	for name, write := range malformed {
		signed := signedHead(holder)
		text := write(signed)
		if text == signed {
			t.Errorf("%s: nothing was changed", name)
		}
		a := gateway.must("PATCH", "apikeys/verify", fields{"request": text})
		if diff := cmp.Diff(want, a.Data); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
		if got := gateway.verdict(string(signed)); got != "valid" {
			t.Errorf("%s: the call itself is %s then", name, got)
		}
		batch = append(batch, text)
	}
	batch = append(batch, signedHead(holder))
	results := verifier.must("POST", "apikeys/my/verify", fields{"batch": batch}).Data["results"].([]any)
	for i, result := range results[:len(batch)-1] {
		if diff := cmp.Diff(map[string]any(want), result); diff != "" {
			t.Errorf("item %d: (-want +got)\n%s", i, diff)
		}
	}
	if last := results[len(batch)-1].(map[string]any); last["verdict"] != "valid" {
		t.Errorf("the good one after all those is %s", last["verdict"])
	}
}

// TestNotACall checks that what is wrong in the question itself is a 400 that says so, and not a verdict.
func TestNotACall(t *testing.T) {
	t.Parallel()
	gateway := shared.caller(t, "gateway")
	const request = "GET / HTTP/1.1\n"
	for _, test := range []struct {
		why  string
		sent fields
	}{
		{"request: missing", fields{}},
		{"request: missing", fields{"request": nil}},
		{"request", fields{"request": 7}},
		{"request", fields{"request": []any{request}}},
		{"cannot be given together", fields{"request": request, "message": "m"}},
		{"cannot be given together", fields{"request": request, "request_base64": "AAAA"}},
		{"request_base64", fields{"request_base64": "A"}},
		{"request_base64", fields{"request_base64": "R0VUIC8\n"}},
		{"signature", fields{"request": request, "signature": "v1:0123456789abcdef:A"}},
		{"signature: missing", fields{"message": "m"}},
		{"client_ip", fields{"request": request, "client_ip": "localhost"}},
		{"batch", fields{"batch": []any{}}},
		{"batch", fields{"batch": make([]string, 1001)}},
		{"beside batch", fields{"batch": []any{request}, "request": request}},
		{"no_such_field", fields{"request": request, "no_such_field": 1}},
		{"tenant: comes from the path", fields{"request": request, "tenant": "acme"}},
	} {
		for _, method := range []string{"POST", "PATCH"} {
			gateway.refused(http.StatusBadRequest, test.why, method, "apikeys/verify", test.sent)
		}
	}
	// Fields that are null are as good as not given, which matters to a PATCH.
	a := gateway.must("PATCH", "apikeys/verify", fields{
		"request": request, "request_base64": nil, "message": nil, "signature": nil, "client_ip": nil, "batch": nil,
	})
	if got := a.field("verdict"); got != "malformed" {
		t.Errorf("with nulls beside: %s", got)
	}
}
