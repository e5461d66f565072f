package client

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
	"vault-plugin-secrets-apikeys/signing"
)

// fakeVault answers as Vault with the engine does, in memory, so that it can be asked where time is not the world's.
type fakeVault struct {
	vaulttest.Vault

	span, longest time.Duration // of a lease at first, and in all
	fixed         bool          // leases are not renewable
	scheme        signing.Scheme
	wrapped       bool
	period        time.Duration // from one rotation to the next
	overlap       time.Duration
	late          bool // a rotation is due, and does not come

	keys    map[string]*fakeKey
	current string // the static key's
	due     time.Time
	wraps   map[string]map[string]any
}

type fakeKey struct {
	secret    []byte
	lease     string
	born      time.Time
	ends      time.Time // zero: never
	revoked   bool
	signed    int
	abandoned bool // its lease was revoked by the client
}

func newFake() *fakeVault {
	f := &fakeVault{
		span: time.Hour, longest: 24 * time.Hour, scheme: signing.Vrnt1,
		keys: map[string]*fakeKey{}, wraps: map[string]map[string]any{},
	}
	f.Answer = f.answer
	return f
}

func (f *fakeVault) answer(r *http.Request, path string, sent map[string]any) *http.Response {
	id, _ := sent["lease_id"].(string)
	switch {
	case path == "sys/wrapping/unwrap":
		token, _ := sent["token"].(string)
		if token == "" {
			token = r.Header.Get("X-Vault-Token")
		}
		inner, ok := f.wraps[token]
		if !ok {
			return vaulttest.Says(400, "wrapping token is not valid or does not exist")
		}
		delete(f.wraps, token)
		return vaulttest.Replies(inner)
	case path == "sys/leases/renew":
		return f.renew(id)
	case path == "sys/leases/revoke":
		for _, k := range f.keys {
			if k.lease == id {
				k.revoked, k.abandoned = true, true
			}
		}
		return vaulttest.Replies(nil)
	case strings.Contains(path, "/creds/"):
		return f.wrap(f.lend())
	case strings.Contains(path, "/static-creds/"):
		return f.wrap(f.show())
	case strings.Contains(path, "/sign/"):
		return f.sign(sent)
	}
	return vaulttest.Says(404)
}

func (f *fakeVault) wrap(answer map[string]any) *http.Response {
	if !f.wrapped {
		return vaulttest.Replies(answer)
	}
	token := rand.Text()
	f.wraps[token] = answer
	return vaulttest.Replies(map[string]any{"wrap_info": map[string]any{"token": token, "ttl": 60}})
}

func (f *fakeVault) fresh() (string, *fakeKey) {
	id := rand.Text()[:16]
	k := &fakeKey{secret: []byte(rand.Text()), born: time.Now()}
	f.keys[id] = k
	return id, k
}

func (f *fakeVault) data(id string) map[string]any {
	k := f.keys[id]
	data := map[string]any{
		"key_id":     id,
		"key":        base64.RawURLEncoding.EncodeToString(k.secret),
		"scheme":     string(f.scheme),
		"expires_at": nil,
	}
	if !k.ends.IsZero() {
		data["expires_at"] = k.ends.UTC().Format(time.RFC3339)
	}
	return data
}

func (f *fakeVault) lend() map[string]any {
	id, k := f.fresh()
	k.lease = "lease/" + id
	k.ends = k.born.Add(min(f.span, f.longest))
	return map[string]any{
		"lease_id":       k.lease,
		"lease_duration": int(k.ends.Sub(k.born).Seconds()),
		"renewable":      !f.fixed,
		"data":           f.data(id),
	}
}

func (f *fakeVault) renew(lease string) *http.Response {
	for _, k := range f.keys {
		if k.lease != lease || lease == "" {
			continue
		}
		if k.revoked || !time.Now().Before(k.ends) {
			return vaulttest.Says(400, "revoked")
		}
		if end := k.born.Add(f.longest); !f.fixed {
			k.ends = time.Now().Add(min(f.span, time.Until(end)))
		}
		return vaulttest.Replies(map[string]any{
			"lease_id": lease, "lease_duration": int(time.Until(k.ends).Seconds()), "renewable": !f.fixed,
		})
	}
	return vaulttest.Says(400, "lease not found")
}

// rotate makes a new version of the static key; the one before goes on for the overlap.
func (f *fakeVault) rotate() {
	if before, ok := f.keys[f.current]; ok {
		before.ends = time.Now().Add(f.overlap)
	}
	f.current, _ = f.fresh()
	f.due = time.Now().Add(f.period)
}

func (f *fakeVault) show() map[string]any {
	if f.current == "" || f.period > 0 && !time.Now().Before(f.due) {
		f.rotate()
	}
	data := f.data(f.current)
	data["ttl"] = 24 * 60 * 60
	switch {
	case f.late:
		data["ttl"] = 1
	case f.period > 0:
		data["ttl"] = max(1, int(time.Until(f.due).Seconds()))
	}
	return map[string]any{"data": data}
}

func (f *fakeVault) sign(sent map[string]any) *http.Response {
	if f.current == "" {
		f.rotate()
	}
	key := f.keys[f.current].secret
	if text, ok := sent["message_base64"].(string); ok {
		message, _ := base64.StdEncoding.DecodeString(text)
		return vaulttest.Replies(map[string]any{"data": map[string]any{
			"key_id": f.current, "signature": signing.SignTagged(f.current, key, message),
		}})
	}
	text, ok := sent["request"].(string)
	if !ok {
		decoded, _ := base64.StdEncoding.DecodeString(fmt.Sprint(sent["request_base64"]))
		text = string(decoded)
	}
	head, err := signing.ParseHead([]byte(text))
	if err != nil {
		return vaulttest.Says(400, err.Error())
	}
	added, err := signing.SignHead(f.scheme, head, f.current, key, time.Now())
	if err != nil {
		return vaulttest.Says(400, err.Error())
	}
	headers := map[string]any{}
	for _, a := range added {
		headers[a.Name] = a.Value
	}
	return vaulttest.Replies(map[string]any{"data": map[string]any{"key_id": f.current, "headers": headers}})
}

// verify returns an error unless the head is signed with a key that is good now.
func (f *fakeVault) verify(head *signing.Head, added []signing.Header) error {
	signed, err := head.With(added)
	if err != nil {
		return err
	}
	call, err := signing.ParseCall(signed)
	if err != nil {
		return err
	}
	f.Lock()
	defer f.Unlock()
	k, ok := f.keys[call.KeyID]
	switch {
	case !ok:
		return errors.New("unknown_key")
	case !call.SignedBy(k.secret):
		return errors.New("bad_signature")
	case k.revoked:
		return errors.New("revoked")
	case !k.ends.IsZero() && !time.Now().Before(k.ends):
		return errors.New("expired")
	}
	k.signed++
	return nil
}
