package signing

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// A call names many fields and has many, so comparing each with each would cost the product. finder compares
// hashes instead, under a secret seed.
var nameSeed = maphash.MakeSeed()

// fewNames is up to how many names are compared directly.
const fewNames = 2

// finder finds header fields by name. looked counts the names compared.
type finder struct {
	head   *Head
	sums   []uint64 // hashes of the lower-cased names; nil: names are compared
	looked int
}

// finderFor returns a finder for searches of this many names.
func (h *Head) finderFor(names []string) finder {
	f := finder{head: h}
	n := 0
	for _, name := range names {
		if name[0] != '@' {
			n++
		}
	}
	if n > fewNames {
		f.sums = make([]uint64, len(h.fields))
		var most [64]byte
		buf := most[:0]
		for i := range h.fields {
			buf = appendLower(buf[:0], h.name(i))
			f.sums[i] = maphash.Bytes(nameSeed, buf)
		}
	}
	return f
}

// next returns the index of the first field with that name at or after from, or -1.
func (f *finder) next(name string, from int) int {
	if f.sums == nil {
		for i := from; i < len(f.head.fields); i++ {
			f.looked++
			if equalFold(f.head.name(i), name) {
				return i
			}
		}
		return -1
	}
	sum := maphash.String(nameSeed, name)
	for i := from; i < len(f.sums); i++ {
		if f.sums[i] != sum {
			continue
		}
		f.looked++
		if equalFold(f.head.name(i), name) {
			return i
		}
	}
	return -1
}

// nameSet holds names, to find duplicates.
type nameSet struct {
	sums [maxComponents]uint64
	n    int
}

// add reports whether the name was new. There is room for [maxComponents] names.
func (s *nameSet) add(name string) bool {
	sum := maphash.String(nameSeed, name)
	if s.n == len(s.sums) || slices.Contains(s.sums[:s.n], sum) {
		return false
	}
	s.sums[s.n] = sum
	s.n++
	return true
}

// sortedInPlace is up to how many names are sorted without lowering them first.
const sortedInPlace = 8

// sortByName sorts indexes of headers by lower-cased names. Many names are lowered once, not at each
// comparison.
func (h *Head) sortByName(indexes []uint8) {
	if len(indexes) < 2 {
		return
	}
	if len(indexes) <= sortedInPlace {
		slices.SortFunc(indexes, func(i, j uint8) int { return compareFold(h.name(int(i)), h.name(int(j))) })
		return
	}
	var lowered [MaxHeadLines][]byte
	n := 0
	for _, i := range indexes {
		n += len(h.name(int(i)))
	}
	all := make([]byte, 0, n)
	for _, i := range indexes {
		start := len(all)
		all = appendLower(all, h.name(int(i)))
		lowered[i] = all[start:]
	}
	slices.SortFunc(indexes, func(i, j uint8) int { return bytes.Compare(lowered[i], lowered[j]) })
}
