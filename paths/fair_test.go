package paths

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/fair"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// What is worth a turn, as policy.
func TestWhatIsHeavy(t *testing.T) {
	many := slices.Repeat([]string{"/**"}, 32)
	with := func(l apikey.Limits) *apikey.Key {
		return &apikey.Key{Ref: apikey.Ref{Kind: apikey.External}, Settings: apikey.Settings{Rules: apikey.Share(apikey.Rules{Limits: l})}}
	}
	plain, lenient, scoped := with(apikey.Limits{}), with(apikey.Limits{Compat: "a\nb\nc\nd\ne"}), with(apikey.Limits{Scopes: match.ScopesOf(slices.Repeat([]string{"GET /**"}, 32))})
	one, some := with(apikey.Limits{Compat: "a"}), with(apikey.Limits{Scopes: match.ScopesOf([]string{"GET /**"})})
	config := &tenant.Config{}
	published := &tenant.Config{External: tenant.KindConfig{Published: match.GlobsOf(many)}}
	head := func(path, rest int) *call {
		return &call{http: true, content: "GET /" + strings.Repeat("a", path) + "\n" + strings.Repeat("b", rest)}
	}
	message := func(size int) *call { return &call{content: strings.Repeat("m", size)} }
	for _, row := range []struct {
		name string
		c    *call
		k    *apikey.Key
		m    *tenant.Config
		want bool
	}{
		{"a usual head", head(60, 900), plain, config, false},
		{"a head of much", head(60, 16_000), plain, config, false},
		{"the longest head", head(60, 32_700), plain, config, true},
		{"a usual head of a key with many scopes", head(60, 900), scoped, published, false},
		{"a long path, two lists", head(2500, 500), scoped, published, true},
		{"a long path, one list", head(2500, 500), scoped, config, false},
		{"a long path, another list", head(2500, 500), plain, published, false},
		{"the longest path, one list", head(4090, 4000), some, config, true},
		{"a usual head of a lenient key", head(60, 900), lenient, config, false},
		{"a long head of a lenient key", head(60, 4000), lenient, config, true},
		{"a long head of a key that is so in one way", head(60, 4000), one, config, false},
		{"a short message", message(20_000), plain, config, false},
		{"a long message", message(33_000), plain, config, true},
		{"a long message of nobody's", message(33_000), nil, config, true},
		{"a usual head of nobody's", head(60, 900), nil, config, false},
	} {
		if got := row.c.isHeavy(row.k, new(tenant.Tenant), row.m); got != row.want {
			t.Errorf("%s: heavy %v, weight %d", row.name, got, row.c.weight(row.k, new(tenant.Tenant), row.m))
		}
	}
	all := with(apikey.Limits{Compat: "a\nb\nc\nd\ne", Scopes: match.ScopesOf([]string{"GET /**"})})
	both := &tenant.Tenant{Own: tenant.Caps{Published: match.GlobsOf(many)}, Provider: tenant.Caps{Published: match.GlobsOf(many)}}
	if most := head(light-6, 0); most.weight(all, both, published) >= heavy {
		t.Error("a call that is let through for its length alone is heavy")
	}
}

// What a plain call adds for the gate's sake is reading a few lengths.
func TestEstimatesTakeNoMemory(t *testing.T) {
	globs := []string{"GET /**"}
	k := &apikey.Key{Ref: apikey.Ref{Kind: apikey.External}}
	k.Rules = apikey.Share(apikey.Rules{Limits: apikey.Limits{Compat: "a\nb\nc", Scopes: match.ScopesOf(globs)}})
	c := &call{http: true, content: "GET /" + strings.Repeat("a", 60) + "\n" + strings.Repeat("b", 900)}
	owner, config := new(tenant.Tenant), new(tenant.Config)
	if allocs := testing.AllocsPerRun(100, func() {
		if c.isHeavy(k, owner, config) {
			t.Error("heavy")
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// withGateTaken returns handlers whose places are all taken, and what judges a stranger's
// message.
func withGateTaken(t *testing.T, ofManyTenants bool) (h *Handlers, judge func(size int) error, free func()) {
	h = New(store.New(), new(replay.Table), nil, "")
	h.shares = newShares(2)
	place, err := h.shares.work.Enter(t.Context(), "another", 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &request{Request: &logical.Request{Storage: new(logical.InmemStorage)}, config: &tenant.Config{}, now: time.Now(), ofManyTenants: ofManyTenants}
	return h, func(size int) error {
		c := &call{content: strings.Repeat("m", size), signature: "v1:tEsTkId1:" + strings.Repeat("A", 43)}
		j, err := h.judged(t.Context(), r, c, judgeOptions{})
		if err == nil && j.verdict != apikey.UnknownKey {
			t.Error(j.verdict)
		}
		return err
	}, place.Leave
}

// A plain call waits for nobody, and does not so much as look at the gate.
func TestPlainCallsPassTheGateBy(t *testing.T) {
	h, judge, _ := withGateTaken(t, false)
	if err := judge(1000); err != nil {
		t.Error(err)
	}
	h.shares = nil
	if err := judge(1000); err != nil {
		t.Error(err)
	}
}

func TestHeavyCallsWait(t *testing.T) {
	for _, ofManyTenants := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			_, judge, free := withGateTaken(t, ofManyTenants)
			most := patience
			if ofManyTenants {
				most = batchPatience
			}
			began := time.Now()
			if err := judge(1 << 20); !isBusy(err) || time.Since(began) != most || !strings.Contains(err.Error(), " "+most.String()) {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
			began = time.Now()
			err := judge(1 << 20)
			if waited := time.Since(began); !isBusy(err) || waited != 0 {
				t.Errorf("the second waited %s more: %v", waited, err)
			}
			free()
			if err := judge(1 << 20); err != nil {
				t.Errorf("with nobody in: %v", err)
			}
		})
	}
}

func isBusy(err error) bool {
	return errors.Is(err, refusal.Unavailable) && strings.HasPrefix(err.Error(), "busy: ")
}

// What one tenant's items of a batch have waited is not taken from another's, whose turn
// is still waited for; all together do not wait longer than one request.
func TestTenantsOfABatchWaitEachForThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := fair.New(fair.Bounds{All: 1, Each: 1, Queue: queued})
		held, err := gate.Enter(t.Context(), "another", 0)
		if err != nil {
			t.Fatal(err)
		}
		r, began := &request{ofManyTenants: true}, time.Now()
		for _, owner := range []string{"acme", "bolt"} {
			for _, want := range []time.Duration{batchPatience, 0} {
				from := time.Now()
				if _, err := r.enter(t.Context(), gate, owner); !isBusy(err) || time.Since(from) != want {
					t.Errorf("%s waited %s, not %s: %v", owner, time.Since(from), want, err)
				}
			}
		}
		for i := range maxBatch {
			if _, err := r.enter(t.Context(), gate, fmt.Sprint(i)); !isBusy(err) {
				t.Fatal(err)
			}
		}
		if waited := time.Since(began); waited > patience {
			t.Errorf("a batch waited %s", waited)
		}
		r = &request{ofManyTenants: true}
		for i := range 8 {
			_, _ = r.enter(t.Context(), gate, fmt.Sprint(i))
		}
		go func() {
			time.Sleep(time.Millisecond)
			held.Leave()
		}()
		if _, err := r.enter(t.Context(), gate, "globex"); err != nil {
			t.Errorf("a turn that comes at once, after others have waited: %v", err)
		}
	})
}

// Whoever is told of it is told whose requests they are, and no caller of the provider's
// learns whose key a call has named.
func TestWhyThereWasNoPlace(t *testing.T) {
	own, providers := &request{tenant: &tenant.Tenant{UID: "a"}}, &request{}
	for _, row := range []struct {
		r    *request
		err  error
		want string
	}{
		{own, fair.ErrCrowded, "busy: more than 32 costly requests of this tenant wait already"},
		{providers, fair.ErrCrowded, "busy: more than 32 costly requests of one tenant, or of the provider, wait already"},
		{own, fair.ErrPatience, "busy: costly requests of this tenant are done a few at a time, and the turn of this one did not come within 1.5s"},
		{providers, fair.ErrPatience, "busy: costly requests of one tenant, or of the provider, are done a few at a time"},
		{&request{ofManyTenants: true}, fair.ErrPatience, "busy: costly calls of one tenant are done a few at a time, and this batch has waited 1.5s for the turn of this one's"},
		{own, context.Canceled, "the caller has gone"},
	} {
		got := row.r.noPlace(row.err, 1500*time.Millisecond)
		if !strings.HasPrefix(got.Error(), row.want) {
			t.Errorf("%v: %v, want %s", row.err, got, row.want)
		}
		if status, _ := crossed(t, got); status != 503 {
			t.Errorf("%v: %d", row.err, status)
		}
	}
}

// One processor is left for plain calls, where there are several, and no tenant has all.
func TestShares(t *testing.T) {
	for _, processors := range []int{1, 2, 8} {
		s := newShares(processors)
		for _, g := range []*fair.Gate{s.work, s.walks, s.writes} {
			in := 0
			for ; in < 1000; in++ {
				if _, err := g.Enter(t.Context(), "a", 0); err != nil {
					break
				}
			}
			_, err := g.Enter(t.Context(), "b", 0)
			if err == nil != (g != s.work || processors > 2) {
				t.Errorf("%d processors: %d of one tenant are in, and one of another: %v", processors, in, err)
			}
		}
	}
}

// A request of many things waits no longer in all than one of one thing, and its clock goes
// on: what it judges after it has waited is judged by the time it is then.
func TestTurnsOfOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := fair.New(fair.Bounds{All: 1, Each: 1, Queue: 1})
		began := time.Now()
		r := &request{tenant: &tenant.Tenant{UID: "a"}, now: began}
		turn, err := r.take(t.Context(), gate, manyItems)
		if err != nil {
			t.Fatal(err)
		}
		go func() { // asks again and again, for longer than the turn may wait in all
			for range 10 {
				if held, err := gate.Enter(t.Context(), "b", time.Minute); err == nil {
					time.Sleep(time.Second)
					held.Leave()
				}
			}
		}()
		synctest.Wait()
		done := 0
		for err == nil {
			if err = turn.next(t.Context()); err == nil && !r.now.Equal(time.Now()) {
				t.Fatalf("judged by a clock that is %s late", time.Since(r.now))
			}
			done++
			synctest.Wait()
		}
		if time.Since(began) != patience || done < 4*manyItems || !isBusy(err) || !strings.Contains(err.Error(), "within 5s") {
			t.Errorf("%d done after %s: %v", done, time.Since(began), err)
		}
		if again := turn.next(t.Context()); again != err { //nolint:errorlint // the same one
			t.Errorf("and then: %v", again)
		}
		turn.leave()
		time.Sleep(time.Minute)
	})
}

type slow struct{ logical.InmemStorage }

func (s *slow) Get(ctx context.Context, path string) (*logical.StorageEntry, error) {
	time.Sleep(time.Minute)
	return s.InmemStorage.Get(ctx, path)
}

// A call is judged by the time at which it is judged.
func TestCallsAreNotJudgedByAnOldClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &request{Request: &logical.Request{Storage: new(slow)}, config: &tenant.Config{}, now: time.Now()}
		c := &call{content: "m", signature: "v1:tEsTkId1:" + strings.Repeat("A", 43)}
		if j, err := New(store.New(), new(replay.Table), nil, "").judged(t.Context(), r, c, judgeOptions{}); err != nil || !j.at.Equal(time.Now()) {
			t.Errorf("at %s: %v", j.at, err)
		}
	})
}
