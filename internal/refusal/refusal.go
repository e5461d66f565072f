// Package refusal names the ways in which a request is turned down, so that rules
// can be written without knowing HTTP and statuses are chosen in one place.
package refusal

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The kinds of refusal. Test for them with [errors.Is].
//
//nolint:errname,revive,staticcheck // They are kinds, and read as such where they are used: refusal.Invalid.
var (
	Invalid     = errors.New("invalid request")    // the caller's input, a limit or a guard
	Forbidden   = errors.New("forbidden")          // who the caller is
	NotFound    = errors.New("not found")          // no such object for this caller
	Conflict    = errors.New("conflict")           // a lost race
	Unavailable = errors.New("cannot be answered") // something needed to decide is away
)

type refused struct {
	kind error
	text string
}

// Errorf returns an error of the given kind whose text is the formatted message
// alone, ready to be shown to the caller.
func Errorf(kind error, format string, args ...any) error {
	return &refused{kind: kind, text: fmt.Sprintf(format, args...)}
}

func (r *refused) Error() string        { return r.text }
func (r *refused) Is(target error) bool { return target == r.kind }

// Told returns what may be shown of an error: its text where it is a refusal, otherwise
// what is said of everything else. Storage's own words may name the server's files.
func Told(err error, otherwise string) string {
	var r *refused
	if errors.As(err, &r) {
		return r.text
	}
	return otherwise
}

// Quote returns the beginning of what a caller gave as a name, to be shown to it again.
// Letters, digits and what names have between them stay; a space becomes ␣ and the rest �:
// servers know some errors by their text, which no name may bring in. It is not for what
// may be secret.
func Quote(s string) string {
	const most = 64
	end := ""
	if len(s) > most {
		s, end = strings.ToValidUTF8(s[:most], ""), "…"
	}
	return strings.Map(quoted, s) + end
}

func quoted(r rune) rune {
	switch {
	case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune("_-.:/+*@", r):
		return r
	case r == ' ':
		return '␣'
	default:
		return unicode.ReplacementChar
	}
}
