package signing_test

import (
	"fmt"
	"log"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// A client signs the head of a request; a server finds the signature in the
// head it received, looks up the key, and checks it.
func Example() {
	key := []byte("an example of a 32 byte HMAC key")
	head, err := signing.ParseHead([]byte("GET /wfo/adherence/ HTTP/1.1\nHost: api.example.com\nVerint-UserName: agent\n"))
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
