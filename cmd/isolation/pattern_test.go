package main

import "testing"

func TestMeet(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"sys/leases/*", "sys/leases/*", true},
		{"sys/*", "sys/leases/*", true},
		{"*", "sys/raw*", true},
		{"sys/leases/revoke", "sys/leases/*", true},
		{"sys/leases", "sys/leases/*", false},
		{"sys/raw", "sys/raw*", true},
		{"sys/rotate/config", "sys/rotate*", true},
		{"sys/renew", "sys/re*", true},
		{"sys/health", "sys/leases/*", false},
		{"sys/+/acl/*", "sys/policies/*", true},
		{"sys/+", "sys/remount", true},
		{"sys/+/x", "sys/remount", false},
		{"+/+", "auth/*", true},
		{"auth/+/users/bob", "auth/*", true},
		{"secret/+/x", "auth/*", false},
		{"sys/+/", "sys/policies/*", true},
		{"sys/+/", "sys/policies/acl", false}, // a slash at the end is an empty segment
		{"sys/+/*", "sys/policies/*", true},
		{"sys/+/*", "sys/remount", false},
		{"sys/+/users/*", "sys/+/role/*", false},
		{"sys/a+b", "sys/axb", false}, // within a segment it is a plus
	} {
		for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
			if got := meet(pair[0], pair[1]); got != test.want {
				t.Errorf("%s and %s meet: %t", pair[0], pair[1], got)
			}
		}
	}
}

func TestCovers(t *testing.T) {
	for _, test := range []struct {
		wide, narrow string
		want         bool
	}{
		{"*", "sys/raw*", true},
		{"sys/*", "sys/leases/*", true},
		{"sys/leases/*", "sys/*", false},
		{"sys/leases/*", "sys/leases/", true},
		{"sys/leases/*", "sys/leases", false},
		{"sys/re*", "sys/remount", true},
		{"sys/remount", "sys/re*", false},
		{"sys/+/*", "sys/leases/*", true},
		{"sys/+/*", "sys/raw*", false}, // sys/raw is none of it
		{"sys/+/x", "sys/leases/x", true},
		{"sys/leases/x", "sys/+/x", false},
		{"sys/+", "sys/+", true},
		{"sys/l*", "sys/+", false},
		{"identity/oidc/provider/+/authorize*", "identity/oidc/provider/+/authorize", true},
		{"identity/oidc/provider/+/authorize*", "identity/oidc/provider/default/authorize", true},
		{"identity/oidc/provider/+/authorize*", "identity/oidc/provider/+/*", false},
	} {
		if got := covers(test.wide, test.narrow); got != test.want {
			t.Errorf("%s covers %s: %t", test.wide, test.narrow, got)
		}
	}
}

func TestOutranks(t *testing.T) {
	for _, pair := range [][2]string{ // the first before the second
		{"sys/raw", "sys/raw*"},
		{"sys/+/x", "sys/*"},
		{"sys/leases/*", "sys/*"},
		{"*", "+/*"},
		{"sys/*", "sys/+/*"},
		{"sys/+/acl/x", "sys/+/acl/*"},
		{"sys/+/acl/*", "sys/+/*"},
		{"a/+/b/c", "a/+/b/+"},
	} {
		if !outranks(pair[0], pair[1]) || outranks(pair[1], pair[0]) {
			t.Errorf("%s does not come before %s", pair[0], pair[1])
		}
	}
}
