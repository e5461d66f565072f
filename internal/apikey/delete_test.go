package apikey

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

const retention = 7 * day

func TestDeleteAndRestore(t *testing.T) {
	k := rotated(newKey(), 1, at(day))
	gone := must(k.Delete(app, at(2*day)))
	if gone.State() != Deleted || gone.DeletedAt != at(2*day) || gone.GoneAt(retention) != at(9*day) {
		t.Errorf("%s since %s, gone %s", gone.State(), gone.DeletedAt, gone.GoneAt(retention))
	}
	if got := states(gone, at(2*day)); !slices.Equal(got, []State{Disabled, Disabled}) {
		t.Errorf("a deleted key's versions are %v", got)
	}
	back := must(gone.Restore(retention, app, at(9*day-time.Second)))
	if back.State() != Disabled || back.DisabledReason != "restored" || !back.GoneAt(retention).IsZero() {
		t.Errorf("restored: %s (%s), gone %s", back.State(), back.DisabledReason, back.GoneAt(retention))
	}
	if diff := cmp.Diff(k.Versions, back.Versions); diff != "" {
		t.Errorf("restoring moved a clock (-before +after):\n%s", diff)
	}
	on := must(back.Enable("", app, at(9*day)))
	if got := states(on, at(9*day)); !slices.Equal(got, []State{Expired, Current}) {
		t.Errorf("enabled: %v", got)
	}
	lastChanges(t, on, "create", "rotate", "delete", "restore", "enable")
}

func TestRestoreEndsWithTheRetention(t *testing.T) {
	gone := must(newKey().Delete(admin, start))
	for _, row := range []struct {
		after time.Duration
		taken bool
	}{
		{0, true}, {retention - 1, true}, {retention, false}, {retention + time.Second, false},
	} {
		back, err := gone.Restore(retention, admin, at(row.after))
		if row.taken && (err != nil || back.State() != Disabled) {
			t.Errorf("after %s: %v", row.after, err)
		}
		if !row.taken {
			refusedAs(t, err, refusal.Invalid, "deleted:")
		}
	}
}

func TestRestoreKeepsWhyItWasDisabled(t *testing.T) {
	k := must(newKey().Disable("", "leaked?", admin, start))
	back := must(must(k.Delete(admin, at(day))).Restore(retention, admin, at(2*day)))
	if back.DisabledAt != start || back.DisabledReason != "leaked?" {
		t.Errorf("disabled since %s: %s", back.DisabledAt, back.DisabledReason)
	}
}

func TestDeletionProtected(t *testing.T) {
	k := newKey(protected)
	_, err := k.Delete(admin, start)
	refusedAs(t, err, refusal.Invalid, "deletion_protected:")
	open := must(k.Change(settings(), admin, start))
	if _, err := open.Delete(admin, start); err != nil {
		t.Errorf("no longer protected: %v", err)
	}
	if _, err := must(newKey().Revoke("", "", admin, start)).Delete(admin, start); err != nil {
		t.Errorf("a revoked key: %v", err)
	}
}

func TestDeletedKeyTakesNothingButRevokeAndRestore(t *testing.T) {
	gone := must(newKey().Delete(admin, start))
	for name, operation := range map[string]func() (*Key, error){
		"rotate":  func() (*Key, error) { return gone.Rotate(Rotation{NewKeyID: id(2)}, admin, start) },
		"change":  func() (*Key, error) { return gone.Change(gone.Settings, admin, start) },
		"disable": func() (*Key, error) { return gone.Disable("", "", admin, start) },
		"enable":  func() (*Key, error) { return gone.Enable("", admin, start) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := operation()
			refusedAs(t, err, refusal.Invalid, "deleted:")
		})
	}
}

func TestChange(t *testing.T) {
	k := rotated(newKey(), 1, at(day))
	s := settings(living(30*day), overlap(day), revealing(RevealAlways))
	c := must(k.Change(s, app, at(2*day)))
	if diff := cmp.Diff(s, c.Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(k.Versions, c.Versions); diff != "" {
		t.Errorf("a changed ttl moved a clock (-before +after):\n%s", diff)
	}
	if next := rotated(c, 1, at(3*day)); next.Newest().ExpiresAt != at(33*day) ||
		next.Versions[1].ExpiresAt != at(4*day) {
		t.Errorf("the next version expires %s, the one before %s", next.Newest().ExpiresAt, next.Versions[1].ExpiresAt)
	}
	s.Scheme = DefaultScheme
	_, err := k.Change(s, app, at(2*day))
	refusedAs(t, err, refusal.Invalid, "scheme:")
}
