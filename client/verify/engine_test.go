package verify

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
)

const verifyPath = "apikeys/verify"

// fakeEngine answers verify in memory. What it finds is what the call's text begins with: a verdict, or "storage" for a
// call that it cannot judge, or "garbage".
type fakeEngine struct {
	vaulttest.Vault
	slow time.Duration // how long it takes for a request
	mu   sync.Mutex
	sent [][]string // the calls of each request
	form []string   // the field in which they were, of requests of several
	ips  []any
	seen map[string]int
}

func newFakeEngine(slow time.Duration) *fakeEngine {
	e := &fakeEngine{slow: slow, seen: map[string]int{}}
	e.Odd = func(r *http.Request, sent map[string]any) (*http.Response, error) {
		if e.slow > 0 {
			select {
			case <-r.Context().Done():
				return nil, r.Context().Err()
			case <-time.After(e.slow):
			}
		}
		return e.verifies(sent), nil
	}
	return e
}

func (e *fakeEngine) verifies(sent map[string]any) *http.Response {
	e.mu.Lock()
	defer e.mu.Unlock()
	batch, answer := vaulttest.BatchOf(sent)
	if batch == nil {
		e.sent = append(e.sent, nil)
		return vaulttest.Replies(map[string]any{"data": e.judge(sent)})
	}
	e.sent = append(e.sent, nil)
	e.form = append(e.form, slices.Collect(maps.Keys(sent))...)
	return answer(e.judge)
}

func (e *fakeEngine) judge(fields map[string]any) map[string]any {
	var text string
	for _, name := range []string{"request", "message"} {
		if plain, ok := fields[name].(string); ok {
			text = plain
		} else if coded, ok := fields[name+"_base64"].(string); ok {
			decoded, _ := base64.StdEncoding.DecodeString(coded)
			text = string(decoded)
		}
	}
	e.seen[text]++
	e.ips = append(e.ips, fields["client_ip"])
	e.sent[len(e.sent)-1] = append(e.sent[len(e.sent)-1], text)
	verdict, _, _ := strings.Cut(text, " ")
	switch verdict {
	case "storage":
		return map[string]any{"valid": false, "verdict": "", "error": "storage failed"}
	case "garbage":
		return map[string]any{"valid": true, "verdict": "revoked"}
	case "malformed", "unknown_key", "bad_signature":
		return map[string]any{"valid": false, "verdict": verdict}
	}
	return answerOf(verdict)
}

// told is the answer on a call whose signature is right.
func answerOf(verdict string, more ...map[string]any) map[string]any {
	data := map[string]any{
		"valid": verdict == "valid", "verdict": verdict, "tenant": "acme", "kind": "external", "name": "billing",
		"key_id": "tEsTkId1", "version": 3, "state": "current", "scheme": "vrnt-1",
		"expires_at": nil, "server_time": "2026-01-31T12:00:00Z",
	}
	for _, m := range more {
		maps.Copy(data, m)
	}
	return data
}

func newTestVerifier(t *testing.T, e *fakeEngine, opts ...VerifierOption) *Verifier {
	t.Helper()
	v, err := NewVerifier(e.Client(t), verifyPath, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// asks returns an error unless the verdict on a call is what its text begins with.
func asks(ctx context.Context, v Judge, text string) error {
	word, _, _ := strings.Cut(text, " ")
	want := Code(word)
	got, err := v.Verify(ctx, Call{Request: text})
	switch {
	case err != nil:
		return err
	case got.Code != want || got.Valid != (want == Valid):
		return fmt.Errorf("%s: judged %s", text, got.Code)
	}
	return nil
}

// once returns an error unless each call was judged once.
func (e *fakeEngine) once(calls int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for text, times := range e.seen {
		if times != 1 {
			errs = append(errs, fmt.Errorf("%s: asked %d times", text, times))
		}
	}
	if len(e.seen) != calls {
		errs = append(errs, fmt.Errorf("%d calls were asked about, not %d", len(e.seen), calls))
	}
	return errors.Join(errs...)
}
