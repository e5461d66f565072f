package paths_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// living signs an rfc9421 call that may live for so long, as our own signer does not.
func living(h holder, created time.Time, life time.Duration) fields {
	params := fmt.Sprintf(`("@method" "@authority" "@path");created=%d;expires=%d;keyid="%s";nonce="n-%d"`,
		created.Unix(), created.Add(life).Unix(), h.KeyID, created.UnixNano())
	tag := signing.MAC(
		h.Secret,
		[]byte(
			"\"@method\": GET\n\"@authority\": api.example.com\n\"@path\": /wfo/agents\n\"@signature-params\": "+params,
		),
	)
	return fields{"request": "GET /wfo/agents HTTP/1.1\nHost: api.example.com\nSignature-Input: sig1=" + params +
		"\nSignature: sig1=:" + base64.StdEncoding.EncodeToString(tag[:]) + ":\n"}
}

// Each of the reasons to be too old or too new is told from the others.
func TestExplainTimes(t *testing.T) {
	of := func(acme person) holder { return acme.Key(explained, nil) }
	for _, row := range []explainedRow{
		{
			"expires has passed", "too_old", "The call's own expires has passed",
			func(_ *testing.T, _ *world, acme person) fields {
				return living(of(acme), time.Now().Add(-20*time.Second), 10*time.Second)
			},
		},
		{
			"expires is now", "too_old", "The call's own expires has passed",
			func(_ *testing.T, _ *world, acme person) fields {
				return living(of(acme), time.Now().Add(-20*time.Second), 20*time.Second)
			},
		},
		{
			"never alive", "too_old", "The call's own expires has passed",
			func(_ *testing.T, _ *world, acme person) fields {
				return living(of(acme), time.Now(), 0)
			},
		},
		{
			"expires has passed, and the window too", "too_old", "301 seconds old, and may be 300",
			func(_ *testing.T, _ *world, acme person) fields {
				return living(of(acme), time.Now().Add(-301*time.Second), 10*time.Second)
			},
		},
		{
			"expires is far, and the window has passed", "too_old", "301 seconds old, and may be 300",
			func(_ *testing.T, _ *world, acme person) fields {
				return living(of(acme), time.Now().Add(-301*time.Second), time.Hour)
			},
		},
		{
			"ahead", "too_new", "61 seconds ahead, and may be 60",
			func(_ *testing.T, _ *world, acme person) fields {
				return living(of(acme), time.Now().Add(61*time.Second), time.Hour)
			},
		},
		{
			"the tenant's own window", "too_old", "31 seconds old, and may be 30",
			func(_ *testing.T, _ *world, acme person) fields {
				acme.Patch("my", fields{"window_past": 30})
				return of(acme).CallAt(time.Now().Add(-31 * time.Second))
			},
		},
		{
			"before the start, strictly", "too_old", "The server has started since the call was signed",
			func(_ *testing.T, w *world, acme person) fields {
				h := of(acme)
				w.Root().Write("config", fields{"replay": "strict"})
				call := h.Call()
				wait(10 * time.Second)
				w.Restart()
				return call
			},
		},
		{
			"before the start, strictly, expires has passed", "too_old", "The call's own expires has passed",
			func(_ *testing.T, w *world, acme person) fields {
				h := of(acme)
				w.Root().Write("config", fields{"replay": "strict"})
				call := living(h, time.Now(), 5*time.Second)
				wait(10 * time.Second)
				w.Restart()
				return call
			},
		},
	} {
		row.holds(t)
	}
}

// With replay=memory a restart forgets: the call is good again, and explained so.
func TestExplainAfterARestart(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		call := acme.Key(explained, nil).Call()
		w.Root().Write("verify", call).Is(fields{"verdict": "valid"})
		acme.Write("my/explain", call).Is(fields{"verdict": "replayed"})
		wait(10 * time.Second)
		w.Restart()
		if a := acme.Write("my/explain", call); a.Data["verdict"] != "valid" || findings(a) != "" {
			t.Errorf("%v", a.Data)
		}
	})
}

// Without a nonce it is the tag that is known again.
func TestExplainReplayedWithoutNonce(t *testing.T) {
	explainedRow{"no nonce", "replayed", "has been accepted before", func(t *testing.T, w *world, acme person) fields {
		h := acme.Key(explained, fields{"compat": []any{"no_nonce"}})
		params := fmt.Sprintf(`("@method" "@target-uri");created=%d;keyid="%s"`, time.Now().Unix(), h.KeyID)
		tag := signing.MAC(
			h.Secret,
			[]byte("\"@method\": GET\n\"@target-uri\": https://api.example.com/\n\"@signature-params\": "+params),
		)
		call := fields{"request": "GET / HTTP/1.1\nHost: api.example.com\nSignature-Input: sig1=" + params +
			"\nSignature: sig1=:" + base64.StdEncoding.EncodeToString(tag[:]) + ":\n"}
		a := w.Root().Write("verify", call)
		if a.Is(fields{"verdict": "valid", "variant": "no_nonce"}); findings(acme.Write("my/explain", h.Call())) !=
			"" {
			t.Error("another call is not good")
		}
		return call
	}}.holds(t)
}

// A full table is told from a call that was seen, whichever of the two comes first.
func TestExplainFullTable(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(explained, nil)
		w.Root().Write("config", fields{"replay_entries": 1000})
		seen := h.Call()
		w.Root().Write("verify", seen).Is(fields{"verdict": "valid"})
		for range 4 { // enough for each part of the table to be full
			items := make([]any, 1000)
			for i := range items {
				items[i] = h.Call()
			}
			w.Root().Write("verify", fields{"batch": items})
		}
		for says, call := range map[string]fields{
			"replay_table_full, by replay_entries)": h.Call(), "has been accepted before": seen,
		} {
			a := acme.Write("my/explain", call)
			a.Is(fields{"verdict": "replayed"})
			if findings(a) != "replayed" || !strings.Contains(about(a, "replayed")["text"].(string), says) {
				t.Errorf("%v, want %q", a.Data["findings"], says)
			}
		}
		wait(10 * time.Minute)
		fresh := h.Call()
		if a := acme.Write("my/explain", fresh); a.Data["verdict"] != "valid" || findings(a) != "" {
			t.Errorf("once there is room: %v", a.Data)
		}
		acme.Patch(explained, fields{"replay": "off"})
		w.Root().Write("verify", fresh).Is(fields{"verdict": "valid"})
		if a := acme.Write("my/explain", fresh); a.Data["verdict"] != "valid" {
			t.Errorf("a key that lets replays pass: %v", a.Data)
		}
	})
}
