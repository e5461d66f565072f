package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// TestVectors signs the calls of the known answers: those of the scheme itself, whose headers come in order.
func TestVectors(t *testing.T) {
	content, err := os.ReadFile("../../../signing/testdata/vrnt1.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Variant, Key, Kid, Salt, Method, Authorization string
			At                                                 time.Time   `json:"iat"`
			Target                                             string      `json:"request_target"`
			Headers                                            [][2]string `json:"headers"`
		}
	}
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	signed := 0
	for _, vector := range file.Vectors {
		call := Call{Method: vector.Method, Target: vector.Target, Salt: vector.Salt, At: vector.At}
		for _, header := range vector.Headers {
			call.Headers = append(call.Headers, header[0]+": "+header[1])
		}
		if vector.Variant != "spec" || !slices.IsSorted(call.Headers) {
			continue
		}
		signed++
		got, err := call.Sign(Key{ID: vector.Kid, Secret: vector.Key, Scheme: "vrnt-1"})
		if want := []string{"Authorization: " + vector.Authorization}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v; want %q", vector.ID, got, err, want)
		}
	}
	if signed == 0 {
		t.Error("no vector was signed")
	}
}

func TestRun(t *testing.T) {
	const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "key.json")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	plain := file(`{"key_id": "k1", "key": "` + key + `", "scheme": "vrnt-1"}`)
	printed := file(`{"lease_id": "l", "data": {"key_id": "k1", "key": "` + key + `", "scheme": "vrnt-1"}}`)
	standard := file(`{"key_id": "key-0001", "key": "` + key + `", "scheme": "rfc9421"}`)
	other := file(`{"key_id": "k1", "key": "` + key + `", "scheme": "hmac-sha256"}`)
	damaged := file(`{"key_id": "k1", "key": "` + key + `=", "scheme": "vrnt-1"}`)

	for _, test := range []struct {
		name string
		args []string
		want []string // lines the call begins with; none when it is refused
	}{
		{
			"plain key",
			[]string{plain, "GET", "/a?b=c"},
			[]string{"GET /a?b=c HTTP/1.1", "Host: api.example", "Authorization: Vrnt-1-HMAC-SHA256 salt="},
		},
		{"as the CLI prints it", []string{printed, "PUT", "/a"}, []string{"PUT /a HTTP/1.1"}},
		{
			"headers in order",
			[]string{"-H", "Verint-UserName: B", "-H", "verint-id: 1", plain, "GET", "/"},
			[]string{"GET / HTTP/1.1", "Host: api.example", "verint-id: 1", "Verint-UserName: B"},
		},
		{
			"rfc9421",
			[]string{standard, "GET", "/a?b=c"},
			[]string{
				"GET /a?b=c HTTP/1.1", "Host: api.example",
				`Signature-Input: sig1=("@method" "@authority" "@path" "@query");created=`,
			},
		},
		{
			"rfc9421 without a query",
			[]string{standard, "GET", "/a"},
			[]string{
				"GET /a HTTP/1.1", "Host: api.example",
				`Signature-Input: sig1=("@method" "@authority" "@path");created=`,
			},
		},
		{"another scheme", []string{other, "GET", "/"}, nil},
		{"damaged key", []string{damaged, "GET", "/"}, nil},
		{"no key", []string{file("[]"), "GET", "/"}, nil},
		{"no file", []string{filepath.Join(t.TempDir(), "none"), "GET", "/"}, nil},
		{"no target", []string{plain, "GET"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			err := run(test.args, &out)
			if refused := len(test.want) == 0; (err != nil) != refused {
				t.Fatalf("got error %v, want refused %t", err, refused)
			}
			if !strings.HasPrefix(out.String(), strings.Join(test.want, "\n")) {
				t.Errorf("got %q, want it to begin with %q", out.String(), test.want)
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Error("the error holds the key")
			}
		})
	}
}

// TestRFC9421 has the engine's own reader look at what was signed.
func TestRFC9421(t *testing.T) {
	secret := []byte("an example of a 32 byte HMAC key")
	for _, target := range []string{"/wfo/v1/agents", "/a%20b?page=2&page=3", "/?"} {
		call := Call{Method: "GET", Target: target, Salt: "a-nonce-of-16-characters", At: time.Unix(1736937000, 0)}
		added, err := call.Sign(
			Key{ID: "key-0001", Secret: base64.RawURLEncoding.EncodeToString(secret), Scheme: "rfc9421"},
		)
		if err != nil {
			t.Fatal(err)
		}
		head, err := signing.ParseHead([]byte("GET " + target + "\nHost: api.example\n" + strings.Join(added, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := signing.ParseCall(head)
		if err != nil || !parsed.SignedBy(secret) || parsed.KeyID != "key-0001" || !parsed.Time.Equal(call.At) {
			t.Errorf("%s: %+v, %v", target, parsed, err)
		}
	}
}
