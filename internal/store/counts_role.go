package store

import "vault-plugin-secrets-apikeys/internal/apikey"

// roleCounts holds the key IDs of a tenant's live leased keys by role. They are found in the tenant's leased records
// when a role with a limit first issues a key after a start, and kept up to date from then on. They may include keys
// that do not live, but lack none that does.
type roleCounts struct {
	live   map[roleRef]map[string]struct{} // key IDs; nil: not looked for yet
	making map[string]roleRef              // key IDs whose records may not be in storage yet
	exact  bool                            // live includes no key that does not live
}

// roleRef names a role of one tenant, between two of its revocations of all keys.
type roleRef struct {
	kind  apikey.Kind
	name  apikey.Name
	epoch int
}

// changed updates the counts after a leased key was read or written.
func (c *roleCounts) changed(k *apikey.Key) {
	if c.live == nil || k.Lease == nil {
		return
	}
	if !k.Lease.EndedAt.IsZero() || !k.RevokedAt.IsZero() {
		c.gone(k)
		return
	}
	c.add(refOf(k), k.Newest().KeyID)
}

// made notes that a key's record is in storage.
func (c *roleCounts) made(k *apikey.Key) { delete(c.making, k.Newest().KeyID) }

// gone notes that a key does not live any more.
func (c *roleCounts) gone(k *apikey.Key) { delete(c.live[refOf(k)], k.Newest().KeyID) }

func refOf(k *apikey.Key) roleRef { return roleRef{k.Kind, k.Name, k.Lease.Epoch} }

func (c *roleCounts) add(ref roleRef, keyID string) {
	if c.live[ref] == nil {
		c.live[ref] = make(map[string]struct{})
	}
	c.live[ref][keyID] = struct{}{}
}
