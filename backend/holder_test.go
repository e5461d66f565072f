package backend_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/signing"
)

// holder is a client outside Vault: it has a secret, and signs calls with it.
type holder struct {
	w      *world
	keyID  string
	secret []byte
	scheme signing.Scheme
}

// holder returns who got the answer of reveal, static-creds or creds.
func (a answer) holder(w *world) holder {
	w.t.Helper()
	secret, err := base64.RawURLEncoding.DecodeString(a.str("key"))
	w.must(err)
	w.secrets.handedOut(a.str("key"))
	return holder{w, a.str("key_id"), secret, signing.Scheme(a.str("scheme"))}
}

// key makes a key that may be revealed again and again, unless the fields say otherwise,
// and returns the holder of its secret.
func (p person) key(path string, f fields) holder {
	p.w.t.Helper()
	all := fields{"reveal": "always"}
	for name, v := range f {
		all[name] = v
	}
	p.write(path, all)
	return p.write(path+"/reveal", nil).holder(p.w)
}

// call returns a fresh signed call, as the fields of verify.
func (h holder) call() fields { return h.callAt(time.Now()) }

// callAt returns a call signed at another time. Only that of vrnt-1 says when.
func (h holder) callAt(at time.Time) fields {
	h.w.t.Helper()
	if h.scheme == signing.HMACSHA256 {
		message := fmt.Sprintf("order %d", at.UnixNano())
		return fields{"message": message, "signature": signing.SignTagged(h.keyID, h.secret, []byte(message))}
	}
	return fields{"request": h.head("GET /wfo/agents HTTP/1.1", at)}
}

// head returns a signed request head.
func (h holder) head(requestLine string, at time.Time) string {
	h.w.t.Helper()
	text := requestLine + "\nHost: api.example.com\n"
	head, err := signing.ParseHead([]byte(text))
	h.w.must(err)
	added, err := signing.SignHead(h.scheme, head, h.keyID, h.secret, at)
	h.w.must(err)
	for _, a := range added {
		text += a.Name + ": " + a.Value + "\n"
	}
	return text
}

// forged returns a call of the right form that somebody else has signed.
func (h holder) forged() fields {
	h.secret = []byte(strings.Repeat("x", 32))
	return h.call()
}

// verdict returns what the platform finds of a call, and checks that valid agrees.
func (w *world) verdict(call fields) string {
	w.t.Helper()
	a := w.root().write("verify", call)
	if a.data["valid"] != (a.str("verdict") == "valid") {
		w.t.Errorf("%s: valid is %v with verdict %s", a.asked, a.data["valid"], a.str("verdict"))
	}
	return a.str("verdict")
}

// finds checks the verdict of a fresh call of h.
func (h holder) finds(want string) {
	h.w.t.Helper()
	if got := h.w.verdict(h.call()); got != want {
		h.w.t.Errorf("a call of %s: %s, want %s", h.keyID, got, want)
	}
}

// lease is what Vault keeps of a leased answer.
type lease struct {
	w      *world
	path   string
	secret *logical.Secret
	data   map[string]any
}

// lease registers the answer as Vault does.
func (a answer) lease(w *world) *lease {
	w.t.Helper()
	if a.secret == nil {
		w.t.Fatalf("%s: no lease", a.asked)
	}
	a.secret.IssueTime = time.Now()
	a.secret.LeaseID = a.path + "/lease"
	return &lease{w, a.path, a.secret, a.data}
}

// renew is what Vault does when somebody renews the lease, who is not told to us.
func (l *lease) renew(increment time.Duration) answer {
	l.w.t.Helper()
	l.secret.Increment = increment
	req := logical.RenewRequest(l.path, l.secret, l.data)
	resp, err := l.w.handle(req)
	a := newAnswer(l.w.t, req, resp, err)
	if err == nil && resp != nil && resp.Secret != nil {
		l.secret, l.data = resp.Secret, resp.Data
	}
	return a
}

// end is what Vault does when the lease expires or is revoked.
func (l *lease) end() answer {
	l.w.t.Helper()
	req := logical.RevokeRequest(l.path, l.secret, l.data)
	resp, err := l.w.handle(req)
	return newAnswer(l.w.t, req, resp, err)
}
