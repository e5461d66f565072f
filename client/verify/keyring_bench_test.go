package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/signing"
)

// A call as an app sends it: 8 headers, one of them signed by vrnt-1.
const benchHead = "GET /wfo/user-mgmt-api/v1/employees?page=2&filter=active HTTP/1.1\r\n" +
	"Host: api.example.com\r\n" +
	"User-Agent: example-client/1.4 (linux; amd64)\r\n" +
	"Accept: application/json\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Content-Type: application/json; charset=utf-8\r\n" +
	"X-Request-Id: 0b9d5c1e-3c1f-4a56-9d8e-5b0f6f0c7a11\r\n" +
	"Verint-UserName: agent.smith@example.com\r\n"

// BenchmarkKeyring judges calls by a key that is held, each scheme beside what no verification can do without: a MAC
// of the same bytes, and the tag from its text. The key has replay=off, so that one call can be judged again and
// again; new ones, which the table of calls has to hold, are in "-new". All but "parallel" run on one processor, so
// that each pays for the garbage that it makes.
func BenchmarkKeyring(b *testing.B) {
	processors := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(processors)
	engine := clienttest.New(b)
	engine.Tenant("acme")
	engine.AllowLocal("acme")
	k, err := NewKeyring(engine.Client(""), "apikeys", WithReplayEntries(1<<40))
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	for _, scheme := range []signing.Scheme{signing.Vrnt1, signing.RFC9421, signing.HMACSHA256} {
		for _, replay := range []string{"off", "on"} {
			if replay == "on" && !scheme.HTTP() {
				continue
			}
			key := engine.Key(
				"acme",
				"external/keys/"+string(scheme)+"-"+replay,
				map[string]any{"scheme": scheme, "replay": replay},
			)
			name := string(scheme)
			calls := []Call{benchCall(b, key)}
			if replay == "on" {
				name += "-new"
			}
			b.Run(name, func(b *testing.B) {
				for replay == "on" && len(calls) < 100_000 {
					calls = append(calls, benchCall(b, key))
				}
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					if n%len(calls) == 0 && replay == "on" {
						b.StopTimer()
						k.calls.Forget("acme")
						b.StartTimer()
					}
					if v, err := k.Verify(b.Context(), calls[n%len(calls)]); err != nil || !v.Valid {
						b.Fatal(v.Code, err)
					}
				}
			})
			b.Run(name+"/bare", func(b *testing.B) { bare(b, calls, key) })
			if replay == "on" {
				continue
			}
			b.Run(name+"/parallel", func(b *testing.B) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if v, err := k.Verify(b.Context(), calls[0]); err != nil || !v.Valid {
							b.Error(v.Code, err)
						}
					}
				})
			})
		}
	}
}

func benchCall(b *testing.B, key clienttest.Key) Call {
	if key.Signer.Scheme() == signing.HMACSHA256 {
		message := fmt.Sprintf("order %d: %s", time.Now().UnixNano(), strings.Repeat("a message of some length, ", 4))
		return Call{Message: message, Signature: signing.SignTagged(key.ID, key.Secret, []byte(message))}
	}
	head, err := signing.ParseHeadString(benchHead)
	if err != nil {
		b.Fatal(err)
	}
	added, err := signing.SignHead(key.Signer.Scheme(), head, key.ID, key.Secret, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	text := benchHead
	for _, h := range added {
		text += h.Name + ": " + h.Value + "\r\n"
	}
	return Call{Request: text + "\r\n"}
}

func bare(b *testing.B, calls []Call, key clienttest.Key) {
	messages, tags := make([][]byte, len(calls)), make([]string, len(calls))
	for i, c := range calls {
		j := new(judgement)
		if !j.parse(c) {
			b.Fatal("no call")
		}
		messages[i], tags[i] = j.input.Call.Message, base64.RawURLEncoding.EncodeToString(j.input.Call.Tag[:])
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		mac := hmac.New(sha256.New, key.Secret)
		mac.Write(messages[n%len(calls)])
		want, err := base64.RawURLEncoding.DecodeString(tags[n%len(calls)])
		if err != nil || !hmac.Equal(mac.Sum(nil), want) {
			b.Fatal("another MAC", err)
		}
	}
}
