package paths

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

func (h *Handlers) keyResources() []resource {
	return []resource{
		{
			scope: tenants, pattern: "/" + capture("kind") + "/keys/?", suffix: "keys", fields: keyListFields,
			operations:  only(logical.ListOperation, h.walking(h.keyList), "List the keys of a kind.", keyListAnswer),
			synopsis:    "The names of the tenant's keys of a kind, with their state.",
			description: "Deleted keys are listed until they are destroyed. " + howPaged,
		},
		{
			scope: tenants, pattern: "/" + capture("kind") + "/keys/" + capture("name"), suffix: "key",
			fields: field.Schemas(keySettings, casField),
			operations: operations{
				logical.ReadOperation: {
					h.keyRead, "Read a key: settings, state and versions, never a secret.", keyAnswer,
				},
				logical.UpdateOperation: {h.keyWrite, "Make a key, or change it.", keyAnswer},
				logical.PatchOperation:  {h.keyWrite, "Change a key.", keyAnswer},
				logical.DeleteOperation: {h.keyDelete, "Delete a key; it can be restored for a while.", keyAnswer},
			},
			synopsis: "A key: a named series of versions, each with a secret and a public key ID.",
			description: "Writing makes the key with a first version, or changes its settings. A field left out " +
				"takes its default when the key is made, and stays as it is later; null sets the default. A change " +
				"counts for versions made afterwards.",
		},
	}
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
	uses, err := r.tolerateUsageError(h.store.Usage(ctx, r.Storage, r.tenant, kind, name))
	if err != nil {
		return nil, err
	}
	return reply(keyData(k, uses, r.config, r.now))
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
	uses, err := r.tolerateUsageError(h.store.Usage(ctx, r.Storage, r.tenant, kind, name))
	if err != nil {
		return nil, err
	}
	undo, made := func() {}, false
	var was *apikey.Key
	write := afterRenewal(ctx, r, func(old *apikey.Key) (*apikey.Key, error) {
		if was = old; old != nil {
			return changeKey(r, old, cas)
		}
		k, err := newKey(r, apikey.Ref{Tenant: r.tenant.Name, Kind: kind, Name: name}, cas)
		if err == nil {
			made = true
			undo, err = h.reserve(ctx, r, undo)
		}
		return k, err
	})
	k, err := h.store.UpdateKey(ctx, r.Storage, r.tenant, kind, name, write)
	if err != nil {
		undo()
		return nil, err
	}
	r.warnWritten(k, made)
	r.warnTTL(was, k)
	return reply(keyData(k, uses, r.config, r.now))
}

// reserve takes a place for a key. It may have to count the tenant's keys first, which takes time, so it checks once
// more whether the tenant is active. Undo gives the place back; none is returned where there is nothing to undo.
func (h *Handlers) reserve(ctx context.Context, r *request, none func()) (undo func(), err error) {
	undo, err = h.store.ReserveKey(ctx, r.Storage, r.tenant, r.tenant.Caps(r.config).MaxKeys)
	if err != nil {
		return none, err
	}
	if err = r.renew(ctx); err == nil {
		err = r.active()
	}
	return undo, err
}

func newKey(r *request, ref apikey.Ref, cas int) (*apikey.Key, error) {
	if r.patches() {
		return nil, refusal.Errorf(refusal.NotFound, "key: tenant %q has no key %q; write it to make it",
			string(ref.Tenant), string(ref.Name))
	}
	if err := r.active(); err != nil {
		return nil, err
	}
	if err := checkCAS(cas, 0); err != nil {
		return nil, err
	}
	defaults := defaultKey(r, ref.Kind)
	defaults.AutoRotate = defaults.AutoRotate && field.Resets(r.Data["expires_at"])
	s := defaults
	if err := field.Apply(keySettings, r.Data, r.patches(), &s, &defaults); err != nil {
		return nil, err
	}
	s, err := s.Resolve(ref.Kind, r.config, r.tenant)
	if err != nil {
		return nil, err
	}
	if err := s.CheckDate(ref.Kind, r.config, r.tenant, r.now); err != nil {
		return nil, err
	}
	k := apikey.New(ref, r.tenant.UID, s, apikey.NewKeyID(), r.actor(), r.now)
	return k, k.CheckCompat(nil)
}

// defaultKey returns the settings of a key whose writer gives none. It warns if the tenant's cap cuts the ttl.
func defaultKey(r *request, kind apikey.Kind) apikey.Settings {
	defaults := cappedDefaults(kind, r.config, r.tenant)
	if defaults.TTL < apikey.DefaultSettings(kind, r.config).TTL {
		if raw, given := r.Data["ttl"]; field.Resets(raw) && (given || r.Operation == logical.UpdateOperation) {
			r.warn("ttl: the default was cut to %s by the tenant's max_ttl", tenant.Spell(defaults.TTL))
		}
	}
	return defaults
}

// cappedDefaults returns the mount's defaults within the tenant's cap.
func cappedDefaults(kind apikey.Kind, c *tenant.Config, t *tenant.Tenant) apikey.Settings {
	defaults := apikey.DefaultSettings(kind, c)
	defaults.TTL = min(defaults.TTL, t.Caps(c).MaxTTL)
	return defaults
}

// changeKey applies the request to a key's settings. Caps are checked only for what changes: a lowered cap must not
// stop the change of a description.
func changeKey(r *request, old *apikey.Key, cas int) (*apikey.Key, error) {
	if err := checkCAS(cas, old.Revision); err != nil {
		return nil, err
	}
	before := old.Known(old.Kind, r.config)
	s, defaults := before, apikey.DefaultSettings(old.Kind, r.config)
	if raw, given := r.Data["ttl"]; given && field.Resets(raw) {
		defaults = defaultKey(r, old.Kind)
	}
	//mutate:false "the schedule of a key with a date" TestDates
	if dated := !old.Date.Get().IsZero(); dated {
		defaults.AutoRotate = false
	}
	if err := field.Apply(keySettings, r.Data, r.patches(), &s, &defaults); err != nil {
		return nil, err
	}
	//mutate:true:1 "overlaps given that are the default" TestAnOverlapGivenIsKept
	if wholeKey(r) && s.OverlapFrom == apikey.OverlapGiven && s.Overlap == before.OverlapFrom {
		s.Overlap, s.OverlapFrom = before.Overlap, before.OverlapFrom // the caller gave back what was shown
	}
	if s.TTL != old.TTL || s.Overlap != before.Overlap || s.OverlapFrom != before.OverlapFrom ||
		s.AutoRotate != old.AutoRotate || s.Rules != old.Rules {
		var err error
		if s, err = s.Resolve(old.Kind, r.config, r.tenant); err != nil {
			return nil, err
		}
	}
	if s == before && old.State() != apikey.Deleted && old.State() != apikey.Revoked {
		return old, nil
	}
	return old.Change(s, r.actor(), r.now)
}

// wholeKey reports whether the request has every setting of a key, as when a caller writes back what it has read. Such
// a request does not say which of them the caller means to set.
func wholeKey(r *request) bool {
	for _, s := range keySettings {
		if _, given := r.Data[s.Name]; !given {
			return false
		}
	}
	return true
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

// keyAction changes a key that must exist, and answers with the result.
func (h *Handlers) keyAction(
	ctx context.Context, r *request, change func(*apikey.Key) (*apikey.Key, error),
) (*logical.Response, error) {
	kind, name, err := r.named("name")
	if err != nil {
		return nil, err
	}
	// Uses are read before the change, because a change that succeeded must not be answered with an error.
	uses, err := r.tolerateUsageError(h.store.Usage(ctx, r.Storage, r.tenant, kind, name))
	if err != nil {
		return nil, err
	}
	change = afterRenewal(ctx, r, change)
	k, err := h.store.UpdateKey(ctx, r.Storage, r.tenant, kind, name, func(old *apikey.Key) (*apikey.Key, error) {
		if old == nil {
			return nil, refusal.Errorf(refusal.NotFound, "key: tenant %q has no key %q",
				string(r.tenant.Name), string(name))
		}
		return change(old)
	})
	if err != nil {
		return nil, err
	}
	return reply(keyData(k, uses, r.config, r.now))
}
