package signing

import (
	"math/bits"
	"strings"
)

// tokenChars are the bytes of an RFC 9110 section 5.6.2 token.
var tokenChars = func() (set [256]bool) {
	const letters = "abcdefghijklmnopqrstuvwxyz" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, c := range []byte(letters + "0123456789" + "!#$%&'*+-.^_`|~") {
		set[c] = true
	}
	return set
}()

// targetChars are the bytes that a target in origin form may have, all the
// visible ones but '#'.
var targetChars = func() (set [256]bool) {
	for c := range set {
		set[c] = c > ' ' && c < 0x7f && c != '#'
	}
	return set
}()

// nonceChars are the visible characters that need no escape in a string of
// RFC 8941.
var nonceChars = func() (set [256]bool) {
	for c := range set {
		set[c] = c > ' ' && c < 0x7f && c != '"' && c != '\\'
	}
	return set
}()

// plainHostChars are those of a host that is written in one way.
var plainHostChars = func() (set [256]bool) {
	for c := range set {
		set[c] = isDigit(byte(c)) || 'a' <= c && c <= 'z' || strings.ContainsRune(".-_~", rune(c))
	}
	return set
}()

// wordChars are [0-9A-Za-z_-].
var wordChars = func() (set [256]bool) {
	for c := range set {
		set[c] = tokenChars[c] && !strings.ContainsRune("!#$%&'*+.^`|~", rune(c))
	}
	return set
}()

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWord reports whether s is of [0-9A-Za-z_-] alone and of least..most bytes.
func isWord(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		if !wordChars[s[i]] {
			return false
		}
	}
	return true
}

// lower maps A-Z alone. The strings and bytes packages fold by Unicode, where
// a Kelvin sign equals a 'k'; signer and verifier could then disagree.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, lower(s[i]))
	}
	return dst
}

func equalFold(a, b string) bool {
	return len(a) == len(b) && (a == b || compareFold(a, b) == 0)
}

// compareFold orders a and b as their lower-cased bytes are ordered.
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

// firstControl returns where s has its first byte below 0x20, or DEL, and its
// length when it has none. It looks at eight at once: subtracting borrows into
// the high bit of a byte that is too small, and of one that DEL has made zero.
// Only bytes after such a one can be taken for one wrongly.
func firstControl(s string) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(s)-n >= 8; n += 8 {
		c := s[n : n+8]
		x := uint64(c[0]) | uint64(c[1])<<8 | uint64(c[2])<<16 | uint64(c[3])<<24 |
			uint64(c[4])<<32 | uint64(c[5])<<40 | uint64(c[6])<<48 | uint64(c[7])<<56
		del := x ^ 0x7f*ones
		if found := ((x-' '*ones)&^x | (del-ones)&^del) & high; found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for n < len(s) && s[n] >= ' ' && s[n] != 0x7f {
		n++
	}
	return n
}
