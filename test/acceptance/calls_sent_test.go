//go:build acceptance

package acceptance

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// sentCall is a call of one of the kinds that people and proxies send, and changes to it that are refused.
type sentCall struct {
	name, call string
	mutants    [][2]string // old and new
	refused    string      // "": bad_signature
}

// stranger is a signature that something on the way adds.
const (
	strangerInput = `cdn=("@method" "@authority" "@path" "x-any";bs);created=1736937000;keyid="cdn";alg="ed25519";tag="web-bot-auth"`
	strangerTag   = "cdn=:QUJDRA==:"
)

// sentCalls returns fresh calls of each kind, signed by hand.
func (h holder) sentCalls(run string) []sentCall {
	n := 0
	params := func(with string) string {
		n++
		return fmt.Sprintf(`;created=%d;keyid=%q;nonce="sent-%s-%04d"%s`, time.Now().Unix(), h.keyID, run, n, with)
	}
	get := func(target, proto string) string {
		return h.base("GET "+target+" "+proto+"\nHost: api.example\n",
			[]string{"@method=GET", "@target-uri=https://api.example" + target}, params(`;tag="apikeys"`))
	}
	sum := signing.DigestBody([]byte("{}"))
	digest := sum + " ,  md5=:QUJDRA==:"
	beside := func(call, input, tag string) string {
		call = strings.Replace(call, "Signature-Input: ", "Signature-Input: "+input+"\nSignature-Input: ", 1)
		return strings.Replace(call, "Signature: ", "Signature: "+tag+", ", 1)
	}
	untagged := h.base("GET /a HTTP/1.1\nHost: api.example\n",
		[]string{"@method=GET", "@target-uri=https://api.example/a"}, params(`;tag="app"`))
	return []sentCall{
		{"HTTP/2", get("/a?b=c", "HTTP/2"), [][2]string{{"b=c", "b=d"}}, ""},
		{"HTTP/3.0", get("/a?b=c", "HTTP/3.0"), [][2]string{{"GET", "PUT"}}, ""},
		{"no protocol that there is", get("/a?b=c", "HTTP/1.1"), [][2]string{{"HTTP/1.1", "HTTP/11"}, {
			"HTTP/1.1",
			"HTTP/2.",
		}}, "malformed"},
		{"UTF-8 in the query", get("/a?b=caf\u00e9", "HTTP/1.1"), [][2]string{
			{"\u00e9 HTTP", "\u00e8 HTTP"},
			{"\u00e9 HTTP", "%C3%A9 HTTP"},
		}, ""},
		{"UTF-8 moved to the path", get("/a?b=caf\u00e9", "HTTP/1.1"), [][2]string{{"/a?b=", "/"}, {
			"\u00e9",
			"\uFFFD",
		}}, "malformed"},
		{"Latin-1 in the query", get("/a?b=caf\xe9", "HTTP/1.1"), [][2]string{{"\xe9 HTTP", "\xe8 HTTP"}}, ""},
		{
			"blanks in a digest",
			h.base("PUT /a HTTP/1.1\nHost: api.example\nContent-Length: 2\nContent-Digest: "+digest+"\n",
				[]string{"@method=PUT", "@target-uri=https://api.example/a", "content-digest=" + digest}, params(`;tag="apikeys"`)),
			[][2]string{{" ,  md5", ", md5"}, {" ,  md5", ",md5"}},
			"",
		},
		{
			"a second signature", beside(get("/a", "HTTP/1.1"), strangerInput, strangerTag),
			[][2]string{{"/a HTTP", "/b HTTP"}, {`"@target-uri"`, `"@authority" "@path"`}},
			"",
		},
		{
			"a second signature, refused", beside(get("/a", "HTTP/1.1"), strangerInput, strangerTag),
			[][2]string{{"web-bot-auth", "apikeys"}, {`tag="apikeys"`, `tag="app"`}, {"cdn=:", "cdm=:"}, {
				"cdn=",
				"sig1=",
			}},
			"malformed",
		},
		{"one signature of another tag", untagged, [][2]string{{`tag="app"`, `tag="apikeys"`}, {"/a", "/b"}}, ""},
	}
}

// TestCallsAsPeopleSendThem has the server judge each kind of call: it is valid, and what is made of it is not.
func TestCallsAsPeopleSendThem(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "sent")
	admin, gateway := shared.caller(t, tenant+"-admin"), shared.caller(t, "gateway")
	admin.must("POST", "apikeys/my/external/keys/orders", fields{"reveal": "always"})
	h := admin.must("POST", "apikeys/my/external/keys/orders/reveal", nil).holder(t)
	coded := func(call string) fields {
		return fields{"request_base64": base64.StdEncoding.EncodeToString([]byte(call))}
	}
	for i, c := range h.sentCalls("good") {
		for _, m := range c.mutants {
			mutant, want := strings.Replace(c.call, m[0], m[1], 1), c.refused
			if mutant == c.call {
				t.Fatalf("%s: %q is not there", c.name, m[0])
			}
			asked := coded(mutant)
			if want == "" {
				want = "bad_signature"
			} else if strings.Contains(m[1], "\uFFFD") {
				asked = fields{"request": mutant}
			}
			if got := gateway.must("PATCH", "apikeys/verify", asked).field("verdict"); got != want {
				t.Errorf("%s, %q for %q: %s, want %s", c.name, m[1], m[0], got, want)
			}
		}
		asked := coded(c.call)
		if i%2 == 0 && !strings.Contains(c.call, "\xe9 ") {
			asked = fields{"request": c.call}
		}
		if got := gateway.must("PATCH", "apikeys/verify", asked).field("verdict"); got != "valid" {
			t.Errorf("%s: %s", c.name, got)
		}
		again := strings.ReplaceAll(c.call, "QUJDRA==", "QUJDRQ==") // which the second signature alone covers
		if got := gateway.must("PATCH", "apikeys/verify", coded(again)).field("verdict"); got != "replayed" &&
			!strings.Contains(c.name, "digest") {
			t.Errorf("%s again: %s", c.name, got)
		}
	}
	added := shared.caller(t, tenant+"-app").must("POST", "apikeys/my/external/sign/orders",
		fields{"request": "GET /a?\u00e9 HTTP/2\nHost: api.example\n"})
	headers, _ := added.Data["headers"].(map[string]any)
	if input, _ := headers["Signature-Input"].(string); !strings.HasSuffix(input, `;tag="apikeys"`) {
		t.Errorf("sign adds %s", input)
	}
	byCLI(t, h, gateway, admin)
}

// byCLI hands files to the command line, which sends them as text.
func byCLI(t *testing.T, h holder, gateway, admin *caller) {
	t.Helper()
	write := func(call string) string {
		file := filepath.Join(t.TempDir(), "call.http")
		if err := os.WriteFile(file, []byte(call), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, c := range h.sentCalls("cli") {
		want, file := "valid", write(c.call)
		if strings.Contains(c.call, "\xe9 ") {
			want = "malformed" // JSON has no place for it
		}
		if out := gateway.cli("write", "-field=verdict", "apikeys/verify",
			"request=@"+file); strings.TrimSpace(out) != want {
			t.Errorf("%s: %s, want %s", c.name, out, want)
		}
		if out := admin.cli("write", "-format=json", "apikeys/my/explain", "request=@"+file); want != "valid" &&
			!strings.Contains(out, "request_base64") {
			t.Errorf("%s is explained by %s", c.name, out)
		}
	}
}

// cli runs the command line with the caller's token.
func (c *caller) cli(args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), c.w.Bin, args...) // #nosec G204 -- the server under test
	cmd.Env = append(os.Environ(), "VAULT_ADDR="+c.w.Addr, "VAULT_TOKEN="+c.token)
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
