package paths

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

const maxImport = 1000

var importFields = schema{
	"keys":    field(framework.TypeSlice, "1 to 1000 keys: name, key_id, key (unpadded base64url of 32 to 64 bytes), scheme, issued_at, expires_at, and the settings of a key."),
	"dry_run": field(framework.TypeBool, "Judge the keys and write none. Default false."),
}

var importAnswer = schema{"results": rows("One for each key, in order: key_id, ok, error.")}

func (h *Handlers) importResources() []resource {
	description := "Each key is judged for itself: one that is refused stops no other. An ID that is taken, or was once, is refused in one way, " +
		"whoever has it. Imported keys count as revealed, and show imported until they are rotated."
	return []resource{
		{
			scope: tenants, pattern: "/" + capture("kind") + "/import", suffix: "import", fields: importFields,
			operations: map[logical.Operation]operation{logical.UpdateOperation: {h.importOwn, "Import keys that exist already.", importAnswer}},
			synopsis:   "Take over keys that were made elsewhere.", description: description,
		},
		{
			scope: platform, pattern: "admin/import", suffix: "admin-import", fields: importFields,
			operations:  map[logical.Operation]operation{logical.UpdateOperation: {h.importAll, "Import keys of any tenants that the provider holds already.", importAnswer}},
			synopsis:    "For a migration: take over the keys that the provider holds; open until config allow_import_until.",
			description: description + " Items carry tenant and kind. The keys show provider_knows until they are rotated.",
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
	return h.importEach(ctx, r, func(map[string]any) (apikey.Kind, *tenant.Tenant, error) { return kind, r.tenant, nil }, false)
}

func (h *Handlers) importAll(ctx context.Context, r *request) (*logical.Response, error) {
	//mutate:false "the end of the provider's import" ./backend TestAdminImport
	if !r.now.Before(r.config.ImportUntil) {
		return nil, refusal.Errorf(refusal.Forbidden, "admin/import is closed; the operator opens it with config allow_import_until")
	}
	return h.importEach(ctx, r, func(item map[string]any) (apikey.Kind, *tenant.Tenant, error) { return h.importTo(ctx, r, item) }, true)
}

// importTo takes out of an item whose the key is to be.
func (h *Handlers) importTo(ctx context.Context, r *request, item map[string]any) (apikey.Kind, *tenant.Tenant, error) {
	word, _ := item["kind"].(string)
	kind, err := apikey.ParseKind(word)
	if err != nil {
		return "", nil, err
	}
	word, _ = item["tenant"].(string)
	name, err := tenant.ParseName(word)
	if err != nil {
		return "", nil, err
	}
	delete(item, "kind")
	delete(item, "tenant")
	t, err := h.store.OpenTenant(ctx, r.Storage, name)
	//mutate:false "imports for a suspended tenant" ./backend TestAdminImport
	if err == nil && t.State() != tenant.Active {
		err = apikey.Refuse(apikey.TenantSuspended)
	}
	return kind, t, err
}

type importTarget func(item map[string]any) (apikey.Kind, *tenant.Tenant, error)

func (h *Handlers) importEach(ctx context.Context, r *request, target importTarget, provider bool) (*logical.Response, error) {
	items, ok := r.Data["keys"].([]any)
	if !ok || len(items) == 0 || len(items) > maxImport {
		return nil, refusal.Errorf(refusal.Invalid, "keys: must be a list of 1 to %d keys", maxImport)
	}
	dry := false
	if raw := r.Data["dry_run"]; raw != nil {
		var err error
		if dry, err = parseBool("dry_run", raw); err != nil {
			return nil, err
		}
	}
	b := &importBatch{h: h, r: r, target: target, provider: provider, dry: dry, results: make([]any, len(items)), seen: make(map[string]bool)}
	b.run(ctx, items)
	return reply(map[string]any{"results": b.results})
}

// errIDTaken is one refusal for all that can stand against an ID, so that nobody learns
// whose it is.
var errIDTaken = refusal.Errorf(refusal.Invalid, "key_id: this ID cannot be used")

func (b *importBatch) one(ctx context.Context, raw any) (keyID string, err error) {
	h, r := b.h, b.r
	given, ok := raw.(map[string]any)
	if !ok {
		return "", refusal.Errorf(refusal.Invalid, "keys: each is an object")
	}
	item := maps.Clone(given)
	keyID, _ = item["key_id"].(string)
	if !signing.ValidKeyID(keyID) {
		return "", refusal.Errorf(refusal.Invalid, "key_id: has 8 to 64 of 0-9, A-Z, a-z, - and _")
	}
	kind, t, err := b.target(item)
	if err != nil {
		return keyID, err
	}
	k, err := importedKey(r, item, kind, t, b.provider)
	if err != nil {
		return keyID, err
	}
	free, err := h.store.Claimable(ctx, r.Storage, t, kind, k.Name, keyID)
	//mutate:false:2 "imports of an ID that is taken" ./backend TestImportItems
	if err == nil && !free {
		err = errIDTaken
	}
	if err != nil {
		return keyID, err
	}
	if b.dry {
		return keyID, b.try(ctx, k, t)
	}
	return keyID, h.writeImported(ctx, r, k, t)
}

func errNameTaken(k *apikey.Key) error {
	return refusal.Errorf(refusal.Conflict, "name: tenant %q has a key %q already", string(k.Tenant), string(k.Name))
}

// try sees whether the key could be made, after those before it in the list.
func (b *importBatch) try(ctx context.Context, k *apikey.Key, t *tenant.Tenant) error {
	place := strings.Join([]string{string(t.Name), string(k.Kind), string(k.Name)}, "/")
	old, err := gone(b.h.store.Key(ctx, b.r.Storage, t, k.Kind, k.Name))
	switch keyID := k.Newest().KeyID; {
	case err != nil:
		return err
	case old != nil || b.seen[place]:
		return errNameTaken(k)
	case b.seen[keyID]:
		return errIDTaken
	default:
		b.seen[place], b.seen[keyID] = true, true
		return nil
	}
}

// writeImported makes the key.
func (h *Handlers) writeImported(ctx context.Context, r *request, k *apikey.Key, t *tenant.Tenant) error {
	undo, made := func() {}, false
	defer func() {
		if !made { // a panic included
			undo()
		}
	}()
	_, err := h.store.UpdateKey(ctx, r.Storage, t, k.Kind, k.Name, func(old *apikey.Key) (*apikey.Key, error) {
		//mutate:false "imports over a key" ./backend TestImportItems
		if old != nil {
			return nil, errNameTaken(k)
		}
		back, err := h.store.ReserveKey(ctx, r.Storage, t, t.Caps(r.config).MaxKeys)
		if err == nil {
			undo = back
		}
		return k, err
	})
	made = err == nil
	if errors.Is(err, store.ErrTaken) {
		return errIDTaken
	}
	return err
}

// importedKey reads an item.
func importedKey(r *request, item map[string]any, kind apikey.Kind, t *tenant.Tenant, provider bool) (*apikey.Key, error) {
	word, _ := item["name"].(string)
	name, err := apikey.ParseName("name", word)
	if err != nil {
		return nil, err
	}
	v, err := importedVersion(item, provider)
	if err != nil {
		return nil, err
	}
	sub := &request{Request: &logical.Request{Operation: logical.UpdateOperation, Data: item}, config: r.config, tenant: t, now: r.now}
	for _, own := range []string{"name", "key_id", "key", "issued_at", "expires_at"} {
		delete(item, own)
	}
	for field := range item {
		if !slices.ContainsFunc(keySettings, func(s setting[apikey.Settings]) bool { return s.name == field }) {
			return nil, refusal.Errorf(refusal.Invalid, "%s: is no field of a key to import", refusal.Quote(field))
		}
	}
	defaults := defaultKey(sub, kind)
	s := defaults
	if err := apply(sub, keySettings, &s, &defaults); err != nil {
		return nil, err
	}
	if s, err = s.Resolve(kind, r.config, t); err != nil {
		return nil, err
	}
	return apikey.Import(apikey.Ref{Tenant: t.Name, Kind: kind, Name: name}, t.UID, s, v, r.config, t, r.actor(), r.now)
}

func importedVersion(item map[string]any, provider bool) (apikey.Imported, error) {
	v := apikey.Imported{Provider: provider}
	v.KeyID, _ = item["key_id"].(string)
	text, _ := item["key"].(string)
	key, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return v, badValue("key", "unpadded base64url")
	}
	v.Secret = secret.New(key)
	if issued := item["issued_at"]; issued != nil {
		if v.IssuedAt, err = parseTime("issued_at", issued); err != nil {
			return v, err
		}
	}
	end, given := item["expires_at"]
	if v.Forever = given && end == nil; given && end != nil {
		v.ExpiresAt, err = parseTime("expires_at", end)
	}
	return v, err
}
