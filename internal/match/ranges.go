package match

import (
	"net/netip"
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Ranges are ranges of addresses. The zero value is none. They are comparable.
type Ranges struct{ r *read[[]netip.Prefix] }

// ParseRange refuses what is no range of addresses as it would be written back.
func ParseRange(s string) error {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Masked() != p || p.String() != s || p.Addr().Is4In6() {
		return refusal.Errorf(refusal.Invalid, "must be ranges of addresses such as 192.0.2.0/24 or 2001:db8::/32, without bits behind the prefix")
	}
	return nil
}

// RangesOf returns the ranges of a list. One that is none holds no address.
func RangesOf(list []string) Ranges {
	return Ranges{share(list, func(text string) []netip.Prefix {
		var all []netip.Prefix
		for s := range strings.SplitSeq(text, "\n") {
			if p, err := netip.ParsePrefix(s); err == nil {
				all = append(all, p)
			}
		}
		return all
	})}
}

// Equal reports whether both are of one list.
func (r Ranges) Equal(o Ranges) bool { return r == o }

// Empty reports whether there are none.
func (r Ranges) Empty() bool { return r.r == nil }

// List returns the ranges, never nil.
func (r Ranges) List() []string { return r.r.list() }

// Contain reports whether an address is in one of the ranges, and at how many it has looked.
func (r Ranges) Contain(from netip.Addr) (ok bool, steps int) {
	if r.r == nil {
		return false, 0
	}
	from = from.Unmap().WithZone("")
	for i, p := range r.r.of {
		if p.Contains(from) {
			return true, i + 1
		}
	}
	return false, len(r.r.of)
}
