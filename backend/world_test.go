package backend_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/helper/testhelpers/schema"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/plugin/pb"

	"vault-plugin-secrets-apikeys/backend"
)

type fields = map[string]any

// world is one mount of the engine in a Vault with storage, and the people who use it.
type world struct {
	t       testing.TB
	engine  logical.Backend
	storage *storage
	vault   *vault
	log     *journal
	secrets secrets
	asked   atomic.Int64
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, storage: new(storage), vault: newVault(), log: new(journal)}
	w.engine = w.node()
	return w
}

// clocked runs a test in a world whose time stands still until the test waits.
func clocked(t *testing.T, name string, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
	})
}

// alone is [clocked] for a test without rows.
func alone(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}

// wait lets time pass, in a bubble where it costs nothing.
func wait(d time.Duration) { time.Sleep(d) }

// tick has Vault call the periodic function, as it does once a minute.
func (w *world) tick() error {
	_, err := w.engine.HandleRequest(
		context.Background(),
		&logical.Request{Operation: logical.RollbackOperation, Storage: w.storage},
	)
	return err
}

// node returns another instance of the engine on the same storage.
func (w *world) node() logical.Backend {
	w.t.Helper()
	b := w.setUp()
	w.must(b.Initialize(context.Background(), &logical.InitializationRequest{Storage: w.storage}))
	return b
}

// setUp returns one that Vault has not initialized.
func (w *world) setUp() logical.Backend {
	w.t.Helper()
	b, err := backend.Factory(context.Background(), &logical.BackendConfig{
		Logger:      hclog.New(&hclog.LoggerOptions{Output: w.log, Level: hclog.Trace, DisableTime: true}),
		System:      w.vault,
		StorageView: w.storage,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// restart forgets all that is in memory, as a crash does.
func (w *world) restart() { w.engine = w.node() }

// reload ends the engine as Vault does in good order, and begins anew.
func (w *world) reload() {
	w.engine.Cleanup(context.Background())
	w.restart()
}

// paths returns what the engine answers.
func (w *world) paths() []*framework.Path { return w.engine.(*backend.Engine).Paths }

// handle sends a request to the engine as Vault does to a plugin in another process: what
// gRPC loses on the way is lost here too. A good answer is held against its schema.
func (w *world) handle(req *logical.Request) (*logical.Response, error) {
	w.t.Helper()
	sent, err := pb.LogicalRequestToProtoRequest(req)
	w.must(err)
	received, err := pb.ProtoRequestToLogicalRequest(sent)
	w.must(err)
	received.Storage = w.storage
	resp, err := w.engine.HandleRequest(context.Background(), received)
	if err == nil && !resp.IsError() {
		w.validate(req, resp)
	}
	err = pb.ProtoErrToErr(pb.ErrToProtoErr(err))
	answered, badly := pb.LogicalResponseToProtoResponse(resp)
	w.must(badly)
	resp, badly = pb.ProtoResponseToLogicalResponse(answered)
	w.must(badly)
	return resp, err
}

func (w *world) validate(req *logical.Request, resp *logical.Response) {
	w.t.Helper()
	t, isTest := w.t.(*testing.T)
	route := w.engine.(*backend.Engine).Route(req.Path)
	if !isTest || route == nil || route.Operations[req.Operation] == nil || resp.Data[logical.HTTPRawBody] != nil {
		return
	}
	schema.ValidateResponse(t, schema.GetResponseSchema(t, route, req.Operation), resp, true)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// person is somebody with a token, and what the next request of theirs is expected to be.
type person struct {
	w        *world
	entity   string // "": the root token
	accessor string
	status   int    // expected; 0: whatever it is
	about    string // what a refusal has to name
}

// root is the holder of a root token, which has no entity.
func (w *world) root() person { return person{w: w, accessor: "root-accessor", status: 200} }

// someone is the holder of a token of an entity with the tenant in its metadata; "" is
// none, as the provider's people have.
func (w *world) someone(entity, tenant string) person {
	w.vault.change(func(v *vault) {
		e := &logical.Entity{ID: entity, Metadata: map[string]string{}}
		if tenant != "" {
			e.Metadata["tenant"] = tenant
		}
		v.entities[entity] = e
	})
	return person{w: w, entity: entity, accessor: entity + "-accessor", status: 200}
}

// spa is the provider's administrator.
func (w *world) spa() person { return w.someone("spa", "") }

// tenant opens a tenant and returns somebody who belongs to it.
func (w *world) tenant(name string) person {
	w.t.Helper()
	w.spa().write("admin/tenants/"+name, nil)
	return w.someone(name+"-admin", name)
}

// refused expects the next request to be refused with the status, and with a text that
// names what it is about.
func (p person) refused(status int, about string) person {
	p.status, p.about = status, about
	return p
}

// trying expects nothing: the test judges the answer.
func (p person) trying() person { return p.refused(0, "") }

func (p person) read(path string) answer {
	p.w.t.Helper()
	return p.ask(logical.ReadOperation, path, nil)
}

func (p person) list(path string, f fields) answer {
	p.w.t.Helper()
	return p.ask(logical.ListOperation, path, f)
}

func (p person) write(path string, f fields) answer {
	p.w.t.Helper()
	return p.ask(logical.UpdateOperation, path, f)
}

func (p person) patch(path string, f fields) answer {
	p.w.t.Helper()
	return p.ask(logical.PatchOperation, path, f)
}

func (p person) remove(path string) answer {
	p.w.t.Helper()
	return p.ask(logical.DeleteOperation, path, nil)
}

// ask makes a request and holds its answer against what is expected.
func (p person) ask(op logical.Operation, path string, f fields) answer {
	p.w.t.Helper()
	req := p.request(op, path, f)
	resp, err := p.w.handle(req)
	a := newAnswer(p.w.t, req, resp, err)
	p.w.secrets.nowhereIn(a, p.w.log)
	if p.status != 0 {
		a.expect(p.status, p.about)
	}
	return a
}

func (p person) request(op logical.Operation, path string, f fields) *logical.Request {
	return &logical.Request{
		ID: fmt.Sprintf("request-%d", p.w.asked.Add(1)), Operation: op, Path: path, Data: f, MountPoint: "apikeys/",
		EntityID: p.entity, ClientTokenAccessor: p.accessor, ClientToken: p.accessor + "-salted",
	}
}
