package apikey

import (
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

const extension = 7 * day

func TestExtend(t *testing.T) {
	k := rotated(newKey(), 1, at(day)) // the first version ends at the end of the overlap, after 8 days
	c := must(k.Extend(id(1), at(10*day), extension, "they are on holiday", admin, at(2*day)))
	v := c.Version(id(1))
	if v.ExpiresAt != at(10*day) || v.Marks.Get().ExtendedAt != at(2*day) || c.Revision != k.Revision+1 {
		t.Errorf("ends %s, extended %s, revision %d", v.ExpiresAt, v.Marks.Get().ExtendedAt, c.Revision)
	}
	last := c.History[len(c.History)-1]
	if last.Operation != "extend" || last.KeyID != id(1) || last.Reason != "they are on holiday" {
		t.Errorf("history: %+v", last)
	}
	if got := c.VersionState(v, at(10*day-time.Second)); got != Overlapping {
		t.Errorf("at its new end: %s", got)
	}
	// A later rotation may still end it before.
	if again := rotated(c, 1, at(2*day)); again.Version(id(1)).ExpiresAt != at(9*day) {
		t.Errorf("rotated again it ends %s", again.Version(id(1)).ExpiresAt)
	}
	// The current version's extension moves the schedule.
	auto := newKey(rotating)
	if moved := must(auto.Extend(id(1), at(92*day), extension, "", admin, start)); !moved.NextRotation().
		Equal(auto.NextRotation().Add(2 * day)) {
		t.Errorf("rotates %s, before %s", moved.NextRotation(), auto.NextRotation())
	}
}

func TestExtendIsRefused(t *testing.T) {
	k := newKey()
	extended := must(k.Extend(id(1), at(91*day), extension, "", admin, start))
	for _, row := range []struct {
		name  string
		k     *Key
		keyID string
		end   time.Time
		most  time.Duration
		now   time.Time
		kind  error
		about string
	}{
		{"twice", extended, id(1), at(92 * day), extension, start, refusal.Invalid, "expires_at: version"},
		{"over the cap", k, id(1), at(97*day + time.Second), extension, start, refusal.Invalid, "expires_at: may be " +
			"2026-04-22"},
		{"where there is no extension", k, id(1), at(90*day + time.Second), 0, start, refusal.Invalid, "expires_at: " +
			"may be 2026-04-15"},
		{"to the same time", k, id(1), at(90 * day), extension, start, refusal.Invalid, "expires_at: must be later"},
		{"earlier", k, id(1), at(80 * day), extension, start, refusal.Invalid, "expires_at: must be later"},
		{"after its end", k, id(1), at(91 * day), extension, at(90 * day), refusal.Invalid, "expired"},
		{"no such version", k, id(9), at(91 * day), extension, start, refusal.NotFound, "key_id"},
		{
			"without expiry", newKey(living(0)), id(1), at(91 * day), extension, start, refusal.Invalid,
			"expires_at: version",
		},
		{
			"a revoked version", must(rotated(k, 1, start).Revoke(id(1), "", admin, start)), id(1), at(8 * day),
			extension, start, refusal.Invalid, "revoked",
		},
		{
			"a revoked key", must(k.Revoke("", "", admin, start)), id(1), at(91 * day), extension, start,
			refusal.Invalid, "revoked",
		},
		{
			"a deleted key", must(k.Delete(admin, start)), id(1), at(91 * day), extension, start, refusal.Invalid,
			"deleted",
		},
	} {
		c, err := row.k.Extend(row.keyID, row.end, row.most, "", admin, row.now)
		if c != nil {
			t.Errorf("%s: done", row.name)
		}
		refusedAs(t, err, row.kind, row.about)
	}
	if c := must(k.Extend(id(1), at(97*day), extension, "", admin, at(90*day-time.Second))); c.Newest().ExpiresAt != at(
		97*day,
	) {
		t.Errorf("at the last moment, to the last moment: %s", c.Newest().ExpiresAt)
	}
	disabled := must(must(k.Disable("", "", admin, start)).Extend(id(1), at(91*day), extension, "", admin, start))
	if disabled.Newest().ExpiresAt != at(91*day) {
		t.Error("a disabled key's versions can be extended: its clock goes on too")
	}
}
