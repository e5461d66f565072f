package paths

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

const (
	// importWorkers write at the same time, since storage takes many writes in the time of
	// one.
	importWorkers = 16
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

// share divides the items so that those of one key ID or name are done in their order, and
// returns those that two shares lay claim to, to be done afterwards. A dry run does all in
// order.
func (b *importBatch) share(items []any) (shares [][]int, rest []int) {
	workers := importWorkers
	if b.dry {
		workers = 1
	}
	shares = make([][]int, workers)
	of := make(map[string]int)
	for i, raw := range items {
		item, _ := raw.(map[string]any)
		keyID, name := fmt.Sprint("id ", item["key_id"]), fmt.Sprint("name ", item["tenant"], item["kind"], item["name"])
		byID, known := of[keyID]
		byName, named := of[name]
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
		of[keyID], of[name] = w, w
		shares[w] = append(shares[w], i)
	}
	return shares, rest
}

func (b *importBatch) result(ctx context.Context, raw any, until time.Time) (result map[string]any) {
	result = map[string]any{"key_id": "", "ok": false, "error": ""}
	var none *logical.Response
	var err error
	defer func() { result["ok"], result["error"] = err == nil, importError(b.h, err) }()
	defer b.h.recovered(&none, &err) // here too: a goroutine's panic would end the plugin
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

// importError is what an item tells of an error.
func importError(h *Handlers, err error) string {
	switch {
	case err == nil:
		return ""
	case bare(err) == nil:
		h.log.Error("key not imported", "error", err)
		return "could not be written; try again"
	default:
		return err.Error()
	}
}
