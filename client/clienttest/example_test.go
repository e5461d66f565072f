package clienttest_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"vault-plugin-secrets-apikeys/client/middleware"
	"vault-plugin-secrets-apikeys/client/verify"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/signing"
)

// exampleTest stands for the *testing.T of a test.
type exampleTest struct{}

func (exampleTest) Helper()           {}
func (exampleTest) Fatal(args ...any) { log.Fatal(args...) }
func (exampleTest) Cleanup(func())    {}

// A server that verifies and a program that signs are tested against each other, without Vault.
func Example() {
	var t exampleTest // In a test it is the test's.
	engine := clienttest.New(t)
	engine.Tenant("acme")
	key := engine.Key("acme", "external/keys/orders", map[string]any{"scopes": []string{"GET /orders/**"}})

	verifier, err := verify.NewVerifier(engine.Client(""), clienttest.Mount+"/verify")
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	server := httptest.NewServer(middleware.New(verifier)(handler))
	defer server.Close()

	app := &http.Client{
		Transport: &signing.Transport{Signer: key.Signer, Hosts: []string{server.Listener.Addr().String()}},
	}
	get := func(path string) {
		resp, err := app.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		fmt.Println(path, resp.StatusCode)
	}
	get("/orders/17")
	get("/people")
	engine.Suspend("acme")
	get("/orders/17")
	engine.Resume("acme")
	engine.Away(true) // as when nobody can reach Vault
	get("/orders/17")
	// Output:
	// /orders/17 204
	// /people 403
	// /orders/17 403
	// /orders/17 503
}
