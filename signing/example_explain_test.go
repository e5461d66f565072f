package signing_test

import (
	"encoding/base64"
	"fmt"
	"log"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// A client has signed the query with the path, which vrnt-1 does not: what it
// should have signed is shown, and its mistake is named.
func ExampleAttempt_Explain() {
	key := []byte("an example of a 32 byte HMAC key")
	const salt, iat = "oKGio6SlpqeoqaqrrK2urw", "2025-01-15T10:30:00Z"
	tag := signing.MAC(key, []byte(salt+"\nGET\n/orders?page=2\n"+iat+"\n\n"))
	head, err := signing.ParseHeadString("GET /orders?page=2 HTTP/1.1\nHost: api.example.com\nAuthorization: " +
		"Vrnt-1-HMAC-SHA256 " +
		"salt=" + salt + ",iat=" + iat + ",kid=tEsTkId1,sig=" + base64.RawURLEncoding.EncodeToString(tag[:]) + "\n")
	if err != nil {
		log.Fatal(err)
	}

	attempt := signing.ReadAttempt(head)
	fmt.Printf("%s, key %s, to be signed: %q\n", attempt.Scheme, attempt.KeyID, attempt.StringToSign)
	e := attempt.Explain(signing.Vrnt1, key, nil, time.Date(2025, 1, 15, 10, 30, 20, 0, time.UTC))
	fmt.Println(e.Signed, e.Skew)
	for _, f := range e.Findings {
		fmt.Printf("%s: %s A key may let it in: %s.\n", f.ID, f.Text, f.Variant)
	}
	// Output:
	// vrnt-1, key tEsTkId1, to be signed: "oKGio6SlpqeoqaqrrK2urw\nGET\n/orders\n2025-01-15T10:30:00Z\n\n"
	// false -20s
	// path_query: The query was signed with the path: sign the path alone, up to but not including the question mark. A key may let it in: path_query.
}

// A server looks up the key that a head names, checks the signature, and then
// what the signature says: the time, and whether the nonce is new. A
// verify.Verifier or verify.Keyring of client/verify does all of it.
func ExampleParseCall() {
	keys := map[string]*signing.MACKey{"tEsTkId1": signing.NewMACKey([]byte("an example of a 32 byte HMAC key"))}
	seen := map[string]bool{}
	now := time.Unix(1736937000, 0)
	judge := func(received string) string {
		head, err := signing.ParseHeadString(received)
		if err != nil {
			return "malformed"
		}
		call, err := signing.ParseCall(head)
		if err != nil {
			return "malformed"
		}
		key, known := keys[call.KeyID]
		switch id := call.KeyID + " " + call.Nonce; {
		case !known:
			return "unknown key"
		case !key.Signed(call):
			return "bad signature"
		case now.Sub(call.Time).Abs() > 5*time.Minute:
			return "too old, or too new"
		case seen[id]:
			return "replayed"
		default:
			seen[id] = true
			return "good, from " + call.KeyID
		}
	}

	const call = `GET /orders?page=2 HTTP/1.1
Host: api.example.com
Signature-Input: sig1=("@method" "@authority" "@path" "@query");created=1736937000;keyid="tEsTkId1";nonce="oKGio6SlpqeoqaqrrK2urw"
Signature: sig1=:8ojLCF+xZYPDmzTIYPylvmbVSSsxtscVwboIbOHjIDI=:
`
	fmt.Println(judge(call))
	fmt.Println(judge(call))
	fmt.Println(judge("DELETE" + call[len("GET"):]))
	// Output:
	// good, from tEsTkId1
	// replayed
	// bad signature
}
