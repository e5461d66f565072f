package paths

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

// maxMessage bounds what is signed and verified, in bytes.
const maxMessage = 1 << 20

// call is one thing to sign or verify, as the caller sent it: a request head, or a message. A message to verify comes
// with its signature.
type call struct {
	http      bool
	text      bool   // the content came as text, in which Vault writes U+FFFD for bytes that are no UTF-8
	content   string // the head or the message
	signature string
	dryRun    bool // judge without recording the call
	from      netip.Addr
}

var callFields = schema{
	"request":        text("A request head as text: request line and header lines, such as request=@call.http."),
	"request_base64": text("The head in standard base64, when it is not UTF-8."),
	"message":        text("The message, with scheme hmac-sha256."),
	"message_base64": text("The message in standard base64."),
	"batch": field.Schema(framework.TypeSlice, "1 to 1000 items instead: each a head as text, or an object with the "+
		"fields of a single call and a reference of at most 256 bytes, which comes back with its result."),
	"batch_json": text("What batch takes, in one JSON text of at most 4 MiB, for many calls: Vault's audit devices " +
		"hash it whole, not each part of each item."),
}

var verifyFields = join(callFields, schema{
	"signature":    text("The signature of the message."),
	"client_ip":    text("The address the call came from, for allowed_cidrs; it is kept with the key's last use."),
	"replay_check": field.Schema(framework.TypeBool, "false looks without recording the call. Default true."),
})

// The fields of one call, by what they are for. Of whole ones the last byte counts, too.
var (
	wholeFields   = []string{"request", "message", "body", "batch", "batch_json"}
	contentFields = []string{"request", "request_base64", "message", "message_base64"}
	optionFields  = []string{"client_ip", "replay_check"}
)

// parseCall reads one call from the fields of a request or of an item of a batch. Verifying says whether the fields for
// it are allowed.
func parseCall(fields map[string]any, verifying bool) (*call, error) {
	c := new(call)
	given := ""
	for _, name := range contentFields {
		raw, ok := fields[name]
		if !ok || raw == nil {
			continue
		}
		if given != "" {
			return nil, refusal.Errorf(refusal.Invalid, "%s: cannot be given together with %s", name, given)
		}
		given = name
		content, err := parseContent(name, raw)
		if err != nil {
			return nil, err
		}
		c.content, c.http = content, strings.HasPrefix(name, "request")
		c.text = !strings.HasSuffix(name, "_base64")
	}
	if given == "" {
		return nil, refusal.Errorf(refusal.Invalid, "request: missing; give a request head, or a message")
	}
	if !verifying {
		return c, nil
	}
	if err := c.parseSignature(fields); err != nil {
		return nil, err
	}
	return c, c.parseOptions(fields)
}

func parseContent(name string, raw any) (string, error) {
	s, ok := raw.(string)
	if !ok {
		return "", field.BadValue(name, "a text")
	}
	if strings.HasSuffix(name, "_base64") {
		b, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || strings.ContainsAny(s, "\r\n") {
			return "", field.BadValue(name, "standard base64 with padding and without line ends")
		}
		s = string(b)
	}
	if len(s) > maxMessage {
		return "", refusal.Errorf(refusal.Invalid, "%s: is longer than %d bytes", name, maxMessage)
	}
	return s, nil
}

func (c *call) parseSignature(fields map[string]any) error {
	raw := fields["signature"]
	s, ok := raw.(string)
	switch {
	case c.http && raw != nil:
		return refusal.Errorf(refusal.Invalid, "signature: goes with a message; a request carries its own")
	case !c.http && raw == nil:
		return refusal.Errorf(refusal.Invalid, "signature: missing; a message is verified with one")
	case !c.http && !ok:
		return field.BadValue("signature", "a text")
	}
	c.signature = s
	return nil
}

// parseOptions reads the fields that may also stand beside a batch, for items without their own.
func (c *call) parseOptions(fields map[string]any) error {
	if raw := fields["client_ip"]; raw != nil {
		s, _ := raw.(string)
		from, err := netip.ParseAddr(s)
		if err != nil || from.Zone() != "" {
			return field.BadValue("client_ip", "an IP address")
		}
		c.from = from.Unmap()
	}
	if raw := fields["replay_check"]; raw != nil {
		check, err := field.ParseBool("replay_check", raw)
		c.dryRun = !check
		return err
	}
	return nil
}

// signed reads the signature of the call, and the head of a request. Both are good until the parser's next use. An
// error means the verdict "malformed".
func (c *call) signed(parser *signing.Parser) (*signing.Call, *signing.Head, error) {
	if !c.http {
		signed, err := signing.ParseTagged([]byte(c.content), c.signature)
		return signed, nil, err
	}
	signed, head, err := parser.LenientCall(c.content)
	if err == nil {
		err = c.checkTarget(head)
	}
	return signed, head, err
}

// head reads the head of a request.
func (c *call) head() (*signing.Head, error) {
	head, err := signing.ParseHeadString(c.content)
	if err == nil {
		err = c.checkTarget(head)
	}
	return head, err
}

// errReplaced refuses a target of which nobody can tell how it was sent.
var errReplaced = fmt.Errorf("%w: target with U+FFFD, which stands for bytes that are no UTF-8; give the head in "+
	"request_base64", signing.ErrMalformed)

// checkTarget refuses a target in which Vault may have replaced bytes.
func (c *call) checkTarget(head *signing.Head) error {
	//mutate:false "targets with bytes replaced" TestReplacedBytesInTargets
	if c.text && strings.Contains(head.Target(), "\uFFFD") {
		return errReplaced
	}
	return nil
}

// source returns where the call came from, or "".
func (c *call) source() string {
	if !c.from.IsValid() {
		return ""
	}
	return c.from.String()
}

// The fields that an item may have.
var (
	signItemFields   = append([]string{"reference"}, contentFields...)
	verifyItemFields = slices.Concat(signItemFields, []string{"signature"}, optionFields)
)
