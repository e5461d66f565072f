package middleware_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"vault-plugin-secrets-apikeys/client/middleware"
	"vault-plugin-secrets-apikeys/client/verify"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
	"vault-plugin-secrets-apikeys/signing"
)

// inVault stands for a Vault server with the engine, where the tenant acme has two keys.
func inVault() (engine *clienttest.Engine, stop func()) { return vaulttest.Engine() }

// A server that only signed calls get into, with a rule of its own.
func ExampleNew() {
	engine, stop := inVault()
	defer stop()
	sender := engine.Reveal("acme", "external/keys/orders")

	verifier, err := verify.NewVerifier(engine.Client(""), "apikeys/verify")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer verifier.Close()
	ordersWrite := func(r *http.Request, who middleware.Principal) error {
		if r.Method != http.MethodGet && who.Name != "orders" {
			return errors.New("only orders may write")
		}
		return nil
	}
	// or a Keyring
	gate := middleware.New(verifier, middleware.WithSignedBody(), middleware.WithAuthorizer(ordersWrite))
	server := httptest.NewServer(gate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := middleware.PrincipalFrom(r.Context())
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s of %s sent %q", who.Name, who.Tenant, body)
	})))
	defer server.Close()

	signed := &http.Client{
		Transport: &signing.Transport{
			Signer: sender.Signer, Hosts: []string{strings.TrimPrefix(server.URL, "http://")},
		},
	}
	for _, caller := range []*http.Client{signed, http.DefaultClient} {
		resp, err := caller.Post(server.URL+"/orders", "text/plain", strings.NewReader("order 17"))
		if err != nil {
			fmt.Println(err)
			return
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		said := string(text)
		var problem middleware.Problem
		if json.Unmarshal(text, &problem) == nil {
			said = problem.Detail
		}
		fmt.Println(resp.StatusCode, said)
	}
	// Output:
	// 200 orders of acme sent "order 17"
	// 401 The call is not signed, or not with a key that is known here.
}
