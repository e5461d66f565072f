package clienttest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"vault-plugin-secrets-apikeys/client/middleware"
	"vault-plugin-secrets-apikeys/client/verify"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/signing"
)

// A keyring judges for a server, and lets nobody in once it is closed.
func TestServer(t *testing.T) {
	engine := clienttest.New(t)
	engine.Tenant("acme")
	engine.AllowLocal("acme")
	key := engine.Key("acme", "external/keys/orders", nil)

	keyring, err := verify.NewKeyring(engine.Client(""), clienttest.Mount)
	if err != nil {
		t.Fatal(err)
	}
	defer keyring.Close()
	server := httptest.NewServer(middleware.New(keyring)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := middleware.PrincipalFrom(r.Context())
		if who.Tenant != "acme" || who.KeyID != key.ID {
			t.Errorf("%+v", who)
		}
		w.WriteHeader(http.StatusNoContent)
	})))
	defer server.Close()

	app := &http.Client{
		Transport: &signing.Transport{
			Signer:    key.Signer,
			Hosts:     []string{server.Listener.Addr().String()},
			PlainHTTP: true,
		},
	}
	for _, want := range []int{http.StatusNoContent, http.StatusServiceUnavailable} {
		resp, err := app.Get(server.URL + "/orders")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s, want %d", resp.Status, want)
		}
		_ = keyring.Close() // A server without a judge lets nobody in.
	}
}
