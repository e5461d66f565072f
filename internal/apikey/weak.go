package apikey

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// Bounds for secrets that are refused. Random bytes, digits or letters practically never reach them: the most
// likely case is one in 10^10 keys of random decimal digits, and one in 2^90 of random bytes.
const (
	fewestBytes    = 5  // number of different bytes
	fewestUnpadded = 16 // bytes without the padding
)

// weakness returns why a key has no entropy, or "". A text that encodes bytes is checked in both forms.
func weakness(key []byte) string {
	if why := weakBytes(key); why != "" {
		return why
	}
	text := string(bytes.TrimRight(key, "=\x00\r\n "))
	if raw, err := hex.DecodeString(text); err == nil && len(raw) > 0 {
		return weakBytes(raw)
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if raw, err := encoding.DecodeString(text); err == nil {
			return weakBytes(raw)
		}
	}
	return ""
}

func weakBytes(key []byte) string {
	switch period := periodOf(key); {
	case period == 1:
		return "all of its bytes are equal"
	case period <= len(key)/2:
		return "it is a short pattern that repeats"
	case unpadded(key) < fewestUnpadded && unpadded(key) < len(key)/2:
		return "most of it is padding"
	case isSequence(key):
		return "its bytes count up or down"
	case isExample(key):
		return "it is, or is made of, what examples have for a key"
	case different(key) < fewestBytes:
		return "it has too few different bytes"
	default:
		return ""
	}
}

// periodOf returns the length of the shortest pattern that key repeats, or len(key).
func periodOf(key []byte) int {
	for n := 1; n < len(key); n++ {
		if bytes.Equal(key[n:], key[:len(key)-n]) {
			return n
		}
	}
	return len(key)
}

// isSequence reports whether at least two thirds of the bytes differ from the byte before by the same step as
// that one did.
func isSequence(key []byte) bool {
	same := 0
	for i := 2; i < len(key); i++ {
		if key[i]-key[i-1] == key[i-1]-key[i-2] {
			same++
		}
	}
	return len(key) > 2 && 3*same >= 2*(len(key)-2)
}

func different(key []byte) int {
	var seen [256]bool
	n := 0
	for _, b := range key {
		if !seen[b] {
			seen[b] = true
			n++
		}
	}
	return n
}

// unpadded returns how many bytes are left without the run of equal bytes at one end.
func unpadded(key []byte) int { return min(len(trimEnd(key)), len(trimStart(key))) }

func trimEnd(key []byte) []byte {
	n := len(key)
	for n > 0 && key[n-1] == key[len(key)-1] {
		n--
	}
	return key[:n]
}

func trimStart(key []byte) []byte {
	n := 0
	for n < len(key) && key[n] == key[0] {
		n++
	}
	return key[n:]
}

// exampleWords are words of keys in examples. Short words are left out, because random letters contain them.
// Longer words come first, because some contain others.
var exampleWords = []string{
	"abcdefghijklmnopqrstuvwxyz", "correcthorsebatterystaple", "development", "supersecret", "0123456789", "characters",
	"production", "verysecret", "12345678", "changeme", "passw0rd", "password", "passwort", "battery", "correct",
	"default", "example", "letmein", "private", "replace", "signing", "testing", "welcome", "abcdef", "change",
	"foobar", "insert", "master", "please", "public", "qwerty", "qwertz", "random", "sample", "secret", "secure",
	"sha256", "shared", "should", "staple", "string", "admin", "bytes", "chars", "dummy", "hello", "horse", "least",
	"super", "token", "value", "world", "1234", "abcd", "asdf", "bits", "byte", "demo", "here", "hmac", "keys", "long",
	"mine", "must", "only", "root", "test", "that", "this", "very", "with", "your", "jwt", "key",
}

// printedKeys are keys that standards and manuals have printed, as bytes and as text.
var printedKeys = [][]byte{
	[]byte("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
	[]byte("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
	[]byte("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"),
	[]byte("your-256-bit-secret"),
	[]byte("your-384-bit-secret"),
	[]byte("your-512-bit-secret"),
	[]byte("a-string-secret-at-least-256-bits-long"),
	fromText(
		"uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ",
	), // RFC 9421 B.1.5
	fromText("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"), // RFC 7515 A.1
	fromText("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"),                                            // RFC 7520 3.5
	fromText("GawgguFyGrWKav7AX4VKUg"),                                                                 // RFC 7517 A.3
}

func fromText(s string) []byte {
	for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
		if b, err := encoding.DecodeString(s); err == nil {
			return b
		}
	}
	return nil
}

// isExample reports whether a key begins with a published key, or two thirds of it are example words.
func isExample(key []byte) bool {
	for _, p := range printedKeys {
		n := min(len(p), len(key)) // a published key may be longer than an imported one
		if n >= fewestUnpadded && bytes.Equal(p[:n], key[:n]) {
			return true
		}
	}
	words := strings.ToLower(string(key))
	for _, word := range exampleWords {
		words = strings.ReplaceAll(words, word, strings.Repeat("\x00", len(word)))
	}
	hidden := strings.Count(words, "\x00") - bytes.Count(key, []byte{0})
	rest := []byte(words)
	slices.Sort(rest)
	return 3*hidden >= 2*len(key) || 2*hidden >= len(key) && len(slices.Compact(rest)) <= fewestUnpadded/2
}
