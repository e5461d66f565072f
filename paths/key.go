package paths

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

var keySettings = []setting[apikey.Settings]{
	textSetting("description", "What the key is for.", apikey.MaxDescription, func(s *apikey.Settings) *string { return &s.Description }),
	textSetting("owner", "Who answers for the key.", apikey.MaxOwner, func(s *apikey.Settings) *string { return &s.Owner }),
	pairsSetting("metadata", "Pairs of texts that verification returns.", func(s *apikey.Settings) *apikey.Pairs { return &s.Metadata }),
	schemeSetting(func(s *apikey.Settings) *signing.Scheme { return &s.Scheme }),
	durationSetting("ttl", "The life of one version; 0: no expiry, where the mount allows it. Counts for versions made afterwards.", 0, maxDuration,
		func(s *apikey.Settings) *time.Duration { return &s.TTL }),
	boolSetting("auto_rotate", "Whether a new version is made by schedule before the current one expires.",
		func(s *apikey.Settings) *bool { return &s.AutoRotate }),
	overlapSetting(),
	choiceSetting("reveal", "How often the secret may be handed out: once, always or never.",
		[]apikey.RevealMode{apikey.RevealOnce, apikey.RevealAlways, apikey.RevealNever},
		func(s *apikey.Settings) *apikey.RevealMode { return &s.Reveal }),
	replaySetting(func(s *apikey.Settings) *bool { return &s.Replay }),
	boolSetting("deletion_protected", "Whether deleting the key is refused.", func(s *apikey.Settings) *bool { return &s.DeletionProtected }),
}

func schemeSetting[T any](at func(*T) *signing.Scheme) setting[T] {
	schema := text("How calls are signed: vrnt-1, or hmac-sha256 for messages. It cannot change.")
	schema.AllowedValues = []any{string(signing.Vrnt1), string(signing.HMACSHA256)}
	return of("scheme", schema, at, func(raw any, _ signing.Scheme, _ bool) (signing.Scheme, error) {
		word, _ := raw.(string)
		s, err := signing.ParseScheme(word)
		if err != nil {
			return "", refusal.Errorf(refusal.Invalid, "scheme: %s; there is vrnt-1 and hmac-sha256", unknownScheme(word))
		}
		return s, apikey.CheckScheme(s)
	}, func(s signing.Scheme) any { return string(s) })
}

// unknownScheme names what was asked for if it could be a scheme's name, and is not a
// secret in the wrong place.
func unknownScheme(word string) string {
	if word == "" || len(word) > 24 || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return "unknown"
	}
	return fmt.Sprintf("%q is unknown", word)
}

func replaySetting[T any](at func(*T) *bool) setting[T] {
	schema := text("on: a call is accepted once; off: as often as it comes.")
	schema.AllowedValues = []any{"on", "off"}
	return of("replay", schema, at, func(raw any, _, _ bool) (bool, error) {
		if raw != "on" && raw != "off" {
			return false, badValue("replay", "on or off")
		}
		return raw == "on", nil
	}, func(on bool) any {
		if on {
			return "on"
		}
		return "off"
	})
}

// overlapSetting is a duration whose default depends on the ttl: -1 has it chosen anew.
func overlapSetting() setting[apikey.Settings] {
	s := durationSetting("overlap", "How long older versions verify after a rotation: at most half of the ttl and 720h.", 0, apikey.MaxOverlap,
		func(s *apikey.Settings) *time.Duration { return &s.Overlap })
	s.reset = func(to, _ *apikey.Settings) { to.Overlap = -1 }
	return s
}

func (h *Handlers) keyResources() []resource {
	return []resource{
		{
			scope: tenants, pattern: "/" + capture("kind") + "/keys/?", suffix: "keys", fields: pageFields,
			operations:  map[logical.Operation]operation{logical.ListOperation: {h.keyList, "List the keys of a kind.", answerList}},
			synopsis:    "The names of the tenant's keys of a kind, with their state.",
			description: "Deleted keys are listed until they are destroyed. A page has at most 1000; a cut one says how to go on.",
		},
		{
			scope: tenants, pattern: "/" + capture("kind") + "/keys/" + capture("name"), suffix: "key",
			fields: schemas(keySettings, casField),
			operations: map[logical.Operation]operation{
				logical.ReadOperation:   {h.keyRead, "Read a key: settings, state and versions, never a secret.", keyAnswer},
				logical.UpdateOperation: {h.keyWrite, "Make a key, or change it.", keyAnswer},
				logical.PatchOperation:  {h.keyWrite, "Change a key.", keyAnswer},
				logical.DeleteOperation: {h.keyDelete, "Delete a key; it can be restored for a while.", keyAnswer},
			},
			synopsis: "A key: a named series of versions, each with a secret and a public key ID.",
			description: "Writing makes the key with a first version, or changes its settings; fields left out take their defaults " +
				"at first and stay as they are later, and null sets the default. A change counts for versions made afterwards.",
		},
	}
}

func (h *Handlers) keyList(ctx context.Context, r *request) (*logical.Response, error) {
	kind, err := r.kind()
	if err != nil {
		return nil, err
	}
	names, err := h.store.Keys(ctx, r.Storage, r.tenant, kind)
	if err != nil {
		return nil, err
	}
	return page(r, names, func(name string) (map[string]any, error) {
		k, err := gone(h.store.Key(ctx, r.Storage, r.tenant, kind, apikey.Name(name)))
		if k == nil {
			return nil, err
		}
		return keyInfo(k, r.now), nil
	})
}

func keyInfo(k *apikey.Key, now time.Time) map[string]any {
	info := map[string]any{
		"state": string(k.State()), "scheme": string(k.Scheme), "description": k.Description, "owner": k.Owner,
		"current_key_id": "", "expires_at": nil, "next_rotation": rfc3339(k.NextRotation()), "unrevealed": k.Unrevealed(now),
	}
	if v := k.Current(now); v != nil {
		info["current_key_id"], info["expires_at"] = v.KeyID, rfc3339(v.ExpiresAt)
	}
	return info
}

func (h *Handlers) keyRead(ctx context.Context, r *request) (*logical.Response, error) {
	kind, name, err := r.named("name")
	if err != nil {
		return nil, err
	}
	k, err := h.store.Key(ctx, r.Storage, r.tenant, kind, name)
	if err != nil {
		return nil, err
	}
	return reply(keyData(k, r.config, r.now))
}

func (h *Handlers) keyWrite(ctx context.Context, r *request) (*logical.Response, error) {
	kind, name, err := r.named("name")
	if err != nil {
		return nil, err
	}
	cas, err := r.cas()
	if err != nil {
		return nil, err
	}
	undo := func() {}
	k, err := h.store.UpdateKey(ctx, r.Storage, r.tenant, kind, name, func(old *apikey.Key) (*apikey.Key, error) {
		if old != nil {
			return changeKey(r, old, cas)
		}
		k, err := newKey(r, apikey.Ref{Tenant: r.tenant.Name, Kind: kind, Name: name}, cas)
		if err == nil {
			undo, err = h.reserve(ctx, r, undo)
		}
		return k, err
	})
	if err != nil {
		undo()
		return nil, err
	}
	if k.AutoRotate && k.Reveal == apikey.RevealOnce {
		r.warn("auto_rotate with reveal=once: somebody has to reveal each new version before the old one ends; reveal=always lets apps fetch it")
	}
	return reply(keyData(k, r.config, r.now))
}

func (h *Handlers) reserve(ctx context.Context, r *request, none func()) (undo func(), err error) {
	undo, err = h.store.ReserveKey(ctx, r.Storage, r.tenant, r.tenant.Caps(r.config).MaxKeys)
	if err != nil {
		return none, err
	}
	return undo, nil
}

func newKey(r *request, ref apikey.Ref, cas int) (*apikey.Key, error) {
	if r.Operation == logical.PatchOperation {
		return nil, refusal.Errorf(refusal.NotFound, "key: tenant %q has no key %q; write it to make it", string(ref.Tenant), string(ref.Name))
	}
	if err := r.active(); err != nil {
		return nil, err
	}
	if err := checkCAS(cas, 0); err != nil {
		return nil, err
	}
	defaults := defaultKey(r, ref.Kind)
	s := defaults
	if err := apply(r, keySettings, &s, &defaults); err != nil {
		return nil, err
	}
	s, err := s.Resolve(ref.Kind, r.config, r.tenant)
	if err != nil {
		return nil, err
	}
	return apikey.New(ref, r.tenant.UID, s, apikey.NewKeyID(), r.actor(), r.now), nil
}

// defaultKey returns what a key gets whose writer says nothing, within the tenant's cap.
func defaultKey(r *request, kind apikey.Kind) apikey.Settings {
	defaults := apikey.DefaultSettings(kind, r.config)
	if most := r.tenant.Caps(r.config).MaxTTL; defaults.TTL > most {
		defaults.TTL = most
		if raw, given := r.Data["ttl"]; raw == nil && (given || r.Operation == logical.UpdateOperation) {
			r.warn("ttl: the default was cut to %s by the tenant's max_ttl", tenant.Spell(most))
		}
	}
	return defaults
}

// changeKey applies the request to a key's settings. Caps are asked only about what
// changes: lowering a cap must not stop the change of a description.
func changeKey(r *request, old *apikey.Key, cas int) (*apikey.Key, error) {
	if err := checkCAS(cas, old.Revision); err != nil {
		return nil, err
	}
	s, defaults := old.Settings, apikey.DefaultSettings(old.Kind, r.config)
	if raw, given := r.Data["ttl"]; given && raw == nil {
		defaults = defaultKey(r, old.Kind)
	}
	if err := apply(r, keySettings, &s, &defaults); err != nil {
		return nil, err
	}
	if s.TTL != old.TTL || s.Overlap != old.Overlap || s.AutoRotate != old.AutoRotate {
		var err error
		if s, err = s.Resolve(old.Kind, r.config, r.tenant); err != nil {
			return nil, err
		}
	}
	if s == old.Settings && old.State() != apikey.DeletedKey && old.State() != apikey.Revoked {
		return old, nil
	}
	return old.Change(s, r.actor(), r.now)
}

func (h *Handlers) keyDelete(ctx context.Context, r *request) (*logical.Response, error) {
	cas, err := r.cas()
	if err != nil {
		return nil, err
	}
	return h.keyAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) {
		if err := checkCAS(cas, k.Revision); err != nil {
			return nil, err
		}
		return k.Delete(r.actor(), r.now)
	})
}

// keyAction changes a key that has to be there and answers with what it has become.
func (h *Handlers) keyAction(ctx context.Context, r *request, change func(*apikey.Key) (*apikey.Key, error)) (*logical.Response, error) {
	kind, name, err := r.named("name")
	if err != nil {
		return nil, err
	}
	k, err := h.store.UpdateKey(ctx, r.Storage, r.tenant, kind, name, func(old *apikey.Key) (*apikey.Key, error) {
		if old == nil {
			return nil, refusal.Errorf(refusal.NotFound, "key: tenant %q has no key %q", string(r.tenant.Name), string(name))
		}
		return change(old)
	})
	if err != nil {
		return nil, err
	}
	return reply(keyData(k, r.config, r.now))
}
