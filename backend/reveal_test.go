package backend_test

import (
	"strings"
	"testing"
	"time"
)

func TestRevealOnce(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, nil).is(fields{"unrevealed": true, "reveal": "once"})
		a := acme.write(billing+"/reveal", fields{"request_id": "one"})
		a.is(fields{"tenant": "acme", "kind": "external", "name": "billing", "scheme": "rfc9421"})
		h := a.holder(w)
		if c := a.str("credential"); !strings.HasPrefix(c, "vak_"+h.keyID+"_"+a.str("key")+"_") ||
			len(c) != 4+16+1+43+1+6 {
			w.t.Errorf("credential has %d characters", len(c))
		}
		acme.read(billing).is(fields{"unrevealed": false})

		// The same caller may repeat the same request, for a minute and before its first use.
		again := acme.write(billing+"/reveal", fields{"request_id": "one"})
		if again.str("key") != a.str("key") {
			w.t.Error("another secret")
		}
		acme.refused(409, "rotate").write(billing+"/reveal", fields{"request_id": "two"})
		acme.refused(409, "rotate").write(billing+"/reveal", nil)
		w.someone("other-admin", "acme").refused(409, "rotate").write(billing+"/reveal", fields{"request_id": "one"})
		other := acme
		other.accessor = "another-token"
		other.refused(409, "rotate").write(billing+"/reveal", fields{"request_id": "one"})
		wait(59 * time.Second)
		acme.write(billing+"/reveal", fields{"request_id": "one"})
		wait(time.Second)
		acme.refused(409, "rotate").write(billing+"/reveal", fields{"request_id": "one"})

		acme.write(billing+"/rotate", nil).is(fields{"unrevealed": true})
		h = acme.write(billing+"/reveal", fields{"request_id": "one"}).holder(w)
		h.finds("valid")
		acme.refused(409, "rotate").write(billing+"/reveal", fields{"request_id": "one"}) // it has been used
		acme.refused(400, "reveal").read("my/external/static-creds/billing")
	})
}

// A reveal without a name for the request cannot be told from another one.
func TestRevealWithoutRequestID(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, nil)
		acme.write(billing+"/reveal", fields{"request_id": ""})
		acme.refused(409, "").write(billing+"/reveal", fields{"request_id": ""})
	})
}

func TestRevealAlwaysAndNever(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		made := time.Now()
		h := acme.key(billing, fields{"ttl": "10d", "overlap": "1d", "auto_rotate": true})
		a := acme.read("my/external/static-creds/billing")
		a.is(
			fields{
				"key_id":              h.keyID,
				"rotation_period":     9 * 24 * 3600,
				"last_vault_rotation": stamp(0),
				"tenant":              "acme",
			},
		)
		a.is(fields{"ttl": 300})
		due, err := time.Parse(time.RFC3339, acme.read(billing).str("next_rotation"))
		if err != nil {
			t.Fatal(err)
		}
		wait(time.Until(due) - 100*time.Second)
		acme.read("my/external/static-creds/billing").is(fields{"ttl": 175})
		wait(100 * time.Second)
		acme.read("my/external/static-creds/billing").is(fields{"ttl": 60})
		w.root().write("config", fields{"static_ttl": "30s"})
		acme.read("my/external/static-creds/billing").is(fields{"ttl": 30})
		wait(time.Until(made.Add(10*24*time.Hour)) - 20*time.Second)
		acme.read("my/external/static-creds/billing").is(fields{"ttl": 20})
		wait(19 * time.Second)
		acme.read("my/external/static-creds/billing").is(fields{"ttl": 5})
		wait(time.Second)
		acme.refused(400, "expired").read("my/external/static-creds/billing")

		acme.write("my/external/keys/sealed", fields{"reveal": "never"})
		acme.refused(400, "never").write("my/external/keys/sealed/reveal", nil)
		acme.refused(400, "reveal").read("my/external/static-creds/sealed")
		acme.write("my/external/sign/sealed", fields{"request": "GET / HTTP/1.1\nHost: api.example.com"})

		acme.write("my/external/keys/monthly", fields{"auto_rotate": true}).warns("reveal=once")
	})
}
