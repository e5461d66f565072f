package verify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client/internal/vault"
)

// batch is the calls of one request under way. It is canceled once nobody waits for it any more.
type batch struct {
	questions []*question
	waiters   int // questions whose callers still wait
	ctx       context.Context
	cancel    context.CancelFunc
}

// nextBatch takes the questions that wait, as many as fit, or returns nil when none does. The lock is held.
func (v *Verifier) nextBatch() *batch {
	b, size, texts := new(batch), 1, 0 // two brackets, and one comma less than there are calls
	for e := v.waiting.Front(); e != nil && len(b.questions) < maxItems; e = v.waiting.Front() {
		q := e.Value.(*question)
		size += q.size
		texts += q.texts
		//mutate:false:2.2 "texts in one request" TestVerifierStrings
		if len(b.questions) > 0 && (size > v.maxBytes() || texts > maxStrings || q.alone) {
			break
		}
		v.waiting.Remove(e)
		b.questions = append(b.questions, q)
		q.batch = b
		if q.alone {
			break
		}
	}
	if len(b.questions) == 0 {
		return nil
	}
	b.waiters = len(b.questions)
	b.ctx, b.cancel = context.WithTimeout(v.ctx, v.options.timeout)
	return b
}

func (v *Verifier) maxBytes() int {
	if v.options.auditItems {
		return maxApart
	}
	return maxPacked
}

// send puts one request to Vault and returns an answer to each of its questions, or why there are none.
func (v *Verifier) send(b *batch) ([]rawAnswer, error) {
	sent, packed := b.fields()
	if token := v.app.Token(); token != v.vault.Token() {
		v.vault.SetToken(token)
	}
	answer, err := v.writes.Write(b.ctx, v.vault, v.path, sent)
	if err != nil {
		return nil, v.unanswered(err)
	}
	if len(b.questions) == 1 {
		return []rawAnswer{{data: answer.Data}}, nil
	}
	answers, err := answersOf(answer, packed, len(b.questions))
	if err != nil {
		return nil, fmt.Errorf("%w: %w: results", ErrUnknown, vault.ErrMalformed)
	}
	return answers, nil
}

// fields returns the batch as the engine takes it, and whether it is packed.
func (b *batch) fields() (sent map[string]any, packed bool) {
	if len(b.questions) == 1 {
		return fieldsOf(b.questions[0].call), false
	}
	if b.questions[0].packed == "" {
		batch := make([]any, len(b.questions))
		for i, q := range b.questions {
			batch[i] = itemOf(q.call)
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
		text, err := vault.Field[string](answer, "results_json")
		if err != nil {
			return nil, err
		}
		return unpack(text, n)
	}
	results, err := vault.Field[[]any](answer, "results")
	if err != nil || len(results) != n {
		return nil, vault.ErrMalformed
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
	status := vault.StatusOf(err)
	dial, dialled := errors.AsType[*net.OpError](err)
	switch {
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests,
		status == http.StatusPreconditionFailed, dialled && dial.Op == "dial":
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		// It must not be taken for the caller's deadline.
		return fmt.Errorf("%w: no answer in time", ErrUnknown)
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}
