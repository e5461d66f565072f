package paths

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

var keyringAnswer = schema{
	"key":          secretAnswer["key"],
	"max_age":      number("For how many seconds this may be gone by."),
	"tenant":       text("Whose key it is."),
	"kind":         text("internal or external."),
	"name":         text("The key's name; a leased key's is its role's."),
	"key_id":       text("The version's key ID."),
	"version":      number("The version's number."),
	"state":        text("The version's state."),
	"tenant_state": text("active or suspended."),
	"scheme":       text("How the key's calls are signed."),
	"compat": field.Schema(framework.TypeStringSlice,
		"How this version's calls may deviate from the scheme."),
	"scopes": field.Schema(framework.TypeStringSlice, "What calls may be for; none: anything."),
	"published": field.Schema(framework.TypeSlice,
		"Lists of path globs, of each of which one has to match; none: every path."),
	"allowed_cidrs":    field.Schema(framework.TypeStringSlice, "Where calls may come from; none: anywhere."),
	"user":             text("Whom the key's callers act as."),
	"metadata":         table("The key's metadata."),
	"replay":           text("on: a call is accepted once; off: as often as it comes."),
	"window_past":      number("How old a call may be, in seconds."),
	"window_future":    number("How far ahead a caller's clock may be, in seconds."),
	"expires_at":       stamp("When the version ends; null: never."),
	"successor_key_id": text("The version that replaced this one."),
}

func (h *Handlers) keyringResources() []resource {
	return []resource{{
		scope: platform, pattern: "keyring/" + capture("key_id"), suffix: "keyring-key",
		operations: only(logical.ReadOperation, h.keyringRead,
			"Fetch a key with all that judging its calls needs.", keyringAnswer),
		synopsis: "For gateways that verify by themselves: the secret and the rules of one key.",
		description: "Only where config allow_local_verify is set and the tenant allows it too, and not for keys " +
			"with reveal=never: a 403 says which. A gateway that reads this can sign as the key's holder, " +
			"and notices a revocation max_age seconds late. Reading counts as use.",
	}}
}

// keyringRead hands a version out to a gateway. A version that never verifies again is unknown.
func (h *Handlers) keyringRead(ctx context.Context, r *request) (*logical.Response, error) {
	keyID := r.captured.Get("key_id").(string)
	//mutate:false "the keyring of a mount that has none" TestKeyringIsShut
	if !r.config.LocalVerify {
		return nil, refusal.Errorf(refusal.Forbidden,
			"keyring: this mount has config allow_local_verify off; have the engine verify")
	}
	if !signing.ValidKeyID(keyID) {
		return nil, errNoKeyID
	}
	found, err := h.store.Find(ctx, r.Storage, keyID)
	if err != nil {
		return nil, err
	}
	v, err := local(found, keyID, r.config)
	if err != nil {
		return nil, err
	}
	h.store.Used(found.Key, keyID, "", r.now)
	return reply(keyringData(r, found, v))
}

var errNoKeyID = refusal.Errorf(refusal.NotFound, "key_id: there is no such key")

// local returns the version, if its calls may be judged outside the engine.
func local(found *store.Match, keyID string, c *tenant.Config) (*apikey.Version, error) {
	if found == nil || found.Key == nil || found.Tenant.State() == tenant.Deleted {
		return nil, errNoKeyID
	}
	v := found.Key.Version(keyID)
	switch {
	case v == nil || v.Secret.Erased():
		return nil, errNoKeyID
	//mutate:false "the keyring for tenants that have not agreed" TestKeyringIsShut
	case found.Tenant.Caps(c).LocalVerify != tenant.Yes:
		return nil, refusal.Errorf(refusal.Forbidden,
			"keyring: the key's tenant has allow_local_verify off; have the engine verify")
	//mutate:false "the keyring for keys that never leave" TestKeyringIsShut
	case found.Key.Reveal == apikey.RevealNever && found.Key.Lease == nil:
		return nil, refusal.Errorf(refusal.Forbidden, "keyring: the key has reveal=never; have the engine verify")
	default:
		return v, nil
	}
}

func keyringData(r *request, found *store.Match, v *apikey.Version) map[string]any {
	k := found.Key
	g, _ := apikey.GrantOf(v.KeyID, k, found.Tenant, found.Role, r.config)
	replayed := "off"
	if g.Replay {
		replayed = "on"
	}
	data := map[string]any{
		"key": v.Secret.RevealText(), "max_age": field.Seconds(r.config.KeyringMaxAge),
		"tenant": string(k.Tenant), "kind": string(k.Kind), "name": string(k.Name), "key_id": v.KeyID,
		"version": v.Number,
		"state":   string(k.StateUnder(found.Role, v, r.now)), "tenant_state": string(found.Tenant.State()),
		"scheme": string(g.Scheme), "compat": k.Variants(v),
		"scopes": g.Scopes.List(), "published": g.PublishedLists(),
		"allowed_cidrs": g.CIDRs.List(), "user": g.User,
		"metadata": showPairs(k.Metadata), "replay": replayed,
		"window_past": field.Seconds(g.Past), "window_future": field.Seconds(g.Future),
		"expires_at": field.RFC3339(g.ExpiresAt),
	}
	if v.RotatedTo != "" {
		data["successor_key_id"] = v.RotatedTo
	}
	return data
}
