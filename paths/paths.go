// Package paths is the API: one file per resource, named as the URL is. Handlers decode,
// call and encode; the rules are in the core.
package paths

import (
	"context"
	"regexp"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/sweep"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Handlers are all operations of one mount.
type Handlers struct {
	store    *store.Store
	version  string // of the plugin
	calls    *replay.Table
	sweeper  *sweep.Sweeper
	maySweep func() bool
	verdicts verdicts
	shares   *shares
	identity *identity
	system   logical.SystemView
	log      hclog.Logger
	sized    atomic.Pointer[tenant.Config] // the settings that the caches are sized by
	started  time.Time                     // calls stamped before may have been seen by another node or life
}

// New returns the operations on a store. They answer nothing until [Handlers.Serve].
func New(s *store.Store, version string) *Handlers {
	h := &Handlers{
		store: s, version: version, calls: new(replay.Table), verdicts: newVerdicts(), shares: newShares(runtime.GOMAXPROCS(0)), log: hclog.NewNullLogger(),
	}
	h.sweeper = sweep.New(s, h.calls.Forget)
	return h
}

// Serve attaches the operations to a Vault server. MaySweep reports whether this node may
// write, and is asked while a sweep goes on.
func (h *Handlers) Serve(system logical.SystemView, log hclog.Logger, maySweep func() bool) {
	h.system, h.log, h.started = system, log, time.Now()
	h.identity = newIdentity(system)
	h.maySweep = maySweep
	h.sweeper.Serve(maySweep, log.Error)
}

// Sweep does what is due, as Vault asks once a minute; see [sweep.Sweeper.Tick].
func (h *Handlers) Sweep(ctx context.Context, s logical.Storage) (err error) {
	var none *logical.Response
	defer h.recovered(&none, &err)
	return h.sweeper.Tick(ctx, s, time.Now())
}

// Begin marks that uses are collected from now on. Where that fails, the mount serves all
// the same, and the next sweep tries again.
func (h *Handlers) Begin(ctx context.Context, s logical.Storage) {
	if err := h.store.BeginUsage(ctx, s, time.Now()); err != nil {
		h.log.Warn("uses are not marked as being collected yet", "error", err)
	}
}

// unloading is how long uses may take to be written when the mount is unloaded: Vault waits
// with all its mounts locked.
const unloading = time.Second

// Close stops what goes on by itself, as the mount is unloaded, and writes the uses that
// are not written yet, where this node may write.
func (h *Handlers) Close(ctx context.Context, s logical.Storage) {
	h.sweeper.Close()
	if s == nil {
		return
	}
	until := time.Now().Add(unloading)
	done := make(chan struct{})
	go func() { // nothing else bounds what Vault is asked
		defer close(done)
		if err := h.closeUsage(ctx, s, until); err != nil {
			h.log.Warn("uses since the last minute may be lost; keys that are not used count as used until now", "error", err)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Until(until)):
	}
}

func (h *Handlers) closeUsage(ctx context.Context, s logical.Storage, until time.Time) (err error) {
	var none *logical.Response
	defer h.recovered(&none, &err)
	if !h.maySweep() {
		return nil
	}
	return h.store.CloseUsage(ctx, s, until)
}

// RestFromSweeping is called in place of [Handlers.Sweep] where nothing may be written.
func (h *Handlers) RestFromSweeping() { h.sweeper.Pause() }

// ForgetCalls lets go of calls that are too old to come again, as Vault asks once a minute: tenants that make no more
// calls would keep theirs.
func (h *Handlers) ForgetCalls() { h.calls.Expire(tenant.MaxWindow, time.Now()) }

// resource is one URL with its operations.
type resource struct {
	scope       scope
	pattern     string // after the mount; on tenants' paths after tenants/<tenant> or my
	suffix      string // names the resource in the OpenAPI document
	fields      map[string]*framework.FieldSchema
	operations  map[logical.Operation]operation
	synopsis    string
	description string
	anonymous   bool // answers do not carry the tenant
}

// operation is what one verb does.
type operation struct {
	run     handler
	summary string
	answer  map[string]*framework.FieldSchema
}

// plainText is the content type of answers that are no JSON.
const plainText = "text/plain; version=0.0.4; charset=utf-8"

// Paths returns everything the engine answers, most specific first.
func (h *Handlers) Paths() []*framework.Path {
	var all []*framework.Path
	for _, resources := range [][]resource{
		h.configResources(), h.adminResources(), h.verifyResources(), h.explainResources(), h.idResources(),
		h.keyResources(), h.actionResources(), h.revealResources(), h.handoverResources(), h.signResources(),
		h.roleResources(), h.credsResources(), h.leasedResources(), h.dueResources(), h.importResources(), h.reportResources(), h.pickupResources(), h.keyringResources(),
		h.tenantResources(),
		h.statusResources(), h.tidyResources(),
	} {
		for i := range resources {
			all = append(all, h.spell(&resources[i])...)
		}
	}
	return all
}

// spell returns the paths of a resource: one, or for a tenant's resource one that names
// the tenant and one that means the caller's own.
func (h *Handlers) spell(r *resource) []*framework.Path {
	if r.scope == platform {
		return []*framework.Path{h.path(r, r.pattern, r.suffix)}
	}
	return []*framework.Path{
		h.path(r, "tenants/"+capture("tenant")+r.pattern, "tenant-"+r.suffix),
		h.path(r, tenant.Mine+r.pattern, "my-"+r.suffix),
	}
}

func (h *Handlers) path(r *resource, pattern, suffix string) *framework.Path {
	p := &framework.Path{
		Pattern:         pattern,
		DisplayAttrs:    &framework.DisplayAttributes{OperationPrefix: "apikeys", OperationSuffix: suffix},
		Fields:          withCaptures(pattern, r.fields),
		Operations:      make(map[logical.Operation]framework.OperationHandler),
		HelpSynopsis:    r.synopsis,
		HelpDescription: r.description,
	}
	for verb, o := range r.operations {
		answer := o.answer
		if r.scope == tenants && !r.anonymous {
			answer = join(answer, answerTenant)
		}
		p.Operations[verb] = &framework.PathOperation{
			Callback: h.op(r, p, o.run), Summary: o.summary, Description: r.description,
			Responses: answers(answer),
			// Whatever writes or must be exact belongs on the active node, and all of it may.
			ForwardPerformanceStandby: true, ForwardPerformanceSecondary: true,
		}
	}
	return p
}

func capture(name string) string { return "(?P<" + name + ">[^/]+)" }

var captures = regexp.MustCompile(`\(\?P<([a-z_]+)>`)

var capturedFields = map[string]*framework.FieldSchema{
	"tenant": field(framework.TypeString, "The tenant's name."),
	"kind":   {Type: framework.TypeString, Description: "internal (the provider's own software) or external (integrators).", AllowedValues: []any{"internal", "external"}},
	"name":   field(framework.TypeString, "The key's name."),
	"role":   field(framework.TypeString, "The role's name."),
	"key_id": field(framework.TypeString, "The public ID of one version, the kid on the wire."),
}

// withCaptures adds the parts of the pattern to the fields.
func withCaptures(pattern string, fields map[string]*framework.FieldSchema) map[string]*framework.FieldSchema {
	all := join(fields, nil)
	for _, m := range captures.FindAllStringSubmatch(pattern, -1) {
		f := *capturedFields[m[1]]
		f.Required = true
		all[m[1]] = &f
	}
	return all
}
