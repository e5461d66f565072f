package signing

import (
	"math/bits"
	"strings"
)

// charClass is a set of classes of bytes, one bit for each.
type charClass uint8

const (
	tokenChars     charClass = 1 << iota // of a token (RFC 9110 section 5.6.2)
	lowerChars                           // of a token in lower case
	keyChars                             // of a key (RFC 8941 section 3.1.2), after the first
	nonceChars                           // visible ones that need no escape in a string of RFC 8941
	targetChars                          // of a target in origin form: all visible ones but '#'
	plainHostChars                       // of a host that has only one spelling
	wordChars                            // [0-9A-Za-z_-]
)

// classesOf holds the classes of each byte.
var classesOf = func() (of [256]charClass) {
	add := func(c byte, class charClass, is bool) {
		if is {
			of[c] |= class
		}
	}
	for i := range of {
		c := byte(i)
		visible, small := c > ' ' && c < 0x7f, 'a' <= c && c <= 'z'
		word := small || 'A' <= c && c <= 'Z' || isDigit(c) || c == '-' || c == '_'
		token := word || strings.IndexByte("!#$%&'*+.^`|~", c) >= 0
		add(c, tokenChars, token)
		add(c, lowerChars, token && lower(c) == c)
		add(c, keyChars, small || isDigit(c) || strings.IndexByte("_-.*", c) >= 0)
		add(c, nonceChars, visible && c != '"' && c != '\\')
		add(c, targetChars, visible && c != '#')
		add(c, plainHostChars, small || isDigit(c) || strings.IndexByte(".-_~", c) >= 0)
		add(c, wordChars, word)
	}
	return of
}()

// span returns how many bytes at the beginning of s are of a class. It tests four at once, because processors
// predict badly where a name ends.
func span(s string, class charClass) int {
	n := 0
	for ; len(s)-n >= 4; n += 4 {
		c := s[n : n+4]
		if classesOf[c[0]]&classesOf[c[1]]&classesOf[c[2]]&classesOf[c[3]]&class == 0 {
			break
		}
	}
	for n < len(s) && classesOf[s[n]]&class != 0 {
		n++
	}
	return n
}

// isAll reports whether s has least..most bytes, all of a class.
func isAll(s string, class charClass, least, most int) bool {
	return least <= len(s) && len(s) <= most && span(s, class) == len(s)
}

// isWord reports whether s has least..most bytes, all of [0-9A-Za-z_-].
func isWord(s string, least, most int) bool { return isAll(s, wordChars, least, most) }

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// word returns the first eight bytes of s, the first in the low byte.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// below marks the high bit of each byte of x that is below c, which is at most 0x80: the subtraction borrows
// into it. Bytes above the first marked one may be marked wrongly.
func below(x uint64, c byte) uint64 { return (x - uint64(c)*ones) &^ x & high }

// firstControl returns the index of the first byte of s that is below 0x20 or DEL, or len(s).
func firstControl(s string) int {
	n := 0
	for ; len(s)-n >= 8; n += 8 {
		x := word(s[n:])
		if found := below(x, ' ') | below(x^0x7f*ones, 1); found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for n < len(s) && s[n] >= ' ' && s[n] != 0x7f {
		n++
	}
	return n
}

// targetEnd returns the length of the target that s begins with. In the query
// bytes from 0x80 up are as they were sent; nothing else reads a query as a path.
func targetEnd(s string) int {
	n := firstNotTarget(s)
	//mutate:false "bytes outside ASCII in a path" TestHighBytesInTheQueryAlone
	if n < len(s) && s[n] >= 0x80 && strings.IndexByte(s[:n], '?') >= 0 {
		for n < len(s) && (s[n] >= 0x80 || classesOf[s[n]]&targetChars != 0) {
			n++
		}
	}
	return n
}

// firstNotTarget returns how many bytes at the beginning of s are targetChars.
func firstNotTarget(s string) int {
	n := 0
	for ; len(s)-n >= 8; n += 8 {
		x := word(s[n:])
		if found := below(x, ' '+1) | below(x^0x7f*ones, 1) | below(x^'#'*ones, 1) | x&high; found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for n < len(s) && classesOf[s[n]]&targetChars != 0 {
		n++
	}
	return n
}
