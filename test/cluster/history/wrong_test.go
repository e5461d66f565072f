package history

import (
	"slices"
	"testing"
)

// TestWrong checks that a history which no right engine can have is found wrong, by the rule that it breaks.
func TestWrong(t *testing.T) {
	all := -1
	for _, test := range []struct {
		name      string
		rule      Rule
		with      []step
		without   string
		edit      func(w *world, e map[string]*Event)
		rotations *int
	}{
		{name: "an acknowledged rotation is in no history", rule: LostWrite, edit: func(w *world, e map[string]*Event) {
			w.strike("hand", e["rotate"].Request)
		}},
		{
			name: "an acknowledged revocation is in no history", rule: LostWrite,
			edit: func(w *world, e map[string]*Event) { w.strike("hand", e["revoke"].Request) },
		},
		{
			name: "an acknowledged rotation is forgotten later", rule: LostWrite,
			with: []step{{60, "", ask(Changes, "hand", "")}},
			edit: func(w *world, e map[string]*Event) {
				last := w.last(Changes, "hand")
				last.Log = slices.DeleteFunc(last.Log, func(c Change) bool { return c.Request == e["rotate"].Request })
			},
		},
		{name: "an acknowledged key is not listed", rule: LostWrite, edit: func(w *world, _ map[string]*Event) {
			for _, e := range w.events {
				e.Names = slices.DeleteFunc(e.Names, func(name string) bool { return name == "late" })
			}
		}},
		{
			name: "the answer to a rotation shows no new version", rule: LostWrite,
			edit: func(_ *world, e map[string]*Event) {
				e["replace"].Series.Versions = e["replace"].Series.Versions[:2]
			},
		},
		{name: "what was written is rolled back", rule: Stale, edit: func(w *world, e map[string]*Event) {
			w.last(Read, "hand").Series = e["rotate"].Series
		}},
		{name: "an old state is shown in between", rule: Stale, edit: func(_ *world, e map[string]*Event) {
			e["look"].Series = e["make"].Series
		}},
		{name: "a write is acknowledged and changes nothing", rule: Stale, edit: func(_ *world, e map[string]*Event) {
			e["replace"].Series.Revision = e["revoke"].Series.Revision
		}},
		{name: "one revision, two states", rule: Fork, edit: func(_ *world, e map[string]*Event) {
			e["look"].Series.Versions[0].ExpiresAt = at(29)
		}},
		{name: "a version vanishes", rule: Vanished, edit: func(w *world, _ map[string]*Event) {
			last := w.last(Read, "hand").Series
			last.Versions = slices.Delete(last.Versions, 1, 2)
		}},
		{
			name: "a version is numbered as if there had been another", rule: Vanished,
			edit: func(w *world, _ map[string]*Event) {
				for _, e := range w.events {
					if e.Series != nil {
						if v := e.Series.version("due-3"); v != nil {
							v.Number = 4
						}
					}
				}
			},
		},
		{
			name: "a call is signed with a version that is shown nowhere", rule: Vanished,
			edit: func(_ *world, e map[string]*Event) { e["sign"].KeyID = "ghost" },
		},

		{
			name: "rotated twice by schedule for one due time", rule: Early, with: []step{{62, "", schedule("due")}},
			rotations: &all,
		},
		{name: "rotated by schedule before it is due", rule: Early, with: []step{{20, "", schedule("due")}}},
		{name: "the next rotation too early", rule: Early, with: []step{{90, "", schedule("due")}}, without: "due-2"},
		{name: "two versions replace one", rule: Twice, edit: func(w *world, _ map[string]*Event) {
			for _, e := range w.events {
				if e.Series != nil {
					if v := e.Series.version("due-3"); v != nil {
						v.RotatedFrom = "due-1"
					}
				}
			}
		}},
		{
			name: "a rotation by hand is done twice", rule: Unasked,
			with: []step{{20.05, "", lostRotate("hand", "hand-1", 10, true)}},
		},
		{
			name: "a key that rotates by hand alone is rotated by schedule", rule: Unasked,
			with: []step{{60, "", schedule("hand")}},
		},
		{
			name: "a rotation that nobody asked for", rule: Unasked, with: []step{
				{120, "sneak", rotate("hand", "hand-4", 400)},
			},
			edit: func(w *world, e map[string]*Event) {
				w.events = slices.DeleteFunc(w.events, func(other *Event) bool { return other == e["sneak"] })
			},
		},
		{
			name: "a refused rotation has happened", rule: Unasked, with: []step{
				{120, "sneak", rotate("hand", "hand-4", 400)},
			},
			edit: func(_ *world, e map[string]*Event) { e["sneak"].Outcome, e["sneak"].Series = Refused, nil },
		},
		{
			name: "the version that was revoked is replaced by schedule", rule: Unasked,
			with: []step{{50, "", revoke("due", 1)}},
		},
		{name: "a key that nobody made", rule: Unasked, edit: func(w *world, _ map[string]*Event) {
			for _, e := range w.events {
				if e.Op == List && !e.Leased {
					e.Names = append(e.Names, "ghost")
				}
			}
		}},
		{name: "more leased keys than answers were lost", rule: Unasked, edit: func(w *world, _ map[string]*Event) {
			for _, e := range w.events {
				if e.Leased {
					e.Names = append(e.Names, "ghost-1", "ghost-2")
				}
			}
		}},

		{name: "a rotation by schedule is missed", rule: Missed, without: "due-2", edit: handOutLess, rotations: &all},
		{name: "no rotation by schedule", rule: Missed, without: "due-1", edit: handOutLess, rotations: &all},
		{name: "fewer rotations by schedule than asked for", rule: Missed, rotations: new(3)},

		{
			name: "a version's end moves later", rule: Expiry,
			edit: func(w *world, _ map[string]*Event) { w.ends("hand-1", 4, 100) },
		},
		{
			name: "a version's end ignores the overlap", rule: Expiry,
			edit: func(w *world, _ map[string]*Event) { w.ends("hand-3", 4, 1050) },
		},
		{
			name: "a version outlives its ttl", rule: Expiry,
			edit: func(w *world, _ map[string]*Event) { w.ends("due-1", 1, 90) },
		},

		{name: "a call inside is expired", rule: Judgement, edit: verdict("inside", "expired")},
		{name: "a call inside is revoked", rule: Judgement, edit: verdict("used", "revoked")},
		{name: "a call inside is unknown", rule: Judgement, edit: verdict("inside", "unknown_key")},
		{name: "a call inside has a bad signature", rule: Judgement, edit: verdict("before", "bad_signature")},
		{name: "a fresh call is too old", rule: Judgement, edit: verdict("before", "too_old")},
		{name: "a call outside is accepted", rule: Judgement, edit: verdict("outside", "valid")},
		{name: "a call outside is replayed", rule: Judgement, edit: verdict("outside", "replayed")},
		{name: "a revoked version's call is accepted", rule: Judgement, edit: verdict("revoked", "valid")},
		{name: "a revoked version's call has expired", rule: Judgement, edit: verdict("revoked", "expired")},
		{name: "a forged call is accepted", rule: Judgement, edit: verdict("forged", "valid")},
		{
			name: "a version that is shown nowhere is accepted", rule: Judgement,
			with: []step{{60, "", verify("ghost", "g", "valid", "")}},
		},
		{
			name: "a successor is not told", rule: Judgement,
			edit: func(_ *world, e map[string]*Event) { e["inside"].Call.Successor = "" },
		},
		{name: "a successor is told that is another", rule: Judgement, edit: func(_ *world, e map[string]*Event) {
			e["inside"].Call.Successor = "hand-3"
		}},
		{
			name: "a successor before there is one", rule: Judgement,
			edit: func(_ *world, e map[string]*Event) { e["before"].Call.Successor = "hand-4" },
		},

		{name: "a leased key is refused while its lease lives", rule: Judgement, edit: verdict("leased", "revoked")},
		{
			name: "a leased key is unknown while its lease lives", rule: Judgement,
			edit: verdict("leased", "unknown_key"),
		},
		{name: "a leased key verifies after its lease was revoked", rule: Judgement, edit: verdict("ended", "valid")},
		{
			name: "a leased key verifies after its time", rule: Judgement,
			with: []step{{195, "", verify("leased-2", "l9", "valid", "")}},
		},
		{
			name: "a leased key that comes back", rule: Judgement,
			with: []step{{120, "", verify("leased-1", "l9", "valid", "")}},
		},

		{name: "one leader accepts a call twice", rule: Replay, edit: verdict("again", "valid")},
		{
			name: "the next leader accepts a call twice", rule: Replay,
			with: []step{{108, "", verify("hand-3", "c5", "valid", "hand-4")}},
		},
		{name: "a call is replayed that nobody has sent", rule: Replay, edit: verdict("before", "replayed")},

		{
			name: "a replaced version signs", rule: Signer,
			edit: func(_ *world, e map[string]*Event) { e["sign"].KeyID = "hand-1" },
		},
		{
			name: "a version signs that is not there yet", rule: Signer,
			edit: func(_ *world, e map[string]*Event) { e["sign"].KeyID = "hand-3" },
		},
		{name: "a revoked version signs", rule: Signer, with: []step{{46, "", ask(Sign, "hand", "hand-2")}}},
		{name: "an expired version is handed out", rule: Signer, with: []step{{165, "", ask(Reveal, "due", "due-2")}}},

		{
			name: "signing is refused inside the version's life", rule: Refusal,
			with: []step{{23, "", refused(Sign, "hand", "", "expired")}},
		},
		{
			name: "a rotation is refused as if somebody had been faster", rule: Refusal,
			with: []step{{55, "", refused(Rotate, "hand", "hand-3", "current_key_id: it is hand-4 now")}},
		},
		{name: "a key is refused as if it were there", rule: Refusal, edit: func(_ *world, e map[string]*Event) {
			e["make"].Outcome, e["make"].Series = Refused, nil
		}},
		{
			name: "a renewal is refused while the lease lives", rule: Refusal,
			with: []step{{76, "", refused(Renew, "", "leased-1", "lease not found")}},
		},
		{
			name: "a read is refused", rule: Refusal,
			with: []step{{60, "", refused(Read, "hand", "", "permission denied")}},
		},
		{
			name: "a verification is refused", rule: Refusal,
			with: []step{{60, "", refused(Verify, "", "hand-1", "permission denied")}},
		},

		{
			name: "the engine's clock runs backwards", rule: Clock,
			edit: func(_ *world, e map[string]*Event) { e["outside"].Call.JudgedAt = at(33) },
		},
		{
			name: "the engine's clock runs ahead", rule: Clock,
			edit: func(_ *world, e map[string]*Event) { e["outside"].Call.JudgedAt = at(37) },
		},
		{
			name: "a client's clock runs backwards", rule: Clock,
			edit: func(_ *world, e map[string]*Event) { e["sign"].End = at(21) },
		},
		{name: "a version is issued before its predecessor", rule: Clock, edit: func(w *world, _ map[string]*Event) {
			for _, e := range w.events {
				if e.Series != nil {
					if v := e.Series.version("hand-3"); v != nil {
						v.IssuedAt = at(19)
					}
				}
			}
		}},
		{name: "a change is written down with another time", rule: Clock, edit: func(w *world, _ map[string]*Event) {
			w.last(Changes, "hand").Log[0].Time = at(3)
		}},

		{name: "a key is not asked about in the end", rule: Unaccounted, edit: func(w *world, _ map[string]*Event) {
			last := w.last(Read, "hand")
			w.events = slices.DeleteFunc(w.events, func(e *Event) bool { return e == last })
		}},
		{
			name: "a version is not asked about in the end", rule: Unaccounted,
			with: []step{{51, "", ask(Reveal, "hand", "hand-3")}},
		},
		{
			name: "somebody writes after all was asked about", rule: Unaccounted,
			with: []step{{195, "", revoke("hand", 4)}},
		},
		{name: "a leader does nothing", rule: Idle, without: "make-late"},
	} {
		t.Run(test.name, func(t *testing.T) {
			steps := append(right(), test.with...)
			w, named := play(
				slices.DeleteFunc(steps, func(s step) bool { return s.name == test.without && s.name != "" }),
			)
			if test.edit != nil {
				test.edit(w, named)
			}
			options := Options{}
			if test.rotations != nil {
				options.Rotations = *test.rotations
			}
			found, _ := Check(w.events, options)
			if !slices.Contains(rules(found), test.rule) {
				t.Errorf("got %v, want %s among them", found, test.rule)
			}
		})
	}
}
