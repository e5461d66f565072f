package fair

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var bounds = Bounds{All: 4, Each: 2, Queue: 3}

const patience = 5 * time.Second

func enter(t *testing.T, g *Gate, tenant string) *Place {
	t.Helper()
	p, err := g.Enter(t.Context(), tenant, patience)
	if err != nil {
		t.Fatalf("%s: %v", tenant, err)
	}
	return &p
}

// crowd has callers come one after the other, and notes the order in which they get in.
type crowd struct {
	g        *Gate
	patience time.Duration
	mu       sync.Mutex
	got      []string
}

// seen returns which callers got in, or not, once all goroutines wait.
func (c *crowd) seen() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

func (c *crowd) come(ctx context.Context, name string, stay time.Duration) {
	go func() {
		p, err := c.g.Enter(ctx, name, c.patience)
		c.mu.Lock()
		if err == nil {
			c.got = append(c.got, name)
		} else {
			c.got = append(c.got, name+": "+err.Error())
		}
		c.mu.Unlock()
		time.Sleep(stay)
		p.Leave()
	}()
	synctest.Wait()
}

func TestNobodyTakesAllPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{patience: time.Minute, g: New(bounds)}
		for range 4 {
			c.come(t.Context(), "a", time.Second)
		}
		if len(c.seen()) != 2 {
			t.Fatalf("%v came in at once", c.seen())
		}
		enter(t, c.g, "b").Leave() // waits for none of them
		time.Sleep(3 * time.Second)
		if len(c.seen()) != 4 || c.g.known() != 0 {
			t.Errorf("%v, and %d tenants are kept", c.seen(), c.g.known())
		}
	})
}

func TestTenantsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{patience: time.Minute, g: New(Bounds{All: 1, Each: 1, Queue: 8})}
		held := enter(t, c.g, "x")
		for _, name := range []string{"a", "a", "a", "a", "b", "c", "b"} {
			c.come(t.Context(), name, time.Second)
		}
		held.Leave()
		time.Sleep(time.Minute)
		if want := []string{"a", "b", "c", "a", "b", "a", "a"}; !slices.Equal(c.seen(), want) {
			t.Errorf("came in as %v, want %v", c.seen(), want)
		}
	})
}

func TestWhoDoesNotGetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(bounds)
		first, second := enter(t, g, "a"), enter(t, g, "a")
		c := crowd{g: g, patience: patience}
		ctx, cancel := context.WithCancel(t.Context())
		c.come(ctx, "a", 0)
		c.come(t.Context(), "a", 0)
		c.come(t.Context(), "a", 0)
		if _, err := g.Enter(t.Context(), "a", patience); !errors.Is(err, ErrCrowded) {
			t.Errorf("one too many that waits: %v", err)
		}
		cancel()
		if want := "a: " + context.Canceled.Error(); !slices.Equal(c.seen(), []string{want}) {
			t.Errorf("%v, want %s", c.seen(), want)
		}
		if _, err := g.Enter(ctx, "b", patience); !errors.Is(err, context.Canceled) {
			t.Errorf("one who has gone: %v", err)
		}
		time.Sleep(patience)
		if want := "a: " + ErrPatience.Error(); len(c.seen()) != 3 || c.seen()[2] != want {
			t.Errorf("%v, want %s", c.seen(), want)
		}
		if _, err := g.Enter(t.Context(), "a", 0); !errors.Is(err, ErrPatience) {
			t.Errorf("one who does not wait: %v", err)
		}
		first.Leave()
		first.Leave() // has none any more
		second.Leave()
		if g.known() != 0 || g.in != 0 || g.turns.Len() != 0 {
			t.Errorf("%d tenants, %d in, %d turns", g.known(), g.in, g.turns.Len())
		}
	})
}

// A caller with much work gives way, even to the next caller of its own tenant.
func TestPass(t *testing.T) {
	for _, next := range []string{"a", "b"} {
		synctest.Test(t, func(t *testing.T) {
			c := crowd{patience: time.Minute, g: New(Bounds{All: 1, Each: 1, Queue: 8})}
			held := enter(t, c.g, "a")
			if err := held.Pass(t.Context(), time.Minute); err != nil || len(c.seen()) > 0 {
				t.Fatal(err)
			}
			c.come(t.Context(), next, time.Second)
			if err := held.Pass(t.Context(), time.Minute); err != nil || !slices.Equal(c.seen(), []string{next}) {
				t.Errorf("%v %v", c.seen(), err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := held.Pass(ctx, time.Minute); !errors.Is(err, context.Canceled) || c.g.known() != 0 {
				t.Errorf("%v, %d tenants", err, c.g.known())
			}
			held.Leave()
		})
	}
}

// A caller that gives way is not refused by a full queue: its work has begun.
func TestPassWhileTheQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{patience: time.Minute, g: New(Bounds{All: 1, Each: 1, Queue: 2})}
		held := enter(t, c.g, "a")
		for _, name := range []string{"a", "a", "b"} {
			c.come(t.Context(), name, time.Second)
		}
		err := held.Pass(t.Context(), time.Minute)
		if want := []string{"b", "a", "a"}; err != nil || !slices.Equal(c.seen(), want) {
			t.Errorf("%v %v, want %v", c.seen(), err, want)
		}
		held.Leave()
	})
}

// A million tenants that came once leave nothing behind.
func TestNothingIsKeptOfWhoHasLeft(t *testing.T) {
	g := New(bounds)
	for i := range 1_000_000 {
		enter(t, g, fmt.Sprint(i)).Leave()
	}
	if len(g.tenants) != 0 {
		t.Errorf("%d are kept", len(g.tenants))
	}
}

// Whatever the order in which callers come, leave and run out of patience, the bounds hold and nothing is left
// behind.
func TestBoundsHoldWhateverCallersDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(bounds)
		var all sync.WaitGroup
		for i := range 2000 {
			random := rand.New(rand.NewPCG(1, uint64(i))) // #nosec G404 -- a test's
			all.Go(func() {
				time.Sleep(time.Duration(random.IntN(20_000)) * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(4000))*time.Millisecond)
				defer cancel()
				p, err := g.Enter(ctx, string("abcdef"[random.IntN(6)]), patience)
				if err != nil {
					return
				}
				defer p.Leave()
				for range random.IntN(3) {
					g.mu.Lock()
					if g.in > bounds.All || p.share.in > bounds.Each ||
						p.share.waiting.Len() > bounds.Queue+bounds.Each {
						t.Errorf("%d in, %d of one, %d of it wait", g.in, p.share.in, p.share.waiting.Len())
					}
					if g.in < bounds.All && g.turns.Len() > 0 {
						t.Error("a place is free, and somebody waits for it")
					}
					g.mu.Unlock()
					time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
					if p.Pass(ctx, time.Minute) != nil {
						return
					}
				}
			})
		}
		all.Wait()
		if g.in != 0 || len(g.tenants) != 0 || g.turns.Len() != 0 {
			t.Errorf("%d in, %d tenants, %d turns", g.in, len(g.tenants), g.turns.Len())
		}
	})
}

// known returns how many tenants the gate keeps.
func (g *Gate) known() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.tenants)
}
