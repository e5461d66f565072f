package signing

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Bounds of a search. A call with everything in it that can be mistaken makes
// some hundreds of candidates.
const (
	maxTries      = 800
	maxTriedBytes = 16 << 20
	// minTriedKey keeps candidates above what crypto/hmac takes in FIPS-only
	// mode.
	minTriedKey = 14
)

// search looks for what makes a tag.
type search struct {
	tag      [TagSize]byte
	keys     []triedKey // the right one first
	tries    int
	bytes    int
	found    bool
	mistakes []knownFinding // the mistakes that made the tag; none: it is right
}

// triedKey is what a client may have used as the key.
type triedKey struct {
	as    knownFinding
	bytes []byte
}

func newSearch(tag [TagSize]byte, key []byte) *search {
	s := &search{tag: tag, keys: []triedKey{{bytes: key}}}
	text := string(keyText(key))
	s.addKey(asciiKey, text)
	s.addKey(asciiKeyPadded, base64.URLEncoding.EncodeToString(key))
	s.addKey(asciiKeyStandard, base64.StdEncoding.EncodeToString(key))
	s.addKey(asciiKeyStandard, base64.RawStdEncoding.EncodeToString(key))
	s.addKey(asciiKeyHex, hex.EncodeToString(key))
	s.addKey(asciiKeyHex, strings.ToUpper(hex.EncodeToString(key)))
	s.addKey(asciiKeyLine, text+"\n")
	s.addKey(asciiKeyLine, text+"\r\n")
	s.addKey(keyStandard, dropForeign(text))
	return s
}

// addKey keeps a candidate that no other equals. A search has ten at most.
func (s *search) addKey(as knownFinding, key string) {
	if len(key) < minTriedKey {
		return
	}
	for _, k := range s.keys {
		if string(k.bytes) == key {
			return
		}
	}
	s.keys = append(s.keys, triedKey{as, []byte(key)})
}

// dropForeign decodes as decoders of standard base64 do that pass over what is
// not of their alphabet.
func dropForeign(text string) string {
	text = strings.NewReplacer("-", "", "_", "").Replace(text)
	if len(text)%4 == 1 {
		text = text[:len(text)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(b)
}

// fits reports whether a message makes the tag under a key, or that the search
// has come to its end.
func (s *search) fits(key, message []byte) bool {
	s.tries++
	s.bytes += len(message)
	tag := MAC(key, message)
	s.found = equalTags(&tag, &s.tag)
	return s.found
}

func (s *search) over() bool { return s.found || s.tries >= maxTries || s.bytes >= maxTriedBytes }

// mistake is one that changes what is signed.
type mistake[D any] struct {
	as    knownFinding
	part  part
	alone bool // of many alike: not tried in pairs
	// apply changes a copy of a draft, never what it points to, and reports
	// whether that made a difference.
	apply func(d *D) bool
}

// part is what of a text a mistake changes; two of one part are not combined.
type part int

const (
	partPath part = iota
	partMethod
	partOrder
	partCase
	partNames
	partBlanks
	partEnd
	partLines
	partTime
	partKeyID
	partAuthority
	partQuery
	partParams
	partDigest
	partMessage
)

// searchDrafts tries the right text, then single mistakes, then pairs. A
// mistake without an ID is none to be told.
func searchDrafts[D any](s *search, right D, mistakes []mistake[D], render func(D) []byte) {
	made := [][]byte{render(right)}
	singles := []mistake[D]{{}}
	drafts := []D{right}
	for _, m := range mistakes {
		if d := right; m.apply(&d) {
			made, singles, drafts = append(made, render(d)), append(singles, m), append(drafts, d)
		}
	}
	for i, k := range s.keys {
		for n, message := range made {
			if s.over() {
				return
			}
			// A mistaken key is tried with one mistake of the text at most.
			if i > 0 && singles[n].alone {
				continue
			}
			if s.fits(k.bytes, message) {
				s.note(k.as, singles[n].as)
				return
			}
		}
	}
	for i := 1; i < len(drafts); i++ {
		for j := i + 1; j < len(drafts); j++ {
			a, b := singles[i], singles[j]
			if a.part == b.part || a.alone || b.alone {
				continue
			}
			d := drafts[i]
			if !b.apply(&d) {
				continue
			}
			if s.over() {
				return
			}
			if s.fits(s.keys[0].bytes, render(d)) {
				s.note(a.as, b.as)
				return
			}
		}
	}
}

func (s *search) note(made ...knownFinding) {
	for _, k := range made {
		if k.id != "" {
			s.mistakes = append(s.mistakes, k)
		}
	}
}

// permutations yields every order of n things but the given one.
func permutations(n int, yield func([]int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var next func(k int, moved bool)
	next = func(k int, moved bool) {
		if k == n {
			if moved {
				yield(order)
			}
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			next(k+1, moved || i != k)
			order[k], order[i] = order[i], order[k]
		}
	}
	next(0, false)
}

// maxPermuted is of how many things all orders are tried.
const maxPermuted = 4

func permuted[T any](list []T, order []int) []T {
	moved := make([]T, len(list))
	for i, from := range order {
		moved[i] = list[from]
	}
	return moved
}
