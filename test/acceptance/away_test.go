//go:build acceptance

package acceptance

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/verify"

	"vault-plugin-secrets-apikeys/client"
	"vault-plugin-secrets-apikeys/signing"
)

// away is what apps and gateways have while a server is sealed and after.
type away struct {
	t        *testing.T
	head     *signing.Head
	sources  map[string]client.Source
	verifier *verify.Verifier
	keyring  *verify.Keyring
}

// signs returns a call that a source signs.
func (a *away) signs(name string) verify.Call {
	a.t.Helper()
	added, err := a.sources[name].Sign(a.t.Context(), a.head)
	if err != nil {
		a.t.Fatalf("%s: %v", name, err)
	}
	signed, err := a.head.With(added)
	if err != nil {
		a.t.Fatal(err)
	}
	return verify.Call{Request: signed.String()}
}

// finds has a judge find a call to be what is wanted, or fail so.
func (a *away) finds(judge verify.Judge, call verify.Call, want verify.Code, failure error) {
	a.t.Helper()
	if v, err := judge.Verify(a.t.Context(), call); v.Code != want || !errors.Is(err, failure) {
		a.t.Errorf("%s, %v; want %s, %v", v.Code, err, want, failure)
	}
}

// eventually tries something until it goes well.
func (a *away) eventually(what string, try func() bool) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), time.Minute)
	defer cancel()
	for !try() {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			a.t.Fatalf("%s: not within a minute", what)
		}
	}
}

// TestSealed has apps sign and gateways verify while their server is sealed: who has a key goes on, a keyring for no
// longer than it may, and who has to ask fails with an error that says so. All go on by themselves once it is unsealed.
func TestSealed(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, true)
	tenant := w.tenant(t, "sealed")
	admin := w.caller(t, tenant+"-admin")
	const maxAge = 12 * time.Second
	w.caller(t, "operator").
		must("PATCH", "apikeys/config", fields{"allow_local_verify": true, "keyring_max_age": maxAge.String()})
	w.caller(t, "spa").must("PATCH", "apikeys/admin/tenants/"+tenant, fields{"allow_local_verify": true})
	admin.must("POST", "apikeys/my/external/keys/static", fields{"reveal": "always"})
	admin.must("POST", "apikeys/my/external/keys/remote", fields{"reveal": "never"})
	admin.must("POST", "apikeys/my/external/roles/leased", fields{"ttl": "1h", "scheme": "vrnt-1"})
	a := newAway(t, w, tenant)
	defer a.close()

	for name := range a.sources {
		a.finds(a.verifier, a.signs(name), verify.Valid, nil)
	}
	fetched := time.Now()
	local := []string{"static", "leased"}
	for _, name := range local {
		a.finds(a.keyring, a.signs(name), verify.Valid, nil)
	}
	if err := w.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range local {
		call := a.signs(name)
		a.finds(a.verifier, call, "", verify.ErrUnavailable)
		a.finds(a.keyring, call, verify.Valid, nil)
		forged := verify.Call{Request: strings.Replace(call.Request, "/orders", "/refunds", 1)}
		a.finds(a.keyring, forged, "bad_signature", nil)
	}
	if _, err := a.sources["remote"].Sign(t.Context(), a.head); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("remote signs: %v", err)
	}
	bridged := 0
	for _, name := range local { // Each was fetched at a time of its own.
		a.eventually(name+" is stale", func() bool {
			asked := time.Now()
			v, err := a.keyring.Verify(t.Context(), a.signs(name))
			switch {
			case errors.Is(err, verify.ErrStale) && errors.Is(err, verify.ErrUnavailable):
				return true
			case err != nil || !v.Valid:
				t.Fatalf("%s, %v", v.Code, err)
			case asked.Sub(fetched) > maxAge+time.Second: // A second for the fetch, which began later than fetched.
				t.Fatalf("%s is valid %s after the fetch", name, asked.Sub(fetched))
			}
			bridged++
			return false
		})
	}
	if bridged == 0 {
		t.Error("the keyring bridged nothing")
	}

	if err := w.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name := range a.sources {
		a.eventually(name, func() bool {
			_, err := a.sources[name].Sign(t.Context(), a.head)
			return err == nil
		})
		a.eventually("the engine, of "+name, func() bool {
			v, err := a.verifier.Verify(t.Context(), a.signs(name))
			return err == nil && v.Valid
		})
	}
	for _, name := range local {
		a.eventually("the keyring, of "+name, func() bool {
			v, err := a.keyring.Verify(t.Context(), a.signs(name))
			return err == nil && v.Valid
		})
	}
}

func newAway(t *testing.T, w *world, tenant string) *away {
	t.Helper()
	a := &away{t: t}
	app := w.client(t, tenant+"-app")
	leased, err := client.NewLease(t.Context(), app, "apikeys/tenants/"+tenant+"/external/creds/leased")
	if err != nil {
		t.Fatal(err)
	}
	static, err := client.NewStatic(
		t.Context(),
		app,
		"apikeys/my/external/static-creds/static",
		client.WithPoll(time.Second),
	)
	if err != nil {
		t.Fatal(err)
	}
	a.sources = map[string]client.Source{
		"leased": leased, "static": static, "remote": client.NewRemote(app, "apikeys/my/external/sign/remote"),
	}
	if a.head, err = signing.ParseHeadString("GET /orders?page=2 HTTP/1.1\nHost: api.example\n"); err != nil {
		t.Fatal(err)
	}
	if a.verifier, err = verify.NewVerifier(w.client(t, "gateway"), "apikeys/verify"); err != nil {
		t.Fatal(err)
	}
	if a.keyring, err = verify.NewKeyring(w.client(t, "local-gateway"), "apikeys"); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *away) close() {
	for name, source := range a.sources {
		if err := source.Close(); err != nil {
			a.t.Errorf("%s: %v", name, err)
		}
	}
	if err := errors.Join(a.verifier.Close(), a.keyring.Close()); err != nil {
		a.t.Error(err)
	}
}
