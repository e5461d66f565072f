package match

import (
	"net/netip"
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Ranges are ranges of addresses. The zero value holds none. They are comparable.
type Ranges struct{ r *read[[]netip.Prefix] }

// ParseRange refuses a text that is neither an address nor a range in canonical form. The case of letters does
// not matter.
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

// rangeOf parses a range. An address without a prefix is a range of one address.
func rangeOf(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil
}

// RangesOf returns the ranges of a list. Invalid entries contain no address.
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

// Equal reports whether both were made from the same list.
func (r Ranges) Equal(o Ranges) bool { return r == o }

// Empty reports whether there are no ranges.
func (r Ranges) Empty() bool { return r.r == nil }

// List returns the ranges, never nil.
func (r Ranges) List() []string { return r.r.list() }

// Contain reports whether an address is in one of the ranges, and how many ranges it compared.
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
