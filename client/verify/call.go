package verify

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"vault-plugin-secrets-apikeys/signing"
)

const (
	maxMessage   = 1 << 20 // bytes, as the engine takes them
	maxSignature = 256     // bytes; a good one has 111 at the most
)

// wellFormed reports whether the engine takes this for a call. If not, the call is malformed.
func wellFormed(c Call) bool {
	if c.Request != "" {
		return len(c.Request) <= signing.MaxHeadBytes && c.Message == "" && c.Signature == ""
	}
	return len(c.Message) <= maxMessage &&
		c.Signature != "" && len(c.Signature) <= maxSignature && utf8.ValidString(c.Signature)
}

// fieldsOf returns a call as the engine takes it, alone or in a batch.
func fieldsOf(c Call) map[string]any {
	fields := make(map[string]any, 3)
	name, text := "request", c.Request
	if text == "" {
		name, text = "message", c.Message
		fields["signature"] = c.Signature
	}
	if !isText(text) {
		name, text = name+"_base64", base64.StdEncoding.EncodeToString([]byte(text))
	}
	fields[name] = text
	if c.ClientIP.IsValid() {
		fields["client_ip"] = c.ClientIP.WithZone("").String()
	}
	return fields
}

// isText reports whether the engine takes s as text: it cannot tell U+FFFD from what JSON puts for other bytes.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, utf8.RuneError) }

func newQuestion(c Call, apart bool) *question {
	q := &question{call: c, answer: make(chan rawAnswer, 1), size: len(c.Request) + len(c.Message)}
	if apart {
		if fields, isText := itemOf(c).(map[string]any); !isText {
			q.texts = 1
		} else {
			q.texts = 2 * len(fields)
		}
		q.alone = q.size > maxPacked
		return q
	}
	if q.packed = packedItem(c); q.packed == "" {
		q.alone = true
	}
	q.size = len(q.packed) + len(",")
	return q
}

// itemOf returns a call as an item of a batch.
func itemOf(c Call) any {
	if c.Request == "" || c.ClientIP.IsValid() || !isText(c.Request) {
		return fieldsOf(c)
	}
	return c.Request
}

// packedItem returns a call as an item of a packed batch, or "" for one that is too long for any.
func packedItem(c Call) string {
	if len(c.Request)+len(c.Message) > maxPacked {
		return ""
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(itemOf(c)); err != nil || text.Len()+len("[]") > maxPacked {
		return ""
	}
	return strings.TrimSuffix(text.String(), "\n")
}
