package apikey

import "testing"

// What is revoked shows the reason of that, and none where nobody gave one: that of a disabling before it is another.
func TestReasons(t *testing.T) {
	type step func(*Key) *Key
	disabled := func(keyID, why string) step {
		return func(k *Key) *Key { return must(k.Disable(keyID, why, admin, start)) }
	}
	revoked := func(keyID, why string) step {
		return func(k *Key) *Key { return must(k.Revoke(keyID, why, admin, start)) }
	}
	enabled := func(k *Key) *Key { return must(k.Enable("", admin, start)) }
	for _, row := range []struct {
		name         string
		steps        []step
		key, version string
	}{
		{"nothing", nil, "", ""},
		{"disabled", []step{disabled("", "holiday")}, "holiday", ""},
		{"enabled again", []step{disabled("", "holiday"), enabled}, "", ""},
		{"a version disabled", []step{disabled(id(1), "old")}, "", "old"},
		{"both disabled", []step{disabled("", "holiday"), disabled(id(1), "old")}, "holiday", "old"},
		{"revoked", []step{revoked("", "leaked")}, "leaked", ""},
		{"disabled, and revoked without a reason", []step{disabled("", "holiday"), revoked("", "")}, "", ""},
		{"disabled, and revoked", []step{disabled("", "holiday"), revoked("", "leaked")}, "leaked", ""},
		{"a version disabled, and revoked without a reason", []step{disabled(id(1), "old"), revoked(id(1), "")}, "", ""},
		{"a version disabled, and revoked", []step{disabled(id(1), "old"), revoked(id(1), "leaked")}, "", "leaked"},
		{"a version disabled, the key revoked", []step{disabled(id(1), "old"), revoked("", "leaked")}, "leaked", ""},
		{"a version revoked, and the key", []step{revoked(id(1), "old"), revoked("", "leaked")}, "leaked", "old"},
	} {
		k := newKey()
		for _, do := range row.steps {
			k = do(k)
		}
		if got := k.Reason(); got != row.key {
			t.Errorf("%s: the key's reason is %q, want %q", row.name, got, row.key)
		}
		if got := k.VersionReason(k.Newest()); got != row.version {
			t.Errorf("%s: the version's reason is %q, want %q", row.name, got, row.version)
		}
	}
}
