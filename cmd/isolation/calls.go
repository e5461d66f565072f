package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// byCall makes one tenant verify calls of another. The answers must be the same as for calls of unknown keys.
func (r *run) byCall(ctx context.Context, by, of *party) error {
	w := r.wall(fmt.Sprintf("%s verifying calls of %s", by.Name, of.Name))
	signed := 0
	for _, theirs := range of.probes {
		body := call(theirs.keyID, theirs.secret)
		if body == nil {
			continue
		}
		signed++
		unknown := call(r.nobodyID, theirs.secret)
		for _, who := range by.Callers {
			for _, path := range by.own("/verify") {
				for _, method := range []string{http.MethodPost, http.MethodPatch} {
					for _, form := range []string{"", "batch", "batch_json"} {
						if err := r.compare(ctx, w, try{who, method, path, body}, unknown, form); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	if err := r.ownCalls(ctx, w, by); err != nil {
		return err
	}
	if signed == 0 {
		r.note("%s: %s's tokens may not reveal a key, so that no call of theirs could be signed", w.Name, of.Name)
	}
	return nil
}

// compare sends a call, and one that no key has signed, alone or in a batch of the form. It expects the same
// answer to both.
func (r *run) compare(ctx context.Context, w *wall, one try, unknown fields, form string) error {
	for _, sent := range []*fields{&one.sent, &unknown} {
		switch form {
		case "batch":
			*sent = fields{form: []any{*sent}}
		case "batch_json":
			text, err := json.Marshal([]any{*sent})
			if err != nil {
				return err
			}
			*sent = fields{form: string(text)}
		}
	}
	other, err := one.who.send(ctx, one.method, r.mount+"/"+one.path, unknown)
	if err != nil {
		return err
	}
	return r.tryAll(ctx, w, []try{one}, func(t try, a *answered) outcome {
		if a.ok() {
			if sameData(a, other) && strings.Contains(string(a.body), "unknown_key") {
				return closedUnfound
			}
			return hole
		}
		return outside(t, a)
	})
}

// ownCalls checks that callers that may verify find their own tenant's calls valid. Otherwise the verdicts on
// another tenant's calls prove nothing.
func (r *run) ownCalls(ctx context.Context, w *wall, by *party) error {
	for _, mine := range by.probes {
		body := call(mine.keyID, mine.secret)
		if body == nil {
			continue
		}
		for _, who := range by.Callers {
			a, err := who.send(ctx, http.MethodPatch, r.mount+"/my/verify", body)
			if err != nil {
				return err
			}
			valid := a.ok() && a.text("verdict") == "valid"
			mine.used = mine.used || valid
			if a.ok() && !valid {
				r.note("%s: its own are found %s", w.Name, a.text("verdict"))
			}
		}
	}
	return nil
}
