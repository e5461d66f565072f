package signing

import "strings"

// tagVersion names the format of hmac-sha256 tags, so that others can follow.
const tagVersion = "v1:"

// ParseTagged parses an hmac-sha256 signature, "v1:<key_id>:<tag>". The tag is 43 characters of base64url
// without padding or stray bits. Everything else is an [ErrMalformed]. The scheme has no nonce and no time. The
// call's Message is message itself, not a copy.
func ParseTagged(message []byte, signature string) (*Call, error) {
	rest, ok := strings.CutPrefix(signature, tagVersion)
	if !ok {
		return nil, malformed("signature not of version %s", strings.TrimSuffix(tagVersion, ":"))
	}
	keyID, text, ok := strings.Cut(rest, ":")
	if !ok || !ValidKeyID(keyID) {
		return nil, malformed("key ID of signature")
	}
	c := &Call{Scheme: HMACSHA256, KeyID: keyID, Message: message}
	if !parseTag(&c.Tag, text) {
		return nil, malformed("tag of signature")
	}
	return c, nil
}

// SignTagged returns the hmac-sha256 signature of message. Verifiers refuse the result if the key is empty or
// keyID is not a [ValidKeyID].
func SignTagged(keyID string, key, message []byte) string {
	return formatTagged(keyID, MAC(key, message))
}

func formatTagged(keyID string, tag [TagSize]byte) string {
	return tagVersion + keyID + ":" + tagEncoding.EncodeToString(tag[:])
}
