package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/paths/field"
)

var expireFields = join(reasonField, schema{
	"key_id":     text("The version; left out: the current one."),
	"expires_at": field.Schema(framework.TypeTime, "When it is to end, as 2026-01-31T12:00:00Z."),
	"in":         field.Schema(framework.TypeDurationSecond, "After how long it is to end; 0: now."),
})

func (h *Handlers) expireResources() []resource {
	const summary = "End one version earlier than it would, or now."
	return []resource{{
		scope: tenants, pattern: "/" + capture("kind") + "/keys/" + capture("name") + "/expire", suffix: "key-expire",
		fields: expireFields, operations: only(logical.UpdateOperation, h.keyExpire, summary, keyAnswer),
		synopsis: summary,
		description: "Give expires_at or in. The end is moved exactly there, whatever expiry_window says, and only " +
			"earlier: extend lets a version live longer. What has ended stays so. With auto_rotate the schedule " +
			"makes a successor of the current version, so that the key goes on; the answer warns of that.",
	}}
}

// keyExpire moves the end of one version earlier.
func (h *Handlers) keyExpire(ctx context.Context, r *request) (*logical.Response, error) {
	keyID, reason, err := r.versionAndReason()
	if err != nil {
		return nil, err
	}
	ending, err := r.ending()
	if err != nil {
		return nil, err
	}
	var version string
	var was, is *apikey.Key
	resp, err := h.keyAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) {
		version, was = orNewest(keyID, k), k
		is, err = k.Expire(version, ending(reason), r.actor(), r.now)
		return is, err
	})
	if err == nil {
		r.warnExpired(was, is, is.Version(version), reason)
	}
	return resp, err
}

// ending reads when a version is to end. What is given as a span counts from the moment of the change.
func (r *request) ending() (func(reason string) apikey.Ending, error) {
	end, span := r.Data["expires_at"], r.Data["in"]
	//mutate:false:1 "neither of two ends" TestExpireTakesOneEnd
	//mutate:false:2 "two ends" TestExpireTakesOneEnd
	if field.Resets(end) == field.Resets(span) {
		return nil, refusal.Errorf(refusal.Invalid, "expires_at: give either it or in; in=0 ends the version now")
	}
	if !field.Resets(end) {
		at, err := field.ParseTime("expires_at", end)
		return func(reason string) apikey.Ending {
			return apikey.Ending{At: at, Field: "expires_at", Reason: reason}
		}, err
	}
	in, err := field.ParseDuration("in", span, 0, field.MaxDuration)
	return func(reason string) apikey.Ending {
		return apikey.Ending{At: r.now.UTC().Truncate(time.Second).Add(in), Field: "in", Reason: reason}
	}, err
}

// warnExpired says that nothing has changed, or that the schedule makes a successor of the version.
func (r *request) warnExpired(was, is *apikey.Key, v *apikey.Version, reason string) {
	end := field.RFC3339(v.ExpiresAt)
	next := is.NextRotation()
	switch {
	case is == was && reason != "":
		r.warn("reason: is not kept, because nothing has changed; version %s ends at %s already", v.KeyID, end)
	case is == was:
		r.warn("nothing has changed: version %s ends at %s already", v.KeyID, end)
	case v != is.Newest() || next.IsZero():
	case next.After(r.now):
		r.warn("auto_rotate: the schedule makes a successor of version %s at %s, which lives on; to end the key, set "+
			"auto_rotate to false, or disable or revoke it", v.KeyID, field.RFC3339(next))
	default:
		r.warn("auto_rotate: the schedule makes a successor of version %s within minutes, which lives on; to end the "+
			"key, set auto_rotate to false, or disable or revoke it", v.KeyID)
	}
}
