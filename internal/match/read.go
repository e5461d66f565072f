// Package match is what calls are held against: scopes, path globs and ranges of addresses. A list of them is read
// once, when a record that has it is written or decoded, and all records with the same list share what was read.
package match

import (
	"runtime"
	"strings"
	"sync"
	"weak"
)

// read is a list with what was made of it. Whoever has the same list has the same read, so that lists are compared by
// address.
type read[P any] struct {
	text string // the lines
	of   P
}

type readKey[P any] struct{ text string }

// shelf has each list that somebody holds: readKey[P] to weak.Pointer[read[P]]. It holds none itself.
var shelf sync.Map

// share returns what parse makes of a list, or nil for an empty one.
func share[P any](list []string, parse func(text string) P) *read[P] {
	if len(list) == 0 {
		return nil
	}
	key := readKey[P]{strings.Join(list, "\n")}
	for {
		if w, ok := shelf.Load(key); ok {
			if r := w.(weak.Pointer[read[P]]).Value(); r != nil {
				return r
			}
			shelf.CompareAndDelete(key, w) // its cleanup is still to come
		}
		r := &read[P]{key.text, parse(key.text)}
		w := weak.Make(r)
		if _, taken := shelf.LoadOrStore(key, w); !taken {
			runtime.AddCleanup(r, func(key readKey[P]) { shelf.CompareAndDelete(key, w) }, key)
			return r
		}
	}
}

// list returns the lines again, never nil.
func (r *read[P]) list() []string {
	if r == nil {
		return []string{}
	}
	return strings.Split(r.text, "\n")
}
