package clienttest_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/signing"
)

type fields = map[string]any

// subject is a version of a key whose calls are judged.
type subject struct {
	clienttest.Key
	tenant, path string
}

func (s *subject) scheme() signing.Scheme { return s.Signer.Scheme() }

// populate makes tenants and keys in all states and with all rules, and returns their versions.
func populate(t *testing.T, e *clienttest.Engine) []subject {
	t.Helper()
	for _, tenant := range []string{"acme", "beta", "closed", "gone"} {
		e.Tenant(tenant)
		e.AllowLocal(tenant)
	}
	e.Write("", "config", fields{"external_published": []string{"/wfo/**", "/orders/*"}})
	e.Write("", "admin/tenants/acme", fields{"published": []string{"/wfo/**"}})
	e.Patch("acme", "my", fields{"published": []string{"/wfo/a/**", "/wfo/b*"}})
	e.Write("", "admin/tenants/beta", fields{"window_past": 30, "window_future": 10})
	var all []subject
	for _, scheme := range []signing.Scheme{signing.Vrnt1, signing.RFC9421, signing.HMACSHA256} {
		all = append(all, keysOf(t, e, scheme)...)
	}
	all = append(all, slices.Repeat([]subject{imported(t, e)}, 6)...)
	time.Sleep(2 * time.Hour) // Some end.
	e.Suspend("closed")
	if _, err := e.Client("").Logical().Delete("apikeys/admin/tenants/gone"); err != nil {
		t.Fatal(err)
	}
	return all
}

// rules are the settings with which each scheme gets a key.
var rules = map[string]fields{
	"plain":    nil,
	"noreplay": {"replay": "off", "metadata": fields{"team": "red", "city": "Köln"}},
	"near":     {"allowed_cidrs": []string{"192.0.2.0/24", "2001:db8::/32"}},
	"ended":    {"ttl": "1h"},
}

var httpRules = map[string]fields{
	"scoped": {"scopes": []string{"GET /wfo/**", "* /orders/*"}},
	"agent":  {"user": "Agent-7"},
	"narrow": {"scopes": []string{"POST /wfo/a/*/x"}, "allowed_cidrs": []string{"198.51.100.0/24"}, "user": "agent-7"},
}

var compats = map[signing.Scheme]map[string]fields{
	signing.Vrnt1: {
		"lenient": {
			"compat": []string{
				"headers_sorted",
				"header_value_case",
				"path_decoded",
				"sig_std_base64",
				"param_whitespace",
				"param_order",
			},
		},
		"query": {"compat": []string{"path_query", "param_order"}},
	},
	signing.RFC9421: {"nonceless": {"compat": []string{"no_nonce"}}},
}

func keysOf(t *testing.T, e *clienttest.Engine, scheme signing.Scheme) []subject {
	t.Helper()
	var all []subject
	add := func(tenant, kind, name string, settings fields) *subject {
		t.Helper()
		with := fields{"scheme": scheme}
		for k, v := range settings {
			with[k] = v
		}
		path := kind + "/keys/" + name + "-" + string(scheme)
		all = append(all, subject{e.Key(tenant, path, with), tenant, path})
		return &all[len(all)-1]
	}
	for _, set := range []map[string]fields{rules, compats[scheme]} {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			add("acme", "internal", name, set[name])
			if set[name]["compat"] != nil { // Deviations are many.
				all = append(all, slices.Repeat(all[len(all)-1:], 5)...)
			}
		}
	}
	if scheme.HTTP() {
		for _, name := range slices.Sorted(maps.Keys(httpRules)) {
			add("acme", "external", name, httpRules[name])
		}
	}
	add("acme", "external", "open", nil)
	for _, tenant := range []string{"beta", "closed", "gone"} {
		add(tenant, "internal", "plain", nil)
	}
	add("beta", "external", "published", nil)
	off := add("acme", "internal", "off", nil)
	e.Disable(off.tenant, off.path)
	ended := add("acme", "internal", "off-and-ended", fields{"ttl": "1h"})
	e.Disable(ended.tenant, ended.path)
	revoked := add("acme", "internal", "revoked", nil)
	e.Revoke(revoked.tenant, revoked.path)
	deleted := add("acme", "internal", "deleted", nil)
	if _, err := e.Client("acme").Logical().Delete("apikeys/my/" + deleted.path); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"rotated", "half-revoked"} {
		old := *add("acme", "internal", part, nil)
		all = append(all, subject{e.Rotate(old.tenant, old.path), old.tenant, old.path})
		if part == "half-revoked" {
			e.Revoke(old.tenant, old.path, old.ID)
		}
	}
	for _, role := range []string{"app", "recalled"} {
		path := "internal/roles/" + role + "-" + string(scheme)
		e.Write("acme", "my/"+path, fields{"scheme": scheme, "ttl": "24h", "metadata": fields{"role": role}})
		all = append(all, subject{e.Issue("acme", path), "acme", path})
		if role == "recalled" {
			e.Write("acme", "my/"+path+"/revoke-leased", nil)
		}
	}
	return all
}

// imported returns a key that was made elsewhere, which may be used by its text.
func imported(t *testing.T, e *clienttest.Engine) subject {
	t.Helper()
	secret, id := []byte("thirty-two bytes from elsewhere!"), "ImPoRtEd01"
	results := e.Write("acme", "my/internal/import", fields{"keys": []any{fields{
		"name": "imported", "key_id": id, "key": base64.RawURLEncoding.EncodeToString(secret), "scheme": "vrnt-1",
		"compat": []string{"key_ascii", "header_value_case", "sig_std_base64", "path_query"},
	}}})["results"]
	if !strings.Contains(fmt.Sprint(results), "ok:true") {
		t.Fatal(results)
	}
	signer, err := signing.NewKey(signing.Vrnt1, id, secret)
	if err != nil {
		t.Fatal(err)
	}
	return subject{clienttest.Key{ID: id, Secret: secret, Signer: signer}, "acme", "internal/keys/imported"}
}

// plain returns a head that is signed as the scheme says.
func (a *author) plain(t *testing.T, text string, key clienttest.Key) string {
	t.Helper()
	head, err := signing.ParseHeadString(text)
	if err != nil {
		t.Fatal(err)
	}
	added, err := key.Signer.Sign(t.Context(), head)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range added {
		text += h.Name + ": " + h.Value + "\n"
	}
	return text
}
