//go:build acceptance

package acceptance

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// base is a head signed by hand, from its lines of the signature base, so that no signer of ours decides what is right.
func (h holder) base(head string, components []string, params string) string {
	var names []string
	base := ""
	for _, c := range components {
		name, value, _ := strings.Cut(c, "=")
		names = append(names, `"`+name+`"`)
		base += fmt.Sprintf("%q: %s\n", name, value)
	}
	input := "(" + strings.Join(names, " ") + ")" + params
	tag := signing.MAC(h.key, []byte(base+`"@signature-params": `+input))
	return head + "Signature-Input: sig1=" + input + "\nSignature: sig1=:" + base64.StdEncoding.EncodeToString(
		tag[:],
	) + ":\n"
}

// TestRFC9421 checks the profile of RFC 9421 on calls that were signed by hand.
func TestRFC9421(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "rfc9421")
	admin, gateway := shared.caller(t, tenant+"-admin"), shared.caller(t, "gateway")
	made := admin.must("POST", "apikeys/my/external/keys/orders", fields{"reveal": "always"})
	if got := made.field("scheme"); got != "rfc9421" {
		t.Fatalf("the default scheme is %s", got)
	}
	h := admin.must("POST", "apikeys/my/external/keys/orders/reveal", nil).holder(t)
	n := 0
	params := func(with string) string {
		n++
		return fmt.Sprintf(`;created=%d;keyid=%q;nonce="number-%06d"%s`, time.Now().Unix(), h.keyID, n, with)
	}
	const (
		get    = "GET /wfo/v1/agents?page=1 HTTP/1.1\nHost: API.example:443\nDate: Tue, 20 Apr 2021 02:07:55 GMT\n"
		post   = "POST /wfo/v1/agents HTTP/1.1\nHost: api.example\nContent-Length: 18\n"
		digest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:" // RFC 9530, of {"hello": "world"}
	)
	method, authority, path, query := "@method=GET", "@authority=api.example", "@path=/wfo/v1/agents", "@query=?page=1"
	target, date := "@target-uri=https://api.example/wfo/v1/agents?page=1", "date=Tue, 20 Apr 2021 02:07:55 GMT"
	digested, posted, body := post+"Content-Digest: "+digest+"\n", "@method=POST", "content-digest="+digest
	ends := func(in int64) string { return fmt.Sprintf(";expires=%d", time.Now().Unix()+in) }
	nonceless := func() string { return fmt.Sprintf(`;created=%d;keyid=%q`, time.Now().Unix(), h.keyID) }
	for _, row := range []struct {
		name, call, want string
	}{
		{"what our signer covers", h.base(get, []string{method, authority, path, query}, params("")), "valid"},
		{"in another order", h.base(get, []string{query, path, method, authority}, params("")), "valid"},
		{"the target as one", h.base(get, []string{method, target}, params("")), "valid"},
		{"another header too", h.base(get, []string{method, target, date}, params(`;alg="hmac-sha256"`)), "valid"},
		{"a body", h.base(digested, []string{posted, authority, path, body}, params("")), "valid"},
		{"an end to come", h.base(get, []string{method, target}, params(ends(100))), "valid"},
		{"an end that has been", h.base(get, []string{method, target}, strings.Replace(params(ends(-10)),
			fmt.Sprint("created=", time.Now().Unix()), fmt.Sprint("created=", time.Now().Unix()-20), 1)), "too_old"},
		{
			"another query", h.base(get, []string{method, authority, path, "@query=?page=2"}, params("")),
			"bad_signature",
		},
		{"no query", h.base(get, []string{method, authority, path}, params("")), "malformed"},
		{"no method", h.base(get, []string{target}, params("")), "malformed"},
		{"a body that is not covered", h.base(digested, []string{posted, authority, path}, params("")), "malformed"},
		{"a body without a digest", h.base(post, []string{posted, authority, path}, params("")), "malformed"},
		{"another algorithm", h.base(get, []string{method, target}, params(`;alg="hmac-sha512"`)), "malformed"},
		{"an unknown component", h.base(get, []string{method, target, "@scheme=https"}, params("")), "malformed"},
		{"no nonce", h.base(get, []string{method, target}, nonceless()), "malformed"},
		{"RFC 9421 B.2.5", h.base(
			"POST /foo?param=Value&Pet=dog HTTP/1.1\nHost: example.com\nDate: Tue, 20 Apr 2021 02:07:55 GMT\n"+
				"Content-Type: application/json\n",
			[]string{date, "@authority=example.com", "content-type=application/json"}, params(""),
		), "malformed"},
	} {
		a := gateway.must("PATCH", "apikeys/verify", fields{"request": row.call})
		if got := a.field("verdict"); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		if covers := strings.Contains(
			row.call,
			`"content-digest")`,
		); row.want == "valid" &&
			(a.field("content_digest") == digest) != covers {
			t.Errorf("%s: content_digest %q", row.name, a.field("content_digest"))
		}
	}

	// A client without nonces is let in where the key says so, and its calls are good once all the same.
	admin.must("PATCH", "apikeys/my/external/keys/orders", fields{"compat": []any{"no_nonce"}})
	plain := h.base(get, []string{method, target}, nonceless())
	if a := gateway.must("PATCH", "apikeys/verify", fields{"request": plain}); a.field("verdict") != "valid" ||
		a.field("variant") != "no_nonce" {
		t.Errorf("without nonce: %s by %q", a.field("verdict"), a.field("variant"))
	}
	if got := gateway.verdict(plain); got != "replayed" {
		t.Errorf("without nonce, again: %s", got)
	}
}

// TestKeyring checks that gateways get keys to verify by themselves where all agree, and nowhere else.
func TestKeyring(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false) // whose config is changed
	tenant := w.tenant(t, "keyring")
	admin, local, operator, spa := w.caller(t, tenant+"-admin"), w.caller(
		t,
		"local-gateway",
	), w.caller(t, "operator"), w.caller(t, "spa")
	admin.must("POST", "apikeys/my/external/keys/orders", fields{"reveal": "always", "scopes": []any{"GET /wfo/**"}})
	h := admin.must("POST", "apikeys/my/external/keys/orders/reveal", nil).holder(t)
	path := "apikeys/keyring/" + h.keyID
	local.refused(http.StatusForbidden, "config allow_local_verify", "GET", path, nil)
	operator.must("PATCH", "apikeys/config", fields{"allow_local_verify": true, "keyring_max_age": "30s"})
	local.refused(http.StatusForbidden, "tenant has allow_local_verify off", "GET", path, nil)
	admin.must("PATCH", "apikeys/my", fields{"allow_local_verify": true})
	a := local.must("GET", path, nil)
	for field, want := range map[string]string{
		"max_age": "30", "tenant": tenant, "state": "current", "tenant_state": "active", "scheme": "rfc9421",
		"window_past": "300",
	} {
		if got := a.field(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if key := a.holder(t); string(key.key) != string(h.key) {
		t.Error("another key")
	}
	for _, who := range []*caller{
		spa, operator, admin, w.caller(t, "gateway"), w.caller(t, tenant+"-app"), w.caller(t, "migrator"),
	} {
		who.refused(http.StatusForbidden, "", "GET", path, nil)
	}
	local.refused(http.StatusForbidden, "", "PATCH", "apikeys/verify", fields{"request": agents})
	local.refused(http.StatusForbidden, "", "GET", "apikeys/tenants/"+tenant+"/external/keys/orders", nil)
	admin.must("POST", "apikeys/my/external/keys/orders/revoke", fields{"reason": "leaked"})
	if got := local.must("GET", path, nil).field("state"); got != "revoked" {
		t.Errorf("a revoked key is %s", got)
	}
	admin.must("PATCH", "apikeys/my", fields{"allow_local_verify": false})
	local.refused(http.StatusForbidden, "tenant has allow_local_verify off", "GET", path, nil)
}
