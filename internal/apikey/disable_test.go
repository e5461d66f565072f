package apikey

import (
	"slices"
	"testing"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

func TestDisableAndEnableKey(t *testing.T) {
	k := rotated(newKey(), 1, at(day))
	off := must(k.Disable("", "leaked?", app, at(2*day)))
	if off.State() != Disabled || off.DisabledAt != at(2*day) || off.DisabledReason != "leaked?" {
		t.Errorf("%s since %s: %s", off.State(), off.DisabledAt, off.DisabledReason)
	}
	if got := states(off, at(2*day)); !slices.Equal(got, []State{Disabled, Disabled}) {
		t.Errorf("versions %v", got)
	}
	if off.Current(at(2*day)) == nil {
		t.Error("a disabled key still has a current version")
	}
	if off.Versions[0].ExpiresAt != k.Versions[0].ExpiresAt || off.Versions[1].ExpiresAt != k.Versions[1].ExpiresAt {
		t.Error("disabling moved a clock")
	}
	on := must(off.Enable("", app, at(3*day)))
	if on.State() != Active || !on.DisabledAt.IsZero() || on.DisabledReason != "" {
		t.Errorf("enabled: %s, %q", on.State(), on.DisabledReason)
	}
	if got := states(on, at(3*day)); !slices.Equal(got, []State{Overlapping, Current}) {
		t.Errorf("versions %v", got)
	}
	if got := states(on, at(20*day)); !slices.Equal(got, []State{Expired, Current}) {
		t.Errorf("a clock stood still: %v", got)
	}
	lastChanges(t, on, "create", "rotate", "disable", "enable")
}

func TestDisableAndEnableVersion(t *testing.T) {
	k := rotated(newKey(), 1, at(day))
	off := must(k.Disable(id(1), "old client", app, at(2*day)))
	if got := states(off, at(2*day)); !slices.Equal(got, []State{Disabled, Current}) || off.State() != Active {
		t.Errorf("versions %v, key %s", got, off.State())
	}
	both := must(off.Disable("", "", app, at(2*day)))
	if got := states(must(both.Enable("", app, at(3*day))), at(3*day)); !slices.Equal(got, []State{Disabled, Current}) {
		t.Errorf("enabling the key enabled a disabled version too: %v", got)
	}
	got := states(must(both.Enable(id(1), app, at(3*day))), at(3*day))
	if !slices.Equal(got, []State{Disabled, Disabled}) {
		t.Errorf("enabling a version enabled the key: %v", got)
	}
}

// Asking for what is so already changes nothing: the first time and reason stay.
func TestRepeatedIsAsItIs(t *testing.T) {
	k := rotated(newKey(), 1, at(day))
	for name, once := range map[string]*Key{
		"disable key":     must(k.Disable("", "first", admin, at(day))),
		"disable version": must(k.Disable(id(1), "first", admin, at(day))),
		"revoke key":      must(k.Revoke("", "first", admin, at(day))),
		"revoke version":  must(k.Revoke(id(1), "first", admin, at(day))),
		"delete":          must(k.Delete(admin, at(day))),
		"enable":          k,
		"restore":         k,
	} {
		again := map[string]func() (*Key, error){
			"disable key":     func() (*Key, error) { return once.Disable("", "second", app, at(2*day)) },
			"disable version": func() (*Key, error) { return once.Disable(id(1), "second", app, at(2*day)) },
			"revoke key":      func() (*Key, error) { return once.Revoke("", "second", app, at(2*day)) },
			"revoke version":  func() (*Key, error) { return once.Revoke(id(1), "second", app, at(2*day)) },
			"delete":          func() (*Key, error) { return once.Delete(app, at(2*day)) },
			"enable":          func() (*Key, error) { return once.Enable(id(1), app, at(2*day)) },
			"restore":         func() (*Key, error) { return once.Restore(7*day, app, at(2*day)) },
		}[name]
		if twice, err := again(); err != nil || twice != once {
			t.Errorf("%s, again: changed %t, error %v", name, twice != once, err)
		}
	}
}

func TestDisableIsRefused(t *testing.T) {
	k := rotated(newKey(), 1, at(day))
	deleted, revoked := must(k.Delete(admin, at(day))), must(k.Revoke("", "", admin, at(day)))
	old := must(k.Revoke(id(1), "", admin, at(day)))
	erased := old.Erase(day, at(3*day))
	for _, row := range []struct {
		name  string
		k     *Key
		keyID string
		kind  error
		what  string
	}{
		{"a deleted key", deleted, "", refusal.Invalid, "deleted:"},
		{"a revoked key", revoked, "", refusal.Invalid, "revoked:"},
		{"a version of a revoked key", revoked, id(1), refusal.Invalid, "revoked:"},
		{"a revoked version", old, id(1), refusal.Invalid, "revoked:"},
		{"no such version", k, id(7), refusal.NotFound, "key_id:"},
		{"a destroyed version", erased, id(1), refusal.NotFound, "key_id:"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := row.k.Disable(row.keyID, "", admin, at(3*day))
			refusedAs(t, err, row.kind, row.what)
			_, err = row.k.Enable(row.keyID, admin, at(3*day))
			refusedAs(t, err, row.kind, row.what)
		})
	}
}

// lastChanges compares the newest entries of the history with operations.
func lastChanges(t *testing.T, k *Key, operations ...string) {
	t.Helper()
	got := make([]string, 0, len(k.History))
	for _, c := range k.History {
		got = append(got, c.Operation)
	}
	if extra := len(got) - len(operations); extra < 0 || !slices.Equal(got[extra:], operations) {
		t.Errorf("history %v, want it to end with %v", got, operations)
	}
}
