package signing

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// A call names many fields, and has many, so to look for each among all would cost the
// product. Sums of names are compared instead, under a seed that nobody knows.
var nameSeed = maphash.MakeSeed()

// fewNames is up to how many names each is looked for directly.
const fewNames = 2

// finder finds the header fields of a name. Looked is how many names it has compared.
type finder struct {
	head   *Head
	sums   []uint64 // of the names in lower case; nil: names are compared
	looked int
}

// finderFor returns a finder for so many names.
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

// next returns the first field of that name from a number on, or -1.
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

// nameSet holds names to tell repeated ones.
type nameSet struct {
	sums [maxComponents]uint64
	n    int
}

// add reports whether the name was new. There is room for [maxComponents].
func (s *nameSet) add(name string) bool {
	sum := maphash.String(nameSeed, name)
	if s.n == len(s.sums) || slices.Contains(s.sums[:s.n], sum) {
		return false
	}
	s.sums[s.n] = sum
	s.n++
	return true
}

// sortedInPlace is up to how many names are sorted where they are.
const sortedInPlace = 8

// sortByName sorts indexes of headers by the lower-cased names. Many are lowered once,
// not each time that two of them are compared.
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
