package signing

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Bounds of a search. A call with every part that can be mistaken has some hundreds of candidates.
const (
	maxTries      = 800
	maxTriedBytes = 16 << 20
	// minTriedKey keeps candidates above the shortest key that crypto/hmac accepts in FIPS-only mode.
	minTriedKey = 14
)

// search looks for the mistakes that produce a tag.
type search struct {
	tag      [TagSize]byte
	keys     []triedKey // the right one first
	tries    int
	bytes    int
	found    bool
	mistakes []knownFinding // the mistakes that produce the tag; none: the tag is right
}

// triedKey is bytes that a client may have used as the key.
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

// addKey appends a candidate that is not in the list yet. A search has at most ten.
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

// dropForeign decodes like lenient decoders of standard base64, which skip characters outside their alphabet.
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

// fits reports whether a key gives a message the tag. It is also true when the search has reached its bounds.
func (s *search) fits(key, message []byte) bool {
	s.tries++
	s.bytes += len(message)
	tag := MAC(key, message)
	s.found = equalTags(&tag, &s.tag)
	return s.found
}

func (s *search) over() bool { return s.found || s.tries >= maxTries || s.bytes >= maxTriedBytes }

// mistake is one change of the signed text.
type mistake[D any] struct {
	as    knownFinding
	part  part
	alone bool // one of many alike, so it is not tried in pairs
	// apply changes a copy of a draft, but nothing that it points to. It reports whether the copy differs.
	apply func(d *D) bool
}

// part is the part of a text that a mistake changes. Two mistakes of one part are not combined.
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

// searchDrafts tries the right text, then single mistakes, then pairs. A mistake without an ID is not reported.
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
			// A mistaken key is tried with at most one mistake of the text.
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

// permutations yields every order of n things except the identity.
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

// maxPermuted is up to how many things all orders are tried.
const maxPermuted = 4

func permuted[T any](list []T, order []int) []T {
	moved := make([]T, len(list))
	for i, from := range order {
		moved[i] = list[from]
	}
	return moved
}
