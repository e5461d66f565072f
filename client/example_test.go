package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client"
	"vault-plugin-secrets-apikeys/signing"
)

// exampleVault stands for a Vault: it hands out one key.
func exampleVault() (*api.Client, func()) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/revoke") {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.WriteString(w, `{
			"lease_id": "apikeys/tenants/acme/external/creds/billing/1", "lease_duration": 3600, "renewable": true,
			"data": {"key_id": "tEsTkId1", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "scheme": "vrnt-1",
				"expires_at": null, "ttl": 3600}}`)
	}))
	config := api.DefaultConfig()
	config.Address = server.URL
	vault, err := api.NewClient(config)
	if err != nil {
		log.Fatal(err)
	}
	return vault, server.Close
}

// An HTTP client whose calls are signed with a leased key.
func ExampleNewLease() {
	vault, stop := exampleVault()
	defer stop()
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		fmt.Println(r.Method, r.RequestURI, scheme)
	}))
	defer service.Close()

	source, err := client.NewLease(context.Background(), vault, "apikeys/tenants/acme/external/creds/billing")
	if err != nil {
		fmt.Println(err)
		return
	}
	calls := &http.Client{Transport: &signing.Transport{
		Signer:  source,
		Hosts:   []string{strings.TrimPrefix(service.URL, "http://")},
		Refused: source.Report,
	}}
	resp, err := calls.Get(service.URL + "/orders?page=2")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode, source.KeyID())
	_ = resp.Body.Close()
	calls.CloseIdleConnections()
	if err := source.Close(); err != nil {
		fmt.Println(err)
		return
	}
	// Output:
	// GET /orders?page=2 Vrnt-1-HMAC-SHA256
	// 200 tEsTkId1
}

// A head that is sent by other means than net/http.
func ExampleNewStatic() {
	vault, stop := exampleVault()
	defer stop()
	source, err := client.NewStatic(context.Background(), vault, "apikeys/my/external/static-creds/orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer source.Close()

	head, err := signing.ParseHead([]byte("GET /orders HTTP/1.1\nHost: api.example\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	headers, err := source.Sign(context.Background(), head)
	if err != nil {
		fmt.Println(err)
		return
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
	fmt.Println(call.Scheme, call.KeyID)
	// Output: vrnt-1 tEsTkId1
}

// Vault signs each message. This needs a Vault with the engine, as VAULT_ADDR names it, and a token.
func ExampleNewRemote() {
	vault, err := client.FromEnv("/run/vault/token")
	if err != nil {
		log.Fatal(err)
	}
	source := client.NewRemote(vault, "apikeys/my/internal/sign/webhooks")
	signature, err := source.SignMessage(context.Background(), []byte("order 17"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(signature)
}
