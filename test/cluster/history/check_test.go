package history

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// right is a history of a right engine, with two leaders. The first ends at 100, the second begins at 105.
func right() []step {
	return []step{
		{0, "first", lead("a", 100)},
		{105, "second", lead("b", 95)},

		{5, "make", create("hand", Series{TTL: 1000, Overlap: 100})},
		{6, "reveal", ask(Reveal, "hand", "hand-1")},
		{20, "rotate", rotate("hand", "hand-1", 10)},
		{21, "conflict", refused(Rotate, "hand", "hand-1", "current_key_id: it is hand-2 now")},
		{22, "sign", ask(Sign, "hand", "hand-2")},
		{25, "inside", verify("hand-1", "c1", "valid", "hand-2")},
		{26, "again", verify("hand-1", "c1", "replayed", "hand-2")},
		{27, "forged", forged("hand-1", "bad_signature")},
		{35, "outside", verify("hand-1", "c2", "expired", "hand-2")},
		{38, "used", verify("hand-2", "c3", "valid", "")},
		{40, "revoke", revoke("hand", 2)},
		{41, "refused", refused(Sign, "hand", "", "revoked: rotate to get a new one")},
		{45, "revoked", verify("hand-2", "c4", "revoked", "")},
		{50, "replace", rotate("hand", "hand-2", 30)},
		{97, "before", verify("hand-3", "c5", "valid", "")},
		{98, "lost", lostRotate("hand", "hand-3", 500, true)},
		{98.5, "nothing", lostRotate("hand", "hand-3", 500, false)},
		{106, "failover", verify("hand-3", "c5", "valid", "hand-4")},
		{107, "look", ask(Read, "hand", "")},

		{6, "make-due", create("due", Series{TTL: 80, Overlap: 40, AutoRotate: true})},
		{61, "due-1", schedule("due")},
		{63, "reveal-due", ask(Reveal, "due", "due-2")},
		{166, "due-2", schedule("due")},
		{170, "look-due", ask(Reveal, "due", "due-3")},

		{110, "make-late", create("late", Series{TTL: 1000, Overlap: 100})},

		{10, "issue", lease(Issue, "leased-1", 60, Done)},
		{30, "renew", lease(Renew, "leased-1", 60, Done)},
		{75, "leased", verify("leased-1", "l1", "valid", "")},
		{80, "return", lease(Return, "leased-1", 0, Done)},
		{85, "ended", verify("leased-1", "l2", "revoked", "")},
		{11, "issue-2", lease(Issue, "leased-2", 60, Done)},
		{69, "renew-2", lease(Renew, "leased-2", 60, Unknown)},
		{90, "either", verify("leased-2", "l3", "valid", "")},
		{12, "issue-3", lease(Issue, "leased-3", 60, Unknown)},

		{190, "account", account(map[string]string{
			"hand-1":   "expired",
			"hand-4":   "valid",
			"due-2":    "expired",
			"due-3":    "valid",
			"leased-1": "unknown_key",
			"leased-2": "expired",
		})},
	}
}

// rules returns the rules that are broken, each once.
func rules(found []Violation) []Rule {
	var broken []Rule
	for _, v := range found {
		if !slices.Contains(broken, v.Rule) {
			broken = append(broken, v.Rule)
		}
	}
	return broken
}

func TestRight(t *testing.T) {
	w, _ := play(right())
	found, summary := Check(w.events, Options{Rotations: -1})
	for _, v := range found {
		t.Error(v)
	}
	want := Summary{
		Events: len(w.events) - 2, Unknown: 4, Terms: 2, Keys: 3, Versions: 8, Leased: 2, Writes: 10,
		ByHand: 3, BySchedule: 2, Certain: 2, Inside: 8, Outside: 7, Twice: 1, Again: 1,
	}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestRecorded checks that a history is the same after it has been written and read.
func TestRecorded(t *testing.T) {
	w, _ := play(right())
	var file bytes.Buffer
	r := NewRecorder(&file)
	for _, e := range w.events {
		r.Add(e)
	}
	got, err := Parse(&file)
	if err := cmp.Diff(w.events, got); err != "" || r.Err() != nil {
		t.Errorf("%v (-want +got)\n%s", r.Err(), err)
	}
	if err != nil {
		t.Error(err)
	}
	if _, err := Parse(bytes.NewBufferString(`{"op":"read"}{"op":`)); err == nil {
		t.Error("half an event is read")
	}
}

// TestAlsoRight checks what a right engine may do as well.
func TestAlsoRight(t *testing.T) {
	for _, test := range []struct {
		name string
		with []step
		edit func(w *world, e map[string]*Event)
	}{
		{name: "a lost rotation is seen late", with: []step{{105.5, "", verify("hand-3", "c9", "valid", "")}}},
		{name: "two at once, in either order", with: []step{
			{20, "", verify("hand-1", "c9", "valid", "")},
			{20, "", verify("hand-1", "c10", "valid", "hand-2")},
			{40, "", verify("hand-2", "c11", "valid", "")},
			{40, "", verify("hand-2", "c12", "revoked", "")},
		}},
		{name: "an engine that remembers calls for longer", edit: func(_ *world, e map[string]*Event) {
			e["failover"].Call.Verdict = "replayed"
		}},
		{name: "a retry finds that a lost call had arrived", edit: func(_ *world, e map[string]*Event) {
			e["inside"].Outcome, e["inside"].Call.Verdict = Unknown, ""
		}},
		{name: "a leased key ends while its renewal is unknown", edit: func(_ *world, e map[string]*Event) {
			e["either"].Call.Verdict = "revoked"
		}},
		{name: "a call that waited too long", edit: func(_ *world, e map[string]*Event) {
			e["inside"].Call.Verdict, e["inside"].Call.Signed = "too_old", at(-400)
			e["again"].Call.Verdict, e["again"].Call.Signed = "too_old", at(-400)
		}},
		{
			name: "a leader that has lost its lead need not have done anything",
			edit: func(w *world, e map[string]*Event) {
				e["second"].Outcome = Unknown
				w.events = slices.DeleteFunc(w.events, func(other *Event) bool {
					return other.Key == "late"
				})
				for _, list := range w.events {
					list.Names = slices.DeleteFunc(list.Names, func(name string) bool { return name == "late" })
				}
			},
		},
		{name: "a scheduled rotation leaves its predecessor's end", edit: func(w *world, _ map[string]*Event) {
			for _, e := range w.events {
				if e.Key == "due" && e.Series != nil && len(e.Series.Versions) == 3 {
					e.Series.Versions[1].ExpiresAt = at(61 + 80)
				}
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, named := play(append(right(), test.with...))
			if test.edit != nil {
				test.edit(w, named)
			}
			found, _ := Check(w.events, Options{Rotations: -1})
			for _, v := range found {
				t.Error(v)
			}
		})
	}
}

// TestWindow checks the ends of what is certain.
func TestWindow(t *testing.T) {
	e := &Event{Start: at(10), End: at(11)}
	for _, test := range []struct {
		name          string
		w             window
		surely, maybe bool
	}{
		{"never", window{}, false, false},
		{"before", window{at(1), at(9)}, true, true},
		{"up to its start", window{at(1), at(10)}, false, true},
		{"meanwhile", window{at(10.2), at(10.4)}, false, true},
		{"from its end", window{at(11), at(12)}, false, true},
		{"after", window{at(11).Add(time.Nanosecond), at(12)}, false, false},
		{"not seen", window{at(1), forever}, false, true},
	} {
		if got := test.w.surely(e); got != test.surely {
			t.Errorf("%s: surely %t", test.name, got)
		}
		if got := test.w.maybe(e); got != test.maybe {
			t.Errorf("%s: maybe %t", test.name, got)
		}
	}
}
