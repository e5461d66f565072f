//go:build hostile

package hostile

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
	"vault-plugin-secrets-apikeys/bootstrap/tour"
	"vault-plugin-secrets-apikeys/signing"
)

const (
	limit      = 256 << 20 // what the plugin is told by GOMEMLIMIT
	maxRequest = 8 << 20   // of the server's listener
	attackers  = 16
)

type fields = map[string]any

// world is a server with two tenants, acme which attacks and bolt which does not, and the tokens of people.
type world struct {
	*devserver.Server
	tokens map[string]string
	client *http.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	bin, err := devserver.Find("../../build/server/vault")
	if err != nil {
		t.Fatal(err)
	}
	server, err := devserver.Start(t.Context(), devserver.Options{Bin: bin, Durable: true, MaxRequest: maxRequest})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	w := &world{Server: server, client: &http.Client{
		Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * attackers},
	}}
	plugin := devserver.Plugin{
		File:    cmp.Or(os.Getenv("PLUGIN"), "../../build/vault-plugin-secrets-apikeys"),
		Version: os.Getenv("PLUGIN_VERSION"), Mount: "apikeys", Env: []string{fmt.Sprintf("GOMEMLIMIT=%d", limit)},
	}
	if err := errors.Join(
		w.Install(t.Context(), plugin),
		w.LoadPolicies(t.Context(), "../../scripts/policies.sh", policies.Mount, policies.Prefix),
		w.EnableLogins(t.Context()),
	); err != nil {
		t.Fatal(err)
	}
	people := tour.Provider()
	for _, tenant := range []string{"acme", "bolt"} {
		people = append(people, tour.Staff(tenant)...)
	}
	if w.tokens, err = w.Admit(t.Context(), people); err != nil {
		t.Fatal(err)
	}
	w.must(
		t,
		"operator",
		"POST",
		"config",
		fields{"allow_import_until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)},
	)
	for _, tenant := range []string{"acme", "bolt"} {
		w.must(t, "spa", "POST", "admin/tenants/"+tenant, fields{"max_keys": 20_000})
	}
	return w
}

// send sends a body and returns the status and the answer's data.
func (w *world) send(ctx context.Context, who, method, path string, body []byte) (int, fields, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.Addr+"/v1/apikeys/"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("X-Vault-Token", w.tokens[who])
	if method == "PATCH" {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	answer, err := w.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return answer.StatusCode, nil, err
	}
	var told struct {
		Data fields `json:"data"`
	}
	_ = json.Unmarshal(raw, &told) // errors have none
	return answer.StatusCode, told.Data, nil
}

func (w *world) must(t *testing.T, who, method, path string, body fields) fields {
	t.Helper()
	status, data, err := w.send(t.Context(), who, method, path, packed(body))
	if err != nil || status >= 300 {
		t.Fatalf("%s %s: %d %v", method, path, status, err)
	}
	return data
}

func packed(body any) []byte {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return raw
}

// holder is who has been handed a key.
type holder struct {
	keyID  string
	secret []byte
}

func (w *world) key(t *testing.T, tenant, name string, settings fields) holder {
	t.Helper()
	path := "my/external/keys/" + name
	w.must(t, tenant+"-admin", "POST", path, settings)
	told := w.must(t, tenant+"-admin", "POST", path+"/reveal", nil)
	secret, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(told["key"]))
	if err != nil {
		t.Fatal("what was handed out is no secret")
	}
	return holder{fmt.Sprint(told["key_id"]), secret}
}

// call returns a fresh signed head.
func (h holder) call(target string, headers ...string) string {
	head, err := signing.ParseHead(
		[]byte(
			strings.Join(append([]string{"GET " + target + " HTTP/1.1", "Host: api.example"}, headers...), "\n") + "\n",
		),
	)
	if err != nil {
		panic(err)
	}
	added, err := signing.SignHead(signing.RFC9421, head, h.keyID, h.secret, time.Now())
	if err != nil {
		panic(err)
	}
	signed, err := head.With(added)
	if err != nil {
		panic(err)
	}
	return signed.String()
}

var memory = regexp.MustCompile(`(VmRSS|VmHWM):\s+(\d+) kB`)

// pluginMemory returns how much memory the plugin's process has, and the most it has had, in bytes.
func (w *world) pluginMemory(t *testing.T) (now, most int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	parent := "PPid:\t" + strconv.Itoa(w.PID()) + "\n"
	for _, file := range all {
		status, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(status, []byte(parent)) {
			continue
		}
		for _, found := range memory.FindAllSubmatch(status, -1) {
			n, _ := strconv.Atoi(string(found[2]))
			if string(found[1]) == "VmRSS" {
				now += n << 10
			} else {
				most += n << 10
			}
		}
	}
	return now, most
}
