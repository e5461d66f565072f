package apikey

import (
	"slices"
	"time"
)

// KeptReasons is how many reasons a role keeps for having revoked its keys.
const KeptReasons = 8

// Reason is why a role revoked its keys.
type Reason struct {
	Epoch int // the epoch that began with the revocation: keys of the epoch before are revoked
	Text  string
}

// Reasons holds the reasons of a role's last revocations, oldest first. Unused places at the end are empty.
type Reasons [KeptReasons]Reason

// List returns the reasons that are not empty.
func (r Reasons) List() []Reason {
	return slices.DeleteFunc(r[:], func(one Reason) bool { return one.Text == "" })
}

// ReasonsOf is the reverse of [Reasons.List]. If the list is too long, it keeps the last ones.
func ReasonsOf(list []Reason) (r Reasons) {
	copy(r[:], list[max(0, len(list)-KeptReasons):])
	return r
}

// of returns why the keys of the epoch before were revoked, or "".
func (r Reasons) of(epoch int) string {
	for _, one := range r {
		if one.Epoch == epoch {
			return one.Text
		}
	}
	return ""
}

// RevokedReason returns the reason of the role's last revocation.
func (r *Role) RevokedReason() string {
	if list := r.Reasons.Get().List(); len(list) > 0 {
		return list[len(list)-1].Text
	}
	return ""
}

// RevokeLeased returns the role after it has revoked all keys issued so far. forgot reports that the role's
// oldest reason was dropped to make room.
func (r *Role) RevokeLeased(reason string, now time.Time) (revoked *Role, forgot bool) {
	c := *r
	c.Epoch++
	c.RevokedBefore = second(now)
	if reason != "" {
		list := append(r.Reasons.Get().List(), Reason{c.Epoch, reason})
		c.Reasons, forgot = Intern(ReasonsOf(list)), len(list) > KeptReasons
	}
	return &c, forgot
}

// leaseEnded is the reason of keys that are revoked because their lease ended.
const leaseEnded = "lease ended"

// ReasonUnder is like [Key.Reason], but includes why the role revoked a leased key. role is nil for a named
// key.
func (k *Key) ReasonUnder(role *Role) string {
	if !k.RevokedByRole(role) {
		return k.Reason()
	}
	why := role.Reasons.Get().of(k.Lease.Epoch + 1)
	switch {
	case k.RevokedReason == "":
		return why
	// If the role revoked the key first, the later end of the lease is not the reason.
	//mutate:true:3 "leases that ended before" TestReasonsUnderARole
	case why != "" && k.RevokedReason == leaseEnded && !k.RevokedAt.Before(role.RevokedBefore):
		return why
	default:
		return k.RevokedReason
	}
}
