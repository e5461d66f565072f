package apikey

import (
	"bytes"
	"fmt"
	"strings"
)

// examples are words of keys that stand in documents and templates. Each has seven letters
// or more: a random key that is text holds one by chance once in a billion.
var examples = []string{
	"changeme", "change-me", "change_me", "password", "passw0rd", "example", "letmein", "qwertyuiop", "placeholder", "default",
	"secretkey", "secret-key", "secret_key", "topsecret", "supersecret", "your-secret", "your_secret", "yoursecret", "your-256-bit",
	"helloworld", "abcdefgh", "0123456789", "1234567890", "deadbeef", "testtest", "test-key", "test_key",
}

// fewest is how many different bytes a secret has at the least. Of 32 random ones fewer are
// never seen, nor of 64 hexadecimal digits.
const fewest = 8

// guessable says why a secret that was made elsewhere is none, or "".
func guessable(key []byte) string {
	for period := 1; period <= len(key)/2; period++ {
		if bytes.Equal(key[period:], key[:len(key)-period]) {
			if period == 1 {
				return "all its bytes are the same"
			}
			return fmt.Sprintf("its first %d bytes are repeated", period)
		}
	}
	if isSequence(key) {
		return "its bytes are counted up or down"
	}
	var seen [256]bool
	different := 0
	for _, b := range key {
		if !seen[b] {
			seen[b] = true
			different++
		}
	}
	if different < fewest {
		return fmt.Sprintf("it has only %d different bytes", different)
	}
	text := strings.ToLower(string(key))
	for _, word := range examples {
		if strings.Contains(text, word) {
			return fmt.Sprintf("it has %q in it, as examples do", word)
		}
	}
	return ""
}

// isSequence reports whether each byte is as far from the one before as all others are.
func isSequence(key []byte) bool {
	for i := 2; i < len(key); i++ {
		if key[i]-key[i-1] != key[1]-key[0] {
			return false
		}
	}
	return true
}
