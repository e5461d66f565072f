package paths_test

import (
	"strings"
	"testing"
	"time"
)

func TestRevealOnce(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, nil).Is(fields{"unrevealed": true, "reveal": "once"})
		a := acme.Write(billing+"/reveal", fields{"request_id": "one"})
		a.Is(fields{"tenant": "acme", "kind": "external", "name": "billing", "scheme": "rfc9421"})
		h := a.Holder(w)
		if c := a.Str("credential"); !strings.HasPrefix(c, "vak_"+h.KeyID+"_"+a.Str("key")+"_") ||
			len(c) != 4+16+1+43+1+6 {
			w.T.Errorf("credential has %d characters", len(c))
		}
		acme.Read(billing).Is(fields{"unrevealed": false})

		// The same caller may repeat the same request, for a minute and before its first use.
		again := acme.Write(billing+"/reveal", fields{"request_id": "one"})
		if again.Str("key") != a.Str("key") {
			w.T.Error("another secret")
		}
		acme.Refused(409, "rotate").Write(billing+"/reveal", fields{"request_id": "two"})
		acme.Refused(409, "rotate").Write(billing+"/reveal", nil)
		w.Someone("other-admin", "acme").Refused(409, "rotate").Write(billing+"/reveal", fields{"request_id": "one"})
		other := acme
		other.Accessor = "another-token"
		other.Refused(409, "rotate").Write(billing+"/reveal", fields{"request_id": "one"})
		wait(59 * time.Second)
		acme.Write(billing+"/reveal", fields{"request_id": "one"})
		wait(time.Second)
		acme.Refused(409, "rotate").Write(billing+"/reveal", fields{"request_id": "one"})

		acme.Write(billing+"/rotate", nil).Is(fields{"unrevealed": true})
		h = acme.Write(billing+"/reveal", fields{"request_id": "one"}).Holder(w)
		h.Finds("valid")
		acme.Refused(409, "rotate").Write(billing+"/reveal", fields{"request_id": "one"}) // it has been used
		acme.Refused(400, "reveal").Read("my/external/static-creds/billing")
	})
}

// A reveal without a name for the request cannot be told from another one.
func TestRevealWithoutRequestID(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, nil)
		acme.Write(billing+"/reveal", fields{"request_id": ""})
		acme.Refused(409, "").Write(billing+"/reveal", fields{"request_id": ""})
	})
}

func TestRevealAlwaysAndNever(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		made := time.Now()
		h := acme.Key(billing, fields{"ttl": "10d", "overlap": "1d", "auto_rotate": true})
		a := acme.Read("my/external/static-creds/billing")
		a.Is(
			fields{
				"key_id":              h.KeyID,
				"rotation_period":     9 * 24 * 3600,
				"last_vault_rotation": stamp(0),
				"tenant":              "acme",
			},
		)
		a.Is(fields{"ttl": 300})
		due, err := time.Parse(time.RFC3339, acme.Read(billing).Str("next_rotation"))
		if err != nil {
			t.Fatal(err)
		}
		wait(time.Until(due) - 100*time.Second)
		acme.Read("my/external/static-creds/billing").Is(fields{"ttl": 175})
		wait(100 * time.Second)
		acme.Read("my/external/static-creds/billing").Is(fields{"ttl": 60})
		w.Root().Write("config", fields{"static_ttl": "30s"})
		acme.Read("my/external/static-creds/billing").Is(fields{"ttl": 30})
		wait(time.Until(made.Add(10*24*time.Hour)) - 20*time.Second)
		acme.Read("my/external/static-creds/billing").Is(fields{"ttl": 20})
		wait(19 * time.Second)
		acme.Read("my/external/static-creds/billing").Is(fields{"ttl": 5})
		wait(time.Second)
		acme.Refused(400, "expired").Read("my/external/static-creds/billing")

		acme.Write("my/external/keys/sealed", fields{"reveal": "never"})
		acme.Refused(400, "never").Write("my/external/keys/sealed/reveal", nil)
		acme.Refused(400, "reveal").Read("my/external/static-creds/sealed")
		acme.Write("my/external/sign/sealed", fields{"request": "GET / HTTP/1.1\nHost: api.example.com"})

		acme.Write("my/external/keys/monthly", fields{"auto_rotate": true}).Warns("reveal=once")
	})
}
