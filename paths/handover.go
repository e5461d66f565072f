package paths

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

func (h *Handlers) handoverResources() []resource {
	return []resource{{
		scope: tenants, pattern: "/" + capture("kind") + "/keys/" + capture("name") + "/handover",
		suffix: "key-handover",
		operations: only(logical.ReadOperation, h.keyHandover,
			"Read the current secret, sealed to the key's recipients.", sealedAnswer),
		synopsis: "The current secret of a key, sealed to its recipients.",
		description: "An armoured age file that may go by email or lie in a ticket: only a recipient can open it. As " +
			"often as asked, whatever the key's reveal setting is.",
	}}
}

func (h *Handlers) keyHandover(ctx context.Context, r *request) (*logical.Response, error) {
	place, err := r.enter(ctx, h.shares.walks, r.owner())
	if err != nil {
		return nil, err
	}
	defer place.Leave()
	k, v, err := h.handOut(ctx, r, func(k *apikey.Key) (*apikey.Key, *apikey.Version, error) {
		if err := sealable(k); err != nil {
			return nil, nil, err
		}
		return k.HandedOver(r.tenant, r.actor(), r.now)
	})
	if err != nil {
		return nil, err
	}
	data, err := sealedData(k, v, k.Rules.Get().Recipients.List())
	if err != nil {
		return nil, err
	}
	return reply(data)
}

var pickupAnswer = schema{
	"valid": flag("Whether the call is good."), "verdict": text("What verification found."),
	"key_id": text("The successor's key ID."),
	"sealed": text("The successor, sealed to the key's recipients, as handover gives it."),
}

func (h *Handlers) pickupResources() []resource {
	return []resource{{
		scope: platform, pattern: "pickup", suffix: "successor",
		fields: schema{
			"request": verifyFields["request"], "request_base64": verifyFields["request_base64"],
			"client_ip": verifyFields["client_ip"],
		},
		operations: only(logical.UpdateOperation, h.pickup,
			"Fetch the successor of the version that signed a call.", pickupAnswer),
		synopsis: "A holder of an overlapping version fetches its successor, by a call signed with it.",
		description: "For gateways, which relay the call. The successor is given sealed to the key's recipients, and " +
			"only so: it is of no use to somebody who has stolen the old version. A call is good for this once, " +
			"also where the key allows replays.",
	}}
}

// pickup judges a call as verify does, and hands over the current version of its key. It judges a dry run before it
// waits, so that a refusal for want of a place does not use the call up.
func (h *Handlers) pickup(ctx context.Context, r *request) (*logical.Response, error) {
	c, err := parseCall(r.Data, true)
	if err != nil {
		return nil, err
	}
	unrecorded := *c
	unrecorded.dryRun = true
	j, err := h.judge(ctx, r, &unrecorded, judgeOptions{strict: true})
	if err != nil {
		return nil, err
	}
	if j.Verdict == apikey.Valid && j.version != j.found.Key.Newest() {
		place, err := r.enter(ctx, h.shares.walks, j.found.Tenant.UID)
		if err != nil {
			return nil, err
		}
		defer place.Leave()
	}
	if j, err = h.judged(ctx, r, c, judgeOptions{strict: true}); err != nil {
		return nil, err
	}
	data := verdictData(j.Verdict)
	//mutate:instead "pickup by calls that are good" TestPickup => !j.Verdict.Signed()
	if j.Verdict != apikey.Valid {
		return reply(data)
	}
	//mutate:false "pickup by overlapping versions" TestPickup
	if j.version == j.found.Key.Newest() {
		r.warn("the call was signed with the newest version; there is no successor to pick up")
		return reply(data)
	}
	sealed, err := h.succeed(ctx, r, j)
	if errors.Is(err, refusal.Invalid) {
		r.warn("nothing is handed over: %s", err)
		return reply(data)
	}
	if err != nil {
		return nil, err
	}
	//mutate:before "pickup for recipients alone" TestPickup
	//mutate:more => data["key"] = secretData(j.found.Key, j.found.Key.Newest())["key"]
	data["key_id"], data["sealed"] = sealed["key_id"], sealed["sealed"]
	return reply(data)
}

// succeed notes who gets the current version, and returns it sealed to the key's recipients.
func (h *Handlers) succeed(ctx context.Context, r *request, j judgement) (map[string]any, error) {
	var v *apikey.Version
	k, err := h.store.UpdateKey(ctx, r.Storage, j.found.Tenant, j.found.Key.Kind, j.found.Key.Name,
		func(old *apikey.Key) (*apikey.Key, error) {
			if old == nil {
				return nil, refusal.Errorf(refusal.Invalid, "the key is gone")
			}
			if err := sealable(old); err != nil {
				return nil, err
			}
			t, err := h.store.Again(ctx, r.Storage, j.found.Tenant)
			if err != nil {
				return nil, err
			}
			r.now = time.Now()
			signer := old.Version(j.version.KeyID)
			//mutate:false "pickup by what has ended while it waited" TestPickupsThatWait
			if signer == nil || old.VersionState(signer, r.now) != apikey.Overlapping {
				return nil, refusal.Errorf(refusal.Invalid, "the version that signed has ended meanwhile")
			}
			changed, current, err := old.HandedOver(t, r.actor(), r.now)
			v = current
			return changed, err
		})
	if err != nil {
		return nil, err
	}
	return sealedData(k, v, k.Rules.Get().Recipients.List())
}
