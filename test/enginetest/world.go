// Package enginetest is the engine in the memory of a test: a mount with its storage, a Vault around it, people who
// ask it, clients that sign calls. The tests of packages paths, backend and internal/sweep use it.
package enginetest

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

// Fields are those of a request, or of a part of an answer.
type Fields = map[string]any

// World is one mount of the engine in a Vault with storage, and the people who use it.
type World struct {
	T       testing.TB
	Engine  logical.Backend
	Storage *Storage
	Vault   *Vault
	Log     *Journal
	Secrets Secrets
	asked   atomic.Int64
}

// New mounts the engine in an empty Vault.
func New(t testing.TB) *World {
	w := &World{T: t, Storage: new(Storage), Vault: newVault(), Log: new(Journal)}
	w.Engine = w.Node()
	return w
}

// Clocked runs a test in a world whose time stands still until the test waits.
func Clocked(t *testing.T, name string, f func(t *testing.T, w *World)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, New(t)) })
	})
}

// Alone is [Clocked] for a test without rows.
func Alone(t *testing.T, f func(t *testing.T, w *World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, New(t)) })
}

// Wait lets time pass, in a bubble where it costs nothing.
func Wait(d time.Duration) { time.Sleep(d) }

// Tick has Vault call the periodic function, as it does once a minute.
func (w *World) Tick() error {
	_, err := w.Engine.HandleRequest(
		context.Background(),
		&logical.Request{Operation: logical.RollbackOperation, Storage: w.Storage},
	)
	return err
}

// Node returns another instance of the engine on the same storage.
func (w *World) Node() logical.Backend {
	w.T.Helper()
	b := w.SetUp()
	w.Must(b.Initialize(context.Background(), &logical.InitializationRequest{Storage: w.Storage}))
	return b
}

// SetUp returns one that Vault has not initialized.
func (w *World) SetUp() logical.Backend {
	w.T.Helper()
	b, err := backend.Factory(context.Background(), &logical.BackendConfig{
		Logger:      hclog.New(&hclog.LoggerOptions{Output: w.Log, Level: hclog.Trace, DisableTime: true}),
		System:      w.Vault,
		StorageView: w.Storage,
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return b
}

// Restart forgets all that is in memory, as a crash does.
func (w *World) Restart() { w.Engine = w.Node() }

// Reload ends the engine as Vault does in good order, and begins anew.
func (w *World) Reload() {
	w.Engine.Cleanup(context.Background())
	w.Restart()
}

// Paths returns what the engine answers.
func (w *World) Paths() []*framework.Path { return w.Engine.(*backend.Engine).Paths }

// Handle sends a request to the engine as Vault does to a plugin in another process: what
// gRPC loses on the way is lost here too. A good answer is held against its schema.
func (w *World) Handle(req *logical.Request) (*logical.Response, error) {
	w.T.Helper()
	sent, err := pb.LogicalRequestToProtoRequest(req)
	w.Must(err)
	received, err := pb.ProtoRequestToLogicalRequest(sent)
	w.Must(err)
	received.Storage = w.Storage
	resp, err := w.Engine.HandleRequest(context.Background(), received)
	if err == nil && !resp.IsError() {
		w.validate(req, resp)
	}
	err = pb.ProtoErrToErr(pb.ErrToProtoErr(err))
	answered, badly := pb.LogicalResponseToProtoResponse(resp)
	w.Must(badly)
	resp, badly = pb.ProtoResponseToLogicalResponse(answered)
	w.Must(badly)
	return resp, err
}

func (w *World) validate(req *logical.Request, resp *logical.Response) {
	w.T.Helper()
	t, isTest := w.T.(*testing.T)
	route := w.Engine.(*backend.Engine).Route(req.Path)
	if !isTest || route == nil || route.Operations[req.Operation] == nil || resp.Data[logical.HTTPRawBody] != nil {
		return
	}
	schema.ValidateResponse(t, schema.GetResponseSchema(t, route, req.Operation), resp, true)
}

// Must ends the test with an error.
func (w *World) Must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// Person is somebody with a token, and what the next request of theirs is expected to be.
type Person struct {
	W        *World
	Entity   string // "": the root token
	Accessor string
	Status   int    // expected; 0: whatever it is
	About    string // what a refusal has to name
}

// Root is the holder of a root token, which has no entity.
func (w *World) Root() Person { return Person{W: w, Accessor: "root-accessor", Status: 200} }

// Someone is the holder of a token of an entity with the tenant in its metadata; "" is
// none, as the provider's people have.
func (w *World) Someone(entity, tenant string) Person {
	w.Vault.Change(func(v *Vault) {
		e := &logical.Entity{ID: entity, Metadata: map[string]string{}}
		if tenant != "" {
			e.Metadata["tenant"] = tenant
		}
		v.Entities[entity] = e
	})
	return Person{W: w, Entity: entity, Accessor: entity + "-accessor", Status: 200}
}

// SPA is the provider's administrator.
func (w *World) SPA() Person { return w.Someone("spa", "") }

// Tenant opens a tenant and returns somebody who belongs to it.
func (w *World) Tenant(name string) Person {
	w.T.Helper()
	w.SPA().Write("admin/tenants/"+name, nil)
	return w.Someone(name+"-admin", name)
}

// Refused expects the next request to be refused with the status, and with a text that
// names what it is about.
func (p Person) Refused(status int, about string) Person {
	p.Status, p.About = status, about
	return p
}

// Trying expects nothing: the test judges the answer.
func (p Person) Trying() Person { return p.Refused(0, "") }

// Read reads a path.
func (p Person) Read(path string) Answer {
	p.W.T.Helper()
	return p.Ask(logical.ReadOperation, path, nil)
}

// List lists a path.
func (p Person) List(path string, f Fields) Answer {
	p.W.T.Helper()
	return p.Ask(logical.ListOperation, path, f)
}

// Write writes to a path.
func (p Person) Write(path string, f Fields) Answer {
	p.W.T.Helper()
	return p.Ask(logical.UpdateOperation, path, f)
}

// Patch changes some fields of what is at a path.
func (p Person) Patch(path string, f Fields) Answer {
	p.W.T.Helper()
	return p.Ask(logical.PatchOperation, path, f)
}

// Remove deletes what is at a path.
func (p Person) Remove(path string) Answer {
	p.W.T.Helper()
	return p.Ask(logical.DeleteOperation, path, nil)
}

// Ask makes a request and holds its answer against what is expected.
func (p Person) Ask(op logical.Operation, path string, f Fields) Answer {
	p.W.T.Helper()
	req := p.Request(op, path, f)
	resp, err := p.W.Handle(req)
	a := NewAnswer(p.W.T, req, resp, err)
	p.W.Secrets.NowhereIn(a, p.W.Log)
	if p.Status != 0 {
		a.Expect(p.Status, p.About)
	}
	return a
}

// Request returns a request of the person's that has not been sent.
func (p Person) Request(op logical.Operation, path string, f Fields) *logical.Request {
	return &logical.Request{
		ID: fmt.Sprintf("request-%d", p.W.asked.Add(1)), Operation: op, Path: path, Data: f, MountPoint: "apikeys/",
		EntityID: p.Entity, ClientTokenAccessor: p.Accessor, ClientToken: p.Accessor + "-salted",
	}
}
