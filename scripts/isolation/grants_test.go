package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

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
	} {
		for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
			if got := meet(pair[0], pair[1]); got != test.want {
				t.Errorf("%s and %s meet: %t", pair[0], pair[1], got)
			}
		}
	}
}

func TestLeads(t *testing.T) {
	me := &caller{Entity: "spa", entityID: "1234"}
	rules := []grant{
		{"auth/token/lookup-self", []string{"read"}},
		{"auth/token/renew-self", []string{"update"}},
		{"sys/leases/renew", []string{"update"}},
		{"sys/leases/lookup", []string{"update"}},
		{"identity/entity/id/1234", []string{"read"}},
		{"sys/mounts/*", []string{"read"}},
		{"sys/storage/raft/snapshot", []string{"read"}},
		{"auth/*", []string{"update"}},
		{"auth/*", []string{"deny"}},
		{"sys/*", []string{"update"}},
		{"sys/leases/*", []string{"deny"}},
		{"sys/re*", []string{"deny"}},
	}
	why := map[string]bool{}
	for what := range leads(rules, dangers("apikeys"), usual(me)) {
		why[what] = true
	}
	want := []string{"auth/* (update)", "sys/* (update)", "sys/storage/raft/snapshot (read)"}
	if got := slices.Sorted(maps.Keys(why)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := leads([]grant{{"sys/re*", []string{"update"}}, {"sys/rekey*", []string{"deny"}}, {"sys/revoke*", []string{"deny"}}, {"sys/remount", []string{"deny"}}}, dangers("apikeys"), nil); len(got) > 0 {
		t.Errorf("denied, and still named: %v", got)
	}
}

// TestDangersAreDocumented checks that what README says the SPA must never hold is looked for, each path of it.
func TestDangersAreDocumented(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "### What the SPA must never hold")
	section, _, _ = strings.Cut(section, "\n### ")
	cells := regexp.MustCompile("(?m)^\\| (`[^|]+) \\|").FindAllStringSubmatch(section, -1)
	found := 0
	for _, cell := range cells {
		for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell[1], -1) {
			if span[1] == "sys/wrapping/unwrap" || span[1] == "default" {
				continue // which the policy default grants to all
			}
			found++
			named := slices.ContainsFunc(dangers("apikeys"), func(d danger) bool { return covers(d.pattern, span[1]) })
			if !named {
				t.Errorf("%s is not looked for", span[1])
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d paths in README", found)
	}
}
