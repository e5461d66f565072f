package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

var explainFields = schema{
	"request":        callFields["request"],
	"request_base64": callFields["request_base64"],
	"message":        callFields["message"],
	"message_base64": callFields["message_base64"],
	"signature":      verifyFields["signature"],
	"client_ip":      text("The address the call came from, for allowed_cidrs."),
	"body":           text("The body of the request, to compare its digest, and to see whether it was signed."),
	"body_base64":    text("The body in standard base64, when it is not UTF-8."),
}

var explainAnswer = schema{
	"verdict": text("What verify answers to this call now. The call is not recorded."),
	"key_id": text("The version's key ID. This and what follows up to scheme only where it is a key of the " +
		"tenant's."),
	"name":   text("The key's name; a leased key's is its role's."),
	"kind":   text("internal or external."),
	"scheme": text("How the key's calls are signed."),
	"string_to_sign": text("What should have been signed for the call as it was received; absent when too little of " +
		"it can be read."),
	"findings": rows("What is wrong: id, text, which says what to do, and variant, which of the scheme's " +
		"variants lets it in when the key's compat names it."),
	"server_time":  stamp("The time the call was judged by."),
	"skew_seconds": number("How far the call's clock is ahead of the server's; absent when the call has no time."),
}

func (h *Handlers) explainResources() []resource {
	return []resource{{
		scope: tenants, pattern: "/explain", suffix: "explain", fields: explainFields,
		operations: only(logical.UpdateOperation, h.explain,
			"Say why a call of the tenant's own key is refused.", explainAnswer),
		synopsis: "Why is this call refused? The text that should have been signed, and the mistakes that make the " +
			"signature sent.",
		description: "Takes what verify takes, and judges as it does, but neither records the call nor counts it as " +
			"use. Tries the mistakes that clients are known to make, alone and in pairs. Another tenant's key is " +
			"unknown. No secret is in the answer.",
	}}
}

func (h *Handlers) explain(ctx context.Context, r *request) (*logical.Response, error) {
	c, err := parseCall(r.Data, true)
	if err != nil {
		return nil, err
	}
	body, err := parseBody(c, r.Data)
	if err != nil {
		return nil, err
	}
	//mutate:instead:2 "explanations at the gate" TestExplanationsAndLongSignaturesWait => newShares(64).work
	place, err := r.enter(ctx, h.shares.work, r.owner())
	if err != nil {
		return nil, err
	}
	defer place.Leave()
	c.dryRun = true // it is not recorded
	attempt, err := c.attempt()
	if err != nil { // what cannot be read is a finding, not an error
		return h.explained(r, nil, &explanation{
			judged:   malformed.Judgement,
			findings: []signing.Finding{{ID: "head_malformed", Text: "The head cannot be read: " + err.Error() + "."}},
		})
	}
	found, version, err := h.ownVersion(ctx, r, attempt.KeyID)
	if err != nil {
		return nil, err
	}
	r.now = time.Now() // storage may have taken its time
	e := &explanation{judged: malformed.Judgement, attempt: attempt, version: version, findings: attempt.Findings}
	if signed, head, err := c.signed(new(signing.Parser)); err == nil {
		grant, _ := apikey.GrantOf(signed.KeyID, found.Key, found.Tenant, found.Role, r.config)
		e.in = h.judgeInput(r, c, signed, head, found, &grant)
		e.judged = apikey.Judge(e.in, r.now)
	}
	if version == nil {
		if attempt.KeyID != "" {
			e.findings = append(e.findings, unknownKey)
		}
		return h.explained(r, found, e)
	}
	e.findings = attempt.Explain(found.Key.Scheme, version.Secret.Reveal(), body, r.now).Findings
	return h.explained(r, found, e)
}

// unknownKey is the finding for keys of other tenants and for keys that do not exist.
var unknownKey = signing.Finding{
	ID:   string(apikey.UnknownKey),
	Text: "No key of this tenant has this key ID: look for a slip, and whether it is the right tenant and mount.",
}

// ownVersion finds the tenant's version with that ID. A version that never verifies again is unknown.
func (h *Handlers) ownVersion(ctx context.Context, r *request, keyID string) (*store.Match, *apikey.Version, error) {
	if keyID == "" {
		return new(store.Match), nil, nil
	}
	found, err := h.store.Find(ctx, r.Storage, keyID)
	if err != nil {
		return nil, nil, err
	}
	if found == nil || found.Key == nil || found.Tenant.UID != r.tenant.UID || found.Tenant.State() == tenant.Deleted {
		return new(store.Match), nil, nil
	}
	v := found.Key.Version(keyID)
	if v == nil || v.Secret.Erased() {
		return new(store.Match), nil, nil
	}
	return found, v, nil
}

// parseBody reads the body of a request, nil when none is given.
func parseBody(c *call, fields map[string]any) ([]byte, error) {
	var body []byte
	given := ""
	for _, name := range []string{"body", "body_base64"} {
		raw := fields[name]
		if raw == nil {
			continue
		}
		if given != "" {
			return nil, refusal.Errorf(refusal.Invalid, "%s: cannot be given together with %s", name, given)
		}
		if !c.http {
			return nil, refusal.Errorf(refusal.Invalid, "%s: goes with a request; a message is its own", name)
		}
		text, err := parseContent(name, raw)
		if err != nil {
			return nil, err
		}
		given, body = name, []byte(text)
	}
	return body, nil
}

// attempt reads the signature of the call, whatever is wrong with it. An error means that there is no head.
func (c *call) attempt() (*signing.Attempt, error) {
	if !c.http {
		return signing.ReadTaggedAttempt([]byte(c.content), c.signature), nil
	}
	head, err := c.head()
	if err != nil {
		return nil, err
	}
	return signing.ReadAttempt(head), nil
}

func (h *Handlers) explained(r *request, found *store.Match, e *explanation) (*logical.Response, error) {
	data := map[string]any{"verdict": string(e.judged.Verdict), "server_time": field.RFC3339(r.now)}
	if e.attempt != nil {
		if e.attempt.StringToSign != "" {
			data["string_to_sign"] = e.attempt.StringToSign
		}
		if !e.attempt.Time.IsZero() {
			data["skew_seconds"] = e.attempt.Time.Unix() - r.now.Unix()
		}
	}
	findings := e.findings
	if e.version != nil {
		k := found.Key
		data["key_id"], data["name"] = e.version.KeyID, string(k.Name)
		data["kind"], data["scheme"] = string(k.Kind), string(k.Scheme)
		if k.Scheme != e.attempt.Scheme {
			delete(data, "string_to_sign") // it is of another scheme than the key's
		}
		findings = e.standing(found, r)
	}
	shown := make([]any, 0, len(findings))
	for _, f := range findings {
		shown = append(shown, map[string]any{"id": f.ID, "text": f.Text, "variant": string(f.Variant)})
	}
	data["findings"] = shown
	return reply(data)
}
