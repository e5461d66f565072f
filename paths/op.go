package paths

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/identity"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

// op wraps a handler into what the framework calls: it settles who is calling and for which tenant, refuses unknown
// fields, and turns errors into statuses. No panic leaves it.
func (h *Handlers) op(res *resource, path *framework.Path, run handler) framework.OperationFunc {
	return func(
		ctx context.Context, req *logical.Request, captured *framework.FieldData,
	) (resp *logical.Response, err error) {
		defer recovered(h.log, &resp, &err)
		r := &request{Request: req, captured: captured, now: time.Now()}
		r.Data = field.Given(fieldsFrom(ctx), wholeFields...)
		r.again = func(ctx context.Context) error { return h.again(ctx, r) }
		if resp, err = h.serve(ctx, res.scope, path, r, run); err != nil {
			return errorResponse(h.log, orGone(ctx, err))
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

func (h *Handlers) serve(
	ctx context.Context, s scope, path *framework.Path, r *request, run handler,
) (*logical.Response, error) {
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
	//mutate:false "fields that nobody knows" TestTenantIsNoField
	if err := knownFields(path, r); err != nil {
		return nil, err
	}
	return run(ctx, r)
}

// admit is the wall of identity: callers of a tenant reach the paths of that tenant and nothing else, and other callers
// reach no tenant's.
func (h *Handlers) admit(ctx context.Context, s scope, r *request) error {
	own, err := h.identity.TenantOf(ctx, r.EntityID, sourcesOf(r.config), r.now)
	if err != nil {
		return err
	}
	if s == platform {
		//mutate:false "the provider's paths" TestTenantsStayOnTheirPaths|TestWhoMayGoWhere
		if own != "" {
			return refusal.Errorf(refusal.Forbidden, "this path is the provider's, and the caller belongs to tenant "+
				"%q; use the paths under my/", string(own))
		}
		return nil
	}
	name, err := resolveTenant(r, own)
	if err != nil {
		return err
	}
	r.tenant, err = h.store.OpenTenant(ctx, r.Storage, name)
	return err
}

// again takes settings and tenant as they are now.
func (h *Handlers) again(ctx context.Context, r *request) (err error) {
	if r.config, err = h.store.Config(ctx, r.Storage); err != nil || r.tenant == nil {
		return err
	}
	t, err := h.store.Again(ctx, r.Storage, r.tenant)
	if err == nil {
		r.tenant = t
	}
	return err
}

// resolveTenant returns the tenant that a tenant's path is about, if the caller may go there.
func resolveTenant(r *request, own tenant.Name) (tenant.Name, error) {
	raw, spelled := r.captured.GetOk("tenant")
	if !spelled {
		if own == "" {
			return "", noTenant(r.config)
		}
		return own, nil
	}
	name, err := tenant.ParseName(raw.(string))
	switch {
	case err != nil:
		return "", err
	//mutate:true:1 "another tenant's paths" TestTenantsAreApart|TestWhoMayGoWhere
	//mutate:true:2.2 "callers without a tenant" TestWhoMayGoWhere
	case own == name, own == "" && r.config.TenantBinding == tenant.Auto:
		return name, nil
	case own == "":
		return "", noTenant(r.config)
	default:
		return "", refusal.Errorf(refusal.Forbidden, "the caller belongs to another tenant than the path's")
	}
}

// sourcesOf returns what names callers' tenants.
func sourcesOf(c *tenant.Config) identity.Sources {
	return identity.Sources{Metadata: c.TenantMetadata, Claims: c.TenantClaims}
}

func noTenant(c *tenant.Config) error {
	claims := ""
	if c.TenantClaims != (tenant.Claims{}) {
		claims = ", and no alias of it has what tenant_claims names"
	}
	return refusal.Errorf(refusal.Forbidden,
		"the caller has no tenant: neither its entity nor a group of it has the metadata %q%s",
		refusal.Quote(c.TenantMetadata), claims)
}

type fieldsKey struct{}

// WithFields puts the caller's fields into the context, where the operations find them. In the request, the framework
// would look at them first.
func WithFields(ctx context.Context, fields map[string]any) context.Context {
	return context.WithValue(ctx, fieldsKey{}, fields)
}

func fieldsFrom(ctx context.Context) map[string]any {
	fields, _ := ctx.Value(fieldsKey{}).(map[string]any)
	return fields
}

// knownFields refuses what the framework would only warn about: fields that the path does not have, and fields with the
// name of a part of the path.
func knownFields(path *framework.Path, r *request) error {
	var strange []string
	for name := range r.Data {
		if _, known := path.Fields[name]; !known || isCapture(path, name) {
			strange = append(strange, name)
		}
	}
	if len(strange) == 0 {
		return nil
	}
	switch name := slices.Min(strange); {
	case isCapture(path, name), slices.Contains(pathWords, name):
		return refusal.Errorf(refusal.Invalid,
			"%s: comes from the path or the caller's identity and cannot be given as a field", name)
	case name == "internal_published":
		return refusal.Errorf(refusal.Invalid,
			"internal_published: internal keys are not bound by what is published; give their scopes")
	default:
		return refusal.Errorf(refusal.Invalid, "%s: this path has no such field; its fields are %s",
			refusal.Quote(name), fieldNames(path))
	}
}

// isCapture reports whether the field is a part of the path. Those alone are required.
func isCapture(path *framework.Path, name string) bool {
	f := path.Fields[name]
	return f != nil && f.Required
}

// pathWords are the parts of paths; no field is called so.
var pathWords = []string{"tenant", "kind", "name", "role"}

func fieldNames(path *framework.Path) string {
	var names []string
	for name := range path.Fields {
		if !isCapture(path, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
