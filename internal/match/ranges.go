package match

import (
	"net/netip"
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Ranges are ranges of addresses. The zero value is none. They are comparable.
type Ranges struct{ r *read[[]netip.Prefix] }

// ParseRange refuses what is no range of addresses, or no address, as it would be written
// back but for the case of its letters.
func ParseRange(s string) error {
	p, ok := rangeOf(s)
	written := p.String()
	if !strings.Contains(s, "/") {
		written = p.Addr().String()
	}
	if !ok || p.Masked() != p || !strings.EqualFold(written, s) || p.Addr().Is4In6() {
		return refusal.Errorf(
			refusal.Invalid,
			"must be addresses, or ranges such as 192.0.2.0/24 or 2001:db8::/32 without bits behind the prefix",
		)
	}
	return nil
}

// rangeOf reads a range; an address without a prefix is the range of it alone.
func rangeOf(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil
}

// RangesOf returns the ranges of a list. One that is none holds no address.
func RangesOf(list []string) Ranges {
	return Ranges{share(list, func(text string) []netip.Prefix {
		var all []netip.Prefix
		for s := range strings.SplitSeq(text, "\n") {
			if p, ok := rangeOf(s); ok {
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
