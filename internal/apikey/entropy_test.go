package apikey

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

func counted(from, step byte) []byte {
	key := make([]byte, MinSecret)
	for i := range key {
		key[i] = from + byte(i)*step
	}
	return key
}

func TestSecretsThatCanBeGuessed(t *testing.T) {
	for want, keys := range map[string][][]byte{
		"all its bytes are the same":       {make([]byte, 32), bytes.Repeat([]byte{0xff}, 64), []byte(strings.Repeat("a", 40))},
		"its first 2 bytes are repeated":   {bytes.Repeat([]byte{1, 2}, 16), []byte(strings.Repeat("ab", 16) + "a")},
		"its first 16 bytes are repeated":  {bytes.Repeat([]byte("k7Qp2mZ9xV4cB1nL"), 2)},
		"its bytes are counted up or down": {counted(0, 1), counted(255, 255), counted('A', 1), counted(3, 7)},
		"different bytes":                  {[]byte("aabacadaabcabdacabadbacadabacabdd")},
		"in it":                            {[]byte("your-256-bit-secret-your-256-bit"), []byte("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), []byte("ChangeMe!ChangeMe?ChangeMe.12345")},
	} {
		for _, key := range keys {
			v := Imported{KeyID: "tEsTkEy1", Secret: secret.New(key)}
			_, err := Import(newKey().Ref, "uid", newKey().Settings, v, tenant.DefaultConfig(), acme(), Actor{}, start)
			if !errors.Is(err, refusal.Invalid) || !strings.HasPrefix(err.Error(), "key: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), string(key)) {
				t.Errorf("%q: %v, want %s", key, err, want)
			}
		}
	}
}

// What is random is never refused, be it bytes or a text of them.
func TestRandomSecretsCannotBeGuessed(t *testing.T) {
	for range 20_000 {
		key := make([]byte, MinSecret)
		_, _ = rand.Read(key)
		for _, key := range [][]byte{key, []byte(hex.EncodeToString(key))} {
			if why := guessable(key); why != "" {
				t.Fatalf("a random key: %s", why)
			}
		}
	}
}
