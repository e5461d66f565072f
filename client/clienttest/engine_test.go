package clienttest_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client"
	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/signing"
)

// signs checks the verdict on a call that a source has signed.
func signs(t *testing.T, e *clienttest.Engine, source signing.Signer, want string) {
	t.Helper()
	text := "GET /orders HTTP/1.1\nHost: api.example\n"
	head, err := signing.ParseHeadString(text)
	if err != nil {
		t.Fatal(err)
	}
	added, err := source.Sign(t.Context(), head)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range added {
		text += h.Name + ": " + h.Value + "\n"
	}
	if v := e.Write("", "verify", fields{"request": text})["verdict"]; v != want {
		t.Errorf("%s, want %s", v, want)
	}
}

// All sources work with the engine, over the times of leases and rotations.
func TestSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := clienttest.New(t)
		e.Tenant("acme")
		e.Write("acme", "my/external/roles/app", fields{"ttl": "1h", "max_ttl": "3h"})
		e.Key("acme", "external/keys/orders", fields{"ttl": "10h", "auto_rotate": true, "overlap": "1h"})
		vault := e.Client("acme")
		lease, err := client.NewLease(t.Context(), vault, "apikeys/tenants/acme/external/creds/app")
		if err != nil {
			t.Fatal(err)
		}
		static, err := client.NewStatic(t.Context(), vault, "apikeys/my/external/static-creds/orders")
		if err != nil {
			t.Fatal(err)
		}
		remote := client.NewRemote(vault, "apikeys/my/external/sign/orders")
		seen := map[string]bool{}
		for range 3 * 24 * 6 {
			for _, source := range []client.Source{lease, static, remote} {
				signs(t, e, source, "valid")
			}
			seen[lease.KeyID()], seen[static.KeyID()] = true, true
			time.Sleep(10 * time.Minute)
			e.Tick()
		}
		if len(seen) < 3*24/3+3*24/10 {
			t.Errorf("%d keys in three days", len(seen))
		}
		for _, source := range []client.Source{lease, static, remote} {
			if err := source.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestLifecycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := clienttest.New(t)
		e.Tenant("acme")
		const path = "external/keys/orders"
		key := e.Key("acme", path, nil)
		signs(t, e, key.Signer, "valid")
		e.Disable("acme", path)
		signs(t, e, key.Signer, "disabled")
		e.Enable("acme", path)
		e.Suspend("acme")
		signs(t, e, key.Signer, "tenant_suspended")
		e.Resume("acme")
		next := e.Rotate("acme", path)
		if next.ID == key.ID {
			t.Error("the same version after a rotation")
		}
		e.Revoke("acme", path, key.ID)
		signs(t, e, key.Signer, "revoked")
		signs(t, e, next.Signer, "valid")
		e.Revoke("acme", path)
		signs(t, e, next.Signer, "revoked")
		e.Write("acme", "my/external/roles/app", nil)
		leased := e.Issue("acme", "external/roles/app")
		signs(t, e, leased.Signer, "valid")
	})
}

// It answers as Vault does: leases, and what is refused.
func TestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := clienttest.New(t)
		e.Tenant("acme")
		e.Write("acme", "my/external/roles/app", fields{"ttl": "1h", "max_ttl": "3h"})
		vault := e.Client("acme")
		answer, err := vault.Logical().Read("apikeys/tenants/acme/external/creds/app")
		if err != nil || answer.LeaseDuration != 3600 || !answer.Renewable {
			t.Fatalf("%+v %v", answer, err)
		}
		time.Sleep(30 * time.Minute)
		if renewed, err := vault.Sys().Renew(answer.LeaseID, 600); err != nil || renewed.LeaseDuration != 600 {
			t.Errorf("%+v %v", renewed, err)
		}
		if err := vault.Sys().Revoke(answer.LeaseID); err != nil {
			t.Error(err)
		}
		if list, err := vault.Logical().
			List("apikeys/my/external/keys"); err != nil ||
			list != nil && list.Data["keys"] != nil {
			t.Errorf("%+v %v", list, err)
		}
		nobody := e.Client("acme")
		nobody.SetToken("no-token")
		for name, ask := range map[string]struct {
			do     func() error
			status int
			about  string
		}{
			"a lease that is gone": {func() error {
				_, err := vault.Sys().Renew(answer.LeaseID, 0)
				return err
			}, 400, "lease"},
			"no token": {func() error {
				_, err := nobody.Logical().Read("apikeys/my")
				return err
			}, 403, "permission denied"},
			"another tenant": {func() error {
				_, err := vault.Logical().Read("apikeys/tenants/beta")
				return err
			}, 403, "beta"},
			"another mount": {func() error {
				_, err := vault.Logical().Write("other/x", nil)
				return err
			}, 404, "no handler"},
			"an unknown field": {func() error {
				_, err := vault.Logical().Write("apikeys/my/external/keys/x", fields{"nonsense": 1})
				return err
			}, 400, "nonsense"},
		} {
			err := ask.do()
			if refused, ok := errors.AsType[*api.ResponseError](err); !ok || refused.StatusCode != ask.status ||
				!strings.Contains(err.Error(), ask.about) {
				t.Errorf("%s: %v", name, err)
			}
		}
		e.Away(true)
		if _, err := vault.Logical().Read("apikeys/my"); err == nil {
			t.Error("Vault is away, and answers")
		}
	})
}
