package apikey

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

var grammar = regexp.MustCompile(`\A[a-z0-9]([a-z0-9_-]|\.[a-z0-9_-])*\z`)

func TestParseName(t *testing.T) {
	good := []string{
		"a",
		"z",
		"0",
		"9",
		"z9",
		"billing",
		"my",
		"a.b",
		"a_b",
		"a-b",
		"a.b.c",
		"v1.2_x-y",
		"a_.b",
		"a-.-b",
		"a--b",
		"a__b",
		strings.Repeat("a", 64),
	}
	bad := []string{
		"", ".", "_", "-", ".a", "a.", "_a", "a_", "-a", "a-", "a..b", "a...b", "A", "aB", "a b", "a/b", "a\\b", "../a",
		"a\n", "a\x00b", "a%2eb", "a+b", "a*", "ä", "aä", "\xff", "a:b", strings.Repeat("a", 65),
	}
	for _, s := range good {
		if name, err := ParseName("key", s); err != nil || string(name) != s {
			t.Errorf("%q is refused: %v", s, err)
		}
	}
	for _, s := range bad {
		name, err := ParseName("key", s)
		if !errors.Is(err, refusal.Invalid) || name != "" || !strings.HasPrefix(err.Error(), "key:") {
			t.Errorf("%q is taken for the name %q, error %v", s, name, err)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"billing", "a.b", "a..b", "a.", "_", "", strings.Repeat("x", 65)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := ParseName("role", s)
		want := len(s) <= 64 && grammar.MatchString(s) && !strings.ContainsAny(s[len(s)-1:], "_-")
		if want != (err == nil) || err == nil && string(name) != s {
			t.Fatalf("%q: %q, %v; the grammar says %t", s, name, err, want)
		}
	})
}

func TestParseKind(t *testing.T) {
	for _, kind := range Kinds {
		if got, err := ParseKind(string(kind)); err != nil || got != kind {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
	}
	for _, s := range []string{"", "Internal", "EXTERNAL", "internal ", "both", "*"} {
		if got, err := ParseKind(s); !errors.Is(err, refusal.NotFound) || got != "" {
			t.Errorf("%q is taken for the kind %q, error %v", s, got, err)
		}
	}
}

func TestEachKindHasItsOwnSettings(t *testing.T) {
	c := tenant.DefaultConfig()
	c.Internal.MaxTTL, c.External.MaxTTL = day, 2*day
	if Internal.Config(c).MaxTTL != day || External.Config(c).MaxTTL != 2*day {
		t.Error("the kinds' settings are mixed up")
	}
}

// Of 62,000 characters each is expected a thousand times; a fifth off is six standard
// deviations. A byte taken modulo 62 would favour the first eight letters by a quarter.
func TestNewKeyID(t *testing.T) {
	const ids = 62_000 / keyIDLength
	seen := make(map[string]bool, ids)
	count := make(map[rune]int, len(base62))
	for range ids {
		keyID := NewKeyID()
		if len(keyID) != 16 || !signing.ValidKeyID(keyID) || strings.Trim(keyID, base62) != "" {
			t.Fatalf("key ID %q", keyID)
		}
		if seen[keyID] {
			t.Fatalf("key ID %q came twice", keyID)
		}
		seen[keyID] = true
		for _, c := range keyID {
			count[c]++
		}
	}
	if len(count) != 62 {
		t.Errorf("%d letters appear, want all 62", len(count))
	}
	low, high := 0, 0
	for c, n := range count {
		if n < 800 || n > 1200 {
			t.Errorf("%q appears %d times, about 1000 are expected", c, n)
		}
		if strings.ContainsRune(base62[:8], c) {
			low += n
		} else {
			high += n
		}
	}
	if mean := float64(low) / 8; mean > 1.1*float64(high)/54 {
		t.Errorf("the first eight letters appear %.0f times each, the others %.0f", mean, float64(high)/54)
	}
}
