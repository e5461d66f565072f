package store

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/storagetest"
)

func (a *dueCursor) all(now time.Time) []string {
	var minutes []string
	for _, m := range a.minutes(now) {
		minutes = append(minutes, m.At.Format("15:04"))
	}
	return minutes
}

func (a *dueCursor) sweeps(now time.Time) {
	a.begin(now)
	for _, m := range a.minutes(now) {
		a.finish(m)
	}
}

func at(clock string) time.Time {
	t, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err)
	}
	return start.Truncate(day).Add(t.Sub(t.Truncate(day)))
}

func open(t *testing.T, a *dueCursor, now time.Time, want ...string) {
	t.Helper()
	if got := a.all(now); !slices.Equal(got, want) {
		t.Errorf("open at %s: %v, want %v", now.Format("15:04"), got, want)
	}
}

func TestAgendaGoesOnWhereItWas(t *testing.T) {
	a := new(dueCursor)
	if a.begin(at("10:00:30")) || !a.since().Equal(at("10:00:00")) {
		t.Error("it is known at the start")
	}
	open(t, a, at("10:00:30")) // what is there is for the list to say
	a.openAll([]time.Time{at("09:58:00"), at("10:00:00"), at("10:07:00")})
	open(t, a, at("10:00:30"), "09:58", "10:00")
	if !a.since().Equal(at("09:58:00")) {
		t.Errorf("since %s", a.since())
	}
	for _, m := range a.minutes(at("10:00:30")) {
		a.finish(m)
	}
	open(t, a, at("10:00:31"))
	if !a.begin(at("10:01:30")) {
		t.Error("the index is listed again")
	}
	open(t, a, at("10:01:30"), "10:00", "10:01") // the last minute was not over
	a.sweeps(at("10:01:30"))
	a.begin(at("10:01:45"))
	open(t, a, at("10:01:45"), "10:01")
	a.sweeps(at("10:01:45"))
	a.begin(at("10:05:00"))
	open(t, a, at("10:05:00"), "10:01", "10:02", "10:03", "10:04", "10:05")
	a.sweeps(at("10:05:00"))
	a.begin(at("10:07:00"))
	open(t, a, at("10:07:00"), "10:05", "10:06", "10:07")
}

func TestAgendaOfEntriesBehindItsBack(t *testing.T) {
	a := new(dueCursor)
	a.reopen(at("12:00:00")) // before the first sweep: everything may be missed
	open(t, a, at("12:00:00"), "12:00")
	a.sweeps(at("12:00:10"))
	a.reopen(at("12:00:59"))
	a.reopen(at("13:00:00"))
	open(t, a, at("14:00:00")) // this minute and later ones come by anyway
	a.reopen(at("11:59:59"))
	open(t, a, at("12:00:20"), "11:59")
	a.begin(at("12:01:00"))
	open(t, a, at("12:01:00"), "11:59", "12:00", "12:01")
}

// An entry that is written while its minute is looked at may have been missed.
func TestAgendaKeepsAMinuteWrittenMeanwhile(t *testing.T) {
	a := new(dueCursor)
	a.sweeps(at("12:00:00"))
	a.reopen(at("11:30:00"))
	m := a.minutes(at("12:00:00"))[0]
	a.reopen(at("11:30:10"))
	a.finish(m)
	open(t, a, at("12:00:00"), "11:30")
	a.finish(a.minutes(at("12:00:00"))[0])
	open(t, a, at("12:00:00"))
}

func TestAgendaWhenTheClockIsSet(t *testing.T) {
	a := new(dueCursor)
	a.sweeps(at("12:00:00"))
	if !a.begin(at("09:00:00")) {
		t.Error("back: listed")
	}
	open(t, a, at("09:00:00"), "09:00")
	a.sweeps(at("09:00:00"))
	a.reopen(at("10:00:00")) // time comes by again
	open(t, a, at("23:00:00"))
	a.begin(at("09:02:00"))
	open(t, a, at("09:02:00"), "09:00", "09:01", "09:02")
	a.sweeps(at("09:02:00"))
	if !a.begin(at("11:02:59")) {
		t.Error("two hours later: listed")
	}
	if n := len(a.minutes(at("11:02:59"))); n != 121 {
		t.Errorf("%d minutes in two hours", n)
	}
	if a.begin(at("13:03:00")) {
		t.Error("a longer gap: not listed")
	}
	if n := len(a.minutes(at("13:03:00"))); n != 121 {
		t.Errorf("what was open before is forgotten: %d minutes", n)
	}
}

// The index as a whole: what is due, and what is not ours to touch.
func TestDueMinutesOfAWholeIndex(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{
		"due/2026011509/05/keys:acme:external:a", "due/2026011510/00/keys:acme:external:b",
		"due/2026011510/07/leased:acme:internal:c",
		"due/2026011511/00/tenants:acme", "due/2031010100/00/keys:acme:external:d", "due/1999010100/00/tenants:acme",
		"due/somewhere/else", "due/2026011509/5/x", "due/2026011509/61/x", "due/file",
		"due/2026011510/00/roles:acme:external:a", "due/2026011510/00/what",
	} {
		w.s.Write(t, path, `{"schema":1,"uid":"uid-of-acme"}`)
	}
	ops := w.s.Operations(func() {
		minutes, err := w.st.DueMinutes(t.Context(), w.s, start)
		must(t, err)
		var got []string
		for _, m := range minutes {
			entries, err := w.st.Due(t.Context(), w.s, m)
			must(t, err)
			for _, e := range entries {
				got = append(got, m.At.Format("15:04 ")+e.String())
			}
			w.st.Finish(m)
		}
		want := []string{"00:00 tenants/acme", "09:05 keys/acme/external/a", "10:00 keys/acme/external/b"}
		if !slices.Equal(got, want) {
			t.Errorf("due: %v", got)
		}
	})
	if n := len(storagetest.Only(ops, "list")); n != 1+3+3 || len(ops) != n {
		t.Errorf("%d operations: %v", len(ops), ops)
	}
	if n := len(
		w.s.Operations(func() { _, err := w.st.DueMinutes(t.Context(), w.s, start.Add(time.Minute)); must(t, err) }),
	); n != 0 {
		t.Errorf("%d operations the next time", n)
	}
	w.st.ResetSweep()
	if !w.st.DoneUntil().IsZero() {
		t.Error("it still says how far it is")
	}
	w.s.StepIn(func(string) error { return errBroken }, nil)
	for range 2 {
		if _, err := w.st.DueMinutes(t.Context(), w.s, start); !errors.Is(err, errBroken) {
			t.Errorf("a list that fails: %v", err)
		}
	}
	w.s.StepIn(nil, nil)
	if ops := w.s.Operations(
		func() { _, err := w.st.DueMinutes(t.Context(), w.s, start); must(t, err) },
	); !strings.HasPrefix(ops[0], "list due/") {
		t.Errorf("after a list that failed: %v", ops)
	}
}

// A write that fails may have succeeded in storage, so the sweep looks where the entry would be.
func TestEntryThatMayHaveLanded(t *testing.T) {
	w := newWorld(t)
	w.st.cursor.sweeps(start)
	w.s.StepIn(nil, func(op string) error {
		if strings.HasPrefix(op, "put due/") {
			return errBroken
		}
		return nil
	})
	k := newKey(w.tenant, "billing", id(1))
	k.Versions[0].ExpiresAt = start.Add(-10 * day) // due three days ago
	if _, err := w.update("billing", becomes(k)); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if k := w.key("billing"); k != nil {
		t.Error("the record was written")
	}
	if n := len(w.st.cursor.minutes(start)); n != 1 {
		t.Errorf("%d minutes are open", n)
	}
}

// An entry that is put off is at its new time before it leaves the old one, and one that
// is put off within its minute stays where it is.
func TestDefer(t *testing.T) {
	w := newWorld(t)
	e := w.entry("billing")
	for until, want := range map[time.Time][]string{
		start.Add(59 * time.Second): nil,
		start.Add(time.Minute): {
			"put due/…/keys:acme:external:billing:c",
			"delete due/2026011510/00/keys:acme:external:billing:c",
		},
	} {
		expect(t, w.s.Operations(func() {
			moved, err := w.st.Defer(t.Context(), w.s, e, until)
			if must(t, err); moved != (want != nil) {
				t.Errorf("until %s: moved %t", until, moved)
			}
		}), want...)
	}
}
