package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
)

// A call as an app sends it: 8 headers, one of them signed.
const benchHead = "GET /wfo/user-mgmt-api/v1/employees?page=2&filter=active HTTP/1.1\r\n" +
	"Host: api.example.com\r\n" +
	"User-Agent: example-client/1.4 (linux; amd64)\r\n" +
	"Accept: application/json\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Content-Type: application/json; charset=utf-8\r\n" +
	"X-Request-Id: 0b9d5c1e-3c1f-4a56-9d8e-5b0f6f0c7a11\r\n" +
	"Verint-UserName: agent.smith@example.com\r\n"

// Each scheme beside what no verification can do without: a MAC of the same
// bytes with a bare key, and the tag from its text.
func BenchmarkVerify(b *testing.B) {
	for _, s := range []Scheme{Vrnt1, RFC9421} {
		add, err := SignHead(s, mustParseHead(b, benchHead), "tEsTkId1", testKey, testTime)
		if err != nil {
			b.Fatal(err)
		}
		text := benchHead
		for _, h := range add {
			text += h.Name + ": " + h.Value + "\r\n"
		}
		text += "\r\n"
		call, err := ParseCall(mustParseHead(b, text))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(s), func(b *testing.B) {
			key := NewMACKey(testKey)
			b.ReportAllocs()
			for b.Loop() {
				h, err := ParseHeadString(text)
				if err != nil {
					b.Fatal(err)
				}
				if call, err := ParseCall(h); err != nil || !key.Signed(call) {
					b.Fatal("not signed", err)
				}
			}
		})
		b.Run(string(s)+"-bytes", func(b *testing.B) {
			head, key := []byte(text), NewMACKey(testKey)
			b.ReportAllocs()
			for b.Loop() {
				h, err := ParseHead(head)
				if err != nil {
					b.Fatal(err)
				}
				if call, err := ParseCall(h); err != nil || !key.Signed(call) {
					b.Fatal("not signed", err)
				}
			}
		})
		b.Run("bare-"+string(s), func(b *testing.B) {
			tag := base64.RawURLEncoding.EncodeToString(call.Tag[:])
			b.ReportAllocs()
			for b.Loop() {
				mac := hmac.New(sha256.New, testKey)
				mac.Write(call.Message)
				want, err := base64.RawURLEncoding.DecodeString(tag)
				if err != nil || !hmac.Equal(mac.Sum(nil), want) {
					b.Fatal("another MAC", err)
				}
			}
		})
	}
}

func BenchmarkSignHead(b *testing.B) {
	h := mustParseHead(b, benchHead)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := SignHead(Vrnt1, h, "tEsTkId1", testKey, testTime); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMAC(b *testing.B) {
	message := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		MAC(testKey, message)
	}
}

// The costliest head that parses: as many Verint- headers as fit, with names
// that differ in their last byte.
func BenchmarkParseHeadWorst(b *testing.B) {
	var text strings.Builder
	text.WriteString("GET /")
	for n := range MaxHeadLines - 1 {
		i := n * 37 % (MaxHeadLines - 1) // out of order
		text.WriteString(
			"\nVerint-" + strings.Repeat("a", 315) + string([]byte{"abcdefghij"[i/10], "abcdefghij"[i%10]}) + ":",
		)
	}
	head := []byte(text.String())
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		if _, err := ParseHead(head); err != nil {
			b.Fatal(err)
		}
	}
}
