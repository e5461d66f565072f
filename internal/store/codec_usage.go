package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// storedNode is an entry of one tenant's uses, by group and key ID. Times are in minutes since 1970:
//
//	{"schema":1,"tenant":"acme","uses":{"3fa":{"<key_id>":{"first":29400000,"last":29400007,"from":"192.0.2.1"}}}}
//
// An entry that would be too large is split: {"schema":1,"tenant":"acme","split":true}.
type storedNode struct {
	header
	Tenant    string                          `json:"tenant"`
	Split     bool                            `json:"split,omitempty"`
	Forgotten int64                           `json:"forgotten_until,omitempty"`
	Uses      map[string]map[string]storedUse `json:"uses,omitempty"`
}

type storedUse struct {
	First int64  `json:"first"`
	Last  int64  `json:"last"`
	From  string `json:"from,omitempty"`
}

// node is one entry of a tenant's uses. It holds all groups that begin with its prefix, or the nodes below it do if
// it is split.
type node struct {
	tenant    tenant.Name
	split     bool
	forgotten int64                     // minute of the latest use that was forgotten here or below; 0: none
	uses      map[string]map[string]Use // by group and key ID
}

// maxUsage bounds an encoded node, in bytes.
const maxUsage = 400 << 10

func decodeNode(prefix string, raw []byte) (*node, error) {
	var stored storedNode
	if err := decode(familyUsage, raw, &stored); err != nil {
		return nil, err
	}
	n := &node{tenant: tenant.Name(stored.Tenant), split: stored.Split, forgotten: stored.Forgotten}
	for group, uses := range stored.Uses {
		if len(group) != digits || !strings.HasPrefix(group, prefix) || strings.Trim(group, hexDigits) != "" {
			return nil, fmt.Errorf("%s: %w", familyUsage, ErrCorrupt)
		}
		for keyID, u := range uses {
			n.uses = put(n.uses, group, keyID, u.use())
		}
	}
	if n.split && (len(prefix) >= digits || len(n.uses) > 0) {
		return nil, fmt.Errorf("%s: %w", familyUsage, ErrCorrupt)
	}
	return n, nil
}

func encodeNode(n *node) ([]byte, error) { return n.encodeUpTo(maxUsage) }

func (n *node) encodeUpTo(most int) ([]byte, error) {
	stored := storedNode{
		header{schema},
		string(n.tenant),
		n.split,
		n.forgotten,
		make(map[string]map[string]storedUse, len(n.uses)),
	}
	for group, uses := range n.uses {
		for keyID, u := range uses {
			stored.Uses = put(stored.Uses, group, keyID, storedUse{u.First.Unix() / 60, u.Last.Unix() / 60, u.From})
		}
	}
	return encodeUpTo(stored, most)
}

func (u storedUse) use() Use {
	return Use{First: minuteTime(u.First), Last: minuteTime(u.Last), From: u.From}
}

// cut forgets the oldest uses until the node fits, and records the minute of the latest one it forgot.
func (n *node) cut() ([]byte, error) {
	type one struct {
		group, keyID string
		last         int64
	}
	var all []one
	for group, uses := range n.uses {
		for keyID, u := range uses {
			all = append(all, one{group, keyID, u.Last.Unix() / 60})
		}
	}
	slices.SortFunc(
		all,
		func(a, b one) int { return cmp.Or(cmp.Compare(a.last, b.last), cmp.Compare(a.keyID, b.keyID)) },
	)
	for {
		raw, err := encodeNode(n)
		if len(all) == 0 || !errors.Is(err, refusal.Invalid) {
			return raw, err
		}
		drop := 1 + len(all)/8
		for _, u := range all[:drop] {
			delete(n.uses[u.group], u.keyID)
			n.forgotten = max(n.forgotten, u.last)
		}
		all = all[drop:]
	}
}

// storedMark tells whether uses may have been lost. Life names the store that collects uses; it is empty after a
// shutdown that has written all of them.
//
//	{"schema":1,"life":"…","forgotten_until":1764000000}
type storedMark struct {
	header
	Life      string `json:"life"`
	Forgotten int64  `json:"forgotten_until"` // seconds since 1970: until then, any key may have been used
}

// storedShard is an entry of older versions, which kept the uses of all tenants together.
type storedShard struct {
	header
	Keys map[string]storedUse `json:"keys"`
}

func decodeShard(raw []byte) (map[string]Use, error) {
	var stored storedShard
	if err := decode(familyUsage, raw, &stored); err != nil {
		return nil, err
	}
	uses := make(map[string]Use, len(stored.Keys))
	for keyID, u := range stored.Keys {
		uses[keyID] = u.use()
	}
	return uses, nil
}

func encodeShard(uses map[string]Use) ([]byte, error) {
	stored := storedShard{header{schema}, make(map[string]storedUse, len(uses))}
	for keyID, u := range uses {
		stored.Keys[keyID] = storedUse{u.First.Unix() / 60, u.Last.Unix() / 60, u.From}
	}
	return encodeUpTo(stored, 2*maxUsage)
}

func minuteTime(minutes int64) time.Time { return time.Unix(minutes*60, 0).UTC() }
