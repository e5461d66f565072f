//go:build cluster

package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/signing"
	"vault-plugin-secrets-apikeys/test/cluster/history"
)

// call is a signed call, in the fields that verify takes.
type call struct {
	history.Call
	keyID  string
	fields fields
}

const head = "GET /wfo/v1/agents HTTP/1.1\nHost: api.example\n"

// sign signs a fresh call, outside Vault.
func (s *secret) sign() (*call, error) {
	id, now := rand.Text(), time.Now()
	c := &call{Call: history.Call{ID: id, Signed: now}, keyID: s.keyID}
	if s.scheme == string(signing.HMACSHA256) {
		c.fields = fields{"message": id, "signature": signing.SignTagged(s.keyID, s.bytes, []byte(id))}
		return c, nil
	}
	parsed, err := signing.ParseHead([]byte(head))
	if err != nil {
		return nil, err
	}
	added, err := signing.SignHead(signing.Scheme(s.scheme), parsed, s.keyID, s.bytes, now)
	if err != nil {
		return nil, err
	}
	signed, err := parsed.With(added)
	if err != nil {
		return nil, err
	}
	c.Nonce, c.fields = true, fields{"request": signed.String()}
	return c, nil
}

// forge returns the call changed after it was signed.
func (s *call) forge() *call {
	f := *s
	f.ID, f.Forged, f.fields = s.ID+"-forged", true, maps.Clone(s.fields)
	if message, ok := f.fields["message"].(string); ok {
		f.fields["message"] = message + "!"
	}
	if request, ok := f.fields["request"].(string); ok {
		f.fields["request"] = strings.Replace(request, "agents", "admins", 1)
	}
	return &f
}

// callWith returns a call made with what was handed out: a fresh one, or one that was sent before, or a forged one.
func (w *world) callWith(s *secret) (*call, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	const kept = 150
	if n := len(w.recent); n > 0 && mathrand.N(5) == 0 {
		return w.recent[mathrand.N(n)], nil
	}
	fresh, err := s.sign()
	if err != nil {
		return nil, err
	}
	if mathrand.N(12) == 0 {
		return fresh.forge(), nil
	}
	w.recent = append(w.recent, fresh)
	if len(w.recent) > kept {
		w.recent = slices.Delete(w.recent, 0, 1)
	}
	return fresh, nil
}

// verdict is what verify answers about one call.
type verdict struct {
	Verdict   string    `json:"verdict"`
	Successor string    `json:"successor_key_id"`
	JudgedAt  time.Time `json:"server_time"`
	Error     string    `json:"error"`
}

// verify has calls judged, as one batch when there are several, and records an event for each.
func (c *client) verify(ctx context.Context, calls []*call) history.Outcome {
	r := request{who: "gateway", method: "PATCH", path: "apikeys/verify", fields: calls[0].fields}
	if mathrand.N(2) == 0 {
		r.method = "POST"
	}
	if mathrand.N(3) == 0 {
		r.who, r.path = tenant+"-verifier", "apikeys/my/verify"
	}
	kinds, batch := make([]history.Event, len(calls)), make([]fields, len(calls))
	for i, each := range calls {
		kinds[i] = history.Event{Op: history.Verify, KeyID: each.keyID, Call: &each.Call}
		batch[i] = each.fields
	}
	if len(calls) > 1 {
		r.fields = fields{"batch": batch}
	}
	events := c.askAll(ctx, kinds, r, func(events []history.Event, a *answer) {
		verdicts, err := a.verdicts(len(calls))
		for i := range events {
			if err != nil {
				events[i].Outcome, events[i].Says = history.Unknown, err.Error()
				continue
			}
			events[i].Call = calls[i].judged(verdicts[i])
		}
	})
	return events[0].Outcome
}

// judged returns what the history keeps of a call and its verdict.
func (s *call) judged(v verdict) *history.Call {
	judged := s.Call
	judged.Verdict, judged.Successor, judged.JudgedAt = v.Verdict, v.Successor, v.JudgedAt
	return &judged
}

func (a *answer) verdicts(n int) ([]verdict, error) {
	if n == 1 {
		var one verdict
		err := json.Unmarshal(a.Data, &one)
		return []verdict{one}, err
	}
	var many struct{ Results []verdict }
	if err := json.Unmarshal(a.Data, &many); err != nil {
		return nil, err
	}
	if len(many.Results) != n {
		return nil, fmt.Errorf("%d verdicts on %d calls", len(many.Results), n)
	}
	for _, each := range many.Results {
		if each.Verdict == "" {
			return nil, fmt.Errorf("no verdict: %s", each.Error)
		}
	}
	return many.Results, nil
}

// signs has Vault sign a call with a named key, and returns it, or nil when it did not sign.
func (c *client) signs(ctx context.Context, k *key) *call {
	kind, name, _ := strings.Cut(k.name, "/")
	made := &call{Call: history.Call{ID: rand.Text(), Signed: time.Now()}}
	ask := fields{"request": head}
	if k.scheme == string(signing.HMACSHA256) {
		ask = fields{"message": made.ID}
	}
	r := request{who: tenant + "-app", method: "PATCH", path: "apikeys/my/" + kind + "/sign/" + name, fields: ask}
	e := c.ask(ctx, history.Event{Op: history.Sign, Key: k.name}, r, func(e *history.Event, a *answer) {
		var signed struct {
			KeyID     string            `json:"key_id"`
			Headers   map[string]string `json:"headers"`
			Signature string            `json:"signature"`
		}
		if err := json.Unmarshal(a.Data, &signed); err != nil {
			e.Says = err.Error() // The checker finds that no version has signed.
		}
		e.KeyID, made.keyID = signed.KeyID, signed.KeyID
		if made.fields = (fields{"message": made.ID, "signature": signed.Signature}); signed.Signature == "" {
			made.Nonce, made.fields = true, fields{
				"request": head + "Authorization: " + signed.Headers["Authorization"] + "\n",
			}
		}
	})
	if e.Outcome != history.Done {
		return nil
	}
	return made
}

// calls makes calls with any of the versions and leased keys that were handed out, one or several at a time.
func (c *client) calls(ctx context.Context) {
	for c.rest(ctx, 150*time.Millisecond) {
		var batch []*call
		for range 1 + mathrand.N(4) {
			s := c.w.secret()
			if s == nil {
				break
			}
			if made, err := c.w.callWith(s); err == nil {
				batch = append(batch, made)
			}
		}
		if len(batch) > 0 {
			c.verify(ctx, batch)
		}
	}
}
