package apikey

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

func TestNewKey(t *testing.T) {
	late := start.Add(700 * time.Millisecond).In(time.FixedZone("CET", 3600))
	k := New(Ref{"acme", External, "billing"}, "uid-of-acme", settings(), id(1), admin, late)
	v := k.Newest()
	if len(k.Versions) != 1 || v.Number != 1 || v.KeyID != id(1) || len(v.Secret.Reveal()) != 32 {
		t.Errorf("%d versions, the first is number %d with %d bytes", len(k.Versions), v.Number, len(v.Secret.Reveal()))
	}
	if k.CreatedAt != start || v.IssuedAt != start || v.ExpiresAt != at(90*day) {
		t.Errorf("made %s, issued %s, expires %s", k.CreatedAt, v.IssuedAt, v.ExpiresAt)
	}
	if k.State() != Active || k.VersionState(v, start) != Current || k.Revision != 1 || !k.Unrevealed(start) ||
		!k.LastRotation.IsZero() {
		t.Errorf("%s, revision %d", k.State(), k.Revision)
	}
	want := Change{Time: start, Operation: "create", KeyID: id(1), Actor: admin}
	if len(k.History) != 1 || k.History[0] != want {
		t.Errorf("history %+v", k.History)
	}
	if forever := newKey(living(0)).Newest(); !forever.ExpiresAt.IsZero() {
		t.Errorf("a key without expiry expires %s", forever.ExpiresAt)
	}
}

func TestRotate(t *testing.T) {
	k := newKey()
	now := at(10 * day)
	c := must(
		k.Rotate(
			Rotation{NewKeyID: id(2), CurrentKeyID: id(1), Overlap: 3 * day, Life: 30 * day},
			app,
			now.Add(time.Millisecond),
		),
	)
	first, second := c.Versions[0], c.Versions[1]
	if got := states(c, now); !slices.Equal(got, []State{Overlapping, Current}) {
		t.Errorf("states %v", got)
	}
	if first.ExpiresAt != at(13*day) || first.RotatedTo != id(2) || first.RotatedFrom != "" {
		t.Errorf("the old version expires %s, successor %q", first.ExpiresAt, first.RotatedTo)
	}
	if second.IssuedAt != now || second.ExpiresAt != at(40*day) || second.Number != 2 || second.RotatedFrom != id(1) ||
		second.RotatedTo != "" {
		t.Errorf("the new version is number %d, lives from %s to %s", second.Number, second.IssuedAt, second.ExpiresAt)
	}
	if second.Secret.Equal(first.Secret) || len(second.Secret.Reveal()) != 32 {
		t.Error("the new version has no new secret")
	}
	if c.LastRotation != now || c.Revision != k.Revision+1 || c.Current(now).KeyID != id(2) {
		t.Errorf("rotated %s, revision %d", c.LastRotation, c.Revision)
	}
	if last := c.History[len(c.History)-1]; last != (Change{Time: now, Operation: "rotate", KeyID: id(2), Actor: app}) {
		t.Errorf("history ends %+v", last)
	}
}

// Older versions end at the earlier of their own expiry and now + overlap.
func TestRotateEndsOlderVersions(t *testing.T) {
	for _, row := range []struct {
		name     string
		life     time.Duration
		rotateAt time.Duration
		overlap  time.Duration
		ends     time.Duration
		state    State // at the moment of the rotation
	}{
		{"overlap before its own end", 90 * day, 10 * day, 7 * day, 17 * day, Overlapping},
		{"its own end before the overlap's", 90 * day, 88 * day, 7 * day, 90 * day, Overlapping},
		{"both at once", 90 * day, 83 * day, 7 * day, 90 * day, Overlapping},
		{"no overlap ends it now", 90 * day, 10 * day, 0, 10 * day, Expired},
		{"no overlap, the moment it was made", 90 * day, 0, 0, 0, Expired},
		{"no expiry: the overlap ends it", 0, 10 * day, 7 * day, 17 * day, Overlapping},
		{"no expiry, no overlap", 0, 10 * day, 0, 10 * day, Expired},
		{"it had expired before", 90 * day, 95 * day, 7 * day, 90 * day, Expired},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := must(
				newKey(
					living(row.life),
				).Rotate(Rotation{NewKeyID: id(2), Overlap: row.overlap, Life: day}, admin, at(row.rotateAt)),
			)
			if got := c.Versions[0].ExpiresAt; got != at(row.ends) {
				t.Errorf("ends %s, want %s", got, at(row.ends))
			}
			if got := states(c, at(row.rotateAt)); !slices.Equal(got, []State{row.state, Current}) {
				t.Errorf("states %v, want %s", got, row.state)
			}
		})
	}
}

func TestRotateEndsAllOlderVersionsAlike(t *testing.T) {
	k := rotated(newKey(), 3, at(day)) // each with 7 days of overlap
	c := must(k.Rotate(Rotation{NewKeyID: id(5), Overlap: 0, Life: day}, admin, at(2*day)))
	if got := states(c, at(2*day)); !slices.Equal(got, []State{Expired, Expired, Expired, Expired, Current}) {
		t.Errorf("overlap=0 left %v", got)
	}
}

func TestRotateConflict(t *testing.T) {
	k := rotated(newKey(), 1, at(day))
	_, err := k.Rotate(Rotation{NewKeyID: id(9), CurrentKeyID: id(1), Overlap: day}, admin, at(day))
	refusedAs(t, err, refusal.Conflict, "current_key_id:")
	if !strings.Contains(err.Error(), id(2)) {
		t.Errorf("the conflict does not name the current version: %v", err)
	}
	if _, err := k.Rotate(Rotation{NewKeyID: id(9), CurrentKeyID: id(2), Overlap: day}, admin, at(day)); err != nil {
		t.Errorf("naming the current version: %v", err)
	}
	if _, err := k.Rotate(Rotation{NewKeyID: id(9), Overlap: day}, admin, at(day)); err != nil {
		t.Errorf("naming none: %v", err)
	}
}

func TestRotateLimits(t *testing.T) {
	live := func(k *Key, most int) error {
		_, err := k.Rotate(Rotation{NewKeyID: id(9), Overlap: day, Life: 90 * day, MaxLive: most}, admin, at(day))
		return err
	}
	three := rotated(newKey(), 2, at(day))
	disabled := must(three.Disable(id(1), "", admin, at(day)))
	revoked := must(three.Revoke(id(1), "", admin, at(day)))
	if err := live(three, 4); err != nil {
		t.Errorf("the fourth of four: %v", err)
	}
	refusedAs(t, live(three, 3), refusal.Invalid, "max_versions:")
	refusedAs(t, live(disabled, 3), refusal.Invalid, "max_versions:") // it may come back
	if err := live(revoked, 3); err != nil {
		t.Errorf("a revoked version counts: %v", err)
	}
	if err := live(three, 0); err != nil {
		t.Errorf("no limit, as for the schedule: %v", err)
	}
	if _, err := three.Rotate(Rotation{NewKeyID: id(9), Life: day, MaxLive: 1}, admin, at(day)); err != nil {
		t.Errorf("overlap=0 ends the others: %v", err)
	}
}

func TestRotateIsRefused(t *testing.T) {
	for name, k := range map[string]*Key{
		"deleted: ": must(newKey().Delete(admin, start)),
		"revoked: ": must(newKey().Revoke("", "", admin, start)),
	} {
		_, err := k.Rotate(Rotation{NewKeyID: id(2)}, admin, start)
		refusedAs(t, err, refusal.Invalid, strings.TrimSuffix(name, " "))
	}
	if _, err := must(
		newKey().Disable("", "", admin, start),
	).Rotate(Rotation{NewKeyID: id(2), Life: day}, admin, start); err != nil {
		t.Errorf("by hand a disabled key may be rotated: %v", err)
	}
}

// A record keeps every live version and the newest twenty ended ones.
func TestRotateTrims(t *testing.T) {
	k := newKey()
	for n := range 60 {
		k = must(
			k.Rotate(Rotation{NewKeyID: id(n + 2), Overlap: 0, Life: 90 * day}, admin, at(time.Duration(n)*time.Hour)),
		)
	}
	if len(k.Versions) != KeptEnded+1 || k.Versions[0].KeyID != id(41) || k.Newest().KeyID != id(61) {
		t.Errorf("%d versions, from %s to %s", len(k.Versions), k.Versions[0].KeyID, k.Newest().KeyID)
	}
	if k.Version(id(1)) != nil || len(k.History) != MaxHistory || k.Revision != 61 {
		t.Errorf("%d changes, revision %d", len(k.History), k.Revision)
	}
	old := newKey(living(0)) // its first version stays live, and old
	old = must(old.Revoke(id(1), "", admin, start))
	for n := range 30 {
		old = must(old.Rotate(Rotation{NewKeyID: id(n + 2), Overlap: 365 * day, Life: 0}, admin, at(time.Hour)))
	}
	if n := len(old.Versions); n != 31 {
		t.Errorf("%d versions, want 30 live and 1 ended", n)
	}
}

func TestTrimKeepsALiveVersionAmongManyEnded(t *testing.T) {
	k := newKey(living(0))
	for n := 2; n <= 30; n++ {
		k = must(k.Rotate(Rotation{NewKeyID: id(n), Overlap: 365 * day}, admin, start))
		if n < 30 {
			k = must(k.Revoke(id(n), "", admin, start))
		}
	}
	if k.Version(id(1)) == nil || k.VersionState(k.Version(id(1)), start) != Overlapping {
		t.Error("the oldest version is live, and gone")
	}
	if k.Version(id(9)) != nil || k.Version(id(10)) == nil || len(k.Versions) != KeptEnded+2 {
		t.Errorf(
			"%d versions, want the live one, the newest %d of 28 revoked ones, and the current one",
			len(k.Versions),
			KeptEnded,
		)
	}
}
