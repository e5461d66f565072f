package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// storedUsage is a usage entry, with minutes since 1970:
//
//	{"schema":1,"keys":{"<key_id>":{"first":29400000,"last":29400007,"from":"192.0.2.1"}}}
type storedUsage struct {
	header
	Keys map[string]storedUse `json:"keys"`
}

type storedUse struct {
	First int64  `json:"first"`
	Last  int64  `json:"last"`
	From  string `json:"from,omitempty"`
}

// maxUsage bounds an entry. With a million keys it has room for some three used versions
// of each; what was used longest ago goes first.
const maxUsage = 400 << 10

func loadUsage(ctx context.Context, s logical.Storage, shard string) (map[string]Use, error) {
	entry, err := s.Get(ctx, usagePath(shard))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", familyUsage, err)
	}
	if entry == nil {
		return make(map[string]Use), nil
	}
	return decodeUsage(entry.Value)
}

func decodeUsage(raw []byte) (map[string]Use, error) {
	var stored storedUsage
	if err := decode(familyUsage, raw, &stored); err != nil {
		return nil, err
	}
	uses := make(map[string]Use, len(stored.Keys))
	for keyID, u := range stored.Keys {
		uses[keyID] = Use{First: minuteTime(u.First), Last: minuteTime(u.Last), From: u.From}
	}
	return uses, nil
}

func encodeUsage(uses map[string]Use) ([]byte, error) {
	stored := storedUsage{header{schema}, make(map[string]storedUse, len(uses))}
	for keyID, u := range uses {
		stored.Keys[keyID] = storedUse{u.First.Unix() / 60, u.Last.Unix() / 60, u.From}
	}
	for {
		raw, err := encodeUpTo(stored, maxUsage)
		if len(stored.Keys) == 0 || !errors.Is(err, refusal.Invalid) {
			return raw, err
		}
		dropOldest(stored.Keys, 1+len(stored.Keys)/8)
	}
}

// dropOldest forgets n of the uses that were longest ago.
func dropOldest(uses map[string]storedUse, n int) {
	all := slices.SortedFunc(maps.Keys(uses), func(a, b string) int {
		return cmp.Or(cmp.Compare(uses[a].Last, uses[b].Last), cmp.Compare(a, b))
	})
	for _, keyID := range all[:n] {
		delete(uses, keyID)
	}
}

// saveUsage writes a shard; an empty one is deleted.
func saveUsage(ctx context.Context, s logical.Storage, shard string, uses map[string]Use) error {
	if len(uses) == 0 {
		if err := s.Delete(ctx, usagePath(shard)); err != nil {
			return fmt.Errorf("deleting %s: %w", familyUsage, err)
		}
		return nil
	}
	raw, err := encodeUsage(uses)
	if err != nil {
		return err
	}
	if err := s.Put(ctx, &logical.StorageEntry{Key: usagePath(shard), Value: raw}); err != nil {
		return fmt.Errorf("writing %s: %w", familyUsage, err)
	}
	return nil
}

func minuteTime(minutes int64) time.Time { return time.Unix(minutes*60, 0).UTC() }
