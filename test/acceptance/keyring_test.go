//go:build acceptance

package acceptance

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/verify"

	"vault-plugin-secrets-apikeys/signing"
)

// revealed returns the current version of a key.
func revealed(admin *caller, name string) (keyID string, secret []byte) {
	admin.t.Helper()
	answer := admin.must("POST", "apikeys/my/external/keys/"+name+"/reveal", nil)
	secret, err := base64.RawURLEncoding.DecodeString(answer.field("key"))
	if err != nil {
		admin.t.Fatal(err)
	}
	return answer.field("key_id"), secret
}

// A gateway that verifies by itself finds what the engine would, and takes a real server's refusals for what they are.
func TestLocalGateway(t *testing.T) {
	tenant := shared.tenant(t, "local")
	admin, spa, operator := shared.caller(t, tenant+"-admin"), shared.caller(t, "spa"), shared.caller(t, "operator")
	operator.must("PATCH", "apikeys/config", fields{"allow_local_verify": true, "keyring_max_age": "2s"})
	defer operator.must("PATCH", "apikeys/config", fields{"allow_local_verify": nil, "keyring_max_age": nil})
	spa.must("PATCH", "apikeys/admin/tenants/"+tenant, fields{"allow_local_verify": true})
	keyring := func(who string) *verify.Keyring {
		token, err := shared.token(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		k, err := verify.NewKeyring(shared.Client(token), "apikeys")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = k.Close() })
		return k
	}
	local, unentitled := keyring("local-gateway"), keyring("gateway")
	call := func(keyID string, secret []byte) verify.Call {
		text := "GET /orders HTTP/1.1\nHost: api.example\n"
		head, err := signing.ParseHeadString(text)
		if err != nil {
			t.Fatal(err)
		}
		added, err := signing.SignHead(signing.RFC9421, head, keyID, secret, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range added {
			text += h.Name + ": " + h.Value + "\n"
		}
		return verify.Call{Request: text}
	}
	finds := func(k *verify.Keyring, c verify.Call, want verify.Code, failure error) {
		t.Helper()
		if v, err := k.Verify(t.Context(), c); v.Code != want || !errors.Is(err, failure) {
			t.Errorf("%s, %v; want %s, %v", v.Code, err, want, failure)
		}
	}
	admin.must("POST", "apikeys/my/external/keys/orders", fields{"reveal": "always"})
	keyID, secret := revealed(admin, "orders")
	good := call(keyID, secret)
	finds(local, good, verify.Valid, nil)
	finds(local, good, "replayed", nil)
	finds(local, call(keyID, []byte("somebody else's secret")), "bad_signature", nil)
	finds(local, call("0123456789abcdef", secret), "unknown_key", nil)
	finds(unentitled, call(keyID, secret), "", verify.ErrUnavailable)

	admin.must("POST", "apikeys/my/external/keys/inside", fields{"reveal": "always"})
	insideID, inside := revealed(admin, "inside")
	admin.must("PATCH", "apikeys/my/external/keys/inside", fields{"reveal": "never"})
	finds(local, call(insideID, inside), "", verify.ErrNotLocal)

	admin.must("POST", "apikeys/my/external/keys/orders/revoke", nil)
	revoked := time.Now()
	for {
		v, err := local.Verify(t.Context(), call(keyID, secret))
		if err != nil {
			t.Fatal(err)
		}
		if v.Code == verify.Revoked {
			break
		}
		if time.Since(revoked) > time.Minute { // It is to be 2 s; how slow this machine is, is not what is tried here.
			t.Fatal(v.Code)
		}
		time.Sleep(time.Second / 10)
	}
}
