package apikey

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

func sequenceOf(n int, by byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 7 + byte(i)*by
	}
	return b
}

func padded(s string, n int, with string) string { return (s + strings.Repeat(with, n))[:n] }

func TestKeysWithoutEntropyAreNotImported(t *testing.T) {
	now := acme().CreatedAt
	for says, keys := range map[string][]string{
		"all of its bytes are equal": {strings.Repeat("\x00", 32), strings.Repeat("\xff", 64), strings.Repeat("a", 33), hex.EncodeToString(make([]byte, 16))},
		"a short pattern that repeats": {
			strings.Repeat("ab", 16), padded("0123456789abcdef", 32, "0123456789abcdef"),
			padded("secret", 32, "secret"), padded("password123", 40, "password123"),
			padded("\xde\xad\xbe\xef", 32, "\xde\xad\xbe\xef"),
			hex.EncodeToString(bytes.Repeat([]byte{0xaa, 0x55}, 16)), strings.Repeat("changeme", 4),
			strings.Repeat("seventeen letters", 2),
		},
		"count up or down": {
			string(sequenceOf(32, 1)), string(sequenceOf(64, 255)), string(sequenceOf(32, 3)),
			"abcdefghijklmnopqrstuvwxyz012345", "0123456789:;<=>?@ABCDEFGHIJKLMNO",
			hex.EncodeToString(sequenceOf(16, 1)), hex.EncodeToString(sequenceOf(31, 1)) + "\r\n",
			base64.StdEncoding.EncodeToString(sequenceOf(32, 1)), "aaaaaaaaaabbbbbbbbbbcccccccccddd",
		},
		"what examples have for a key": {
			"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEX",
			padded("your-256-bit-secret", 32, "!?"), "a-string-secret-at-least-256-bits-long",
			string(printedKeys[7]), string(printedKeys[8]), string(printedKeys[9]), string(printedKeys[7][:32]),
			base64.StdEncoding.EncodeToString(printedKeys[9]),
			"my-secret-password-for-testing-1", "please-change-this-secret-key-12", "SuperSecretPasswordChangeMe12345",
			"thisisaverylongsecretkeyfortests", "EXAMPLE_KEY_example_key_Example!",
		},
		"too few different bytes": {"01101110010101110100101101000111", "aabcabacbcbabcbbabcacbcbabcabcba"},
		"padding":                 {padded("changeme", 32, "\x00"), padded("x7Gq9", 32, " "), strings.Repeat("0", 20) + "Zq81xL0vGh3W", padded("Tr0ub4dor&3", 64, "=")},
	} {
		for _, key := range keys {
			v := Imported{KeyID: "imported-1", Secret: secret.New([]byte(key))}
			_, err := Import(
				Ref{Tenant: "acme", Kind: External, Name: "old"},
				"uid-of-acme",
				settings(),
				v,
				tenant.DefaultConfig(),
				acme(),
				admin,
				now,
			)
			refusedAs(t, err, refusal.Invalid, "key: ")
			if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), key) {
				t.Errorf("%q: %v, want %s", key, err, says)
			}
		}
	}
}

// Keys that look ordered, and are not, come in.
func TestOtherKeysAreImported(t *testing.T) {
	for _, key := range []string{
		"thirty-two bytes from elsewhere!", "k3y-f0r-b1lling-2024-Q4-xy7Tw!pLm",
		"3141592653589793238462643383279502884197", "\x00\x00\x00\x00x7Gq9Zq81xL0vGh3WpR5tYb2NmKs8dFj",
	} {
		if why := weakness([]byte(key)); why != "" {
			t.Errorf("%q: %s", key, why)
		}
	}
}

// Random keys are never refused, whatever they are made of: bytes, or the text of hexadecimal, base64, letters, or
// printable characters.
func TestRandomKeysAreImported(t *testing.T) {
	source := mathrand.NewChaCha8([32]byte([]byte("a seed, so that all is as before.")))
	random := mathrand.New(source)
	printable := make([]byte, 94)
	for i := range printable {
		printable[i] = byte('!' + i)
	}
	alphabets := map[string]string{
		"hexadecimal": "0123456789abcdef",
		"letters":     "abcdefghijklmnopqrstuvwxyz",
		"base64url":   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
		"printable":   string(printable),
		"digits":      "0123456789",
		"base32":      "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
	}
	for name, alphabet := range alphabets {
		for range 3000 {
			key := make([]byte, MinSecret+random.IntN(MaxSecret-MinSecret+1))
			for i := range key {
				key[i] = alphabet[random.IntN(len(alphabet))]
			}
			if why := weakness(key); why != "" {
				t.Fatalf("%s: %q: %s", name, key, why)
			}
		}
	}
	for n := range 20_000 {
		key := make([]byte, MinSecret+n%(MaxSecret-MinSecret+1))
		_, _ = rand.Read(key)
		if why := weakness(key); why != "" {
			t.Fatalf("%x: %s", key, why)
		}
	}
}
