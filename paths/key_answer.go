package paths

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

// keyAnswer is what reading or writing a key answers: the settings, and what follows from them.
var keyAnswer = field.Schemas(keySettings, schema{
	"kind":     text("internal or external."),
	"name":     text("The key's name."),
	"revision": number("Counts the changes; for cas."),
	"state":    text("active, disabled, revoked or deleted."),
	"reason":   text("Why it is revoked, or else disabled; empty when nobody said why."),

	"current_key_id": text("The public ID of the version that signs; empty when there is none."),
	"next_rotation":  stamp("When the schedule makes the next version."),
	"last_rotation":  stamp("When the current version replaced another."),

	"rotation_error":    text("Why the rotation that is due has not happened; empty when it has, or none is."),
	"rotation_failures": number("How often in a row it has failed."),
	"rotation_retry_at": stamp("When it is tried again."),
	"rotation_late": flag("The last rotation came, or the one that is due comes, when half of the overlap has " +
		"passed; until the next that is in time or by hand."),

	"effective": table(
		"What holds where settings and caps bound one another: overlap. The schedule leaves half of a life at most.",
	),
	"unrevealed":     flag("The current version has reached nobody."),
	"provider_knows": flag("The newest version was imported by the provider, who knows it: rotate."),
	"created_at":     stamp("When the key was made."),
	"disabled_at":    stamp("Since when the whole key is disabled."),
	"revoked_at":     stamp("Since when the whole key is revoked."),
	"deleted_at":     stamp("When the key was deleted."),
	"restorable_to":  stamp("Until when a deleted key can be restored."),
	"versions": rows("Each version: key_id, version, state, times, and revealed_by_name, the display name of " +
		"who took the secret last."),
})

func keyData(k *apikey.Key, uses store.Uses, c *tenant.Config, now time.Time) map[string]any {
	data := map[string]any{
		"kind": string(k.Kind), "name": string(k.Name), "revision": k.Revision,
		"state": string(k.State()), "reason": k.Reason(),
		"current_key_id": "", "next_rotation": field.RFC3339(k.NextRotation()),
		"last_rotation":  field.RFC3339(k.LastRotation),
		"rotation_error": "", "rotation_failures": 0, "rotation_retry_at": nil,
		"rotation_late": k.RotationLate(now),
		"effective":     map[string]any{"overlap": field.Seconds(k.HeldOverlap())},
		"unrevealed":    k.Unrevealed(now), "created_at": field.RFC3339(k.CreatedAt),
		"disabled_at": field.RFC3339(k.DisabledAt),
		"revoked_at":  field.RFC3339(k.RevokedAt), "deleted_at": field.RFC3339(k.DeletedAt), "restorable_to": nil,
	}
	if v := k.Current(now); v != nil {
		data["current_key_id"] = v.KeyID
	}
	if !k.DeletedAt.IsZero() {
		data["restorable_to"] = field.RFC3339(k.GoneAt(c.Retention))
	}
	data["provider_knows"] = k.Newest().Marks.Get().ProviderKnows
	if f := k.Failed; f != nil {
		data["rotation_error"], data["rotation_failures"] = f.Error, f.Count
		data["rotation_retry_at"] = field.RFC3339(f.RetryAt)
	}
	versions := make([]any, len(k.Versions))
	for i := range k.Versions {
		v := &k.Versions[i]
		versions[i] = versionData(k, v, uses.Of(v.KeyID), now)
	}
	data["versions"] = versions
	field.Show(data, keySettings, &k.Settings)
	return data
}

func versionData(k *apikey.Key, v *apikey.Version, use store.Use, now time.Time) map[string]any {
	m := v.Marks.Get()
	return map[string]any{
		"key_id": v.KeyID, "version": v.Number, "state": string(k.VersionState(v, now)), "reason": k.VersionReason(v),
		"issued_at": field.RFC3339(v.IssuedAt), "expires_at": field.RFC3339(v.ExpiresAt),
		"extended_at": field.RFC3339(m.ExtendedAt), "shortened_at": field.RFC3339(m.ShortenedAt),
		"handed_over_at": field.RFC3339(m.HandedOverAt),
		"imported":       m.Imported, "first_used_at": usedAt(use.First, v.IssuedAt),
		"last_used_at": usedAt(use.Last, v.IssuedAt), "last_used_ip": use.From,
		"rotated_from": v.RotatedFrom, "rotated_to": v.RotatedTo,
		"revealed_at": field.RFC3339(v.RevealedAt), "revealed_by_name": v.RevealedTo.Get().Name,
		"disabled_at": field.RFC3339(v.DisabledAt), "revoked_at": field.RFC3339(v.RevokedAt),
	}
}
