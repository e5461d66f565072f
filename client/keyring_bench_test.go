package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// A call as an app sends it: 8 headers and a signature.
const benchHead = "GET /wfo/user-mgmt-api/v1/employees?page=2&filter=active HTTP/1.1\r\n" +
	"Host: api.example.com\r\n" +
	"User-Agent: example-client/1.4 (linux; amd64)\r\n" +
	"Accept: application/json\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Content-Type: application/json; charset=utf-8\r\n" +
	"X-Request-Id: 0b9d5c1e-3c1f-4a56-9d8e-5b0f6f0c7a11\r\n" +
	"Verint-UserName: agent.smith@example.com\r\n"

// BenchmarkKeyring sets a verification, of calls that are seen once, beside the bare cost of its MAC: HMAC-SHA256 over the same
// bytes, and the tag's base64.
func BenchmarkKeyring(b *testing.B) {
	for _, scheme := range []signing.Scheme{signing.RFC9421, signing.Vrnt1} {
		v := newRingVault()
		v.states["key-0001"] = "current"
		whole := v.odd
		v.odd = func(r *http.Request, sent map[string]any) (*http.Response, error) {
			resp, err := whole(r, sent)
			if resp == nil || err != nil {
				return resp, err
			}
			return withField(b, resp, "scheme", string(scheme)), nil
		}
		k, err := NewKeyring(v.client(b), "apikeys", KeyringOptions{})
		if err != nil {
			b.Fatal(err)
		}
		head, err := signing.ParseHead([]byte(benchHead))
		if err != nil {
			b.Fatal(err)
		}
		signed := func() (Call, *signing.Call) {
			added, err := signing.SignHead(scheme, head, "key-0001", ringSecret, time.Now())
			if err != nil {
				b.Fatal(err)
			}
			with, err := head.With(added)
			if err != nil {
				b.Fatal(err)
			}
			call, err := signing.ParseCall(with)
			if err != nil {
				b.Fatal(err)
			}
			return Call{Request: with.String()}, call
		}
		b.Run(string(scheme)+"/keyring", func(b *testing.B) {
			calls := make([]Call, 1<<14)
			for i := range calls {
				calls[i], _ = signed()
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				got, err := k.Verify(b.Context(), calls[i%len(calls)])
				if err != nil || got.Verdict != "valid" && got.Verdict != "replayed" {
					b.Fatal(got.Verdict, err)
				}
				i++
			}
		})
		b.Run(string(scheme)+"/bare", func(b *testing.B) {
			_, call := signed()
			tag := base64.StdEncoding.EncodeToString(call.Tag[:])
			b.ReportAllocs()
			for b.Loop() {
				mac := hmac.New(sha256.New, ringSecret)
				mac.Write(call.Message)
				want, err := base64.StdEncoding.DecodeString(tag)
				if err != nil || !hmac.Equal(mac.Sum(nil), want) {
					b.Fatal("not signed", err)
				}
			}
		})
		if err := k.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
