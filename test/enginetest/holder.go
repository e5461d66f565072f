package enginetest

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/signing"
)

// Holder is a client outside Vault: it has a secret, and signs calls with it.
type Holder struct {
	W      *World
	KeyID  string
	Secret []byte
	Scheme signing.Scheme
}

// Holder returns who got the answer of reveal, static-creds or creds.
func (a Answer) Holder(w *World) Holder {
	w.T.Helper()
	secret, err := base64.RawURLEncoding.DecodeString(a.Str("key"))
	w.Must(err)
	w.Secrets.HandedOut(a.Str("key"))
	return Holder{w, a.Str("key_id"), secret, signing.Scheme(a.Str("scheme"))}
}

// Key makes a key that may be revealed again and again, unless the fields say otherwise,
// and returns the holder of its secret.
func (p Person) Key(path string, f Fields) Holder {
	p.W.T.Helper()
	all := Fields{"reveal": "always"}
	for name, v := range f {
		all[name] = v
	}
	p.Write(path, all)
	return p.Write(path+"/reveal", nil).Holder(p.W)
}

// Call returns a fresh signed call, as the fields of verify.
func (h Holder) Call() Fields { return h.CallAt(time.Now()) }

// CallAt returns a call signed at another time. Only that of vrnt-1 says when.
func (h Holder) CallAt(at time.Time) Fields {
	h.W.T.Helper()
	if h.Scheme == signing.HMACSHA256 {
		message := fmt.Sprintf("order %d", at.UnixNano())
		return Fields{"message": message, "signature": signing.SignTagged(h.KeyID, h.Secret, []byte(message))}
	}
	return Fields{"request": h.Head("GET /wfo/agents HTTP/1.1", at)}
}

// Head returns a signed request head.
func (h Holder) Head(requestLine string, at time.Time) string {
	h.W.T.Helper()
	text := requestLine + "\nHost: api.example.com\n"
	head, err := signing.ParseHead([]byte(text))
	h.W.Must(err)
	added, err := signing.SignHead(h.Scheme, head, h.KeyID, h.Secret, at)
	h.W.Must(err)
	for _, a := range added {
		text += a.Name + ": " + a.Value + "\n"
	}
	return text
}

// Forged returns a call of the right form that somebody else has signed.
func (h Holder) Forged() Fields {
	h.Secret = []byte(strings.Repeat("x", 32))
	return h.Call()
}

// Verdict returns what the platform finds of a call, and checks that valid agrees.
func (w *World) Verdict(call Fields) string {
	w.T.Helper()
	a := w.Root().Write("verify", call)
	if a.Data["valid"] != (a.Str("verdict") == "valid") {
		w.T.Errorf("%s: valid is %v with verdict %s", a.Asked, a.Data["valid"], a.Str("verdict"))
	}
	return a.Str("verdict")
}

// Finds checks the verdict of a fresh call of h.
func (h Holder) Finds(want string) {
	h.W.T.Helper()
	if got := h.W.Verdict(h.Call()); got != want {
		h.W.T.Errorf("a call of %s: %s, want %s", h.KeyID, got, want)
	}
}

// Lease is what Vault keeps of a leased answer.
type Lease struct {
	w      *World
	path   string
	Secret *logical.Secret
	Data   map[string]any
}

// Lease registers the answer as Vault does.
func (a Answer) Lease(w *World) *Lease {
	w.T.Helper()
	if a.Secret == nil {
		w.T.Fatalf("%s: no lease", a.Asked)
	}
	a.Secret.IssueTime = time.Now()
	a.Secret.LeaseID = a.Path + "/lease"
	return &Lease{w, a.Path, a.Secret, a.Data}
}

// Renew is what Vault does when somebody renews the lease, who is not told to us.
func (l *Lease) Renew(increment time.Duration) Answer {
	l.w.T.Helper()
	l.Secret.Increment = increment
	req := logical.RenewRequest(l.path, l.Secret, l.Data)
	resp, err := l.w.Handle(req)
	a := NewAnswer(l.w.T, req, resp, err)
	if err == nil && resp != nil && resp.Secret != nil {
		l.Secret, l.Data = resp.Secret, resp.Data
	}
	return a
}

// End is what Vault does when the lease expires or is revoked.
func (l *Lease) End() Answer {
	l.w.T.Helper()
	req := logical.RevokeRequest(l.path, l.Secret, l.Data)
	resp, err := l.w.Handle(req)
	return NewAnswer(l.w.T, req, resp, err)
}
