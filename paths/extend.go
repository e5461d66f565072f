package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

var extendFields = join(reasonField, schema{
	"key_id":     text("The version; left out: the current one."),
	"expires_at": field(framework.TypeTime, "When it is to end, as 2026-01-31T12:00:00Z."),
})

func (h *Handlers) keyExtend(ctx context.Context, r *request) (*logical.Response, error) {
	keyID, reason, err := r.versionAndReason()
	if err != nil {
		return nil, err
	}
	end, err := parseTime("expires_at", r.Data["expires_at"])
	if err != nil {
		return nil, err
	}
	if reason == "" {
		return nil, refusal.Errorf(refusal.Invalid, "reason: missing; say why the version has to live longer")
	}
	var got time.Time
	resp, err := h.keyAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) {
		of := keyID
		if of == "" {
			of = k.Newest().KeyID
		}
		extended, err := k.Extend(of, end, r.config.MaxExtension, reason, r.actor(), r.now)
		if err == nil {
			got = extended.Version(of).ExpiresAt
		}
		return extended, err
	})
	if err == nil && got.Before(end) {
		r.warn("expires_at was cut back from %s to %s by expiry_window", rfc3339(end), rfc3339(got))
	}
	return resp, err
}
