package verify

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestVerifierBytes bounds the bytes of a request, and lets long calls go alone.
func TestVerifierBytes(t *testing.T) {
	for apart, want := range map[bool][]int{false: {1, 1, 1, 2, 1, 1, 1, 2}, true: {1, 1, 1, 5, 2}} {
		testVerifierBytes(t, apart, want)
	}
}

// auditing returns the options of a verifier of one request at once, with or without each call in the audit log.
func auditing(apart bool) []VerifierOption {
	if apart {
		return []VerifierOption{WithInFlight(1), WithAuditItems()}
	}
	return []VerifierOption{WithInFlight(1)}
}

func testVerifierBytes(t *testing.T, apart bool, want []int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(time.Second)
		v := newTestVerifier(t, e, auditing(apart)...)
		var wait sync.WaitGroup
		ask := func(length int) {
			wait.Go(func() {
				text := "valid " + strings.Repeat("x", length)
				got, err := v.Verify(t.Context(), Call{Message: text, Signature: "v1:x:x"})
				if err != nil || !got.Valid {
					t.Errorf("%v %v", got, err)
				}
			})
			synctest.Wait()
		}
		for _, length := range []int{1, 2, 300 << 10, 3, 250 << 10, 249 << 10, 248 << 10, 247 << 10, 246 << 10, 4} {
			ask(length)
		}
		wait.Wait()
		var sizes []int
		for _, calls := range e.sent {
			sizes = append(sizes, len(calls))
		}
		if !slices.Equal(sizes, want) {
			t.Errorf("sent %v, want %v", sizes, want)
		}
		for name, c := range map[string]Call{
			"nothing":          {},
			"a long head":      {Request: strings.Repeat("x", 33<<10)},
			"a long message":   {Message: strings.Repeat("x", 1<<20+1), Signature: "v1:x:x"},
			"a long signature": {Signature: strings.Repeat("x", 257)},
			"bytes":            {Signature: "\xff"},
			"both":             {Request: "valid", Signature: "v1:x:x"},
		} {
			if got, err := v.Verify(t.Context(), c); err != nil || got.Code != Malformed ||
				len(e.sent) != len(sizes) {
				t.Errorf("%s: %v %v", name, got, err)
			}
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestVerifierStrings keeps the strings of a request within what a listener takes: the fake refuses more.
func TestVerifierStrings(t *testing.T) {
	for _, row := range []struct {
		call Call
		want []int
	}{
		{Call{Request: "valid"}, []int{1, 990, 9}},
		{Call{Request: "valid", ClientIP: netip.MustParseAddr("192.0.2.1")}, []int{1, 247, 247, 247, 247, 11}},
		{
			Call{Message: "valid", Signature: "v1:x:x", ClientIP: netip.MustParseAddr("192.0.2.1")},
			[]int{1, 165, 165, 165, 165, 165, 165, 9},
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newFakeEngine(time.Second)
			v := newTestVerifier(t, e, WithInFlight(1), WithAuditItems())
			var wait sync.WaitGroup
			for range 1000 {
				wait.Go(func() {
					if got, err := v.Verify(t.Context(), row.call); err != nil || !got.Valid {
						t.Errorf("%v %v", got, err)
					}
				})
			}
			wait.Wait()
			var sizes []int
			for _, calls := range e.sent {
				sizes = append(sizes, len(calls))
			}
			if !slices.Equal(sizes, row.want) {
				t.Errorf("sent %v, want %v", sizes, row.want)
			}
			if err := v.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestVerifierPacks sends the calls of a request as one text, unless each is to be in the audit log.
func TestVerifierPacks(t *testing.T) {
	for _, row := range []struct {
		length int
		apart  bool
		want   string
	}{
		{20, false, "batch_json"},
		{30 << 10, false, "batch_json"},
		{20, true, "batch"},
		{32 << 10, false, "batch_json"},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newFakeEngine(time.Second)
			v := newTestVerifier(t, e, auditing(row.apart)...)
			var wait sync.WaitGroup
			for range 9 {
				wait.Go(func() {
					if err := asks(t.Context(), v, "valid "+strings.Repeat("<", row.length-len("valid "))); err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			if got := e.form; !slices.Equal(got, []string{row.want}) {
				t.Errorf("eight of %d bytes sent as %v, want %s", row.length, got, row.want)
			}
			if err := v.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
