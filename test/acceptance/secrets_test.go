//go:build acceptance

package acceptance

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// stem is how many bytes of a needle it is looked up by; every needle is longer.
const stem = 16

// needles are texts to look for in much text at once, by their stems.
type needles map[string][][]byte

// add adds every form in which the bytes of a key, given as unpadded base64url, could lie about. A credential holds the
// first of them.
func (n needles) add(key string) error {
	raw, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil || len(raw) < stem {
		return fmt.Errorf("a key of %d characters is none", len(key))
	}
	for _, form := range [][]byte{
		raw, []byte(key),
		[]byte(base64.RawStdEncoding.EncodeToString(raw)), // padded or not
		[]byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw))),
		[]byte(decimal(raw, " ")), []byte(decimal(raw, ",")), // as programs print lists
	} {
		at := string(form[:stem])
		if !slices.ContainsFunc(n[at], func(known []byte) bool { return bytes.Equal(known, form) }) {
			n[at] = append(n[at], form)
		}
	}
	return nil
}

// decimal writes bytes as numbers.
func decimal(raw []byte, between string) string {
	numbers := make([]string, len(raw))
	for i, b := range raw {
		numbers[i] = strconv.Itoa(int(b))
	}
	return strings.Join(numbers, between)
}

// in reports whether one of the needles is in content.
func (n needles) in(content []byte) bool {
	for i := range len(content) - stem + 1 {
		for _, needle := range n[string(content[i:i+stem])] {
			if bytes.HasPrefix(content[i:], needle) {
				return true
			}
		}
	}
	return false
}

func TestNeedles(t *testing.T) {
	t.Parallel()
	raw, other := make([]byte, 32), make([]byte, 32)
	rand.Read(raw)
	rand.Read(other)
	key := base64.RawURLEncoding.EncodeToString(raw)
	hay := needles{}
	if err := hay.add(key); err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{
		"base64url":  key,
		"credential": "vak_0123456789abcdef_" + key + "_000000",
		"base64":     base64.StdEncoding.EncodeToString(raw),
		"hex":        fmt.Sprintf("%x", raw),
		"HEX":        fmt.Sprintf("%X", raw),
		"numbers":    fmt.Sprintf("%d", raw),
		"list":       "[" + decimal(raw, ",") + "]",
		"raw":        string(raw),
	} {
		if !hay.in([]byte("before " + text + " after")) {
			t.Errorf("%s is not found", form)
		}
	}
	if hay.in([]byte(base64.RawURLEncoding.EncodeToString(other))) || hay.in(nil) {
		t.Error("found what is not there")
	}
}

// secretsOf returns the keys that an answer of the engine holds.
func secretsOf(output string) []string {
	var secrets []string
	for name, value := range tour.Answer(output) {
		switch name[strings.LastIndex(name, ".")+1:] {
		case "key":
			secrets = append(secrets, value)
		case "credential":
			if parts := strings.SplitN(value, "_", 3); len(parts) == 3 && len(parts[2]) > len("_000000") {
				secrets = append(secrets, parts[2][:len(parts[2])-len("_000000")])
			}
		}
	}
	return slices.DeleteFunc(secrets, func(secret string) bool { return secret == "" })
}

// guard remembers the secrets of an answer.
func (w *world) guard(output string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, secret := range secretsOf(output) {
		if err := w.secrets.add(secret); err != nil {
			return err
		}
	}
	return nil
}

// known reports whether content holds one of the secrets handed out so far.
func (w *world) known(content []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.secrets.in(content)
}

// leaks returns an error when one of the secrets handed out is in the server's log or the audit log.
func (w *world) leaks() error {
	for _, name := range []string{w.LogFile(), w.AuditFile()} {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if w.known(content) {
			return fmt.Errorf("%s holds a secret", filepath.Base(name))
		}
	}
	return nil
}
