// Package refusal defines the kinds of refused requests, so that rules need no HTTP and one table chooses the status
// codes.
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
	Invalid     = errors.New("invalid request")    // bad input, a limit, or a guard
	Forbidden   = errors.New("forbidden")          // the caller may not do it
	NotFound    = errors.New("not found")          // the caller has no such object
	Conflict    = errors.New("conflict")           // another change came first
	Unavailable = errors.New("cannot be answered") // something that the decision needs does not answer
)

type refused struct {
	kind error
	text string
}

// Errorf returns an error of the given kind. Its text is the formatted message alone, and may be shown to the caller.
func Errorf(kind error, format string, args ...any) error {
	return &refused{kind: kind, text: fmt.Sprintf(format, args...)}
}

func (r *refused) Error() string        { return r.text }
func (r *refused) Is(target error) bool { return target == r.kind }

// PublicText returns the text of err that may be shown to callers: its own if it is a refusal, otherwise the given one.
// Storage errors may contain names of the server's files.
func PublicText(err error, otherwise string) string {
	var r *refused
	if errors.As(err, &r) {
		return r.text
	}
	return otherwise
}

// Quote returns a name that a caller sent, shortened to 64 bytes, to be shown in an error. Letters, digits and common
// separators stay, a space becomes ␣, and the rest becomes �. Servers recognize some errors by their text, which a
// name must not imitate. Do not quote secrets.
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
	//mutate:true:1 "texts that servers know errors by" ./backend TestNoErrorQuotesWhatServersKnowByText
	case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune("_-.:/+*@", r):
		return r
	case r == ' ':
		return '␣'
	default:
		return unicode.ReplacementChar
	}
}
