// Package match decides whether a call fits scopes, path globs and ranges of addresses. A list of them is
// parsed once, when its record is written or decoded. All records with the same list share the result.
package match

import (
	"runtime"
	"strings"
	"sync"
	"weak"
)

// read is a list and what was parsed from it. Equal lists share one read, so that lists are compared by
// address.
type read[P any] struct {
	text string // the lines
	of   P
}

type readKey[P any] struct{ text string }

// shelf holds each list that is in use: readKey[P] to weak.Pointer[read[P]]. It keeps no list alive.
var shelf sync.Map

// share returns what parse makes of a list, or nil for an empty list.
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
			shelf.CompareAndDelete(key, w) // it was collected, but its cleanup has not run yet
		}
		r := &read[P]{key.text, parse(key.text)}
		w := weak.Make(r)
		if _, taken := shelf.LoadOrStore(key, w); !taken {
			runtime.AddCleanup(r, func(key readKey[P]) { shelf.CompareAndDelete(key, w) }, key)
			return r
		}
	}
}

// list returns the lines, never nil.
func (r *read[P]) list() []string {
	if r == nil {
		return []string{}
	}
	return strings.Split(r.text, "\n")
}
