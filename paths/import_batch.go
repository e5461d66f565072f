package paths

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

const (
	// importBudget is how long one request may write; Vault gives up after 90 seconds.
	importBudget = 60 * time.Second
)

// importBatch is one request to import keys.
type importBatch struct {
	h        *Handlers
	r        *request
	target   importTarget
	provider bool
	dry      bool
	list     string // the field that the items came in
	results  []any
	seen     map[string]bool // what a dry run has come by
}

// run imports the items.
func (b *importBatch) run(ctx context.Context, items []any) {
	shares, rest := b.share(items)
	until := time.Now().Add(importBudget)
	do := func(share []int) {
		for _, i := range share {
			b.results[i] = b.result(ctx, items[i], until)
		}
	}
	var wg sync.WaitGroup
	for _, share := range shares {
		wg.Go(func() { do(share) })
	}
	wg.Wait()
	do(rest)
}

// share divides the items among workers. Items of one key ID or name keep their order. Items that two workers would
// claim are returned apart, to be done afterwards. A dry run does all in order.
func (b *importBatch) share(items []any) (shares [][]int, rest []int) {
	workers := importWorkers
	if b.dry {
		workers = 1
	}
	shares = make([][]int, workers)
	workerOf := make(map[string]int)
	for i, raw := range items {
		item, _ := raw.(map[string]any)
		keyID, name := fmt.Sprint("id ", item["key_id"]), fmt.Sprint("name ", item["tenant"],
			item["kind"], item["name"])
		byID, known := workerOf[keyID]
		byName, named := workerOf[name]
		w := i % workers
		switch {
		case known && named && byID != byName:
			rest = append(rest, i)
			continue
		case known:
			w = byID
		case named:
			w = byName
		}
		workerOf[keyID], workerOf[name] = w, w
		shares[w] = append(shares[w], i)
	}
	return shares, rest
}

func (b *importBatch) result(ctx context.Context, raw any, until time.Time) (result map[string]any) {
	result = map[string]any{"key_id": "", "ok": false, "error": ""}
	if known := referenceOf(raw); known != "" {
		result["reference"] = known
	}
	var none *logical.Response
	var err error
	defer func() {
		if result["ok"] = err == nil; err != nil {
			result["error"] = publicError(b.h.log, "key not imported", err).Error()
		}
	}()
	defer recovered(b.h.log, &none, &err) // here too: a goroutine's panic would end the plugin
	if time.Now().After(until) {
		err = errNoTime
		return result
	}
	place, err := b.h.shares.writes.Enter(ctx, b.r.owner(), time.Until(until))
	if err != nil {
		if err = b.r.noPlace(err, 0); ctx.Err() == nil && time.Now().After(until) {
			err = errNoTime
		}
		return result
	}
	defer place.Leave()
	result["key_id"], err = b.one(ctx, raw)
	err = orGone(ctx, err)
	return result
}

var errNoTime = refusal.Errorf(refusal.Unavailable, "not reached in time; send it again")

func (b *importBatch) one(ctx context.Context, raw any) (keyID string, err error) {
	h, r := b.h, b.r
	if bad, is := raw.(badItem); is {
		return "", bad.why
	}
	given, ok := raw.(map[string]any)
	if !ok {
		return "", refusal.Errorf(refusal.Invalid, "%s: each is an object", b.list)
	}
	item := maps.Clone(field.Given(given))
	keyID, _ = item["key_id"].(string)
	if !signing.ValidKeyID(keyID) {
		return "", refusal.Errorf(refusal.Invalid, "key_id: has 8 to 64 of 0-9, A-Z, a-z, - and _")
	}
	if _, err := reference(given["reference"]); err != nil {
		return keyID, err
	}
	delete(item, "reference")
	kind, t, err := b.target(item)
	if err != nil {
		return keyID, err
	}
	k, err := importedKey(r, item, kind, t, b.provider)
	if err != nil {
		return keyID, err
	}
	free, err := h.store.Claimable(ctx, r.Storage, t, kind, k.Name, keyID)
	//mutate:false:2 "imports of an ID that is taken" TestImportItems
	if err == nil && !free {
		err = errIDTaken
	}
	if err != nil {
		return keyID, err
	}
	if b.dry {
		return keyID, b.try(ctx, k, t)
	}
	return keyID, h.writeImported(ctx, r, k, t)
}

// try sees whether the key could be made, after those before it in the list.
func (b *importBatch) try(ctx context.Context, k *apikey.Key, t *tenant.Tenant) error {
	place := strings.Join([]string{string(t.Name), string(k.Kind), string(k.Name)}, "/")
	old, err := ignoreNotFound(b.h.store.Key(ctx, b.r.Storage, t, k.Kind, k.Name))
	switch keyID := k.Newest().KeyID; {
	case err != nil:
		return err
	case old != nil || b.seen[place]:
		return errNameTaken(k)
	case b.seen[keyID]:
		return errIDTaken
	default:
		b.seen[place], b.seen[keyID] = true, true
		return nil
	}
}

// writeImported makes the key.
func (h *Handlers) writeImported(ctx context.Context, r *request, k *apikey.Key, t *tenant.Tenant) error {
	undo, made := func() {}, false
	defer func() {
		if !made { // a panic included
			undo()
		}
	}()
	_, err := h.store.UpdateKey(ctx, r.Storage, t, k.Kind, k.Name, func(old *apikey.Key) (*apikey.Key, error) {
		//mutate:false "imports over a key" TestImportItems
		if old != nil {
			return nil, errNameTaken(k)
		}
		back, err := h.store.ReserveKey(ctx, r.Storage, t, t.Caps(r.config).MaxKeys)
		if err != nil {
			return nil, err
		}
		undo = back
		_, err = h.activeNow(ctx, r, t)
		return k, err
	})
	made = err == nil
	if errors.Is(err, store.ErrTaken) {
		return errIDTaken
	}
	return err
}

// activeNow returns the record of a tenant as it is now, if it may have keys made: an import may take a minute.
func (h *Handlers) activeNow(ctx context.Context, r *request, t *tenant.Tenant) (*tenant.Tenant, error) {
	now, err := h.store.Again(ctx, r.Storage, t)
	//mutate:false "imports for a suspended tenant" TestAdminImport|TestAnsweredChangesHoldForWhoWaits
	if err == nil && now.State() != tenant.Active {
		err = apikey.Refuse(apikey.TenantSuspended)
	}
	return now, err
}

// errIDTaken is the one refusal for every reason against an ID, so that nobody learns whose it is.
var errIDTaken = refusal.Errorf(refusal.Invalid, "key_id: this ID cannot be used")

func errNameTaken(k *apikey.Key) error {
	return refusal.Errorf(refusal.Conflict, "name: tenant %q has a key %q already", string(k.Tenant), string(k.Name))
}

type importTarget func(item map[string]any) (apikey.Kind, *tenant.Tenant, error)
