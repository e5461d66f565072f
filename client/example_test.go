package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"vault-plugin-secrets-apikeys/client"
	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
	"vault-plugin-secrets-apikeys/signing"
)

// inVault stands for a Vault server with the engine, where the tenant acme has a role, billing, and two keys. An app
// has client.FromEnv in its place: vault, err := client.FromEnv("/run/vault/token").
func inVault() (engine *clienttest.Engine, stop func()) { return vaulttest.Engine() }

// An HTTP client whose calls are signed with a key of the app's own, which is renewed and replaced in time.
func ExampleLease() {
	engine, stop := inVault()
	defer stop()
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.RequestURI, r.Header.Get("Signature") != "")
	}))
	defer service.Close()

	source, err := client.NewLease(
		context.Background(), engine.Client("acme"), "apikeys/tenants/acme/external/creds/billing",
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	calls := &http.Client{Transport: &signing.Transport{
		Signer:  source,
		Hosts:   []string{strings.TrimPrefix(service.URL, "http://")}, // signs for these alone
		Refused: source.Report,                                        // a 401 has it take another key
	}}
	resp, err := calls.Get(service.URL + "/orders?page=2")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode)
	_ = resp.Body.Close()
	calls.CloseIdleConnections()
	if err := source.Close(); err != nil { // revokes the lease
		fmt.Println(err)
		return
	}
	// Output:
	// GET /orders?page=2 true
	// 200
}

// A head that is sent by other means than net/http, signed with the current version of a key that others rotate.
func ExampleStatic() {
	engine, stop := inVault()
	defer stop()

	source, err := client.NewStatic(
		context.Background(), engine.Client("acme"), "apikeys/my/external/static-creds/orders",
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer source.Close()
	head, err := signing.ParseHeadString("GET /orders HTTP/1.1\nHost: api.example\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	headers, err := source.Sign(context.Background(), head)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, h := range headers {
		fmt.Println("add", h.Name)
	}
	signed, err := head.With(headers)
	if err != nil {
		fmt.Println(err)
		return
	}
	call, err := signing.ParseCall(signed)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(call.Scheme, call.KeyID == source.KeyID())
	// Output:
	// add Signature-Input
	// add Signature
	// rfc9421 true
}

// Vault signs each message, and the secret never leaves it.
func ExampleRemote() {
	engine, stop := inVault()
	defer stop()

	source := client.NewRemote(engine.Client("acme"), "apikeys/my/internal/sign/webhooks")
	defer source.Close()
	signature, err := source.SignMessage(context.Background(), []byte("order 17"))
	if err != nil {
		fmt.Println(err)
		return
	}
	version, rest, _ := strings.Cut(signature, ":")
	keyID, tag, _ := strings.Cut(rest, ":")
	fmt.Println(version, len(keyID), len(tag))
	// Output: v1 16 43
}
