package signing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Variant names one way in which clients deviate from a scheme. A key accepts only the variants that its owner
// names.
type Variant string

// The variants; all but the last are of Vrnt1. The first four and KeyASCII occur in public clients. They change
// the message under the MAC or its key, and [Call.SignedAs] tries them. The others change the text of a
// signature: [ParseLenientCall] reads them and lists them in [Call.Form].
const (
	HeadersSorted   Variant = "headers_sorted"    // Verint- headers by name, whatever their order in the head
	HeaderValueCase Variant = "header_value_case" // values of Verint- headers as sent, not in lower case
	PathDecoded     Variant = "path_decoded"      // the path after percent-decoding
	PathQuery       Variant = "path_query"        // the target, path and query
	SigStdBase64    Variant = "sig_std_base64"    // sig in the alphabet with '+' and '/', or padded, or both
	ParamWhitespace Variant = "param_whitespace"  // spaces before or after the commas
	ParamOrder      Variant = "param_order"       // the four parameters in another order
	KeyASCII        Variant = "key_ascii"         // the MAC key is the text of the key: its unpadded base64url
	NoNonce         Variant = "no_nonce"          // RFC 9421 without nonce; the tag is used instead
)

// variants lists all variants in the order that [Call.Form] and [Call.SignedAs] use.
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

// Scheme returns the variant's scheme, or "" if the variant is unknown.
func (v Variant) Scheme() Scheme {
	switch {
	case v == NoNonce:
		return RFC9421
	case slices.Contains(variants[:], v):
		return Vrnt1
	}
	return ""
}

// Compat is a list of variants without duplicates.
type Compat []Variant

// Has reports whether v is in the list.
func (c Compat) Has(v Variant) bool { return slices.Contains(c, v) }

// String returns the names, joined with commas.
func (c Compat) String() string {
	names := make([]string, len(c))
	for i, v := range c {
		names[i] = string(v)
	}
	return strings.Join(names, ",")
}

// ErrCompat is wrapped by the errors of [ParseCompat], which name the wrong variant.
var ErrCompat = errors.New("compat")

// maxQuoted is how many bytes of an unknown name an error shows.
const maxQuoted = 32

// ParseCompat returns the variants with these names, in the order given. It fails with [ErrCompat] for names
// that are unknown, of another scheme than s, or given twice. It also refuses path_decoded together with
// path_query: the decoded path of /a%3Fx=1 is the signed text of /a?x=1 under path_query.
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

// variantSet has one bit for each variant, in the order of variants.
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

// set returns c as a set. It leaves out unknown variants, and pairs that [ParseCompat] refuses.
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

// ParseLenientCall is like [ParseCall], but also reads signatures that deviate in form: [SigStdBase64],
// [ParamWhitespace], [ParamOrder] and [NoNonce]. [Call.Form] lists the deviations found. Duplicate or unknown
// parameters are malformed in every form. So are blanks around an equals sign, because no public client writes any.
//
// A deviating text parses to the same salt or nonce, time and key ID as the strict one, so a replay in another form
// is recognized. [Call.SignedAs] decides whether a form is accepted.
func ParseLenientCall(h *Head) (*Call, error) { return parseCall(h, true) }
