package signing_test

import (
	"fmt"
	"log"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// A client signs the head of a request with vrnt-1; a server finds the signature in the
// head it received, looks up the key, and checks it.
func Example() {
	key := []byte("an example of a 32 byte HMAC key")
	head, err := signing.ParseHead([]byte("GET /wfo/adherence/ HTTP/1.1\nHost: api.example.com\nVerint-UserName: " +
		"agent\n"))
	if err != nil {
		log.Fatal(err)
	}
	add, err := signing.SignHead(signing.Vrnt1, head, "tEsTkId1", key, time.Unix(1736937000, 0))
	if err != nil {
		log.Fatal(err)
	}

	received := head.String()
	for _, h := range add {
		received += h.Name + ": " + h.Value + "\n"
	}
	head, err = signing.ParseHead([]byte(received))
	if err != nil {
		log.Fatal(err)
	}
	call, err := signing.ParseCall(head)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(call.Scheme, call.KeyID, call.Time.Format(time.RFC3339), call.SignedBy(key))
	// Output: vrnt-1 tEsTkId1 2025-01-15T10:30:00Z true
}

// Any message can be signed with a key of scheme hmac-sha256.
func ExampleParseTagged() {
	key := []byte("an example of a 32 byte HMAC key")
	message := []byte("nightly export, 1204 rows")

	signature := signing.SignTagged("tEsTkId1", key, message)
	call, err := signing.ParseTagged(message, signature)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(signature)
	fmt.Println(call.KeyID, call.SignedBy(key))
	// Output:
	// v1:tEsTkId1:CtcXUQm5byXIRe8ehPfSbAbMhYbN_kOuz2eQkRhRIYQ
	// tEsTkId1 true
}

// A server compares the body it got with the Content-Digest under the
// signature, which is in [signing.Call].
func ExampleParseContentDigest() {
	body := []byte(`{"hello": "world"}`)
	value := signing.DigestBody(body)

	digest, err := signing.ParseContentDigest(value)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(value)
	fmt.Println(digest.Matches(body), digest.Matches([]byte("another body")))
	// Output:
	// sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:
	// true false
}

// With RFC 9421 a head that announces a body carries the digest of it, and the
// signature vouches for both. A server that checks many calls keeps its keys
// ready.
func ExampleSignHead() {
	secret := []byte("an example of a 32 byte HMAC key")
	body := []byte(`{"hello": "world"}`)
	text := "POST /greetings?to=all HTTP/1.1\nHost: api.example.com\nContent-Length: 18\n" +
		"Content-Digest: " + signing.DigestBody(body) + "\n"
	head, err := signing.ParseHeadString(text)
	if err != nil {
		log.Fatal(err)
	}
	add, err := signing.SignHead(signing.RFC9421, head, "tEsTkId1", secret, time.Unix(1736937000, 0))
	if err != nil {
		log.Fatal(err)
	}

	for _, h := range add {
		text += h.Name + ": " + h.Value + "\n"
	}
	head, err = signing.ParseHeadString(text)
	if err != nil {
		log.Fatal(err)
	}
	call, err := signing.ParseCall(head)
	if err != nil {
		log.Fatal(err)
	}
	digest, err := signing.ParseContentDigest(call.ContentDigest)
	if err != nil {
		log.Fatal(err)
	}
	key := signing.NewMACKey(secret)
	fmt.Println(call.Scheme, call.KeyID, key.Signed(call), digest.Matches(body))
	// Output: rfc9421 tEsTkId1 true true
}

// A client that sorts the headers it signs, and sends them in another order, is
// let in where its key says so.
func ExampleCall_SignedAs() {
	key := []byte("an example of a 32 byte HMAC key")
	compat, err := signing.ParseCompat(signing.Vrnt1, []string{"headers_sorted", "param_whitespace"})
	if err != nil {
		log.Fatal(err)
	}
	head, err := signing.ParseHeadString("GET / HTTP/1.1\nVerint-B: 1\nVerint-A: 2\nAuthorization: Vrnt-1-HMAC-SHA256 " +
		"salt=oKGio6SlpqeoqaqrrK2urw, iat=2025-01-15T10:30:00Z, kid=tEsTkId1, " +
		"sig=-FaWImIN18B7xwyylEaWYZbZMLzbAneubwjhBePjiNU\n")
	if err != nil {
		log.Fatal(err)
	}
	call, err := signing.ParseLenientCall(head)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(call.Form, call.SignedBy(key))
	fmt.Println(call.SignedAs(key, compat))
	// Output:
	// param_whitespace false
	// headers_sorted,param_whitespace true
}
