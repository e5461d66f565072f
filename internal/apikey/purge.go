package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Purged says who erased a deleted key before its retention had passed, and why. It outlives the key.
type Purged struct {
	At     time.Time
	By     Actor
	Reason string
}

// Purge returns what is kept of the deleted key k when it is erased at now. It refuses any other key, so that nobody
// erases in one step what could not be restored.
func (k *Key) Purge(reason string, by Actor, now time.Time) (Purged, error) {
	//mutate:false "keys that are not deleted, to purge" TestOnlyDeletedKeysArePurged
	if k.DeletedAt.IsZero() {
		return Purged{}, refusal.Errorf(refusal.Invalid, "purge: the key is not deleted; delete it first")
	}
	return Purged{At: second(now), By: by, Reason: reason}, nil
}

// KeyIDs returns the key IDs of all versions, the oldest first.
func (k *Key) KeyIDs() []string {
	all := make([]string, len(k.Versions))
	for i := range k.Versions {
		all[i] = k.Versions[i].KeyID
	}
	return all
}

// Forgotten reports whether nothing is told of a purged key at now. It is told for as long as the engine would have
// kept the key, had it been deleted when it was purged.
func (p *Purged) Forgotten(retention time.Duration, now time.Time) bool {
	//mutate:true "what is told of a purged key for ever" TestPurgedKeysAreForgotten
	return !now.Before(p.At.Add(retention))
}
