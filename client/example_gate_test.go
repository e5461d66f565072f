package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"vault-plugin-secrets-apikeys/client"
	"vault-plugin-secrets-apikeys/signing"
)

// exampleJudge stands for a Verifier, which needs a Vault with the engine.
type exampleJudge struct{}

func (exampleJudge) Verify(_ context.Context, c client.Call) (client.Verdict, error) {
	head, err := signing.ParseHeadString(c.Request)
	if err != nil {
		return client.Verdict{}, err
	}
	call, err := signing.ParseCall(head)
	if err != nil {
		return client.Verdict{}, err
	}
	if !call.SignedBy([]byte("example")) {
		return client.Verdict{Verdict: "bad_signature"}, nil
	}
	return client.Verdict{
		Verdict: "valid", Valid: true, Tenant: "acme", Name: "billing", KeyID: call.KeyID, Scheme: string(call.Scheme),
		ContentDigest: call.ContentDigest,
	}, nil
}

// A server that only signed calls get into, with a rule of its own.
func ExampleMiddleware() {
	gate := client.Middleware{
		Judge:             exampleJudge{}, // Otherwise of client.NewVerifier(vault, "apikeys/verify", client.VerifierOptions{}).
		RequireSignedBody: true,
		Require: func(r *http.Request, who client.Principal) error {
			if r.Method != http.MethodGet && who.Name != "billing" {
				return errors.New("only billing may write")
			}
			return nil
		},
	}
	server := httptest.NewServer(gate.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := client.PrincipalFrom(r.Context())
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s of %s sent %q", who.Name, who.Tenant, body)
	})))
	defer server.Close()

	key, err := signing.NewKey(signing.RFC9421, "tEsTkId1", []byte("example"))
	if err != nil {
		fmt.Println(err)
		return
	}
	signed := &http.Client{Transport: &signing.Transport{Signer: key, Hosts: []string{strings.TrimPrefix(server.URL, "http://")}}}
	for _, caller := range []*http.Client{signed, http.DefaultClient} {
		resp, err := caller.Post(server.URL+"/orders", "text/plain", strings.NewReader("order 17"))
		if err != nil {
			fmt.Println(err)
			return
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Println(resp.StatusCode, strings.TrimSpace(string(text)))
	}
	// Output:
	// 200 billing of acme sent "order 17"
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"The call is not signed, or not with a key that is known here."}
}

// A message and its signature, judged by the engine. This needs a Vault with the engine, as VAULT_ADDR names it, and a token.
func ExampleNewVerifier() {
	vault, err := client.FromEnv("/run/vault/token")
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := client.NewVerifier(vault, "apikeys/verify", client.VerifierOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer verifier.Close()
	verdict, err := verifier.Verify(context.Background(), client.Call{
		Message: "order 17", Signature: "v1:tEsTkId1:LsRDfKtLCAxgRAs1Vn2vFen5X6X8vsyqN2nT7gMF-B8",
	})
	switch {
	case errors.Is(err, client.ErrUnavailable), errors.Is(err, client.ErrBusy):
		fmt.Println("try again later")
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println(verdict.Verdict, verdict.Tenant)
	}
}
