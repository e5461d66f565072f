package signing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Variant names one way in which clients deviate from what a scheme says. A
// key lets in those that its owner names, and no others.
type Variant string

// The variants, all of Vrnt-1 but the last. The first four and KeyASCII, which
// public clients have, change what is under the MAC or the key of it, and
// [Call.SignedAs] tries them; the others change the text of a signature, which
// [ParseLenientCall] reads and [Call.Form] tells.
const (
	HeadersSorted   Variant = "headers_sorted"    // Verint- headers by name, whatever their order in the head
	HeaderValueCase Variant = "header_value_case" // values of Verint- headers as they are, not in lower case
	PathDecoded     Variant = "path_decoded"      // the path after percent-decoding
	PathQuery       Variant = "path_query"        // the target, path and query
	SigStdBase64    Variant = "sig_std_base64"    // sig in the alphabet with '+' and '/', or padded, or both
	ParamWhitespace Variant = "param_whitespace"  // spaces before or after the commas
	ParamOrder      Variant = "param_order"       // the four parameters in another order
	KeyASCII        Variant = "key_ascii"         // the MAC's key is the text of the key: its unpadded base64url
	NoNonce         Variant = "no_nonce"          // RFC 9421 without nonce; the tag takes its place
)

// variants are in the order that [Call.Form] and [Call.SignedAs] keep to.
var variants = [...]Variant{
	HeadersSorted,
	HeaderValueCase,
	PathDecoded,
	PathQuery,
	SigStdBase64,
	ParamWhitespace,
	ParamOrder,
	KeyASCII,
	NoNonce,
}

// Scheme returns the scheme that the variant is of, or "" when it is unknown.
func (v Variant) Scheme() Scheme {
	switch {
	case v == NoNonce:
		return RFC9421
	case slices.Contains(variants[:], v):
		return Vrnt1
	}
	return ""
}

// Compat is a list of variants without repeats.
type Compat []Variant

// Has reports whether v is in the list.
func (c Compat) Has(v Variant) bool { return slices.Contains(c, v) }

// String returns the names with commas between them.
func (c Compat) String() string {
	names := make([]string, len(c))
	for i, v := range c {
		names[i] = string(v)
	}
	return strings.Join(names, ",")
}

// ErrCompat is wrapped by the errors of [ParseCompat], which name the variant
// that is wrong.
var ErrCompat = errors.New("compat")

// maxQuoted is how many bytes of an unknown name an error shows.
const maxQuoted = 32

// ParseCompat returns the variants of these names, in the order given. Names
// that are unknown, of another scheme than s, or given twice are an
// [ErrCompat], and so is path_decoded together with path_query: the decoded
// form of /a%3Fx=1 is what the other has under the MAC for /a?x=1.
func ParseCompat(s Scheme, names []string) (Compat, error) {
	var c Compat
	for _, name := range names {
		v := Variant(name)
		switch of := v.Scheme(); {
		case of == "":
			return nil, fmt.Errorf("%w: unknown variant %q", ErrCompat, name[:min(len(name), maxQuoted)])
		case of != s:
			return nil, fmt.Errorf("%w: %s is a variant of scheme %s", ErrCompat, v, of)
		case c.Has(v):
			return nil, fmt.Errorf("%w: %s is given twice", ErrCompat, v)
		case v == PathDecoded && c.Has(PathQuery) || v == PathQuery && c.Has(PathDecoded):
			return nil, fmt.Errorf("%w: %s and %s exclude each other", ErrCompat, PathDecoded, PathQuery)
		}
		c = append(c, v)
	}
	return c, nil
}

// variantSet has one bit for each of the variants, in their order.
type variantSet uint16

const (
	headersSorted variantSet = 1 << iota
	headerValueCase
	pathDecoded
	pathQuery
	sigStdBase64
	paramWhitespace
	paramOrder
	keyASCII
)

// set returns c as a set. Variants that are unknown are left out, and so are
// two that a parsed list cannot hold together.
func (c Compat) set() variantSet {
	var set variantSet
	if len(c) == 0 {
		return set
	}
	for i, v := range variants {
		if c.Has(v) {
			set |= 1 << i
		}
	}
	if set&(pathDecoded|pathQuery) == pathDecoded|pathQuery {
		set &^= pathDecoded | pathQuery
	}
	return set
}

func (set variantSet) list() Compat {
	var c Compat
	if set == 0 {
		return c
	}
	for i, v := range variants {
		if set&(1<<i) != 0 {
			c = append(c, v)
		}
	}
	return c
}

// ParseLenientCall finds the one signature of a head as [ParseCall] does, and
// also reads signatures that deviate in form: [SigStdBase64],
// [ParamWhitespace], [ParamOrder] and [NoNonce], of which [Call.Form] lists
// those it found. Duplicate or unknown parameters are malformed in every form,
// and blanks elsewhere too: no public client puts any beside an equals sign.
//
// A deviating text parses to the same salt or nonce, time and key ID as the
// strict one, so that a call replayed in another form is still the same call.
// Whether a form is let in, [Call.SignedAs] says.
func ParseLenientCall(h *Head) (*Call, error) { return parseCall(h, true) }
