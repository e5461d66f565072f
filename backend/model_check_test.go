package backend_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"vault-plugin-secrets-apikeys/internal/store"
)

// what may happen, as often as it is worth it.
var happenings = slices.Concat(
	repeat(1, "nothing"),
	repeat(14, "tick"),
	repeat(6, "create", "use"),
	repeat(2, "rotate", "creds", "end lease", "patch", "disable", "enable", "delete", "restore"),
	repeat(2, "suspend", "resume", "delete tenant", "restore tenant", "open", "restart", "reload"),
	repeat(1, "disable version", "enable version", "revoke", "revoke version", "extend", "expire"),
)

func repeat(n int, names ...string) []string { return slices.Repeat(names, n) }

var (
	pauses = []time.Duration{
		0,
		0,
		0,
		time.Second,
		time.Minute,
		time.Hour,
		80 * time.Minute,
		day,
		3 * day,
		7 * day,
		30 * day,
		83 * day,
	}

	someAction = rapid.Custom(func(t *rapid.T) action {
		a := action{
			Do:   happenings[evenly(t, "do", len(happenings))],
			Pick: evenly(t, "pick", 144),
			Wait: pauses[evenly(t, "wait", len(pauses))],
		}
		if evenly(t, "fails", 3) == 1 {
			a.Fail, a.Landed, a.Restart = 1+evenly(t, "fail", 30), rapid.Bool().
				Draw(t, "landed"),
				rapid.Bool().
					Draw(t, "restart")
		}
		return a
	})
)

// evenly draws an index. The library prefers small numbers, which here are no likelier to
// break anything; what fails still shrinks to 0.
func evenly(t *rapid.T, what string, n int) int {
	return int(rapid.Uint32().Draw(t, what) * 2654435761 >> 8 % uint32(n)) //nolint:gosec // n is small
}

// Whatever is done to tenants and keys in whatever order, however much time passes, and
// whichever operations of storage fail: every version has the verdict that a simple model
// says, each rotation that is due happens, and once, and in the end nothing stray is left.
func TestModel(t *testing.T) {
	// What fails is printed, and no file is left; more of it all with -rapid.checks=10000.
	for name, value := range map[string]string{"rapid.checks": "150", "rapid.nofailfile": "true"} {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			if err := f.Value.Set(value); err != nil {
				t.Fatal(err)
			}
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		actions := rapid.SliceOfN(someAction, 30, 60).Draw(r, "actions")
		if failed := played(t, actions); failed != "" {
			some := slices.DeleteFunc(actions, func(a action) bool { return a == action{Do: "nothing"} })
			r.Fatalf("%s\nall that was done: %+v", failed, some)
		}
	})
}

// played runs the actions in a world of their own and says what went wrong.
func played(t *testing.T, actions []action) (failed string) {
	synctest.Test(t, func(t *testing.T) {
		last := "the start"
		defer func() {
			if p := recover(); p != nil {
				w, ok := p.(wrong)
				if !ok {
					panic(p)
				}
				failed = last + ": " + string(w)
			}
		}()
		m := &model{w: newWorld(panicking{t}), reader: store.New()}
		for _, name := range []string{"acme", "bolt"} {
			m.tenants = append(m.tenants, &modelTenant{name: name, keys: map[string]*modelKey{}})
		}
		m.tenants[0].opened = true
		m.w.Tenant("acme")
		for i, a := range actions {
			last = fmt.Sprintf("action %d, %+v at %s", i, a, time.Now().UTC().Format(time.DateTime))
			m.do(a)
			m.check()
		}
		last = "the end"
		m.finish()
	})
	return failed
}

// panicking turns failures of the test's own helpers into the model's, so that they shrink.
type panicking struct{ testing.TB }

func (j panicking) Errorf(format string, args ...any) { panic(wrong(fmt.Sprintf(format, args...))) }
func (j panicking) Fatalf(format string, args ...any) { panic(wrong(fmt.Sprintf(format, args...))) }
func (j panicking) Error(args ...any)                 { panic(wrong(fmt.Sprint(args...))) }
func (j panicking) Fatal(args ...any)                 { panic(wrong(fmt.Sprint(args...))) }

// check holds every version there ever was against the model.
func (m *model) check() {
	var calls []any
	var names, want []string
	now := time.Now()
	add := func(h holder, name, verdict string) {
		calls, names, want = append(calls, h.Call()), append(names, name), append(want, verdict)
	}
	for _, t := range slices.Concat(m.tenants, m.former) {
		for _, k := range t.all() {
			for i, v := range k.versions {
				add(v.holder, fmt.Sprintf("%s/%s version %d", t.name, k.name, i+1), t.verdict(k, v, now))
			}
		}
		for _, l := range t.leased {
			if !l.lost {
				add(l.holder, t.name+"'s leased key", t.verdictOfLeased(l, now))
			}
		}
	}
	if len(calls) == 0 {
		return
	}
	for i, r := range m.w.Root().Write("verify", fields{"batch": calls, "replay_check": false}).Rows("results") {
		m.expect(r["verdict"] == want[i], "%s: %v, want %s", names[i], r["verdict"], want[i])
	}
}

func (t *modelTenant) all() []*modelKey {
	all := slices.Clone(t.former)
	for _, k := range t.keys {
		all = append(all, k)
	}
	return all
}

// finish has the sweep and a tidy run, and looks at all there is.
func (m *model) finish() {
	wait(61 * time.Minute)
	m.tick(action{})
	m.w.Root().Write("tidy", nil).Is(fields{"failures": 0, "state": "finished"})
	m.tick(action{})
	m.check()
	m.w.NothingStray()
	m.w.Root().
		Write("tidy", nil).
		Is(fields{"failures": 0, "ids_mended": 0, "due_mended": 0, "strays": 0, "destroyed": 0})
	for _, t := range m.tenants {
		for _, k := range t.keys {
			m.expect(m.record(t, k) != nil, "%s/%s is lost", t.name, k.name)
		}
	}
}
