// Package clienttest has the apikeys engine in memory, for tests of programs that sign or verify calls. It is the
// engine itself, with storage in memory, behind as much of Vault's API as packages client and verify need: its answers
// and verdicts are those of a server. It opens no socket and keeps no goroutine, so it works inside [testing/synctest],
// where the test has its own time.
//
//	engine := clienttest.New(t)
//	engine.Tenant("acme")
//	key := engine.Key("acme", "external/keys/billing", nil)
//	verifier, err := verify.NewVerifier(engine.Client(""), "apikeys/verify")
//
// It leaves out of Vault: policies, audit, response wrapping, namespaces, and leases that run out by themselves. The
// engine still ends the key when its time is over.
package clienttest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/backend"
	"vault-plugin-secrets-apikeys/signing"
)

// Mount is where the engine is mounted.
const Mount = "apikeys"

// Engine is one mount of the engine in a Vault of its own. It is an [http.Handler] of Vault's API, and safe for
// concurrent use. Whatever it is asked by a test that fails ends the test.
type Engine struct {
	t       TB
	backend logical.Backend
	storage logical.InmemStorage
	people  people

	mu     sync.Mutex
	away   bool
	tokens map[string]string // entity IDs; "" is none
	leases map[string]*logical.Request
}

// TB is what an engine needs of the test that it is for. A [testing.TB] has it.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(f func())
}

// New returns an engine without tenants, which ends with the test.
func New(t TB) *Engine {
	t.Helper()
	e := &Engine{t: t, tokens: make(map[string]string), leases: make(map[string]*logical.Request)}
	b, err := backend.Factory(context.Background(), &logical.BackendConfig{
		Logger: hclog.NewNullLogger(), System: &e.people, StorageView: &e.storage,
	})
	e.must(err)
	e.must(b.Initialize(context.Background(), &logical.InitializationRequest{Storage: &e.storage}))
	e.backend = b
	t.Cleanup(func() { b.Cleanup(context.Background()) })
	return e
}

func (e *Engine) must(err error) {
	if err != nil {
		e.t.Helper()
		e.t.Fatal(err)
	}
}

// Client returns a client with the [Engine.Token] of a tenant, or for "" of the provider.
func (e *Engine) Client(tenant string) *api.Client {
	e.t.Helper()
	return e.ClientOver(e.Transport(), tenant)
}

// ClientOver is [Engine.Client] over a transport of the test's, which may count, delay and lose what it passes to
// that of [Engine.Transport].
func (e *Engine) ClientOver(transport http.RoundTripper, tenant string) *api.Client {
	e.t.Helper()
	config := api.DefaultConfig()
	config.Address = "http://vault.test:8200"
	config.HttpClient = &http.Client{Transport: transport, CheckRedirect: config.HttpClient.CheckRedirect}
	vault, err := api.NewClient(config)
	e.must(err)
	vault.ClearNamespace()
	vault.SetToken(e.Token(tenant))
	return vault
}

// Transport brings requests to the engine without a network.
func (e *Engine) Transport() http.RoundTripper { return wire{e} }

// Token returns a token of a tenant's administrator, or for "" of the provider's, who may do all that is no tenant's.
// There are no policies: what the engine itself does not refuse, it may.
func (e *Engine) Token(tenant string) string {
	entity := ""
	if tenant != "" {
		entity = e.people.of(tenant)
	}
	token := rand.Text()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tokens[token] = entity
	return token
}

// Away has Vault be away, or back: each request fails, as with a server that nobody can reach.
func (e *Engine) Away(away bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.away = away
}

// Write writes to a path of docs/api.md for a tenant's administrator, or for "" the provider's, and returns the
// answer's data.
func (e *Engine) Write(tenant, path string, data map[string]any) map[string]any {
	e.t.Helper()
	answer, err := e.Client(tenant).Logical().Write(Mount+"/"+path, data)
	return e.data(answer, err)
}

// Patch patches a path, as [Engine.Write] writes to one.
func (e *Engine) Patch(tenant, path string, data map[string]any) map[string]any {
	e.t.Helper()
	answer, err := e.Client(tenant).Logical().JSONMergePatch(context.Background(), Mount+"/"+path, data)
	return e.data(answer, err)
}

// Read reads a path, as [Engine.Write] writes to one.
func (e *Engine) Read(tenant, path string) map[string]any {
	e.t.Helper()
	answer, err := e.Client(tenant).Logical().Read(Mount + "/" + path)
	return e.data(answer, err)
}

func (e *Engine) data(answer *api.Secret, err error) map[string]any {
	e.t.Helper()
	e.must(err)
	if answer == nil {
		return nil
	}
	return answer.Data
}

// Key is a version of a key, as its holder has it. Signer signs with it; Secret is its bytes.
type Key struct {
	ID     string
	Secret []byte
	Signer *signing.Key
}

// Tenant opens a tenant.
func (e *Engine) Tenant(name string) {
	e.t.Helper()
	e.Write("", "admin/tenants/"+name, nil)
}

// AllowLocal has the mount and a tenant allow gateways to fetch the tenant's keys, as a keyring does.
func (e *Engine) AllowLocal(tenant string) {
	e.t.Helper()
	e.Write("", "config", map[string]any{"allow_local_verify": true})
	e.Write("", "admin/tenants/"+tenant, map[string]any{"allow_local_verify": true})
}

// Key makes a key of a tenant at a path such as "external/keys/billing", or changes it, and returns its current
// version. Its reveal is "always" unless the settings, which are those of docs/api.md, have another.
func (e *Engine) Key(tenant, path string, settings map[string]any) Key {
	e.t.Helper()
	all := map[string]any{"reveal": "always"}
	for name, v := range settings {
		all[name] = v
	}
	e.Write(tenant, "my/"+path, all)
	return e.Reveal(tenant, path)
}

// Reveal returns the current version of a key.
func (e *Engine) Reveal(tenant, path string) Key {
	e.t.Helper()
	return e.key(e.Write(tenant, "my/"+path+"/reveal", nil))
}

// Issue returns a leased key of a role at a path such as "external/roles/app".
func (e *Engine) Issue(tenant, path string) Key {
	e.t.Helper()
	return e.key(e.Read(tenant, "tenants/"+tenant+"/"+strings.Replace(path, "/roles/", "/creds/", 1)))
}

func (e *Engine) key(data map[string]any) Key {
	e.t.Helper()
	id, _ := data["key_id"].(string)
	text, _ := data["key"].(string)
	scheme, _ := data["scheme"].(string)
	secret, err := base64.RawURLEncoding.Strict().DecodeString(text)
	e.must(err)
	signer, err := signing.NewKey(signing.Scheme(scheme), id, secret)
	e.must(err)
	return Key{id, secret, signer}
}

// Rotate makes a new version of a key and returns it. The one before verifies until the overlap is over.
func (e *Engine) Rotate(tenant, path string) Key {
	e.t.Helper()
	e.Write(tenant, "my/"+path+"/rotate", nil)
	return e.Reveal(tenant, path)
}

// Revoke revokes a key for good, or of it the version of an ID.
func (e *Engine) Revoke(tenant, path string, keyID ...string) {
	e.t.Helper()
	data := map[string]any{"reason": "a test"}
	for _, id := range keyID {
		data["key_id"] = id
	}
	e.Write(tenant, "my/"+path+"/revoke", data)
}

// Disable switches a key off, and Enable on again.
func (e *Engine) Disable(tenant, path string) {
	e.t.Helper()
	e.Write(tenant, "my/"+path+"/disable", nil)
}

// Enable switches a key on.
func (e *Engine) Enable(tenant, path string) {
	e.t.Helper()
	e.Write(tenant, "my/"+path+"/enable", nil)
}

// Suspend has all calls of a tenant refused, until [Engine.Resume].
func (e *Engine) Suspend(tenant string) {
	e.t.Helper()
	e.Write("", "admin/tenants/"+tenant+"/suspend", nil)
}

// Resume lets a suspended tenant go on.
func (e *Engine) Resume(tenant string) {
	e.t.Helper()
	e.Write("", "admin/tenants/"+tenant+"/resume", nil)
}

// Tick has the engine do what is due, such as rotations by schedule. Vault does so once a minute.
func (e *Engine) Tick() {
	e.t.Helper()
	_, err := e.backend.HandleRequest(context.Background(), &logical.Request{
		Operation: logical.RollbackOperation, Storage: &e.storage,
	})
	e.must(err)
}
