package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/signing"
)

const (
	maxMessage   = 1 << 20 // bytes, as the engine takes them
	maxSignature = 256     // bytes; a good one has 111 at the most
)

// askable reports whether the engine can take a call for one. What it cannot take is malformed.
func wellFormed(c Call) bool {
	if c.Request != "" {
		return len(c.Request) <= signing.MaxHeadBytes && c.Message == "" && c.Signature == ""
	}
	return len(c.Message) <= maxMessage && c.Signature != "" && len(c.Signature) <= maxSignature && utf8.ValidString(c.Signature)
}

// fields returns a call as the engine takes it, alone or in a batch.
func (c Call) fields() map[string]any {
	fields := make(map[string]any, 3)
	name, text := "request", c.Request
	if text == "" {
		name, text = "message", c.Message
		fields["signature"] = c.Signature
	}
	if !utf8.ValidString(text) {
		name, text = name+"_base64", base64.StdEncoding.EncodeToString([]byte(text))
	}
	fields[name] = text
	if c.ClientIP.IsValid() {
		fields["client_ip"] = c.ClientIP.WithZone("").String()
	}
	return fields
}

func newQuestion(c Call, apart bool) *question {
	q := &question{call: c, answer: make(chan rawAnswer, 1), size: len(c.Request) + len(c.Message)}
	if apart {
		if fields, isText := c.item().(map[string]any); !isText {
			q.texts = 1
		} else {
			q.texts = 2 * len(fields)
		}
		q.alone = q.size > maxPacked
		return q
	}
	if q.packed = c.pack(); q.packed == "" {
		q.alone = true
	}
	q.size = len(q.packed) + len(",")
	return q
}

// item returns a call as an item of a batch.
func (c Call) item() any {
	if c.Request == "" || c.ClientIP.IsValid() || !utf8.ValidString(c.Request) {
		return c.fields()
	}
	return c.Request
}

// pack returns a call as an item of a packed batch, or "" for one that is too long for any.
func (c Call) pack() string {
	if len(c.Request)+len(c.Message) > maxPacked {
		return ""
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(c.item()); err != nil || text.Len()+len("[]") > maxPacked {
		return ""
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// ask puts one request to Vault and returns an answer for each of its questions, or why there are none.
func (v *Verifier) send(b *batch) ([]rawAnswer, error) {
	sent, packed := b.fields()
	if token := v.app.Token(); token != v.vault.Token() {
		v.vault.SetToken(token)
	}
	answer, err := v.writes.ask(b.ctx, v.vault, v.path, sent)
	if err != nil {
		return nil, v.unanswered(err)
	}
	if len(b.questions) == 1 {
		return []rawAnswer{{data: answer.Data}}, nil
	}
	answers, err := answersOf(answer, packed, len(b.questions))
	if err != nil {
		return nil, fmt.Errorf("%w: %w: results", ErrUnknown, errMalformed)
	}
	return answers, nil
}

// fields returns what the engine takes for those on board, and whether that is a packed batch.
func (b *batch) fields() (sent map[string]any, packed bool) {
	if len(b.questions) == 1 {
		return b.questions[0].call.fields(), false
	}
	if b.questions[0].packed == "" {
		batch := make([]any, len(b.questions))
		for i, q := range b.questions {
			batch[i] = q.call.item()
		}
		return map[string]any{"batch": batch}, false
	}
	var text strings.Builder
	for i, q := range b.questions {
		text.WriteByte("[,"[min(i, 1)])
		text.WriteString(q.packed)
	}
	text.WriteByte(']')
	return map[string]any{"batch_json": text.String()}, true
}

// answersOf returns the answers to a batch of n.
func answersOf(answer *api.Secret, packed bool, n int) ([]rawAnswer, error) {
	if packed {
		text, err := field[string](answer, "results_json")
		if err != nil {
			return nil, err
		}
		return unpack(text, n)
	}
	results, err := field[[]any](answer, "results")
	if err != nil || len(results) != n {
		return nil, errMalformed
	}
	answers := make([]rawAnswer, n)
	for i, result := range results {
		answers[i].data, _ = result.(map[string]any)
	}
	return answers, nil
}

// unanswered says what an error of a request means for the calls in it.
func (v *Verifier) unanswered(err error) error {
	if v.ctx.Err() != nil {
		return ErrClosed
	}
	status := statusOf(err)
	dial, dialled := errors.AsType[*net.OpError](err)
	switch {
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests, status == http.StatusPreconditionFailed,
		dialled && dial.Op == "dial":
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		// Not the caller's deadline, which an error of that kind would be taken for.
		return fmt.Errorf("%w: no answer in time", ErrUnknown)
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}
