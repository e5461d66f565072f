package signing

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestKeySigns(t *testing.T) {
	secret := append([]byte(nil), judgeKey...)
	for _, scheme := range []Scheme{Vrnt1, RFC9421} {
		key, err := NewKey(scheme, judgeKeyID, secret)
		if err != nil {
			t.Fatal(err)
		}
		clear(secret) // The key has its own.
		for _, text := range []string{
			"GET /a HTTP/1.1\nHost: h\n", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a\nHost: h",
		} {
			head, err := ParseHead([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			added, err := key.Sign(t.Context(), head)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := head.With(added)
			if err != nil {
				t.Fatal(err)
			}
			call, err := ParseCall(signed)
			if err != nil {
				t.Fatal(err)
			}
			if !call.SignedBy(judgeKey) || call.KeyID != key.ID() || time.Since(call.Time) > time.Hour {
				t.Errorf("%s: %q", scheme, signed)
			}
			if _, err := key.Sign(t.Context(), signed); !errors.Is(err, ErrSigned) {
				t.Error(err)
			}
			if _, err := signed.With(added); !errors.Is(err, errTaken) {
				t.Error(err)
			}
		}
		if _, err := key.SignMessage(t.Context(), nil); !errors.Is(err, ErrUnknownScheme) {
			t.Error(err)
		}
		copy(secret, judgeKey)
	}
}

func TestKeyMessages(t *testing.T) {
	key, err := NewKey(HMACSHA256, judgeKeyID, judgeKey)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.SignMessage(t.Context(), []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if call, err := ParseTagged([]byte("hello"), signature); err != nil || !call.SignedBy(judgeKey) {
		t.Error(err)
	}
	head, err := ParseHead([]byte("GET /\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := key.Sign(t.Context(), head); !errors.Is(err, ErrUnknownScheme) {
		t.Error(err)
	}
}

func TestKeyShowsNothing(t *testing.T) {
	key, err := NewKey(Vrnt1, judgeKeyID, judgeKey)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{key})
	if err != nil {
		t.Fatal(err)
	}
	shown := string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown += fmt.Sprintf(verb, key) + fmt.Sprintf(verb, *key) + fmt.Sprintf(verb, Transport{Signer: key})
	}
	for _, form := range []string{"%s", "%x", "%d"} {
		if strings.Contains(shown, strings.Trim(fmt.Sprintf(form, judgeKey[:8]), "[]")) {
			t.Errorf("shown as %s: %s", form, shown)
		}
	}
}

func TestNewKeyRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		scheme Scheme
		id     string
		secret []byte
		want   error
	}{
		"scheme": {"md5", judgeKeyID, judgeKey, ErrUnknownScheme},
		"ID":     {Vrnt1, "a b", judgeKey, ErrMalformed},
		"secret": {Vrnt1, judgeKeyID, nil, ErrMalformed},
	} {
		if _, err := NewKey(row.scheme, row.id, row.secret); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
