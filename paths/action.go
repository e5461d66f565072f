package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

var versionField = schema{"key_id": text("One version of the key; left out: the whole key.")}

var rotateFields = schema{
	"current_key_id": text("The version to replace. If another one is current already, nothing happens and a 409 " +
		"names it."),
	"overlap": field.Schema(framework.TypeDurationSecond, "How long older versions go on verifying; 0 ends "+
		"them now. Left out: the key's own overlap. With expiry_window, a version that ends up to a tenth later "+
		"than that then keeps its end."),
}

var historyAnswer = schema{"entries": rows("The last changes, oldest first: time, operation, key_id, entity_id, " +
	"by_name, accessor, request_id, reason.")}

func (h *Handlers) actionResources() []resource {
	named := "/" + capture("kind") + "/keys/" + capture("name") + "/"
	action := func(verb, summary, description string, fields schema, run handler) resource {
		return resource{
			scope: tenants, pattern: named + verb, suffix: "key-" + verb, fields: fields,
			operations: only(logical.UpdateOperation, run, summary, keyAnswer),
			synopsis:   summary, description: description,
		}
	}
	return []resource{
		action("rotate", "Make a new version now.",
			"The new version signs from now on. Older ones verify until the overlap ends or they expire. With "+
				"current_key_id a retried call does not rotate twice.", rotateFields, h.keyRotate),
		action("disable", "Disable a key, or one version of it.", "Enable undoes it. Versions expire all the same.",
			join(versionField, reasonField), h.keyDisable),
		action("enable", "Enable a disabled key, or one version of it.", "What is revoked stays revoked.",
			versionField, h.keyEnable),
		action("revoke", "Revoke a key, or one version of it, at once and for good.",
			"After its current version is revoked, a key has none until somebody rotates it. A key revoked as a whole "+
				"stays revoked.", join(versionField, reasonField), h.keyRevoke),
		action("extend", "Let one version live longer, once.",
			"For a holder that has not switched to the next version yet. The new end is at most the mount's "+
				"max_extension after the old one. A version that has expired cannot be extended.",
			extendFields, h.keyExtend),
		action("restore", "Bring a deleted key back, disabled.",
			"Possible until the retention has passed. Versions have expired meanwhile.", nil, h.keyRestore),
		{
			scope: tenants, pattern: named + "history", suffix: "key-history",
			operations:  only(logical.ReadOperation, h.keyHistory, "Read the last changes of a key.", historyAnswer),
			synopsis:    "Who changed a key, what, when and why.",
			description: "The last 32 changes. Look for a request ID in Vault's audit log.",
		},
	}
}

func (h *Handlers) keyRotate(ctx context.Context, r *request) (*logical.Response, error) {
	overlap, err := r.overlap()
	if err != nil {
		return nil, err
	}
	current, err := r.versionID("current_key_id")
	if err != nil {
		return nil, err
	}
	var old, rotated *apikey.Key
	var rotation apikey.Rotation
	cut := ""
	resp, err := h.keyAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) {
		if err := r.active(); err != nil {
			return nil, err
		}
		rotation = apikey.Rotation{
			NewKeyID: apikey.NewKeyID(), CurrentKeyID: current, Overlap: overlap, OverlapGiven: overlap >= 0,
			LeastOverlap: apikey.LeastOverlap(r.config), MaxLive: r.tenant.Caps(r.config).MaxVersions,
			Seen: h.store.UsageKnown(ctx, r.Storage, k),
		}
		if overlap < 0 {
			rotation.Overlap = k.Overlap
		}
		old = k
		rotation.Life, cut = k.Life(r.config, r.tenant)
		var err error
		rotated, err = k.Rotate(rotation, r.actor(), r.now)
		return rotated, err
	})
	if err == nil && cut != "" {
		r.warn("the new version's life was cut by %s", cut)
	}
	if err == nil {
		r.warnWindow(rotated, rotation.Life)
		r.warnCutOverlaps(old, rotated, rotation.Overlap)
		r.warnOverlap(rotated)
		r.warnPastDate(rotated)
	}
	return resp, err
}

// overlap returns the overlap that the caller gave, or -1.
func (r *request) overlap() (time.Duration, error) {
	raw := r.Data["overlap"]
	if raw == nil {
		return -1, nil
	}
	return field.ParseDuration("overlap", raw, 0, apikey.MaxOverlap)
}

func (h *Handlers) keyDisable(ctx context.Context, r *request) (*logical.Response, error) {
	keyID, reason, err := r.versionAndReason()
	if err != nil {
		return nil, err
	}
	return h.keyAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) {
		c, err := k.Disable(keyID, reason, r.actor(), r.now)
		if err == nil {
			r.warnReasonKept(reason, c.WhyDisabled(keyID))
		}
		return c, err
	})
}

func (h *Handlers) keyEnable(ctx context.Context, r *request) (*logical.Response, error) {
	keyID, err := r.versionID("key_id")
	if err != nil {
		return nil, err
	}
	return h.keyAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) { return k.Enable(keyID, r.actor(), r.now) })
}

func (h *Handlers) keyRevoke(ctx context.Context, r *request) (*logical.Response, error) {
	keyID, reason, err := r.versionAndReason()
	if err != nil {
		return nil, err
	}
	return h.keyAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) {
		c, err := k.Revoke(keyID, reason, r.actor(), r.now)
		if err == nil {
			r.warnReasonKept(reason, c.WhyRevoked(keyID))
		}
		return c, err
	})
}

func (h *Handlers) keyRestore(ctx context.Context, r *request) (*logical.Response, error) {
	return h.keyAction(ctx, r,
		func(k *apikey.Key) (*apikey.Key, error) { return k.Restore(r.config.Retention, r.actor(), r.now) })
}

func (h *Handlers) keyHistory(ctx context.Context, r *request) (*logical.Response, error) {
	kind, name, err := r.named("name")
	if err != nil {
		return nil, err
	}
	k, err := h.store.KeyWithHistory(ctx, r.Storage, r.tenant, kind, name)
	if err != nil {
		return nil, err
	}
	entries := make([]any, len(k.History))
	for i, c := range k.History {
		entries[i] = map[string]any{
			"time": field.RFC3339(c.Time), "operation": c.Operation, "key_id": c.KeyID, "entity_id": c.EntityID,
			"by_name": c.Name, "accessor": c.Accessor, "request_id": c.RequestID, "reason": c.Reason,
		}
	}
	return reply(map[string]any{"entries": entries})
}

// versionID returns the key ID in a field, or "" if there is none. An empty text is refused: it is more likely that a
// variable was not set than that the caller wants to end a whole key.
func (r *request) versionID(name string) (string, error) {
	keyID, err := r.text(name, 64)
	if err == nil && r.Data[name] != nil && !signing.ValidKeyID(keyID) {
		err = field.BadValue(name, "a key ID, which is 8 to 64 of 0-9, A-Z, a-z, - and _, or left out")
	}
	return keyID, err
}

func (r *request) versionAndReason() (keyID, reason string, err error) {
	if keyID, err = r.versionID("key_id"); err != nil {
		return "", "", err
	}
	reason, err = r.text("reason", apikey.MaxReason)
	return keyID, reason, err
}

var extendFields = join(reasonField, schema{
	"key_id":     text("The version; left out: the current one."),
	"expires_at": field.Schema(framework.TypeTime, "The new end, such as 2026-01-31T12:00:00Z."),
})

// orNewest returns the key ID that the caller gave, or that of k's newest version.
func orNewest(keyID string, k *apikey.Key) string {
	if keyID == "" {
		return k.Newest().KeyID
	}
	return keyID
}

func (h *Handlers) keyExtend(ctx context.Context, r *request) (*logical.Response, error) {
	keyID, reason, err := r.versionAndReason()
	if err != nil {
		return nil, err
	}
	end, err := field.ParseTime("expires_at", r.Data["expires_at"])
	if err != nil {
		return nil, err
	}
	if reason == "" {
		return nil, refusal.Errorf(refusal.Invalid, "reason: missing; say why the version has to live longer")
	}
	var got time.Time
	resp, err := h.keyAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) {
		version := orNewest(keyID, k)
		extended, err := k.Extend(version, end, r.config.MaxExtension, reason, r.actor(), r.now)
		if err == nil {
			got = extended.Version(version).ExpiresAt
		}
		return extended, err
	})
	if err == nil && got.Before(end) {
		r.warn("expires_at was cut back from %s to %s by expiry_window", field.RFC3339(end), field.RFC3339(got))
	}
	return resp, err
}
