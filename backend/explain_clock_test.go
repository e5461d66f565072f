package backend_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// living signs an rfc9421 call that may live for so long, as our own signer does not.
func (h holder) living(created time.Time, life time.Duration) fields {
	params := fmt.Sprintf(`("@method" "@authority" "@path");created=%d;expires=%d;keyid="%s";nonce="n-%d"`,
		created.Unix(), created.Add(life).Unix(), h.keyID, created.UnixNano())
	tag := signing.MAC(
		h.secret,
		[]byte(
			"\"@method\": GET\n\"@authority\": api.example.com\n\"@path\": /wfo/agents\n\"@signature-params\": "+params,
		),
	)
	return fields{"request": "GET /wfo/agents HTTP/1.1\nHost: api.example.com\nSignature-Input: sig1=" + params +
		"\nSignature: sig1=:" + base64.StdEncoding.EncodeToString(tag[:]) + ":\n"}
}

// Each of the reasons to be too old or too new is told from the others.
func TestExplainTimes(t *testing.T) {
	of := func(acme person) holder { return acme.key(explained, nil) }
	for _, row := range []explainedRow{
		{
			"expires has passed", "too_old", "The call's own expires has passed",
			func(_ *testing.T, _ *world, acme person) fields {
				return of(acme).living(time.Now().Add(-20*time.Second), 10*time.Second)
			},
		},
		{
			"expires is now", "too_old", "The call's own expires has passed",
			func(_ *testing.T, _ *world, acme person) fields {
				return of(acme).living(time.Now().Add(-20*time.Second), 20*time.Second)
			},
		},
		{
			"never alive", "too_old", "The call's own expires has passed",
			func(_ *testing.T, _ *world, acme person) fields {
				return of(acme).living(time.Now(), 0)
			},
		},
		{
			"expires has passed, and the window too", "too_old", "301 seconds old, and may be 300",
			func(_ *testing.T, _ *world, acme person) fields {
				return of(acme).living(time.Now().Add(-301*time.Second), 10*time.Second)
			},
		},
		{
			"expires is far, and the window has passed", "too_old", "301 seconds old, and may be 300",
			func(_ *testing.T, _ *world, acme person) fields {
				return of(acme).living(time.Now().Add(-301*time.Second), time.Hour)
			},
		},
		{
			"ahead", "too_new", "61 seconds ahead, and may be 60",
			func(_ *testing.T, _ *world, acme person) fields {
				return of(acme).living(time.Now().Add(61*time.Second), time.Hour)
			},
		},
		{
			"the tenant's own window", "too_old", "31 seconds old, and may be 30",
			func(_ *testing.T, _ *world, acme person) fields {
				acme.patch("my", fields{"window_past": 30})
				return of(acme).callAt(time.Now().Add(-31 * time.Second))
			},
		},
		{
			"before the start, strictly", "too_old", "The server has started since the call was signed",
			func(_ *testing.T, w *world, acme person) fields {
				h := of(acme)
				w.root().write("config", fields{"replay": "strict"})
				call := h.call()
				wait(10 * time.Second)
				w.restart()
				return call
			},
		},
		{
			"before the start, strictly, expires has passed", "too_old", "The call's own expires has passed",
			func(_ *testing.T, w *world, acme person) fields {
				h := of(acme)
				w.root().write("config", fields{"replay": "strict"})
				call := h.living(time.Now(), 5*time.Second)
				wait(10 * time.Second)
				w.restart()
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
		acme := w.tenant("acme")
		call := acme.key(explained, nil).call()
		w.root().write("verify", call).is(fields{"verdict": "valid"})
		acme.write("my/explain", call).is(fields{"verdict": "replayed"})
		wait(10 * time.Second)
		w.restart()
		if a := acme.write("my/explain", call); a.data["verdict"] != "valid" || a.findings() != "" {
			t.Errorf("%v", a.data)
		}
	})
}

// Without a nonce it is the tag that is known again.
func TestExplainReplayedWithoutNonce(t *testing.T) {
	explainedRow{"no nonce", "replayed", "has been accepted before", func(t *testing.T, w *world, acme person) fields {
		h := acme.key(explained, fields{"compat": []any{"no_nonce"}})
		params := fmt.Sprintf(`("@method" "@target-uri");created=%d;keyid="%s"`, time.Now().Unix(), h.keyID)
		tag := signing.MAC(
			h.secret,
			[]byte("\"@method\": GET\n\"@target-uri\": https://api.example.com/\n\"@signature-params\": "+params),
		)
		call := fields{"request": "GET / HTTP/1.1\nHost: api.example.com\nSignature-Input: sig1=" + params +
			"\nSignature: sig1=:" + base64.StdEncoding.EncodeToString(tag[:]) + ":\n"}
		a := w.root().write("verify", call)
		if a.is(fields{"verdict": "valid", "variant": "no_nonce"}); acme.write("my/explain", h.call()).
			findings() !=
			"" {
			t.Error("another call is not good")
		}
		return call
	}}.holds(t)
}

// A full table is told from a call that was seen, whichever of the two comes first.
func TestExplainFullTable(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(explained, nil)
		w.root().write("config", fields{"replay_entries": 1000})
		seen := h.call()
		w.root().write("verify", seen).is(fields{"verdict": "valid"})
		for range 4 { // enough for each part of the table to be full
			items := make([]any, 1000)
			for i := range items {
				items[i] = h.call()
			}
			w.root().write("verify", fields{"batch": items})
		}
		for says, call := range map[string]fields{
			"replay_table_full, by replay_entries)": h.call(), "has been accepted before": seen,
		} {
			a := acme.write("my/explain", call)
			a.is(fields{"verdict": "replayed"})
			if a.findings() != "replayed" || !strings.Contains(a.about("replayed")["text"].(string), says) {
				t.Errorf("%v, want %q", a.data["findings"], says)
			}
		}
		wait(10 * time.Minute)
		fresh := h.call()
		if a := acme.write("my/explain", fresh); a.data["verdict"] != "valid" || a.findings() != "" {
			t.Errorf("once there is room: %v", a.data)
		}
		acme.patch(explained, fields{"replay": "off"})
		w.root().write("verify", fresh).is(fields{"verdict": "valid"})
		if a := acme.write("my/explain", fresh); a.data["verdict"] != "valid" {
			t.Errorf("a key that lets replays pass: %v", a.data)
		}
	})
}
