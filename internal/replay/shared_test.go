package replay

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

// of returns a call of a tenant, unlike all others of its n.
func of(tenant, n int, at time.Time) Call {
	return Call{
		Tenant: fmt.Sprint("tenant", tenant),
		KeyID:  "AAAAAAAA",
		Nonce:  fmt.Sprint(n),
		Time:   at,
		Window: 5 * time.Second,
	}
}

// One tenant gets half of what is there for all, and n that go on get 1/(n+1) each, however they take turns.
func TestShares(t *testing.T) {
	const node = 12_000
	for n := 1; n <= 5; n++ {
		var table Table
		got := make([]int, n)
		for i := range 2 * node {
			for tenant := range n {
				if table.Check(of(tenant, i, start), Bounds{Tenant: node, Node: node}, true, start) == New {
					got[tenant]++
				}
			}
		}
		for _, g := range got {
			if want := node / (n + 1); g < want-1 || g > want+1 {
				t.Errorf("of %d tenants each: %v, want %d", n, got, want)
			}
		}
	}
}

// Whatever tenants do, the bound holds, a tenant with less than the free rest is not refused, a refusal names its
// reason, and nothing is kept of tenants that fall silent.
func TestSharedRoom(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, rand.Uint64()} {
		r := rand.New(rand.NewPCG(seed, 0))
		var table Table
		b, now := Bounds{Tenant: 300, Node: 1000}, start
		last := make(map[int]time.Time)
		for n := range 20_000 {
			tenant := min(r.IntN(8), r.IntN(8))
			if r.IntN(200) == 0 {
				now = now.Add(time.Duration(r.Int64N(int64(time.Minute))))
			}
			if r.IntN(1000) == 0 {
				table.Expire(time.Minute, now)
				silent(t, &table, last, now)
			}
			own, used := table.own(tenant), table.Len()
			got, room := table.Check(of(tenant, n, now), b, true, now), own < b.Tenant && own < b.Node-used
			last[tenant] = now
			if got != New && room {
				t.Fatalf("seed %d: refused with %d of its own, %d of all: %v", seed, own, used, got)
			}
			if got == Full && table.own(tenant) < b.Tenant ||
				got == Crowded && table.own(tenant) < b.Node-table.Len() ||
				got == Seen {
				t.Fatalf("seed %d: %v with %d of its own, %d of all", seed, got, table.own(tenant), table.Len())
			}
			if table.Len() > b.Node || table.own(tenant) > b.Tenant {
				t.Fatalf("seed %d: %d of one, %d of all", seed, table.own(tenant), table.Len())
			}
		}
		table.Expire(time.Minute, now.Add(time.Hour))
		if _, held := table.tenants.Load("tenant0"); held || table.Len() != 0 {
			t.Errorf("seed %d: %d left", seed, table.Len())
		}
	}
}

// silent fails the test if a tenant has a ledger whose calls no window lets in.
func silent(t *testing.T, table *Table, last map[int]time.Time, now time.Time) {
	t.Helper()
	for tenant, at := range last {
		if _, held := table.tenants.Load(fmt.Sprint("tenant", tenant)); held &&
			now.Sub(at) > time.Minute+overtaking+2*time.Second {
			t.Fatalf("tenant %d is held, silent for %s", tenant, now.Sub(at))
		}
	}
}

// own counts what a tenant has, one by one.
func (t *Table) own(tenant int) int {
	n := 0
	if v, ok := t.tenants.Load(fmt.Sprint("tenant", tenant)); ok {
		for i := range v.(*ledger).shards {
			for _, of := range v.(*ledger).shards[i].seen {
				n += len(of)
			}
		}
	}
	return n
}

// A ledger that is dropped while its tenant calls loses no call, and no room.
func TestDroppedWhileInUse(t *testing.T) {
	var table Table
	var callers, droppers sync.WaitGroup
	end := make(chan struct{})
	droppers.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-end:
				return
			default:
				table.Expire(0, start.Add(time.Hour+time.Duration(n)*time.Second)) // all of it is too old
				runtime.Gosched()
			}
		}
	})
	var mu sync.Mutex
	most := 0
	for worker := range 4 {
		callers.Go(func() {
			for n := range 5000 {
				table.Check(
					of(n%3, n*4+worker, start.Add(time.Duration(n)*time.Second)),
					Bounds{Tenant: 50, Node: 100},
					true,
					start,
				)
				mu.Lock()
				most = max(most, table.Len())
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	close(end)
	droppers.Wait()
	left := 0
	for tenant := range 3 {
		left += table.own(tenant)
	}
	if most > 100 || left != table.Len() {
		t.Errorf("at most %d; %d are left, and %d counted", most, left, table.Len())
	}
}

// A caller that got a ledger before it was dropped looks for another one.
func TestDroppedLedgerTakesNoCalls(t *testing.T) {
	var table Table
	c := of(1, 1, start)
	l := table.ledger(c.Tenant)
	table.Forget(c.Tenant)
	if _, gone := table.check(l, &c, c.mark(), upTo(100), true, start); !gone || table.Len() != 0 {
		t.Error("a call went into a ledger that nobody looks into")
	}
}

// What was dropped with its tenant's ledger is still seen when the clock is set back.
func TestClockSetBackAfterADrop(t *testing.T) {
	var table Table
	table.Check(of(1, 1, start), upTo(100), true, start)
	table.Expire(15*time.Minute, start.Add(2*time.Hour))
	if _, held := table.tenants.Load("tenant1"); held {
		t.Fatal("nothing was dropped")
	}
	if got := table.Check(of(1, 1, start), upTo(100), true, start.Add(time.Second)); got != Seen {
		t.Errorf("accepted again: %v", got)
	}
	if got := table.Check(of(1, 2, start.Add(time.Second)), upTo(100), true, start.Add(time.Second)); got != New {
		t.Errorf("a fresh call: %v", got)
	}
}

// Until no window can let its calls in, a ledger is kept: it knows what it has let go.
func TestLedgersAreKeptForTheLongestWindow(t *testing.T) {
	var table Table
	table.Check(of(1, 1, start), upTo(100), true, start)
	at := start.Add(time.Minute)
	table.Expire(15*time.Minute, at)
	if table.Len() != 0 {
		t.Error("nothing was let go")
	}
	wide := of(1, 1, start)
	wide.Window = 15 * time.Minute
	if got := table.Check(wide, upTo(100), true, at); got != Seen {
		t.Errorf("accepted again in a wider window: %v", got)
	}
}

// A call takes tens of bytes where there are many a second, and a few hundred where each second has one for each part
// of the table.
func TestBytesPerCall(t *testing.T) {
	for name, row := range map[string]struct {
		calls, seconds int
		most           float64
	}{
		"in one second":    {200_000, 1, 60},
		"3,000 a second":   {300_000, 100, 60},
		"16 in one second": {15_000, 960, 500},
	} {
		var table Table
		before := heap()
		for n := range row.calls {
			at := start.Add(time.Duration(n%row.seconds) * time.Second)
			table.Check(
				Call{Tenant: "acme", KeyID: "AAAAAAAA", Nonce: fmt.Sprint(n), Time: at, Window: time.Hour},
				upTo(row.calls),
				true,
				start,
			)
		}
		each := (heap() - before) / float64(row.calls)
		t.Logf("%s: %.0f bytes for each of %d calls", name, each, table.Len())
		if each > row.most || table.Len() != row.calls {
			t.Errorf("%s: %.0f bytes, want at most %.0f", name, each, row.most)
		}
		runtime.KeepAlive(&table)
	}
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
