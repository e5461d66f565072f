package replay

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)

// upTo are the bounds where one tenant can have all.
func upTo(most int) Bounds { return Bounds{Tenant: most, Node: 1 << 40} }

func call(nonce string, at time.Time) Call {
	return Call{Tenant: "acme", KeyID: "AAAAAAAA", Nonce: nonce, Time: at, Window: 300 * time.Second}
}

func TestCheck(t *testing.T) {
	other := func(change func(*Call)) Call { c := call("n1", start); change(&c); return c }
	for _, row := range []struct {
		name   string
		second Call
		at     time.Duration
		want   Outcome
	}{
		{"the same call", call("n1", start), 0, Seen},
		{"the same call at the end of its window", call("n1", start), 300 * time.Second, Seen},
		{"the same instant in another zone", call("n1", start.In(time.FixedZone("x", 3600))), 0, Seen},
		{"another nonce", call("n2", start), 0, New},
		{"another time", call("n1", start.Add(time.Second)), 0, New},
		{"another key", other(func(c *Call) { c.KeyID = "BBBBBBBB" }), 0, New},
		{"another tenant", other(func(c *Call) { c.Tenant = "globex" }), 0, New},
		{"parts that run together", other(func(c *Call) { c.KeyID, c.Nonce = "AAAAAAAAn", "1" }), 0, New},
	} {
		t.Run(row.name, func(t *testing.T) {
			var table Table
			if got := table.Check(call("n1", start), upTo(1000), true, start); got != New {
				t.Fatalf("first: %v", got)
			}
			if got := table.Check(row.second, upTo(1000), true, start.Add(row.at)); got != row.want {
				t.Errorf("second: %v, want %v", got, row.want)
			}
		})
	}
}

func TestLookDoesNotRecord(t *testing.T) {
	var table Table
	for range 2 {
		if got := table.Check(call("n", start), upTo(100), false, start); got != New {
			t.Fatalf("a look recorded: %v", got)
		}
	}
	table.Check(call("n", start), upTo(100), true, start)
	if got := table.Check(call("n", start), upTo(100), false, start); got != Seen {
		t.Errorf("a look does not see: %v", got)
	}
}

func TestFullRefusesAndRecovers(t *testing.T) {
	var table Table
	full := 0
	for i := range 500 {
		if table.Check(call(fmt.Sprint(i), start), upTo(160), true, start) == Full {
			full++
		}
	}
	if full == 0 || table.Len() > 160 {
		t.Fatalf("%d refused, %d kept", full, table.Len())
	}
	if got := table.Check(call("0", start), upTo(160), true, start); got != Seen {
		t.Errorf("a full table forgot a call: %v", got)
	}
	if got := table.Check(
		Call{Tenant: "globex", KeyID: "K", Nonce: "1", Time: start, Window: time.Minute},
		upTo(160),
		true,
		start,
	); got != New {
		t.Errorf("another tenant's table is full too: %v", got)
	}
	later := start.Add(300*time.Second + overtaking + time.Second)
	if got := table.Check(call("new", later), upTo(160), true, later); got != New {
		t.Errorf("after the window: %v", got)
	}
	table.Forget("acme")
	if table.Len() != 1 {
		t.Errorf("%d left after forgetting", table.Len())
	}
}

func TestClockSetForwardAndBack(t *testing.T) {
	var table Table
	table.Check(call("n", start.Add(time.Hour)), upTo(1000), true, start.Add(time.Hour))
	if got := table.Check(call("n", start.Add(time.Hour)), upTo(1000), true, start.Add(-24*time.Hour)); got != Seen {
		t.Errorf("clock set back: %v", got)
	}
	table.Check(call("m", start), upTo(1000), true, start)
	if got := table.Check(call("m", start), upTo(1000), true, start.Add(10*time.Second)); got != Seen {
		t.Errorf("after clock set back: %v", got)
	}
}

// A clock that runs ahead and is set right must not let the calls of before in again, nor
// keep those of afterwards out.
func TestClockSetRightDoesNotReplay(t *testing.T) {
	var table Table
	const calls = 100
	for n := range calls {
		table.Check(call(fmt.Sprint(n), start), upTo(10_000), true, start)
	}
	ahead := start.Add(2 * time.Hour)
	for n := range calls {
		table.Check(call(fmt.Sprint("ahead", n), ahead), upTo(10_000), false, ahead)
	}
	right := start.Add(10 * time.Second)
	for n := range calls {
		if got := table.Check(call(fmt.Sprint(n), start), upTo(10_000), true, right); got != Seen {
			t.Fatalf("call %d is accepted again: %v", n, got)
		}
		if got := table.Check(call(fmt.Sprint(n), right), upTo(10_000), true, right); got != New {
			t.Fatalf("call %d of after: %v", n, got)
		}
	}
}

func TestGrownWindowDoesNotReplay(t *testing.T) {
	var table Table
	old := call("n", start)
	table.Check(old, upTo(1000), true, start)
	at := start.Add(400 * time.Second) // past 300 s and a little: let go
	table.Check(call("x", at), upTo(1000), true, at)
	old.Window = 900 * time.Second
	if got := table.Check(old, upTo(1000), true, at); got != Seen {
		t.Errorf("a wider window lets an old call in again: %v", got)
	}
	fresh := call("y", at)
	fresh.Window = 900 * time.Second
	if got := table.Check(fresh, upTo(1000), true, at); got != New {
		t.Errorf("a wider window refuses new calls: %v", got)
	}
}

// What a narrow window has accepted must be kept for as long as the wide one needs it.
func TestGrowingWindowKeepsWhatItHolds(t *testing.T) {
	for _, grownAt := range []time.Duration{0, 30 * time.Second, 60 * time.Second} {
		for replayedAt := time.Duration(0); replayedAt <= 900*time.Second; replayedAt += 7 * time.Second {
			var table Table
			narrow, wide := call("n", start), call("n", start)
			narrow.Window, wide.Window = 60*time.Second, 900*time.Second
			table.Check(narrow, upTo(1000), true, start)
			if replayedAt < grownAt {
				continue
			}
			table.Check(wide, upTo(1000), true, start.Add(grownAt))
			if got := table.Check(wide, upTo(1000), true, start.Add(replayedAt)); got != Seen {
				t.Fatalf("grown after %s: accepted again after %s: %v", grownAt, replayedAt, got)
			}
		}
	}
}

func TestShrunkWindowLetsGoEarlier(t *testing.T) {
	var table Table
	table.Check(call("n", start), upTo(1000), true, start)
	late := start.Add(60*time.Second + overtaking + time.Second)
	for i := range 200 { // until every shard has been asked
		c := call(fmt.Sprint("x", i), late)
		c.Window = 60 * time.Second
		table.Check(c, upTo(10_000), false, late)
	}
	if n := table.Len(); n != 0 {
		t.Errorf("%d calls kept beyond a window that has shrunk", n)
	}
}

// A request reads the clock before it waits its turn.
func TestOvertakenRequestIsStillRefused(t *testing.T) {
	var table Table
	table.Check(call("n", start), upTo(16), true, start)
	edge := start.Add(300 * time.Second)
	for i := range 200 {
		table.Check(call(fmt.Sprint("x", i), edge), upTo(10_000), false, edge.Add(overtaking))
	}
	if got := table.Check(call("n", start), upTo(10_000), true, edge); got != Seen {
		t.Errorf("a replay slipped in behind a later request: %v", got)
	}
}

func TestConcurrentOnlyOneWins(t *testing.T) {
	var table Table
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := range 200 {
				if table.Check(call(fmt.Sprint(i), start), upTo(1_000_000), true, start) == New {
					won.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if won.Load() != 200 {
		t.Errorf("%d calls accepted, of 200", won.Load())
	}
}

// Whatever the clock, the windows and the order of calls: none is accepted twice while its
// window lets it in, and under one window no fresh call is taken for a seen one.
func TestAgainstMemory(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, 4, rand.Uint64()} {
		r := rand.New(rand.NewPCG(seed, 0))
		windows := []time.Duration{300 * time.Second}
		if seed%2 == 0 {
			windows = []time.Duration{60 * time.Second, 300 * time.Second, 900 * time.Second}
		}
		var table Table
		accepted := make(map[Call]bool)
		now, window := start, windows[0]
		for n := range 20_000 {
			now = now.Add(time.Duration(r.Int64N(int64(2 * time.Second))))
			if r.IntN(500) == 0 {
				now = now.Add(time.Duration(r.Int64N(int64(time.Hour))))
			}
			if r.IntN(100) == 0 {
				window = windows[r.IntN(len(windows))]
			}
			c := call(
				fmt.Sprint(r.IntN(3)),
				now.Add(time.Minute-time.Duration(r.Int64N(int64(window+time.Minute)))).Truncate(time.Second),
			)
			c.Window = window
			if now.Sub(c.Time) > window {
				continue
			}
			got := table.Check(c, upTo(1_000_000), true, now)
			c.Window = 0
			if got == New && accepted[c] || got == Seen && !accepted[c] && len(windows) == 1 {
				t.Fatalf("seed %d: call %d: %v, accepted before: %t", seed, n, got, accepted[c])
			}
			accepted[c] = accepted[c] || got == New
		}
		letGo(t, &table, seed, window, now)
	}
}

// letGo fails the test unless the table is empty, in every part of it, once the last call
// has left its window, with each second seen by every shard.
func letGo(t *testing.T, table *Table, seed uint64, window time.Duration, now time.Time) {
	t.Helper()
	for range (window+time.Minute+overtaking)/time.Second + 2 {
		now = now.Add(time.Second)
		for n := range 100 {
			c := call(fmt.Sprint("look", n), now)
			c.Window = window
			table.Check(c, upTo(1_000_000), false, now)
		}
	}
	left := 0
	if v, ok := table.tenants.Load("acme"); ok {
		for i := range v.(*ledger).shards {
			left += len(v.(*ledger).shards[i].seen)
		}
	}
	if table.Len() != 0 || left != 0 {
		t.Errorf("seed %d: %d calls of %d seconds are never let go", seed, table.Len(), left)
	}
}

func TestLenIsOverAllTenants(t *testing.T) {
	var table Table
	for _, tenant := range []string{"acme", "globex", "initech"} {
		c := call("n", start)
		c.Tenant = tenant
		table.Check(c, upTo(1000), true, start)
	}
	if n := table.Len(); n != 3 {
		t.Errorf("%d calls of three tenants", n)
	}
	table.Forget("globex")
	if n := table.Len(); n != 2 {
		t.Errorf("%d calls of the two that are left", n)
	}
}

func BenchmarkCheck(b *testing.B) {
	var table Table
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c := call("", start)
		for i := 0; pb.Next(); i++ {
			c.Nonce = fmt.Sprintf("%p-%d", &c, i)
			table.Check(c, upTo(100_000_000), true, start.Add(time.Duration(i)*time.Microsecond))
		}
	})
}
