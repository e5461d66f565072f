package signing_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"vault-plugin-secrets-apikeys/signing"
)

// An HTTP client that signs all that it sends to its API, and sends nothing to
// anybody else. The handler does by hand what client/middleware does for a
// server.
func ExampleTransport() {
	secret := []byte("an example of a 32 byte HMAC key")
	api := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			log.Fatal(err)
		}
		digest, err := signing.ParseContentDigest(r.Header.Get("Content-Digest"))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Method, r.RequestURI, r.Header.Get("Signature") != "", digest.Matches(body))
	}))
	defer api.Close()

	key, err := signing.NewKey(signing.RFC9421, "tEsTkId1", secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	app := &http.Client{Transport: &signing.Transport{
		Signer: key,
		Hosts:  []string{strings.TrimPrefix(api.URL, "https://")},
		Base:   api.Client().Transport,
	}}
	resp, err := app.Post(api.URL+"/greetings?to=all", "application/json", strings.NewReader(`{"hello": "world"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode)
	if err := resp.Body.Close(); err != nil {
		fmt.Println(err)
		return
	}

	_, err = app.Get("https://elsewhere.example/") //nolint:bodyclose // Nothing is sent.
	fmt.Println(errors.Is(err, signing.ErrHost))
	// Output:
	// POST /greetings?to=all true true
	// 200
	// true
}
