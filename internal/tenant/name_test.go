package tenant

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

var grammar = regexp.MustCompile(`\A[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?\z`)

func TestParseName(t *testing.T) {
	good := []string{
		"a", "z", "7", "9", "z9", "acme", "0", "a1", "acme-corp", "a--b", "1-1", "mya", "m", "my-own", "amy",
		strings.Repeat("a", 64), "a" + strings.Repeat("-", 62) + "z",
	}
	bad := []string{
		"",
		"my",
		"My",
		"MY",
		"Acme",
		"acme_corp",
		"acme.corp",
		"acme/corp",
		"../acme",
		"acme corp",
		" acme",
		"acme ",
		"acme\n",
		"-acme",
		"acme-",
		"-",
		"+",
		"*",
		"a*",
		"acme\x00",
		"äcme",
		"acmé",
		"\xff",
		"a%2fb",
		"{{x}}",
		strings.Repeat("a", 65),
		"a" + strings.Repeat("-", 63) + "z",
	}
	for _, s := range good {
		if name, err := ParseName(s); err != nil || string(name) != s {
			t.Errorf("%q is refused: %v", s, err)
		}
	}
	for _, s := range bad {
		if name, err := ParseName(s); !errors.Is(err, refusal.Invalid) || name != "" {
			t.Errorf("%q is taken for the name %q, error %v", s, name, err)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"acme", "my", "a-b", "-a", "", "A", "a\n", strings.Repeat("x", 65)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := ParseName(s)
		if want := grammar.MatchString(s) && s != Mine; want != (err == nil) {
			t.Fatalf("%q: accepted %t, the grammar says %t", s, err == nil, want)
		}
		if err == nil && string(name) != s {
			t.Fatalf("%q became %q", s, name)
		}
	})
}
