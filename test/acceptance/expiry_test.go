//go:build acceptance

package acceptance

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
)

// TestExpiry checks that a version whose ttl is over has ended for everybody, to the second and without anything having
// to tidy up, whatever its scheme.
func TestExpiry(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "expiry")
	for _, test := range []struct {
		scheme string
		ask    fields                 // what Vault is to sign
		call   func(*answered) fields // what is to be verified, of what it signed
	}{
		{
			"rfc9421",
			fields{"request": agents},
			func(signed *answered) fields { return fields{"request": signed.signs(agents)} },
		},
		{
			"vrnt-1",
			fields{"request": agents},
			func(signed *answered) fields { return fields{"request": signed.signs(agents)} },
		},
		{"hmac-sha256", fields{"message": "m"}, func(signed *answered) fields {
			return fields{"message": "m", "signature": signed.field("signature")}
		}},
	} {
		t.Run(test.scheme, func(t *testing.T) {
			t.Parallel()
			admin, app := shared.caller(t, tenant+"-admin"), shared.caller(t, tenant+"-app")
			name, tries, call := "", 0, fields{}
			at := func(what string) string { return "apikeys/my/external/" + what + "/" + name }
			until(t, "signed", func() error { // On a machine that stalls, a key may have expired before it signs.
				tries++
				name = fmt.Sprintf("%s-%d", test.scheme, tries)
				admin.must(
					"POST",
					at("keys"),
					fields{"scheme": test.scheme, "reveal": "always", "replay": "off", "ttl": 3},
				)
				signed := app.ask("POST", at("sign"), test.ask)
				if signed.status != http.StatusOK {
					return errors.New(signed.says())
				}
				call = test.call(signed)
				return nil
			})
			until(t, "expired", func() error {
				got := shared.caller(t, "gateway").must("PATCH", "apikeys/verify", call).field("verdict")
				switch got {
				case "expired":
					return nil
				case "valid":
				default:
					t.Errorf("%s before it has expired", got)
				}
				return fmt.Errorf("verdict %s", got)
			})

			const invalid = http.StatusBadRequest
			app.refused(invalid, "expired: ", "POST", at("sign"), test.ask)
			admin.refused(invalid, "expired: ", "POST", at("keys")+"/reveal", nil)
			app.refused(invalid, "expired: ", "GET", at("static-creds"), nil)
			read := admin.must("GET", at("keys"), nil)
			if read.field("state") != "active" || read.field("current_key_id") != "" ||
				read.field("versions.0.state") != "expired" {
				t.Errorf("the key is %s, its version %s", read.field("state"), read.field("versions.0.state"))
			}
			// Whoever rotates by hand has a current version again.
			next := admin.must("POST", at("keys")+"/rotate", nil).field("current_key_id")
			if next == "" || next == read.field("versions.0.key_id") {
				t.Errorf("after a rotation the current version is %q", next)
			}
		})
	}
}
