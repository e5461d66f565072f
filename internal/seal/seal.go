// Package seal closes texts so that only the holder of a recipient's own key can read
// them: age files (age-encryption.org/v1), armoured, so that they may go by email.
package seal

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"
)

// MaxRecipient is the length of a recipient in bytes: a post-quantum one has about two
// thousand, an RSA key of 8192 bits about 1400.
const MaxRecipient = 4096

// ErrRecipient is returned for what is no recipient.
var ErrRecipient = errors.New("not a recipient: give an age recipient (age1…), or an ssh-ed25519 or ssh-rsa public key")

// ErrMixed is returned for recipients that cannot read the same file: one of them would
// undo the others' protection against quantum computers.
var ErrMixed = errors.New("post-quantum recipients (age1pq1…) cannot be mixed with others")

// Bounds of an RSA recipient: what sealing to one costs grows with the cube of the one,
// and with the other. The exponent is 65537 in all but a few keys; 3 is another.
const (
	minModulus  = 2048 // bits
	maxModulus  = 8192
	maxExponent = 65537
)

// ErrRSA is returned for an RSA key that is too short, or costs too much.
var ErrRSA = fmt.Errorf(
	"an ssh-rsa recipient has %d to %d bits and an exponent of at most %d: make another key, or give an ssh-ed25519 "+
		"or age1… one",
	minModulus,
	maxModulus,
	maxExponent,
)

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
	case strings.HasPrefix(s, "ssh-rsa "):
		if err := checkRSA(s); err != nil {
			return nil, err
		}
		r, err = agessh.ParseRecipient(s)
	case strings.HasPrefix(s, "ssh-ed25519 "):
		r, err = agessh.ParseRecipient(s)
	default:
		return nil, ErrRecipient
	}
	if err != nil {
		return nil, ErrRecipient
	}
	return r, nil
}

// checkRSA keeps what sealing to a key costs within bounds.
func checkRSA(s string) error {
	parsed, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s))
	if err != nil {
		return ErrRecipient
	}
	key, ok := parsed.(ssh.CryptoPublicKey)
	if !ok {
		return ErrRecipient
	}
	public, ok := key.CryptoPublicKey().(*rsa.PublicKey)
	if !ok {
		return ErrRecipient
	}
	//mutate:false:2 "sizes of RSA keys" TestRSAIsBounded
	//mutate:false:3 "exponents of RSA keys" TestRSAIsBounded
	if bits := public.N.BitLen(); bits < minModulus || bits > maxModulus || public.E > maxExponent {
		return ErrRSA
	}
	return nil
}

// CheckAll is Check of recipients that are to read one file.
func CheckAll(recipients []string) error {
	_, err := parseAll(recipients)
	return err
}

func parseAll(recipients []string) ([]age.Recipient, error) {
	parsed, quantum := make([]age.Recipient, len(recipients)), 0
	for i, s := range recipients {
		var err error
		if parsed[i], err = parse(s); err != nil {
			return nil, err
		}
		if strings.HasPrefix(s, "age1pq1") {
			quantum++
		}
	}
	if quantum != 0 && quantum != len(recipients) {
		return nil, ErrMixed
	}
	return parsed, nil
}

// Seal returns text as an armoured age file that each of the recipients can open alone.
// There must be at least one.
func Seal(text []byte, recipients []string) (string, error) {
	if len(recipients) == 0 {
		return "", ErrRecipient
	}
	parsed, err := parseAll(recipients)
	if err != nil {
		return "", err
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
