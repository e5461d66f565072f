package apikey

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// unusual is a call of the key's first version that deviates from the scheme: its Authorization is made here, by hand.
func unusual(t *testing.T, secret []byte, keyID, format string) *signing.Call {
	t.Helper()
	const salt = "oKGio6SlpqeoqaqrrK2urw"
	iat := start.Format(time.RFC3339)
	tag := signing.MAC(secret, []byte(salt+"\nGET\n/a\n"+iat+"\n\n"))
	sig := base64.RawURLEncoding.EncodeToString(tag[:])
	text := "GET /a\nAuthorization: Vrnt-1-HMAC-SHA256 " + strings.NewReplacer(
		"SALT", salt, "IAT", iat, "KID", keyID, "SIG", sig,
	).
		Replace(format)
	head, err := signing.ParseHead([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	call, err := signing.ParseLenientCall(head)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

func TestFormsAreMalformedUnlessLetIn(t *testing.T) {
	const strict, ordered, spaced = "salt=SALT,iat=IAT,kid=KID,sig=SIG", "kid=KID,salt=SALT,iat=IAT,sig=SIG", "salt=SALT, iat=IAT, kid=KID, sig=SIG"
	for _, row := range []struct {
		compat tenant.Lines
		format string
		forged bool
		want   Verdict
		took   string
	}{
		{"", strict, false, Valid, ""},
		{"", ordered, false, Malformed, ""},
		{"", ordered, true, Malformed, ""},
		{"param_order", ordered, false, Valid, "param_order"},
		{"param_order", ordered, true, Malformed, ""},
		{"param_order", spaced, false, Malformed, ""},
		{"param_order\nparam_whitespace", spaced, false, Valid, "param_whitespace"},
		{"param_order", strict, false, Valid, ""},
		{"param_order", strict, true, BadSignature, ""},
	} {
		k := newKey()
		k.Scheme, k.Rules = signing.Vrnt1, lenient(row.compat)
		c := goodCase(k, 1)
		secret := k.Versions[0].Secret.Reveal()
		if row.forged {
			secret = []byte("somebody else")
		}
		c.Call = unusual(t, secret, k.Versions[0].KeyID, row.format)
		if got, _ := c.Judge(start); got != row.want || c.found.Variants.String() != row.took {
			t.Errorf(
				"%q, %s, forged %v: %s by %s, want %s by %s",
				row.compat,
				row.format,
				row.forged,
				got,
				c.found.Variants,
				row.want,
				row.took,
			)
		}
		c.Key = nil
		if got, _ := c.Judge(start); (got == Malformed) != (row.format != strict) {
			t.Errorf("%s of an unknown key: %s", row.format, got)
		}
	}
}

// The text of a secret as the key is for imported versions: one made here is not let in with it, though its key says
// so.
func TestKeyASCIIIsForImportedVersions(t *testing.T) {
	k := newKey()
	k.Scheme, k.Rules = signing.Vrnt1, lenient("key_ascii")
	c := goodCase(k, 1)
	v := &c.Key.Versions[0]
	c.Call = unusual(t, []byte(v.Secret.RevealText()), v.KeyID, "salt=SALT,iat=IAT,kid=KID,sig=SIG")
	if got, _ := c.Judge(start); got != BadSignature {
		t.Errorf("a version made here: %s", got)
	}
	v.setFlags(func(m *VersionFlags) { m.Imported = true })
	if got, _ := c.Judge(start); got != Valid || c.found.Variants.String() != "key_ascii" {
		t.Errorf("an imported one: %s by %s", got, c.found.Variants)
	}
	if got := fmt.Sprint(k.Variants(v)); got != "[key_ascii]" {
		t.Errorf("variants %s", got)
	}
}

func TestCheckCompat(t *testing.T) {
	imported, made := newKey(), newKey()
	for _, k := range []*Key{imported, made} {
		k.Scheme, k.Rules = signing.Vrnt1, lenient("key_ascii")
	}
	imported.Versions[0].setFlags(func(m *VersionFlags) { m.Imported = true })
	if err := imported.CheckCompat(nil); err != nil {
		t.Error(err)
	}
	refusedAs(t, made.CheckCompat(nil), refusal.Invalid, "compat: key_ascii")
	if err := made.CheckCompat(made); err != nil { // its imported version has gone
		t.Error(err)
	}
	s := made.Settings
	made.Rules = Intern(Rules{})
	_, err := made.Change(s, admin, start)
	refusedAs(t, err, refusal.Invalid, "compat: key_ascii")
}

func TestCompatLines(t *testing.T) {
	if l, err := CompatLines([]string{"path_query", "headers_sorted"}); err != nil ||
		l != "path_query\nheaders_sorted" {
		t.Errorf("%q, %v", l, err)
	}
	for _, bad := range [][]string{{""}, {"path"}, {"path_query", "path_query"}, {"Path_Query"}, {"path_query "}} {
		l, err := CompatLines(bad)
		refusedAs(t, err, refusal.Invalid, "compat: ")
		if l != "" {
			t.Errorf("%q beside an error", l)
		}
	}
	_, err := CompatLines([]string{"a secret in the wrong place"})
	if err == nil || strings.Contains(err.Error(), "secret in") {
		t.Errorf("%v", err)
	}
}

// A call is refused once its own expires has come, and for ever before its time stamp is too old.
func TestExpiresOfACall(t *testing.T) {
	for after, want := range map[time.Duration]Verdict{
		9 * time.Second: Valid, 10 * time.Second: TooOld, time.Minute: TooOld,
	} {
		c := goodCase(newKey(), 1)
		c.Call.Expires = start.Add(10 * time.Second)
		if got, _ := c.Judge(start.Add(after)); got != want {
			t.Errorf("%s on: %s, want %s", after, got, want)
		}
	}
}
