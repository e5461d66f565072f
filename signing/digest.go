package signing

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"io"
)

// The digest algorithms that RFC 9530 section 5 calls active.
const (
	sha256Name = "sha-256"
	sha512Name = "sha-512"
)

const maxDigests = 8

// ContentDigest is the value of a Content-Digest header (RFC 9530 section 2): the hashes of a message's body.
// The zero value matches no body.
type ContentDigest struct {
	text   string
	sha256 [sha256.Size]byte
	sha512 [sha512.Size]byte
	has256 bool
	has512 bool
}

// ParseContentDigest parses a Content-Digest, such as "sha-256=:<base64>:". The value must be an RFC 8941 dictionary,
// canonical except for blanks around its commas, of at most 512 bytes and at most 8 algorithms, without duplicates.
// Each algorithm has a byte sequence without parameters. The value must have sha-256, sha-512 or both; other
// algorithms are ignored. Everything else is an [ErrMalformed]. [ContentDigest.String] returns an accepted value byte
// for byte.
//
// To parse a header of several lines, join their values with ", ".
func ParseContentDigest(value string) (ContentDigest, error) {
	if len(value) > maxDigestValue {
		return ContentDigest{}, malformed("digest longer than %d bytes", maxDigestValue)
	}
	d := ContentDigest{text: value}
	var names [maxDigests]string
	f := fields{value}
	for n := 0; ; n++ {
		if n > 0 && f.rest == "" {
			break
		}
		if n == maxDigests {
			return ContentDigest{}, malformed("more than %d digests", maxDigests)
		}
		if n > 0 && !f.comma() {
			return ContentDigest{}, malformed("digest not followed by another")
		}
		name, ok := f.key()
		if !ok || !f.consume("=") {
			return ContentDigest{}, malformed("digest without an algorithm")
		}
		for _, other := range names[:n] {
			if other == name {
				return ContentDigest{}, malformed("digest algorithm given twice")
			}
		}
		names[n] = name
		text, ok := f.byteSequence()
		if !ok || !d.set(name, text) {
			return ContentDigest{}, malformed("digest not a byte sequence, or not of its algorithm's length")
		}
	}
	if !d.has256 && !d.has512 {
		return ContentDigest{}, malformed("digest neither %s nor %s", sha256Name, sha512Name)
	}
	return d, nil
}

// set decodes text, which is base64, as the digest of a known algorithm.
func (d *ContentDigest) set(name, text string) bool {
	var buf [maxDigestValue]byte
	n, ok := decode(buf[:], text)
	switch name {
	case sha256Name:
		d.has256 = true
		return ok && n == copy(d.sha256[:], buf[:n]) && n == len(d.sha256)
	case sha512Name:
		d.has512 = true
		return ok && n == copy(d.sha512[:], buf[:n]) && n == len(d.sha512)
	}
	return ok
}

// String returns the parsed value, byte for byte.
func (d ContentDigest) String() string { return d.text }

// Matches reports whether body has every digest of a known algorithm. It takes the same time whatever the
// digests are.
func (d ContentDigest) Matches(body []byte) bool {
	w, matches := d.Verifier()
	if _, err := w.Write(body); err != nil {
		return false
	}
	return matches()
}

// Verifier returns a writer for the pieces of a body, which never fails, and a function that reports whether
// the bytes written so far match, like [ContentDigest.Matches].
func (d ContentDigest) Verifier() (w io.Writer, matches func() bool) {
	var hashes []hash.Hash
	var wants [][]byte
	if d.has256 {
		hashes, wants = append(hashes, sha256.New()), append(wants, d.sha256[:])
	}
	if d.has512 {
		hashes, wants = append(hashes, sha512.New()), append(wants, d.sha512[:])
	}
	writers := make([]io.Writer, len(hashes))
	for i, h := range hashes {
		writers[i] = h
	}
	return io.MultiWriter(writers...), func() bool {
		same := min(len(hashes), 1)
		for i, h := range hashes {
			same &= subtle.ConstantTimeCompare(h.Sum(nil), wants[i])
		}
		return same == 1
	}
}

// DigestBody returns the Content-Digest to send with body, "sha-256=:<base64>:".
func DigestBody(body []byte) string {
	sum := sha256.Sum256(body)
	return sha256Name + "=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}
