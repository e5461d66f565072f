package backend_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client"
	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/signing"
)

// RoundTrip answers reads as Vault would, so that a client can ask the engine of this world.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	a := w.root().trying().read(strings.TrimPrefix(r.URL.Path, "/v1/apikeys/"))
	body := fields{"data": a.data}
	if a.status != http.StatusOK {
		body = fields{"errors": []string{"1 error occurred:\n\t* " + a.text + "\n\n"}}
	}
	text, err := json.Marshal(body)
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, err
}

func (w *world) keyring() *client.Keyring {
	w.t.Helper()
	config := api.DefaultConfig()
	w.must(config.Error)
	config.Address, config.HttpClient = "http://vault.test:8200", &http.Client{Transport: w}
	vault, err := api.NewClient(config)
	w.must(err)
	ring, err := client.NewKeyring(vault, "apikeys", client.KeyringOptions{})
	w.must(err)
	return ring
}

// caller makes calls of one key, right and wrong ones.
type caller struct {
	holder
	dice *rand.Rand
}

// head returns a head that somebody might sign.
func (c caller) head() string {
	pick := func(from ...string) string { return from[c.dice.IntN(len(from))] }
	text := pick("GET", "GET", "POST", "PUT") + " " + pick("/wfo/v1/agents", "/wfo/v1/agents?page=2", "/orders", "/orders/7?x=%20", "/a%20b", "/wfo/../x", "/wfo//v1", "/status?") +
		pick(" HTTP/1.1", "", " HTTP/2.0") + "\nHost: " + pick("api.example", "API.example:443", "api.example:8443") + "\n"
	text += pick("", "", "Verint-UserName: agent-7\n", "Verint-UserName: Agent-7\nVerint-Id: A\n", "verint-b: 1\nverint-a: 2\n")
	if c.scheme == signing.RFC9421 && c.dice.IntN(3) == 0 {
		text += "Content-Length: 2\nContent-Digest: " + signing.DigestBody([]byte("{}")) + "\n"
	}
	return text
}

// call returns a call as the client's question, of whatever worth.
func (c caller) call() client.Call {
	from := []netip.Addr{{}, netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("198.51.100.1")}[c.dice.IntN(4)]
	at := time.Now().Add([]time.Duration{0, 0, 0, 0, -time.Hour, time.Hour, -299 * time.Second, 59 * time.Second}[c.dice.IntN(8)])
	key := c.secret
	if c.dice.IntN(6) == 0 {
		key = []byte("somebody else, who has no such key")
	}
	if c.scheme == signing.HMACSHA256 {
		message := fmt.Sprintf("order %d", c.dice.Int64())
		return client.Call{Message: message, Signature: c.spoil(signing.SignTagged(c.keyID, key, []byte(message))), ClientIP: from}
	}
	text := c.head()
	head, err := signing.ParseHead([]byte(text))
	c.w.must(err)
	scheme := c.scheme
	if c.dice.IntN(20) == 0 {
		scheme = map[signing.Scheme]signing.Scheme{signing.RFC9421: signing.Vrnt1, signing.Vrnt1: signing.RFC9421}[scheme]
	}
	added, err := signing.SignHead(scheme, head, c.keyID, key, at)
	if err != nil { // a body without digest cannot be signed
		return client.Call{Request: text, ClientIP: from}
	}
	for _, a := range added {
		text += a.Name + ": " + a.Value + "\n"
	}
	return client.Call{Request: c.spoil(c.deviate(text)), ClientIP: from}
}

// deviate has the call deviate as clients do.
func (c caller) deviate(text string) string {
	switch c.dice.IntN(8) {
	case 0:
		return strings.Replace(text, ",iat", ", iat", 1)
	case 1:
		return strings.Replace(text, "/a%20b", "/a b", 1)
	case 2: // the client signed the path alone, as it stands, and adds a query
		return strings.Replace(text, "/orders ", "/orders?late=1 ", 1)
	case 3:
		return strings.Replace(text, "verint-b: 1\nverint-a: 2\n", "verint-a: 2\nverint-b: 1\n", 1)
	default:
		return text
	}
}

// spoil changes a byte now and then.
func (c caller) spoil(text string) string {
	if c.dice.IntN(8) > 0 {
		return text
	}
	b := []byte(text)
	b[c.dice.IntN(len(b))] ^= 1 << c.dice.IntN(7)
	return string(b)
}

// callers makes keys in every state and with every limit.
func callers(w *world, dice *rand.Rand) []caller {
	acme := w.tenant("acme")
	stopped := w.tenant("stopped")
	w.root().write("config", fields{"allow_local_verify": true, "keyring_max_age": "60s", "external_published": []any{"/wfo/**", "/orders/**", "/status", "/a%20b"}})
	for _, name := range []string{"acme", "stopped"} {
		w.spa().patch("admin/tenants/"+name, fields{"allow_local_verify": true})
	}
	var all []caller
	add := func(p person, path string, f fields) caller {
		c := caller{p.key(path, f), dice}
		all = append(all, c)
		return c
	}
	for i, scheme := range []string{"rfc9421", "vrnt-1", "hmac-sha256"} {
		name := func(what string) string { return fmt.Sprintf("my/%s/keys/%s-%d", apikey.Kinds[i%2], what, i) }
		add(acme, name("plain"), fields{"scheme": scheme, "metadata": fields{"team": "a"}})
		add(acme, name("repeating"), fields{"scheme": scheme, "replay": "off"})
		add(acme, name("near"), fields{"scheme": scheme, "allowed_cidrs": []any{"192.0.2.0/24", "2001:db8::/32"}})
		add(acme, name("old"), fields{"scheme": scheme})
		acme.write(name("old")+"/rotate", fields{"overlap": "1h"})
		add(acme, name("brief"), fields{"scheme": scheme, "ttl": "30s", "overlap": 0})
		add(acme, name("off"), fields{"scheme": scheme})
		acme.write(name("off")+"/disable", nil)
		add(acme, name("gone"), fields{"scheme": scheme})
		acme.write(name("gone")+"/revoke", nil)
		add(stopped, name("stopped"), fields{"scheme": scheme})
		if scheme != "hmac-sha256" {
			add(acme, name("scoped"), fields{"scheme": scheme, "scopes": []any{"GET /wfo/**", "* /orders"}, "user": "agent-7"})
		}
	}
	add(acme, "my/internal/keys/lenient", fields{"scheme": "vrnt-1", "compat": []any{"path_decoded", "param_whitespace", "headers_sorted"}})
	add(acme, "my/internal/keys/querying", fields{"scheme": "vrnt-1", "compat": []any{"path_query", "header_value_case"}})
	add(acme, "my/external/keys/plainer", fields{"compat": []any{"no_nonce"}})
	w.spa().write("admin/tenants/stopped/suspend", nil)
	unknown := all[0]
	unknown.keyID = "0123456789abcdef"
	wait(31 * time.Second) // the brief ones have ended
	return append(all, unknown)
}

// toldBy returns what the engine tells, in the form of the client's.
func toldBy(w *world, c client.Call) client.Verdict {
	f := fields{"request": c.Request}
	if c.Request == "" {
		f = fields{"message": c.Message, "signature": c.Signature}
	}
	if c.ClientIP.IsValid() {
		f["client_ip"] = c.ClientIP.String()
	}
	data := w.root().write("verify", f).data
	text := func(name string) string { s, _ := data[name].(string); return s }
	at := func(name string) time.Time { t, _ := time.Parse(time.RFC3339, text(name)); return t }
	v := client.Verdict{
		Verdict: text("verdict"), Valid: data["valid"] == true, Tenant: text("tenant"), Kind: text("kind"), Name: text("name"), KeyID: text("key_id"),
		State: text("state"), Scheme: text("scheme"), User: text("user"), ExpiresAt: at("expires_at"), SuccessorKeyID: text("successor_key_id"),
		Variant: text("variant"), ContentDigest: text("content_digest"), ServerTime: at("server_time"), ReplayTableFull: data["replay_table_full"] == true,
	}
	if n, ok := data["version"].(int); ok {
		v.Version = n
	} else if n, ok := data["version"].(float64); ok {
		v.Version = int(n)
	}
	for name, value := range data {
		if pairs, ok := value.(fields); ok && name == "metadata" {
			v.Metadata = map[string]string{}
			for k, s := range pairs {
				v.Metadata[k] = s.(string)
			}
		}
	}
	return v
}

// A gateway that verifies by itself finds what the engine finds, and tells the same, of thousands of calls of every kind.
func TestKeyringAgrees(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		dice := rand.New(rand.NewPCG(1, 2))
		all := callers(w, dice)
		ring := w.keyring()
		counted := map[string]int{}
		var before []client.Call
		for range 6000 {
			call := all[dice.IntN(len(all))].call()
			if len(before) > 0 && dice.IntN(10) == 0 {
				call = before[dice.IntN(len(before))]
			}
			before = append(before, call)
			want := toldBy(w, call)
			got, err := ring.Verify(t.Context(), call)
			if err != nil {
				t.Fatal(err)
			}
			if counted[want.Verdict]++; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Fatalf("the keyring says\n%+v, the engine\n%+v, of\n%+v", got, want, call)
			}
		}
		t.Log(counted)
		for _, v := range apikey.Verdicts {
			if counted[string(v)] < 20 {
				t.Errorf("%s was compared %d times", v, counted[string(v)])
			}
		}
		w.must(ring.Close())
	})
}
