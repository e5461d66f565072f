package refusal

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestKindsAreToldApart(t *testing.T) {
	kinds := []error{Invalid, Forbidden, NotFound, Conflict, Unavailable}
	for i, kind := range kinds {
		for _, err := range []error{Errorf(kind, "x"), fmt.Errorf("around: %w", Errorf(kind, "x"))} {
			for j, other := range kinds {
				if errors.Is(err, other) != (i == j) {
					t.Errorf("a refusal of kind %q is taken for %q: %t", kind, other, i != j)
				}
			}
		}
	}
}

func TestTextIsTheMessageAlone(t *testing.T) {
	if got, want := Errorf(Conflict, "cas: it is %d now", 7).Error(), "cas: it is 7 now"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Answers cross to Vault as UTF-8, and a wrong byte in one would lose it.
func TestQuote(t *testing.T) {
	long := strings.Repeat("x", 63)
	for s, want := range map[string]string{
		"":                                 "",
		"billing":                          "billing",
		long + "y":                         long + "y",
		long + "yz":                        long + "y…",
		long + "é":                         long + "…", // its second byte is the 65th
		"a\xffb":                           "a\uFFFDb",
		"a_b-c.d:e/f+g*h@i Schlüssel":      "a_b-c.d:e/f+g*h@i␣Schlüssel",
		"a\nb\"c\u200dd":                   "a\uFFFDb\uFFFDc\uFFFDd",
		"cannot write to readonly storage": "cannot␣write␣to␣readonly␣storage",
		strings.Repeat("x", 9999):          long + "x…",
	} {
		if got := Quote(s); got != want || !utf8.ValidString(got) {
			t.Errorf("%.70q: %q, want %q", s, got, want)
		}
	}
}
