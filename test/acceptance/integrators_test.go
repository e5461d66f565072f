//go:build acceptance

package acceptance

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestIntegratorsCommands is an integrator who does what docs/integrators.md says: opens what was sealed and what was
// wrapped, calls a service with it, fetches the successor, and has a refused call explained.
func TestIntegratorsCommands(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	service := w.service(t)
	r := plays(t, "docs/integrators.md", w, map[string]string{
		"https://api.example":        service,
		"https://vault.example:8200": w.Addr,
	})
	r.hasAge()
	if _, err := w.openNamed(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	const feed = "apikeys/my/external/keys/feed"
	admin := w.caller(t, "acme-admin")

	recipient := strings.TrimSpace(r.runs("nobody", "age-keygen"))
	recipient = recipient[strings.LastIndex(recipient, "age1"):]
	admin.must("POST", feed, fields{"recipients": recipient, "reveal": "always"})
	r.shell("acme-admin", "vault read -field=sealed "+feed+"/handover > sealed.age")
	r.runs("nobody", "age -d")
	sealed := r.object(r.reads("key.json"))

	r.stands["hvs.…"] = fieldsOf(r.shell("acme-admin", "vault write -wrap-ttl=5m -f "+feed+"/reveal"))["wrapping_token"]
	if got := fieldsOf(r.runs("nobody", "sys/wrapping/unwrap"))["creation_path"]; !strings.HasSuffix(got, "/reveal") {
		t.Errorf("it was wrapped by %q", got)
	}
	wrapped := r.object(r.reads("key.json"))
	shown := r.object(r.Next(`"credential"`).Text)
	r.same(shown, wrapped)
	delete(sealed, "issued_at")
	r.same(shown, sealed)

	// The commands that follow are of a vrnt-1 key, as the text says.
	admin.must("DELETE", feed, nil)
	admin.must("POST", "apikeys/my/external/keys/second", fields{"scheme": "vrnt-1", "recipients": recipient})
	r.shell("acme-admin", "vault write -f -format=json apikeys/my/external/keys/second/reveal | jq .data > key.json")
	r.reads("key.json")
	r.shell("nobody", r.Next("vrnt1()").Text)
	judged := r.object(r.runs("nobody", "vrnt1 GET"))
	r.holds(judged["verdict"]+" "+judged["user"], "valid", "agent7")
	second := admin.must("POST", "apikeys/my/external/keys/second/rotate", nil).field("current_key_id")
	r.runs("nobody", "/v1/successor")
	if got := r.object(r.reads("next.json"))["key_id"]; got != second {
		t.Errorf("picked up %s, and not %s", got, second)
	}

	r.shell(
		"nobody",
		"{ printf 'POST /WFO/agents HTTP/1.1\\nHost: api.example\\n'; vrnt1 POST /wfo/agents; } > call.http",
	)
	r.writes("body.json", `{"hello": "world"}`)
	explained := r.runs("acme-admin", "apikeys/my/explain")
	if got := fieldsOf(
		explained,
	); got["verdict"] != "bad_signature" || got["findings.0.id"] != "path_case" || got["string_to_sign"] == "" ||
		got["skew_seconds"] == "" {
		t.Errorf("explained as\n%s", explained)
	}
}

// object returns the texts of a JSON object.
func (r *reader) object(text string) map[string]string {
	r.t.Helper()
	var object map[string]string
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		r.t.Fatal(err)
	}
	return object
}

// same checks that an object that is shown has the fields of the real one.
func (r *reader) same(shown, got map[string]string) {
	r.t.Helper()
	if a, b := slices.Sorted(maps.Keys(shown)), slices.Sorted(maps.Keys(got)); !slices.Equal(a, b) {
		r.t.Errorf("has the fields %v, and shown are %v", b, a)
	}
	for _, name := range []string{"kind", "name", "scheme", "tenant"} {
		if shown[name] != got[name] {
			r.t.Errorf("%s is %s, and shown as %s", name, got[name], shown[name])
		}
	}
}

// service starts a service that has its calls judged by the engine, says what was found and whom the call acts as, and
// hands successors out.
func (w *world) service(t *testing.T) string {
	t.Helper()
	gateway := w.caller(t, "gateway")
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, call *http.Request) {
		head := call.Method + " " + call.RequestURI + " HTTP/1.1\nHost: " + call.Host
		for name, values := range call.Header {
			head += "\n" + name + ": " + strings.Join(values, ", ")
		}
		if call.URL.Path == "/v1/successor" {
			picked := gateway.ask("POST", "apikeys/pickup", fields{"request": head})
			_ = json.NewEncoder(answer).Encode(picked.Data)
			return
		}
		_ = json.NewEncoder(answer).
			Encode(map[string]string{"verdict": gateway.verdict(head), "user": call.Header.Get("Verint-UserName")})
	}))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address.String()
}
