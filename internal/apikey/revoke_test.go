package apikey

import (
	"slices"
	"testing"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

func TestRevokeCurrentVersionLeavesNoneUntilSomebodyRotates(t *testing.T) {
	k := rotated(newKey(rotating), 1, at(day))
	c := must(k.Revoke(id(2), "leaked", app, at(2*day)))
	if got := states(c, at(2*day)); !slices.Equal(got, []State{Overlapping, Revoked}) || c.State() != Active {
		t.Errorf("versions %v, key %s", got, c.State())
	}
	if c.Current(at(2*day)) != nil {
		t.Error("there is a current version")
	}
	if !c.NextRotation().IsZero() || c.RotationDue(at(1000*day)) {
		t.Error("the schedule would replace it")
	}
	if _, verdict := c.MaySign(acme(), at(2*day)); verdict != VerdictRevoked {
		t.Errorf("signing: %s", verdict)
	}
	again := rotated(c, 1, at(3*day))
	if got := states(again, at(3*day)); !slices.Equal(got, []State{Overlapping, Revoked, Current}) {
		t.Errorf("after a rotation by hand: %v", got)
	}
	if again.Current(at(3*day)).Number != 3 || again.NextRotation().IsZero() {
		t.Errorf("version %d signs, next rotation %s", again.Current(at(3*day)).Number, again.NextRotation())
	}
}

func TestRevokeOldVersion(t *testing.T) {
	c := must(rotated(newKey(), 1, at(day)).Revoke(id(1), "old client", app, at(2*day)))
	if got := states(c, at(2*day)); !slices.Equal(got, []State{Revoked, Current}) ||
		c.Current(at(2*day)).KeyID != id(2) {
		t.Errorf("versions %v", got)
	}
	if v := c.Versions[0]; v.RevokedAt != at(2*day) || v.RevokedReason != "old client" {
		t.Errorf("revoked %s: %s", v.RevokedAt, v.RevokedReason)
	}
	if last := c.History[len(c.History)-1]; last != (Change{at(2 * day), "revoke", id(1), app, "old client"}) {
		t.Errorf("history ends %+v", last)
	}
}

func TestRevokeKeyIsFinal(t *testing.T) {
	c := must(rotated(newKey(), 1, at(day)).Revoke("", "stolen", app, at(2*day)))
	if got := states(c, at(2*day)); !slices.Equal(got, []State{Revoked, Revoked}) || c.State() != Revoked {
		t.Errorf("versions %v, key %s", got, c.State())
	}
	if c.Current(at(2*day)) != nil || c.RevokedReason != "stolen" {
		t.Errorf("current %v, reason %q", c.Current(at(2*day)), c.RevokedReason)
	}
	for name, operation := range map[string]func() (*Key, error){
		"rotate":  func() (*Key, error) { return c.Rotate(Rotation{NewKeyID: id(3)}, admin, at(3*day)) },
		"change":  func() (*Key, error) { return c.Change(c.Settings, admin, at(3*day)) },
		"disable": func() (*Key, error) { return c.Disable("", "", admin, at(3*day)) },
		"enable":  func() (*Key, error) { return c.Enable("", admin, at(3*day)) },
	} {
		if _, err := operation(); err == nil {
			t.Errorf("%s brings a revoked key to life", name)
		} else {
			refusedAs(t, err, refusal.Invalid, "revoked:")
		}
	}
	back := must(must(c.Delete(admin, at(3*day))).Restore(7*day, admin, at(4*day)))
	if back.State() != Revoked || states(back, at(4*day))[1] != Revoked {
		t.Errorf("deleting and restoring undid a revocation: %s", back.State())
	}
}

func TestRevokeWorksInEveryState(t *testing.T) {
	k := rotated(newKey(), 1, at(day))
	for name, k := range map[string]*Key{
		"active":   k,
		"disabled": must(k.Disable("", "", admin, at(day))),
		"deleted":  must(k.Delete(admin, at(day))),
		"expired":  k,
	} {
		now := at(2 * day)
		if name == "expired" {
			now = at(200 * day)
		}
		whole, err := k.Revoke("", "", admin, now)
		if err != nil || whole.RevokedAt != now {
			t.Errorf("%s: whole key: %v", name, err)
		}
		one, err := k.Revoke(id(1), "", admin, now)
		if err != nil || one.VersionState(&one.Versions[0], now) != Revoked || !one.RevokedAt.IsZero() {
			t.Errorf("%s: one version: %v", name, err)
		}
		if _, err := whole.Revoke(id(1), "", admin, now); err != nil {
			t.Errorf("%s: one version of a revoked key: %v", name, err)
		}
	}
	_, err := k.Revoke(id(7), "", admin, at(day))
	refusedAs(t, err, refusal.NotFound, "key_id:")
}
