// Package seal encrypts texts for recipients, as armoured age files (age-encryption.org/v1) that can be sent by
// email.
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

// MaxRecipient is the longest recipient, in bytes. A post-quantum one has about 2,000, an RSA key of 8192 bits about
// 1,400.
const MaxRecipient = 4096

// ErrRecipient is returned for a text that is not a recipient.
var ErrRecipient = errors.New("not a recipient: give an age recipient (age1…), or an ssh-ed25519 or ssh-rsa public key")

// ErrMixed is returned if only some recipients are post-quantum: the others would undo the protection against quantum
// computers.
var ErrMixed = errors.New("post-quantum recipients (age1pq1…) cannot be mixed with others")

// Bounds of an RSA recipient. The cost of sealing grows with the cube of the modulus and with the exponent. Almost
// all keys have the exponent 65537, a few have 3.
const (
	minModulus  = 2048 // bits
	maxModulus  = 8192
	maxExponent = 65537
)

// ErrRSA is returned for an RSA key that is too short or too expensive.
var ErrRSA = fmt.Errorf(
	"an ssh-rsa recipient has %d to %d bits and an exponent of at most %d: make another key, or give an ssh-ed25519 "+
		"or age1… one",
	minModulus,
	maxModulus,
	maxExponent,
)

// Check returns an error unless recipient is an X25519 recipient (age1…), a hybrid post-quantum one (age1pq1…), or an
// SSH public key on one line, with or without a comment. The error is [ErrRecipient] or [ErrRSA].
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

// checkRSA bounds the cost of sealing to a key.
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

// CheckAll checks recipients that are to read the same file. It returns the errors of [Check], or [ErrMixed].
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

// Seal returns text as an armoured age file that any one of the recipients can open. It returns [ErrRecipient] if
// there is none, and the errors of [CheckAll].
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
