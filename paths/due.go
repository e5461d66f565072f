package paths

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/paths/field"
)

const (
	withinDefault = 14 * 24 * time.Hour
	maxDueItems   = 1000
)

func (h *Handlers) dueResources() []resource {
	return []resource{{
		scope: tenants, pattern: "/due", suffix: "due",
		fields: schema{"within": field.Schema(framework.TypeDurationSecond, "How far to look ahead. Default 14d.")},
		operations: only(logical.ReadOperation, h.walking(h.dueRead),
			"Read what happens to the tenant's keys soon.", schema{
				"items": rows("What happens, soonest first, 1000 at the most: kind, name, key_id, event, at."),
				"total": number("Where there are more: how many."),
			}),
		synopsis: "What expires, rotates, fails or waits to be picked up.",
		description: "Events are expires (a version ends), rotates (the schedule makes the next one), rotation_late " +
			"(it came, or comes, when half of the overlap has passed), rotation_failed (it could not, and tries " +
			"again at that time), unrevealed (the current version has reached nobody, and has to by that time), " +
			"old_version_in_use (an older version ends that was used within the last day: somebody has not moved " +
			"to the current one) and destroyed (a deleted key is erased). Leased keys are their leases' business.",
	}}
}

func (h *Handlers) dueRead(ctx context.Context, r *request, walk *turn) (*logical.Response, error) {
	within := withinDefault
	if raw := r.Data["within"]; raw != nil {
		var err error
		if within, err = field.ParseDuration("within", raw, 0, field.MaxDuration); err != nil {
			return nil, err
		}
	}
	var items []any
	uses := h.store.UsesOf(r.tenant)
	for _, kind := range apikey.Kinds {
		of, err := h.dueOf(ctx, r, walk, uses, kind, r.now.Add(within))
		if err != nil {
			return nil, err
		}
		items = append(items, of...)
	}
	slices.SortStableFunc(items, func(a, b any) int {
		return strings.Compare(a.(map[string]any)["at"].(string), b.(map[string]any)["at"].(string))
	})
	data := make(map[string]any)
	if len(items) > maxDueItems {
		r.warn("showing the first %d of %d; ask for less with within", maxDueItems, len(items))
		data["total"], items = len(items), items[:maxDueItems]
	}
	data["items"] = append([]any{}, items...)
	return reply(data)
}

func (h *Handlers) dueOf(
	ctx context.Context, r *request, walk *turn, uses *store.UsageReader, kind apikey.Kind, until time.Time,
) ([]any, error) {
	names, err := h.store.Keys(ctx, r.Storage, r.tenant, kind)
	if err != nil {
		return nil, err
	}
	var items []any
	for _, name := range names {
		if err := walk.next(ctx); err != nil {
			return nil, err
		}
		k, err := ignoreNotFound(h.store.Key(ctx, r.Storage, r.tenant, kind, apikey.Name(name)))
		if err != nil {
			return nil, err
		}
		if k == nil {
			continue
		}
		old, err := r.oldInUse(ctx, uses, k, until)
		if err != nil {
			return nil, err
		}
		for _, e := range append(k.Events(r.config.Retention, r.now, until), old...) {
			items = append(items, map[string]any{
				"kind": string(kind), "name": name, "key_id": e.KeyID, "event": e.What, "at": field.RFC3339(e.At),
			})
		}
	}
	return items, nil
}

// oldInUse returns the events of k's older versions that are still in use. It reads uses only if k has older versions
// that end in time.
func (r *request) oldInUse(
	ctx context.Context, uses *store.UsageReader, k *apikey.Key, until time.Time,
) ([]apikey.Event, error) {
	old := k.OldVersions(r.now, until)
	if len(old) == 0 {
		return nil, nil
	}
	used, err := uses.Versions(ctx, r.Storage, k)
	if damaged(err) {
		r.warn("which older versions are in use is not known for some keys: %s", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var events []apikey.Event
	for _, v := range old {
		if e, inUse := v.InUse(used.Of(v.KeyID).Last, r.now); inUse {
			events = append(events, e)
		}
	}
	return events, nil
}
