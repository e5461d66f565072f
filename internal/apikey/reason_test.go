package apikey

import (
	"fmt"
	"testing"
	"time"
)

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
		{
			"a version disabled, and revoked without a reason",
			[]step{disabled(id(1), "old"), revoked(id(1), "")},
			"",
			"",
		},
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

// A reason belongs to the revocation it was given for. What ended the key first says why: itself, or its role.
func TestReasonsUnderARole(t *testing.T) {
	type step func(*Key, *Role) (*Key, *Role)
	all := func(why string) step {
		return func(k *Key, r *Role) (*Key, *Role) { r, _ = r.RevokeLeased(why, start.Add(time.Minute)); return k, r }
	}
	disabled := func(k *Key, r *Role) (*Key, *Role) { return must(k.Disable("", "holiday", admin, start)), r }
	revoked := func(k *Key, r *Role) (*Key, *Role) { return must(k.Revoke("", "misused", admin, start)), r }
	ended := func(in time.Duration) step {
		return func(k *Key, r *Role) (*Key, *Role) { return k.End(start.Add(in)), r }
	}
	for _, row := range []struct {
		name      string
		steps     []step
		key, role string
	}{
		{"nothing", nil, "", ""},
		{"revoked by the role", []step{all("leaked")}, "leaked", "leaked"},
		{"and again without a reason", []step{all("leaked"), all("")}, "leaked", "leaked"},
		{"and again with another", []step{all("leaked"), all("other"), all("")}, "leaked", "other"},
		{"without a reason, and again with one", []step{all(""), all("other")}, "", "other"},
		{"disabled before", []step{disabled, all("leaked")}, "leaked", "leaked"},
		{"disabled before, no reason", []step{disabled, all("")}, "", ""},
		{"revoked itself", []step{revoked, all("leaked")}, "misused", "leaked"},
		{"its lease ended afterwards", []step{all("leaked"), ended(time.Minute)}, "leaked", "leaked"},
		{"its lease ended before", []step{ended(0), all("leaked")}, "lease ended", "leaked"},
		{"its lease ended, no reason", []step{all(""), ended(time.Minute)}, "lease ended", ""},
	} {
		k, r := leased(), role()
		for _, do := range row.steps {
			k, r = do(k, r)
		}
		if key, role := k.ReasonUnder(r), r.RevokedReason(); key != row.key || role != row.role {
			t.Errorf(
				"%s: the key's reason is %q, want %q; the role's %q, want %q",
				row.name,
				key,
				row.key,
				role,
				row.role,
			)
		}
	}
}

// Of very many revocations the last reasons are kept, and no key shows another's.
func TestReasonsAreBounded(t *testing.T) {
	k, r := leased(), role()
	for n := range KeptReasons + 1 {
		if got := k.ReasonUnder(r); n > 0 && got != "0" {
			t.Errorf("after %d: %q", n, got)
		}
		var forgot bool
		if r, forgot = r.RevokeLeased(fmt.Sprint(n), start); forgot != (n == KeptReasons) {
			t.Errorf("%d: forgot one: %t", n, forgot)
		}
	}
	next := leased()
	next.Lease.Epoch = k.Lease.Epoch + 1
	if got, its := k.ReasonUnder(r), next.ReasonUnder(r); got != "" || its != "1" {
		t.Errorf("in the end: %q and %q", got, its)
	}
}
