package apikey

import (
	"slices"
	"time"
)

// KeptReasons is how many reasons a role keeps for having revoked its keys.
const KeptReasons = 8

// Reason is why a role has revoked its keys.
type Reason struct {
	Epoch int // the one that the revocation began: it ended the keys of the epoch before
	Text  string
}

// Reasons are those that were given for a role's last revocations, oldest first, with empty ones behind.
type Reasons [KeptReasons]Reason

// List returns the reasons that there are.
func (r Reasons) List() []Reason {
	return slices.DeleteFunc(r[:], func(one Reason) bool { return one.Text == "" })
}

// ReasonsOf is the reverse of [Reasons.List]. Of more than fit, the last stay.
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

// RevokedReason returns why the role has revoked its keys, as it was said last.
func (r *Role) RevokedReason() string {
	if list := r.Reasons.Get().List(); len(list) > 0 {
		return list[len(list)-1].Text
	}
	return ""
}

// RevokeLeased returns the role with all keys revoked that it has issued, and whether its oldest reason had to go for
// this one.
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

// leaseEnded is the reason of what was revoked because its lease is over.
const leaseEnded = "lease ended"

// ReasonUnder is [Key.Reason] with why a leased key's role has revoked it; role is nil for a named key.
func (k *Key) ReasonUnder(role *Role) string {
	if !k.RevokedByRole(role) {
		return k.Reason()
	}
	why := role.Reasons.Get().of(k.Lease.Epoch + 1)
	switch {
	case k.RevokedReason == "":
		return why
	// That the lease of a key ended which its role had revoked before says nothing of why.
	//mutate:true:3 "leases that ended before" TestReasonsUnderARole
	case why != "" && k.RevokedReason == leaseEnded && !k.RevokedAt.Before(role.RevokedBefore):
		return why
	default:
		return k.RevokedReason
	}
}
