package paths

import (
	"net/http"
	"regexp"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

// Paths returns everything the engine answers, most specific first.
func (h *Handlers) Paths() []*framework.Path {
	var all []*framework.Path
	for _, resources := range [][]resource{
		h.configResources(), h.adminResources(), h.verifyResources(), h.explainResources(), h.idResources(),
		h.keyResources(), h.actionResources(), h.expireResources(), h.purgeResources(), h.revealResources(),
		h.handoverResources(), h.signResources(),
		h.roleResources(), h.credsResources(), h.leasedResources(), h.dueResources(), h.importResources(),
		h.reportResources(), h.pickupResources(), h.keyringResources(),
		h.tenantResources(),
		h.statusResources(), h.tidyResources(),
	} {
		for i := range resources {
			all = append(all, h.frameworkPaths(&resources[i])...)
		}
	}
	return all
}

// frameworkPaths returns the paths of a resource: one, or for a tenant's resource one that names the tenant and one
// that means the caller's own.
func (h *Handlers) frameworkPaths(r *resource) []*framework.Path {
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
			// Writes and exact answers belong on the active node, and every operation may go there.
			ForwardPerformanceStandby: true, ForwardPerformanceSecondary: true,
		}
	}
	return p
}

var captures = regexp.MustCompile(`\(\?P<([a-z_]+)>`)

var capturedFields = map[string]*framework.FieldSchema{
	"tenant": field.Schema(framework.TypeString, "The tenant's name."),
	"kind": {Type: framework.TypeString, Description: "internal (the provider's own software) or external " +
		"(integrators).", AllowedValues: []any{"internal", "external"}},
	"name":   field.Schema(framework.TypeString, "The key's name."),
	"role":   field.Schema(framework.TypeString, "The role's name."),
	"key_id": field.Schema(framework.TypeString, "The public ID of one version, the kid on the wire."),
}

// withCaptures adds the parts of the pattern to the fields.
func withCaptures(pattern string, fields map[string]*framework.FieldSchema) map[string]*framework.FieldSchema {
	all := join(fields, nil)
	for _, m := range captures.FindAllStringSubmatch(pattern, -1) {
		described := capturedFields[m[1]]
		if described == nil {
			panic("describe the part " + m[1] + " of " + pattern + " in capturedFields")
		}
		f := *described
		f.Required = true
		all[m[1]] = &f
	}
	return all
}

// answers describes what an operation answers. Without a schema it is plain text, which the document shows only beside
// an example.
func answers(s schema) map[int][]framework.Response {
	answer := framework.Response{Description: "OK", Fields: s}
	if s == nil {
		answer.MediaType, answer.Example = plainText, &logical.Response{}
	}
	return map[int][]framework.Response{http.StatusOK: {answer}}
}
