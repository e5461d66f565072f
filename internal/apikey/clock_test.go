package apikey

import (
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/replay"
)

func TestClockWindow(t *testing.T) {
	for _, row := range []struct {
		name  string
		stamp time.Duration // from now
		now   time.Duration // fraction of a second
		want  Verdict
	}{
		{"now", 0, 0, Valid},
		{"300 s old", -300 * time.Second, 0, Valid},
		{"300 s and a nanosecond old", -300 * time.Second, 1, TooOld},
		{"301 s old", -301 * time.Second, 0, TooOld},
		{"60 s ahead", 60 * time.Second, 0, Valid},
		{"60 s ahead less a nanosecond", 60 * time.Second, 1, Valid},
		{"61 s ahead", 61 * time.Second, 0, TooNew},
		{"a century old", -100 * 365 * day, 0, TooOld},
		{"a century ahead", 100 * 365 * day, 0, TooNew},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := goodCase(newKey(living(0)), 1)
			c.Call.Time = start.Add(row.stamp)
			if got, _ := c.Judge(start.Add(row.now)); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func TestClockFarFromAnyCall(t *testing.T) {
	for year, want := range map[int]Verdict{1: TooOld, 9999: TooNew} {
		c := goodCase(newKey(living(0)), 1)
		c.Call.Time = time.Date(year, 12, 31, 23, 59, 59, 0, time.UTC) // durations saturate
		if got, _ := c.Judge(start); got != want {
			t.Errorf("year %d: %s, want %s", year, got, want)
		}
	}
}

func TestWindowIsTheCases(t *testing.T) {
	c := goodCase(newKey(), 1)
	c.Past, c.Future = 5*time.Second, 900*time.Second
	for stamp, want := range map[time.Duration]Verdict{
		-5 * time.Second: Valid, -6 * time.Second: TooOld, 900 * time.Second: Valid, 901 * time.Second: TooNew,
	} {
		c.Call.Time = start.Add(stamp)
		if got, _ := c.Judge(start); got != want {
			t.Errorf("stamped %s from now: %s, want %s", stamp, got, want)
		}
	}
}

// Replay=strict: calls stamped before the node's start are too old, also in the window.
func TestSince(t *testing.T) {
	c := goodCase(newKey(), 1)
	c.Since = start.Add(-100 * time.Second)
	for stamp, want := range map[time.Duration]Verdict{
		-99 * time.Second: Valid, -100 * time.Second: Valid, -100*time.Second - 1: TooOld, -299 * time.Second: TooOld,
	} {
		c.Call.Time = start.Add(stamp)
		if got, _ := c.Judge(start); got != want {
			t.Errorf("stamped %s from now: %s, want %s", stamp, got, want)
		}
	}
}

func TestSchemesWithoutATimeHaveNoClock(t *testing.T) {
	c := goodCase(newKey(), 1)
	c.Call.Time, c.Since = time.Time{}, start
	if got, _ := c.Judge(start); got != Valid {
		t.Errorf("%s", got)
	}
}

// Seen records: it is asked last, once, and only about calls that are otherwise valid.
func TestSeenIsAskedLast(t *testing.T) {
	asked := 0
	judge := func(c *trial) Verdict {
		asked = 0
		c.Seen = func() replay.Outcome { asked++; return replay.New }
		got, _ := c.Judge(start)
		return got
	}
	for _, f := range faults {
		if f.verdict == Replayed {
			continue
		}
		c := goodCase(leased(), 1)
		f.apply(c)
		if got := judge(c); got != f.verdict || asked != 0 {
			t.Errorf("%s: %s, asked %d times", f.name, got, asked)
		}
	}
	if got := judge(goodCase(newKey(), 1)); got != Valid || asked != 1 {
		t.Errorf("a good call: %s, asked %d times", got, asked)
	}
	off := goodCase(newKey(func(s *Settings) { s.Replay = false }), 1)
	if got := judge(off); got != Valid || asked != 0 {
		t.Errorf("replay off: %s, asked %d times", got, asked)
	}
	bare := goodCase(newKey(), 1)
	bare.Call.Nonce = ""
	if got := judge(bare); got != Valid || asked != 0 {
		t.Errorf("no nonce: %s, asked %d times", got, asked)
	}
	none := goodCase(newKey(), 1)
	none.Seen = nil
	if got, _ := none.Judge(start); got != Valid {
		t.Errorf("nobody to ask: %s", got)
	}
}
