package apikey

import (
	"errors"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/signing"
)

func sequence(n int) secret.Bytes {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return secret.New(b)
}

// The credentials were computed with Python's zlib.crc32 and base64.urlsafe_b64encode.
var credentials = []struct {
	keyID string
	key   secret.Bytes
	want  string
}{
	{"0123456789ABCDEF", sequence(32), "vak_0123456789ABCDEF_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_4IynQD"},
	{
		"imported-key-1",
		sequence(64),
		"vak_imported-key-1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-Pw_1x3Jgl",
	},
	{
		"zzzzzzzzzzzzzzzz", secret.New([]byte(strings.Repeat("\xff", 32))), // a key that is written as underscores
		"vak_zzzzzzzzzzzzzzzz___________________________________________8_0D7Udf",
	},
}

func TestCredentialKnownAnswers(t *testing.T) {
	for _, row := range credentials {
		if got := Credential(row.keyID, row.key); got != row.want {
			t.Errorf("%s: %s", row.keyID, got)
		}
		keyID, key, err := ParseCredential(row.want)
		if err != nil || keyID != row.keyID || !key.Equal(row.key) {
			t.Errorf("%s: parsed as %q, %v", row.want, keyID, err)
		}
	}
	// CRC-32 7554071 is written with leading zeros.
	if got := checksum("vak_AAAAAAAAAAAAAAAA_Fy4Wdu2kcO3hfp1JFVS8vpe6RpH5KIAGTIyynsNaRn4"); got != "00Vh9r" {
		t.Errorf("checksum %s", got)
	}
}

func TestNoCredential(t *testing.T) {
	for _, keyID := range []string{"imported_key_1", "_mported-key-1", "imported-key-_"} {
		if got := Credential(keyID, sequence(32)); got != "" {
			t.Errorf("key ID %s has a credential", keyID)
		}
	}
	if Credential("0123456789ABCDEF", secret.Bytes{}) != "" {
		t.Error("an erased secret has a credential")
	}
}

func TestParseCredentialRefuses(t *testing.T) {
	good := credentials[0].want
	seal := func(body string) string { return body + "_" + checksum(body) }
	for name, s := range map[string]string{
		"nothing":                  "",
		"the prefix alone":         "vak_",
		"another prefix":           "VAK" + good[3:],
		"a wrong checksum":         good[:len(good)-1] + "C",
		"a changed key":            strings.Replace(good, "AAEC", "AAED", 1),
		"a changed key ID":         strings.Replace(good, "0123", "0124", 1),
		"a blank after":            good + " ",
		"a line end after":         good + "\n",
		"a line end in the key":    seal(strings.Replace(good[:len(good)-7], "AwQF", "AwQF\n", 1)),
		"padding":                  seal(good[:len(good)-7] + "="),
		"stray bits":               seal(good[:len(good)-8] + "9"),
		"no key ID":                seal("vak__" + sequence(32).RevealText()),
		"a key ID too short":       seal("vak_0123456_" + sequence(32).RevealText()),
		"a key ID too long":        seal("vak_" + strings.Repeat("a", 65) + "_" + sequence(32).RevealText()),
		"a strange key ID":         seal("vak_0123456789ABCDE/_" + sequence(32).RevealText()),
		"no key":                   seal("vak_0123456789ABCDEF_"),
		"a key too short":          seal("vak_0123456789ABCDEF_" + sequence(31).RevealText()),
		"a key too long":           seal("vak_0123456789ABCDEF_" + sequence(65).RevealText()),
		"standard base64":          seal("vak_0123456789ABCDEF_" + strings.Repeat("+", 42) + "8"),
		"a checksum one too short": good[:len(good)-6] + good[len(good)-5:],
	} {
		keyID, key, err := ParseCredential(s)
		if !errors.Is(err, refusal.Invalid) || keyID != "" || !key.Erased() {
			t.Errorf("%s: accepted for key ID %q, error %v", name, keyID, err)
			continue
		}
		if len(s) > 20 && strings.Contains(err.Error(), s[4:20]) {
			t.Errorf("%s: the refusal quotes the credential", name)
		}
	}
}

func FuzzParseCredential(f *testing.F) {
	for _, row := range credentials {
		f.Add(row.want)
		f.Add(row.want[:len(row.want)-1] + "0")
	}
	f.Add("vak_a_b_c")
	f.Fuzz(func(t *testing.T, s string) {
		keyID, key, err := ParseCredential(s)
		if err != nil {
			return
		}
		if again := Credential(keyID, key); again != s {
			t.Fatalf("accepted, and written back differently")
		}
		if n := len(key.Reveal()); !signing.ValidKeyID(keyID) || n < MinSecret || n > MaxSecret {
			t.Fatalf("accepted key ID %q with %d bytes", keyID, n)
		}
	})
}

// What is made can be read: the other direction of the round trip.
func FuzzCredential(f *testing.F) {
	f.Add("0123456789ABCDEF", []byte(strings.Repeat("k", 32)))
	f.Add("imported-key-1", []byte(strings.Repeat("\xff", 64)))
	f.Add("with_underscore", []byte(strings.Repeat("k", 32)))
	f.Fuzz(func(t *testing.T, keyID string, raw []byte) {
		s := Credential(keyID, secret.New(raw))
		can := signing.ValidKeyID(keyID) && !strings.Contains(keyID, "_") && len(raw) >= MinSecret &&
			len(raw) <= MaxSecret
		gotID, key, err := ParseCredential(s)
		if can != (err == nil) {
			t.Fatalf("key ID %q, %d bytes: readable %t, error %v", keyID, len(raw), can, err)
		}
		if can && (gotID != keyID || !key.Equal(secret.New(raw))) {
			t.Fatalf("key ID %q came back as %q", keyID, gotID)
		}
	})
}
