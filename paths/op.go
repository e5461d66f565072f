package paths

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// request is one request with all that handlers need: who and whose was settled before.
type request struct {
	*logical.Request
	captured *framework.FieldData
	config   *tenant.Config
	tenant   *tenant.Tenant // on tenants' paths
	now      time.Time
	warnings []string

	waited waits

	together bool // a batch that may hold items of many tenants
	fat      longMetadata
	turned   bool // the request has its tenant's turn in the gate of work

	walk *turn // of a request that reads many records
}

// handler answers one operation of one path. It decodes, calls and encodes.
type handler func(ctx context.Context, r *request) (*logical.Response, error)

// scope says whose a path is.
type scope int

const (
	platform scope = iota // the provider's: closed to callers who belong to a tenant
	tenants               // a tenant's: tenants/<tenant>/… and my/…
)

// op wraps a handler into what the framework calls: it settles who is calling and for
// which tenant, refuses unknown fields, and turns errors into statuses. No panic leaves it.
func (h *Handlers) op(res *resource, path *framework.Path, run handler) framework.OperationFunc {
	return func(ctx context.Context, req *logical.Request, captured *framework.FieldData) (resp *logical.Response, err error) {
		defer h.recovered(&resp, &err)
		r := &request{Request: req, captured: captured, now: time.Now()}
		r.Data = given(ctx)
		if resp, err = h.serve(ctx, res.scope, path, r, run); err != nil {
			return h.refuse(orGone(ctx, err))
		}
		// An empty list stays empty: by Vault's custom that is a 404.
		if res.scope == tenants && !res.anonymous && len(resp.Data) > 0 {
			resp.Data["tenant"] = string(r.tenant.Name)
		}
		for _, w := range r.warnings {
			resp.AddWarning(w)
		}
		return resp, nil
	}
}

func (h *Handlers) serve(ctx context.Context, s scope, path *framework.Path, r *request, run handler) (*logical.Response, error) {
	if h.system == nil {
		return nil, errNoSystem
	}
	var err error
	if r.config, err = h.store.Config(ctx, r.Storage); err != nil {
		return nil, err
	}
	if h.sized.Swap(r.config) != r.config {
		h.store.Resize(r.config)
	}
	if err := h.admit(ctx, s, r); err != nil {
		return nil, err
	}
	//mutate:false "fields that nobody knows" ./backend TestTenantIsNoField
	if err := knownFields(path, r); err != nil {
		return nil, err
	}
	return run(ctx, r)
}

// statuses is the whole table from kinds of refusal to HTTP.
var statuses = []struct {
	kind   error
	status int
}{
	{refusal.Invalid, http.StatusBadRequest},
	{refusal.Forbidden, http.StatusForbidden},
	{refusal.NotFound, http.StatusNotFound},
	{refusal.Conflict, http.StatusConflict},
	{refusal.Unavailable, http.StatusServiceUnavailable},
}

// bare returns err as it keeps its status on the way to Vault: what wraps a status is
// lost. It is nil for an error that has no status of its own: something has failed.
func bare(err error) error {
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			return logical.CodedError(s.status, err.Error())
		}
	}
	// Storage tells across gRPC by its text that this node may not write: Vault forwards the request.
	if errors.Is(err, logical.ErrReadOnly) || strings.Contains(err.Error(), logical.ErrReadOnly.Error()) {
		return logical.ErrReadOnly
	}
	return nil
}

// refuse turns an error into the answer to a request.
func (h *Handlers) refuse(err error) (*logical.Response, error) {
	if errors.Is(err, refusal.Invalid) {
		return logical.ErrorResponse("%s", err.Error()), logical.ErrInvalidRequest // a text without Vault's bullet before it
	}
	if bare(err) == nil {
		h.log.Error("request not answered", "error", err)
	}
	return nil, told(err)
}

// told returns what a caller may know of an error.
func told(err error) error {
	if known := bare(err); known != nil {
		return known
	}
	//mutate:instead "errors of storage" ./backend TestFailingStorage => return err
	return errFailed
}

// errFailed is all that a caller is told of what has failed below: storage's own words may
// name the server's files.
var errFailed = logical.CodedError(http.StatusInternalServerError, "storage or Vault itself has failed; the server's log says how: try again")

var errNoSystem = errors.New("the engine is not attached to a Vault server yet")

// recovered turns a panic into an error. The value of a panic may quote what it failed
// on, so only where it happened is logged.
func (h *Handlers) recovered(resp **logical.Response, err *error) {
	if p := recover(); p != nil {
		h.log.Error("a handler has panicked", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		*resp, *err = nil, logical.CodedError(http.StatusInternalServerError, "internal error; the server's log says where")
	}
}

// actor returns who asks, for histories.
func (r *request) actor() apikey.Actor {
	return apikey.Actor{EntityID: r.EntityID, Accessor: r.ClientTokenAccessor, RequestID: r.ID}
}

// warn has a warning shown with the answer.
func (r *request) warn(format string, args ...any) {
	if w := fmt.Sprintf(format, args...); !slices.Contains(r.warnings, w) {
		r.warnings = append(r.warnings, w)
	}
}

// kind returns the kind that the path captured.
func (r *request) kind() (apikey.Kind, error) {
	return apikey.ParseKind(r.captured.Get("kind").(string))
}

// named returns the kind and the name that the path captured; what is name, of a key, or
// role.
func (r *request) named(what string) (apikey.Kind, apikey.Name, error) {
	kind, err := r.kind()
	if err != nil {
		return "", "", err
	}
	name, err := apikey.ParseName(what, r.captured.Get(what).(string))
	return kind, name, err
}
