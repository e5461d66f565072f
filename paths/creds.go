package paths

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

func (h *Handlers) credsResources() []resource {
	return []resource{{
		scope: tenants, pattern: "/" + capture("kind") + "/creds/" + capture("role"), suffix: "creds",
		fields:     recipientField,
		operations: only(logical.ReadOperation, h.creds, "Issue a leased key.", revealAnswer),
		synopsis:   "A fresh key of its own, under a Vault lease.",
		description: "The key lives as long as its lease: renewing moves its expiry within the caps, and revoking " +
			"the lease, or the token that asked, ends it at once. Only as tenants/<tenant>/…, so that lease IDs " +
			"carry the tenant.",
	}}
}

func (h *Handlers) creds(ctx context.Context, r *request) (*logical.Response, error) {
	kind, name, err := r.named("role")
	if err != nil {
		return nil, err
	}
	if _, spelled := r.captured.GetOk("tenant"); !spelled {
		return nil, refusal.Errorf(refusal.Invalid,
			"creds are read as tenants/%s/%s/creds/%s, so that the lease carries the tenant",
			r.tenant.Name, kind, name)
	}
	if err := r.active(); err != nil {
		return nil, err
	}
	recipient, err := r.recipient()
	if err != nil {
		return nil, err
	}
	place, err := h.waitToSeal(ctx, r, recipient)
	if err != nil {
		return nil, err
	}
	defer place.Leave()
	role, err := h.store.Role(ctx, r.Storage, r.tenant, kind, name)
	if err != nil {
		return nil, err
	}
	mount, err := h.longestLease()
	if err != nil {
		return nil, err
	}
	k, span, err := h.issue(ctx, r, role, mount)
	if err != nil {
		return nil, err
	}
	if span.TTL < role.TTL {
		r.warn("the role's ttl of %s was cut to %s by %s", tenant.Spell(role.TTL), tenant.Spell(span.TTL), span.By)
	}
	return h.leased(r, k, span, recipient)
}

// issue writes a fresh key of the role, within the tenant's limit and the mount's longest lease. To count the tenant's
// keys may take long: the role, and whether the tenant may, are looked at once more.
func (h *Handlers) issue(
	ctx context.Context, r *request, role *apikey.Role, mount time.Duration,
) (k *apikey.Key, span apikey.Span, err error) {
	keyID := apikey.NewKeyID()
	undo, err := h.reserveLeased(ctx, r, role, keyID)
	if err != nil {
		return nil, span, err
	}
	limit, epoch := role.MaxLeased, role.Epoch
	k, err = h.store.UpdateLeased(ctx, r.Storage, r.tenant, role.Kind, keyID, func(*apikey.Key) (*apikey.Key, error) {
		role, err := h.store.Role(ctx, r.Storage, r.tenant, role.Kind, role.Name)
		if err != nil {
			return nil, err
		}
		//mutate:false:2 "a limit of the role that was set meanwhile" TestRoleLimitSetMeanwhile
		if role.MaxLeased != 0 && (role.MaxLeased != limit || role.Epoch != epoch) {
			return nil, refusal.Errorf(refusal.Unavailable, "role: %q has changed meanwhile; try again", role.Name)
		}
		if err := r.renew(ctx); err != nil {
			return nil, err
		}
		if err := r.active(); err != nil {
			return nil, err
		}
		span = role.Span(r.config, r.tenant, mount)
		return role.Issue(keyID, span, r.actor(), r.now), nil
	})
	if err != nil {
		undo()
	}
	return k, span, err
}

// reserveLeased takes a place of the role's and one of the tenant's. The caller calls undo if it does not make the key.
func (h *Handlers) reserveLeased(
	ctx context.Context, r *request, role *apikey.Role, keyID string,
) (undo func(), err error) {
	place, err := h.store.ReserveOfRole(ctx, r.Storage, r.tenant, role, keyID)
	if err != nil {
		return nil, err
	}
	undoTenant, err := h.store.ReserveLeased(ctx, r.Storage, r.tenant, r.tenant.Caps(r.config).MaxLeased)
	if err != nil {
		place.GiveBack()
		return nil, err
	}
	return func() { undoTenant(); place.Forget() }, nil
}

// leased answers with a leased key. Vault keeps the answer with the lease until the first renewal; one sealed to a
// recipient can be read by nobody else.
func (h *Handlers) leased(r *request, k *apikey.Key, span apikey.Span, recipient string) (*logical.Response, error) {
	v := k.Newest()
	out, err := r.secretReply(k, v, recipient)
	if err != nil {
		return nil, err
	}
	resp := h.Secret().Response(out.Data, map[string]any{
		"tenant": string(k.Tenant), "uid": k.UID, "kind": string(k.Kind), "key_id": v.KeyID,
	})
	resp.WrapInfo = out.WrapInfo
	resp.Secret.TTL, resp.Secret.MaxTTL = span.TTL, span.Max
	return resp, nil
}

const secretType = "apikey"

// Secret is the type of Vault's leases on leased keys.
func (h *Handlers) Secret() *framework.Secret {
	return &framework.Secret{
		Type:   secretType,
		Fields: secretAnswer,
		Renew:  h.leaseOp(h.leaseRenew),
		Revoke: h.leaseOp(h.leaseRevoke),
	}
}

// longestLease asks Vault for the mount's max_lease_ttl. A failed call answers 0.
func (h *Handlers) longestLease() (time.Duration, error) {
	if most := h.system.MaxLeaseTTL(); most > 0 {
		return most, nil
	}
	return 0, refusal.Errorf(refusal.Unavailable, "Vault did not say how long a lease may be; try again")
}

// leaseOp wraps what Vault calls about a lease. Such a call carries no identity: the lease's own data says whose it is.
func (h *Handlers) leaseOp(
	run func(context.Context, *request, *lease) (*logical.Response, error),
) framework.OperationFunc {
	return func(ctx context.Context, req *logical.Request, _ *framework.FieldData) (resp *logical.Response, err error) {
		defer recovered(h.log, &resp, &err)
		r := &request{Request: req, now: time.Now()}
		r.again = func(ctx context.Context) error { return h.leaseAgain(ctx, r) }
		if resp, err = h.serveLease(ctx, r, run); err != nil {
			return nil, publicError(h.log, "lease not renewed or ended", orGone(ctx, err))
		}
		for _, w := range r.warnings {
			resp.AddWarning(w)
		}
		return resp, nil
	}
}

func (h *Handlers) serveLease(
	ctx context.Context, r *request, run func(context.Context, *request, *lease) (*logical.Response, error),
) (*logical.Response, error) {
	l, err := leaseOf(r.Secret)
	if err != nil {
		return nil, err
	}
	r.tenant = &tenant.Tenant{Name: l.tenant, UID: l.uid} // as far as the lease knows
	if err := r.renew(ctx); err != nil {
		return nil, err
	}
	return run(ctx, r, l)
}

// leaseAgain takes settings and tenant as they are now; nil where there is none any more.
func (h *Handlers) leaseAgain(ctx context.Context, r *request) (err error) {
	if r.config, err = h.store.Config(ctx, r.Storage); err != nil || r.tenant == nil {
		return err
	}
	t, err := h.store.Tenant(ctx, r.Storage, r.tenant.Name)
	if t != nil && t.UID != r.tenant.UID {
		t = nil // another tenant of the same name
	}
	r.tenant = t
	return err
}

// lease is what a lease's internal data says.
type lease struct {
	tenant tenant.Name
	uid    string
	kind   apikey.Kind
	keyID  string
}

// errNotOurs is no refusal, because nobody has asked for anything wrong.
var errNotOurs = errors.New("the lease's data is not what this engine writes")

func leaseOf(s *logical.Secret) (*lease, error) {
	text := func(name string) string {
		v, _ := s.InternalData[name].(string)
		return v
	}
	name, badName := tenant.ParseName(text("tenant"))
	kind, badKind := apikey.ParseKind(text("kind"))
	if badName != nil || badKind != nil {
		return nil, errNotOurs
	}
	return &lease{name, text("uid"), kind, text("key_id")}, nil
}

// leaseRenew moves the key's expiry. Because the answer has no data, Vault stops keeping the secret with the lease.
func (h *Handlers) leaseRenew(ctx context.Context, r *request, l *lease) (*logical.Response, error) {
	if err := r.withTenant(); err != nil {
		return nil, err
	}
	mount, err := h.longestLease()
	if err != nil {
		return nil, err
	}
	var span apikey.Span
	cut := false
	k, err := h.store.UpdateLeased(ctx, r.Storage, r.tenant, l.kind, l.keyID, func(k *apikey.Key) (*apikey.Key, error) {
		if k == nil {
			return nil, refusal.Errorf(refusal.Invalid, "the key is gone; ask for a new one")
		}
		role, err := ignoreNotFound(h.store.Role(ctx, r.Storage, r.tenant, k.Kind, k.Name))
		if err != nil {
			return nil, err
		}
		if err := r.renew(ctx); err != nil {
			return nil, err
		}
		if err := r.withTenant(); err != nil {
			return nil, err
		}
		if role != nil {
			span = role.Span(r.config, r.tenant, mount)
		}
		k, cut, err = k.Renew(role, r.tenant, span, r.Secret.Increment, r.now)
		return k, err
	})
	if err != nil {
		return nil, err
	}
	end := k.Newest().ExpiresAt
	if cut {
		r.warn("the lease ends at %s, cut by %s of %s", end.Format(time.RFC3339), span.By, tenant.Spell(span.Max))
	}
	r.Secret.TTL, r.Secret.MaxTTL = max(time.Second, end.Sub(r.now).Truncate(time.Second)), span.Max
	return &logical.Response{Secret: r.Secret}, nil
}

// withTenant refuses leases of a tenant that is gone.
func (r *request) withTenant() error {
	if r.tenant == nil || r.tenant.State() == tenant.Deleted {
		return refusal.Errorf(refusal.Invalid, "the key's tenant is gone")
	}
	return nil
}

// leaseRevoke ends the key. A key that is gone has ended already: Vault must never be left with a lease that cannot be
// revoked.
func (h *Handlers) leaseRevoke(ctx context.Context, r *request, l *lease) (*logical.Response, error) {
	if r.tenant == nil {
		return &logical.Response{}, nil
	}
	_, err := h.store.UpdateLeased(ctx, r.Storage, r.tenant, l.kind, l.keyID, func(k *apikey.Key) (*apikey.Key, error) {
		if k == nil {
			return nil, nil
		}
		return k.End(r.now), nil
	})
	return &logical.Response{}, err
}
