package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// in returns the world of another tenant in the same storage and store.
func (w *world) in(name tenant.Name, uid string) *world {
	w.t.Helper()
	c := *w
	c.tenant = w.open(name, uid)
	return &c
}

// begin has the store mark that it collects uses, before all keys are made.
func (w *world) begin() {
	w.t.Helper()
	must(w.t, w.st.BeginUsage(w.t.Context(), w.s, start))
}

// lastUsed returns what is known of k's last use.
func (w *world) lastUsed(k *apikey.Key) LastUse {
	w.t.Helper()
	last, err := w.st.LastUsed(w.t.Context(), w.s, k)
	must(w.t, err)
	return last
}

// One tenant names its keys so that they fall where a victim's did when all tenants shared
// 1024 entries, and uses more versions than any entry holds. It forgets uses of its own,
// and knows that it does; the victim's are as they were.
func TestNobodyMakesAnotherTenantsUsesForgotten(t *testing.T) {
	w := newWorld(t)
	w.begin()
	victim := w.create("billing", id(1))
	w.st.Used(victim, id(1), "192.0.2.1", minute(1))
	w.flush()
	evil := w.in("evil", "uid-of-evil")
	var name apikey.Name
	for n := 0; ; n++ {
		name = apikey.Name(fmt.Sprintf("key-%d", n))
		if shardOf(location{familyKeys, "evil", apikey.External, string(name)}) == shardOf(locate(victim)) {
			break
		}
	}
	k := evil.create(name, id(2))
	for round := range 3 { // rotate, reveal, verify
		for n := range 4000 {
			w.st.Used(k, id(1000+4000*round+n), "2001:db8:85a3:8d3:1319:8a2e:370:7348", minute(10+round))
		}
		w.flush()
	}
	w.uses(id(1), Use{minute(1), minute(1), "192.0.2.1"}, Use{minute(1), minute(1), "192.0.2.1"})
	if got := w.lastUsed(victim); got != (LastUse{At: minute(1)}) {
		t.Errorf("the victim's last use: %+v", got)
	}
	if got := w.lastUsed(k); !got.At.IsZero() || !got.MaybeAt.After(minute(10)) {
		t.Errorf("the other's own: %+v; it was used, and that is forgotten", got)
	}
	for path, entry := range w.s.Entries(t) {
		if len(entry.Value) > maxUsage {
			t.Errorf("%s has %d bytes", path, len(entry.Value))
		}
	}
}

// Beyond a bound of its own, what a tenant has used since the last flush is forgotten, and
// that it was is known at once and later.
func TestUsesThatFindNoRoom(t *testing.T) {
	w := newWorld(t)
	w.begin()
	w.st.usage.most = 3
	first, last, beside := w.create("first", id(1)), w.create("last", id(9)), w.in("beside", "uid-of-beside").
		create("billing", id(10))
	for n := range 9 {
		w.st.Used(map[bool]*apikey.Key{true: last, false: first}[n == 8], id(n+1), "", minute(n+1))
	}
	w.st.Used(beside, id(10), "", minute(2))
	for _, when := range []string{"waiting", "written", "written again"} {
		if got, want := w.lastUsed(first), (LastUse{minute(1), minute(10)}); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
		if got, want := w.lastUsed(last), (LastUse{MaybeAt: minute(10)}); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
		if got, want := w.lastUsed(beside), (LastUse{At: minute(2)}); got != want {
			t.Errorf("%s: beside: %+v, want %+v", when, got, want)
		}
		w.flush()
	}
	w.s.StepIn(
		func(op string) error { return map[bool]error{true: errBroken}[strings.HasPrefix(op, "put usage/")] },
		nil,
	)
	for n := range 9 {
		w.st.Used(first, id(n+1), "", minute(9))
		_ = w.st.FlushUsage(t.Context(), w.s, far())
	}
	if n := w.st.usage.of("uid-of-acme", "acme").waits; n != 3 {
		t.Errorf("%d uses wait", n)
	}
	w.s.StepIn(nil, nil)
	later, err := w.update("later", becomes(issuedAt(newKey(w.tenant, "later", id(11)), minute(20))))
	must(t, err)
	if got := w.lastUsed(later); got != (LastUse{}) {
		t.Errorf("a key that was not there yet: %+v", got)
	}
}

func issuedAt(k *apikey.Key, at time.Time) *apikey.Key {
	c := *k
	c.Versions = append([]apikey.Version(nil), k.Versions...)
	c.Versions[0].IssuedAt = at
	return &c
}

// A tenant whose uses take many entries, or cannot be written at all, keeps no other's
// from being written; and who was left out comes first the next time.
func TestFlushIsFairByTenant(t *testing.T) {
	w := newWorld(t)
	var all []*apikey.Key
	for n := range 6 {
		of := w.in(tenant.Name(fmt.Sprintf("t-%d", n)), fmt.Sprintf("uid-%d", n))
		all = append(all, of.create("billing", id(n+1)))
	}
	big := w.in("big", "uid-big")
	k := big.create("key-0", id(100))
	split := &node{tenant: "big", split: true}
	must(t, saveNode(t.Context(), w.s, "uid-big", "", split))
	for _, d := range hexDigits {
		must(t, saveNode(t.Context(), w.s, "uid-big", string(d), split))
	}
	for n := range 1000 {
		c := *k
		c.Name = apikey.Name(fmt.Sprintf("key-%d", n))
		w.st.Used(&c, id(1000+n), "", minute(1))
	}
	for n, k := range all {
		w.st.Used(k, id(n+1), "", minute(1))
	}
	written := func(most int) map[string]int {
		got, puts := make(map[string]int), 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.s.StepIn(nil, func(op string) error {
			if at, put := strings.CutPrefix(op, "put usage/"); put {
				uid, _, _ := strings.Cut(at, "/")
				got[uid]++
				if puts++; puts == most {
					cancel()
				}
			}
			return nil
		})
		defer w.s.StepIn(nil, nil)
		must(t, w.st.FlushUsage(ctx, w.s, far()))
		return got
	}
	w.st.usage.turns = []string{"uid-big"}
	first, second := written(4), written(4) // seven tenants wait
	for uid := range first {
		if first[uid] != 1 {
			t.Errorf("%s has written %d entries, and others none", uid, first[uid])
		}
	}
	for n := range all {
		if uid := fmt.Sprintf("uid-%d", n); first[uid]+second[uid] != 1 {
			t.Errorf("%s was written %d times in two flushes", uid, first[uid]+second[uid])
		}
	}
}

// One tenant's entry that cannot be written does not keep the others' back, nor one that
// cannot be read. No time does not lose anything.
func TestFlushGoesOn(t *testing.T) {
	for _, failing := range []string{"damaged", "newer", "get", "put"} {
		w := newWorld(t)
		var keys []*apikey.Key
		for n := range 4 {
			k := w.in(tenant.Name(fmt.Sprintf("t-%d", n)), fmt.Sprintf("uid-%d", n)).create("billing", id(n+1))
			w.st.Used(k, id(n+1), "", minute(n))
			keys = append(keys, k)
		}
		if ops := w.s.Operations(func() { must(t, w.st.FlushUsage(t.Context(), w.s, time.Now())) }); len(ops) != 0 {
			t.Errorf("without time: %v", ops)
		}
		const bad = "usage/uid-3/x"
		switch failing {
		case "damaged":
			w.s.Write(t, bad, "{")
		case "newer":
			w.s.Write(t, bad, `{"schema":99}`)
		default:
			w.s.StepIn(func(op string) error {
				if op == failing+" "+bad {
					return errBroken
				}
				return nil
			}, nil)
		}
		if err := w.st.FlushUsage(t.Context(), w.s, far()); err == nil {
			t.Errorf("%s: nothing told", failing)
		}
		w.s.StepIn(nil, nil)
		for n, k := range keys[:3] {
			last, err := New().LastUsed(t.Context(), w.s, k)
			if must(t, err); !last.At.Equal(minute(n)) {
				t.Errorf("%s: key %d: %+v", failing, n, last)
			}
		}
		if failing == "damaged" || failing == "newer" {
			if _, err := w.st.LastUsed(t.Context(), w.s, keys[3]); err == nil {
				t.Errorf("%s: nobody is told that it is not known", failing)
			}
			must(t, w.s.InmemStorage.Delete(t.Context(), bad))
		}
		w.flush()
		if got, err := New().LastUsed(t.Context(), w.s, keys[3]); err != nil || !got.At.Equal(minute(3)) {
			t.Errorf("%s: what waited: %+v, %v", failing, got, err)
		}
	}
}
