// Package seal closes texts so that only the holder of a recipient's own key can read
// them: age files (age-encryption.org/v1), armoured, so that they may go by email.
package seal

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
)

// MaxRecipient is the length of a recipient in bytes: a post-quantum one has about two
// thousand, an SSH key of 16384 bits about 2800.
const MaxRecipient = 4096

// ErrRecipient is returned for what is no recipient.
var ErrRecipient = errors.New("not a recipient: give an age recipient (age1…), or an ssh-ed25519 or ssh-rsa public key")

// ErrMixed is returned for recipients that cannot read the same file: one of them would
// undo the others' protection against quantum computers.
var ErrMixed = errors.New("post-quantum recipients (age1pq1…) cannot be mixed with others")

// Check returns [ErrRecipient] for what is no recipient: X25519 (age1…), the hybrid
// post-quantum form (age1pq1…), or an SSH public key in one line, with or without a comment.
func Check(recipient string) error {
	_, err := parse(recipient)
	return err
}

func parse(s string) (age.Recipient, error) {
	if len(s) > MaxRecipient || strings.TrimSpace(s) != s || strings.ContainsAny(s, "\r\n\t") {
		return nil, ErrRecipient
	}
	var r age.Recipient
	var err error
	switch {
	case strings.HasPrefix(s, "age1pq1"):
		r, err = age.ParseHybridRecipient(s)
	case strings.HasPrefix(s, "age1"):
		r, err = age.ParseX25519Recipient(s)
	case strings.HasPrefix(s, "ssh-ed25519 "), strings.HasPrefix(s, "ssh-rsa "):
		r, err = agessh.ParseRecipient(s)
	default:
		return nil, ErrRecipient
	}
	if err != nil {
		return nil, ErrRecipient
	}
	return r, nil
}

// CheckAll is Check of recipients that are to read one file.
func CheckAll(recipients []string) error {
	quantum := 0
	for _, s := range recipients {
		if err := Check(s); err != nil {
			return err
		}
		if strings.HasPrefix(s, "age1pq1") {
			quantum++
		}
	}
	if quantum != 0 && quantum != len(recipients) {
		return ErrMixed
	}
	return nil
}

// Seal returns text as an armoured age file that each of the recipients can open alone.
// There must be at least one.
func Seal(text []byte, recipients []string) (string, error) {
	if len(recipients) == 0 {
		return "", ErrRecipient
	}
	if err := CheckAll(recipients); err != nil {
		return "", err
	}
	parsed := make([]age.Recipient, len(recipients))
	for i, s := range recipients {
		var err error
		if parsed[i], err = parse(s); err != nil {
			return "", err
		}
	}
	var out strings.Builder
	armoured := armor.NewWriter(&out)
	w, err := age.Encrypt(armoured, parsed...)
	if err != nil {
		return "", fmt.Errorf("sealing: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return "", fmt.Errorf("sealing: %w", err)
	}
	if err := errors.Join(w.Close(), armoured.Close()); err != nil {
		return "", fmt.Errorf("sealing: %w", err)
	}
	return out.String(), nil
}
