package verify

import (
	"log/slog"
	"testing"
	"time"
)

// TestVerifierOptions holds that values of 0 or less leave the defaults, and that each option sets its own.
func TestVerifierOptions(t *testing.T) {
	plain := newVerifierOptions(nil)
	if none := newVerifierOptions([]VerifierOption{WithInFlight(0), WithQueue(-1), WithTimeout(0)}); none != plain {
		t.Errorf("%+v, not %+v", none, plain)
	}
	want := verifierOptions{inFlight: 1, queue: 3, timeout: time.Minute, auditItems: true}
	all := []VerifierOption{WithInFlight(1), WithQueue(3), WithTimeout(time.Minute), WithAuditItems()}
	if got := newVerifierOptions(all); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
}

// TestKeyringOptions holds the same for a keyring.
func TestKeyringOptions(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	logged := func(opts ...KeyringOption) keyringOptions {
		return newKeyringOptions(append([]KeyringOption{WithLogger(log)}, opts...))
	}
	plain := logged()
	none := logged(
		WithKeys(0), WithIdle(-1), WithReplayEntries(0), WithReplayTotal(-1), WithFetches(0), WithLogger(nil))
	if none != plain {
		t.Errorf("%+v, not %+v", none, plain)
	}
	fallback := new(Verifier)
	want := keyringOptions{
		keys:          1,
		idle:          2,
		replayEntries: 3,
		replayTotal:   4,
		fetches:       5,
		strictReplay:  true,
		fallback:      fallback,
		log:           log,
	}
	got := logged(
		WithKeys(1),
		WithIdle(2),
		WithReplayEntries(3),
		WithReplayTotal(4),
		WithFetches(5),
		WithStrictReplay(),
		WithFallback(fallback),
	)
	if got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
}
