package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// leading returns the rules that lead round the walls.
func leading(rules, harmless []grant) []string {
	var all []string
	for _, l := range leads(rules, dangers("apikeys"), harmless) {
		all = append(all, l.rule.String())
	}
	slices.Sort(all)
	return all
}

// TestLeadsBySegments has a rule with a + named with each danger that it covers, and no other.
func TestLeadsBySegments(t *testing.T) {
	for _, row := range []struct {
		rule string
		why  []string
	}{
		{"sys/+/isolation-nobody", []string{
			"become root", "carry storage away", "change the keys", "end a tenant's", "find and end",
			"have secrets written",
			"log in as", "put another binary", "turn the audit log off", "write themselves",
		}},
		{"sys/auth/+", []string{"log in as"}},
		{"sys/auth/+/tune", []string{"log in as"}},
		{
			"sys/+",
			[]string{
				"become root", "carry storage away", "change the keys", "end a tenant's", "end every lease",
				"turn the audit log off",
			},
		},
		{"+/oidc/provider/+/authorize", []string{"give themselves", "make tokens"}},
		{"secret/+/x", nil},
		{"identity/oidc/provider/+/authorize", nil},
	} {
		var got []string
		for _, l := range leads(
			[]grant{{row.rule, []string{"update"}}}, dangers("apikeys"),
			usual(&caller{Entity: "spa", entityID: "1234"}),
		) {
			got = append(got, l.why...)
		}
		slices.Sort(got)
		if !slices.EqualFunc(got, row.why, strings.HasPrefix) {
			t.Errorf("%s: %q, want %q", row.rule, got, row.why)
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
		{"identity/entity/id/1234", []string{"update"}}, // of their own, and yet too much
		{"identity/oidc/provider/+/authorize*", []string{"read", "update"}},
		{"sys/mounts/*", []string{"read"}},
		{"sys/storage/raft/snapshot", []string{"read"}},
		{"auth/*", []string{"update"}},
		{"auth/*", []string{"deny"}},
		{"sys/*", []string{"update"}},
		{"sys/leases/*", []string{"deny"}},
		{"sys/re*", []string{"deny"}},
	}
	want := []string{
		"auth/* (update)",
		"identity/entity/id/1234 (update)",
		"sys/* (update)",
		"sys/storage/raft/snapshot (read)",
	}
	if got := leading(rules, usual(me)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, wide := range []string{"*", "sys/*"} { // a rule with more + comes after it, and bars nothing
		denied := strings.TrimSuffix(wide, "*") + "+/*"
		if got := leading([]grant{{wide, []string{"update"}}, {denied, []string{"deny"}}}, nil); len(got) != 1 {
			t.Errorf("%s is not named beside a deny of %s", wide, denied)
		}
	}
	if got := leading(
		[]grant{
			{"sys/re*", []string{"update"}},
			{"sys/rekey*", []string{"deny"}},
			{"sys/revoke*", []string{"deny"}},
			{"sys/remount", []string{"deny"}},
		},
		nil,
	); len(got) > 0 {
		t.Errorf("denied, and still named: %v", got)
	}
}

// TestDangersAreDocumented checks that what docs/install.md says the SPA must never hold is looked for, each path of
// it.
func TestDangersAreDocumented(t *testing.T) {
	document, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(document), "\n## What the SPA must never hold")
	section, _, _ = strings.Cut(section, "\n## ")
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
		t.Errorf("only %d paths in the document", found)
	}
}
