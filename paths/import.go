package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

const maxImport = 1000

var importFields = schema{
	"keys": field.Schema(framework.TypeSlice, "1 to 1000 keys: name, key_id, key (unpadded base64url of 32 to 64 "+
		"bytes), scheme, issued_at, expires_at, the settings of a key, and a reference of at most 256 bytes, which "+
		"comes back with its result."),
	"keys_json": text("What keys takes, in one JSON text of at most 4 MiB, such as keys_json=@list.json."),
	"dry_run":   field.Schema(framework.TypeBool, "Judge the keys and write none. Default false."),
}

var importAnswer = schema{"results": rows("One for each key, in order: key_id, ok, error, reference.")}

func (h *Handlers) importResources() []resource {
	description := "Each key is judged for itself: one that is refused stops no other. An ID that is taken, or was " +
		"once, is refused in the same words, whoever has it. Imported keys count as revealed, and show imported " +
		"until they " +
		"are rotated."
	return []resource{
		{
			scope: tenants, pattern: "/" + capture("kind") + "/import", suffix: "import", fields: importFields,
			operations: only(logical.UpdateOperation, h.importOwn, "Import keys that exist already.", importAnswer),
			synopsis:   "Take over keys that were made elsewhere.", description: description,
		},
		{
			scope: platform, pattern: "admin/import", suffix: "admin-import", fields: importFields,
			operations: only(logical.UpdateOperation, h.importAll,
				"Import keys of any tenants that the provider holds already.", importAnswer),
			synopsis: "For a migration: take over the keys that the provider holds; open until config " +
				"allow_import_until.",
			description: description +
				" Items carry tenant and kind. The keys show provider_knows until they are rotated.",
		},
	}
}

func (h *Handlers) importOwn(ctx context.Context, r *request) (*logical.Response, error) {
	kind, err := r.kind()
	if err != nil {
		return nil, err
	}
	if err := r.active(); err != nil {
		return nil, err
	}
	return h.importEach(ctx, r, func(map[string]any) (apikey.Kind, *tenant.Tenant, error) {
		t, err := h.activeNow(ctx, r, r.tenant)
		return kind, t, err
	}, false)
}

func (h *Handlers) importAll(ctx context.Context, r *request) (*logical.Response, error) {
	if err := h.importOpen(ctx, r); err != nil {
		return nil, err
	}
	return h.importEach(ctx, r,
		func(item map[string]any) (apikey.Kind, *tenant.Tenant, error) { return h.importTo(ctx, r, item) }, true)
}

// importOpen refuses what the provider would import now that it may not.
func (h *Handlers) importOpen(ctx context.Context, r *request) error {
	c, err := h.store.Config(ctx, r.Storage)
	//mutate:false "the end of the provider's import" TestAdminImport
	if err == nil && !time.Now().Before(c.ImportUntil) {
		err = refusal.Errorf(refusal.Forbidden,
			"admin/import is closed; the operator opens it with config allow_import_until")
	}
	return err
}

// importTo takes the kind and the tenant out of an item. What is neither is not quoted: it may be a secret in the wrong
// place.
func (h *Handlers) importTo(ctx context.Context, r *request, item map[string]any) (apikey.Kind, *tenant.Tenant, error) {
	kind, err := field.ParseChoice("kind", item["kind"], apikey.Kinds)
	if err != nil {
		return "", nil, err
	}
	word, _ := item["tenant"].(string)
	name, err := tenant.ParseName(word)
	if err != nil {
		return "", nil, errNotOpen
	}
	delete(item, "kind")
	delete(item, "tenant")
	if err := h.importOpen(ctx, r); err != nil {
		return "", nil, err
	}
	t, err := ignoreNotFound(h.store.OpenTenant(ctx, r.Storage, name))
	if err == nil && t == nil {
		err = errNotOpen
	}
	if err == nil {
		t, err = h.activeNow(ctx, r, t)
	}
	return kind, t, err
}

var errNotOpen = refusal.Errorf(refusal.NotFound, "tenant: is not the name of an open tenant")

func (h *Handlers) importEach(
	ctx context.Context, r *request, target importTarget, provider bool,
) (*logical.Response, error) {
	name, given, err := r.list("keys", unpackKey)
	if err != nil {
		return nil, err
	}
	items, ok := given.([]any)
	if !ok || len(items) == 0 || len(items) > maxImport {
		return nil, refusal.Errorf(refusal.Invalid, "%s: must be a list of 1 to %d keys", name, maxImport)
	}
	dry := false
	if raw := r.Data["dry_run"]; raw != nil {
		if dry, err = field.ParseBool("dry_run", raw); err != nil {
			return nil, err
		}
	}
	b := &importBatch{
		h: h, r: r, target: target, provider: provider, dry: dry, list: name,
		results: make([]any, len(items)), seen: make(map[string]bool),
	}
	b.run(ctx, items)
	return reply(map[string]any{"results": b.results})
}
