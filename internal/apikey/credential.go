package apikey

import (
	"encoding/base64"
	"hash/crc32"
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/signing"
)

const (
	credentialPrefix = "vak_"
	checksumLength   = 6
)

// Credential returns the one-string form that secret scanners can find: vak_<key_id>_<key>_<checksum>. The
// checksum is the CRC-32 (IEEE) of everything before the last underscore, as six base62 characters. A key ID
// with an underscore has no such form: Credential returns "".
func Credential(keyID string, key secret.Bytes) string {
	if strings.Contains(keyID, "_") || key.Erased() {
		return ""
	}
	body := credentialPrefix + keyID + "_" + key.RevealText()
	return body + "_" + checksum(body)
}

// ParseCredential splits a credential into its parts. It accepts only what [Credential] writes.
func ParseCredential(s string) (keyID string, key secret.Bytes, err error) {
	bad := refusal.Errorf(refusal.Invalid, "credential: not of the form vak_<key_id>_<key>_<checksum>")
	rest, ok := strings.CutPrefix(s, credentialPrefix)
	keyID, tail, found := strings.Cut(rest, "_")
	cut := len(tail) - checksumLength - 1
	if !ok || !found || cut < 1 || tail[cut] != '_' || !signing.ValidKeyID(keyID) {
		return "", secret.Bytes{}, bad
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(tail[:cut])
	if err != nil || len(raw) < MinSecret || len(raw) > MaxSecret {
		return "", secret.Bytes{}, bad
	}
	if key = secret.New(raw); Credential(keyID, key) != s {
		return "", secret.Bytes{}, bad
	}
	return keyID, key, nil
}

func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var out [checksumLength]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return string(out[:])
}
