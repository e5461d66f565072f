//go:build acceptance

package acceptance

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

// TestSeparation checks that with the shipped policies there is no hole, that every wall was tried, and that what was
// made for it is gone.
func TestSeparation(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "apart"), shared.tenant(t, "apart")
	s := shared.separate(t, "spa", staff(ours), staff(theirs))
	s.expect(t)
	if s.Binding != "required" || s.Tries < 5000 || len(s.Notes) > 0 {
		t.Errorf("binding %q, %d tries, notes %v", s.Binding, s.Tries, s.Notes)
	}
	for _, w := range s.Walls {
		if w.Tries == 0 {
			t.Errorf("%s: nothing was tried", w.Name)
		}
	}
	if len(s.Made) != 12 || len(s.Removed) != 12 {
		t.Errorf("made %v, removed %v", s.Made, s.Removed)
	}
	admin := shared.caller(t, ours+"-admin")
	for _, kind := range []string{"internal", "external"} {
		admin.refused(404, "", "LIST", "apikeys/my/"+kind+"/roles", nil)
		for _, name := range names(admin.ask("LIST", "apikeys/my/"+kind+"/keys", nil)) {
			if got := admin.must("GET", "apikeys/my/"+kind+"/keys/"+name, nil).field("state"); got != "deleted" {
				t.Errorf("%s is %s", name, got)
			}
		}
	}
}

// TestSeparationTellsTheSPAsGrants gives the SPA what leads round the wall, and what only looks as if it did.
func TestSeparationTellsTheSPAsGrants(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "round"), shared.tenant(t, "round")
	who := shared.granted(t, ours+"-spa", "", `
path "sys/leases/*" { capabilities = ["read", "update", "list", "sudo"] }
path "identity/*" { capabilities = ["create", "update"] }
path "sys/policies/acl/*" { capabilities = ["create", "update"] }
path "sys/+/isolation-nobody" { capabilities = ["create"] } # Not every server lists rules with a plus.
path "auth/*" { capabilities = ["read", "list"] }
path "sys/audit*" { capabilities = ["update"] }
path "sys/audit" { capabilities = ["deny"] }
path "sys/rotate*" { capabilities = ["deny"] }
`, policies.Named("spa")...)
	s := shared.separate(t, who, ours+"-admin", theirs+"-admin")
	s.expect(
		t,
		"grant of sys/leases/* (list read sudo update): lets them find and end a tenant's leased keys",
		"grant of identity/* (create update): lets them give themselves a tenant's metadata",
		"grant of sys/policies/acl/* (create update): lets them write themselves any policy",
		"grant of sys/audit* (update): lets them turn the audit log off",
		": lets them log in as somebody of a tenant",
	)
	for _, harmless := range []string{"auth/*", "rotate", "sys/leases/renew", "identity/entity/id"} {
		if strings.Contains(s.holes(), " "+harmless) {
			t.Errorf("%s is named:\n%s", harmless, s.holes())
		}
	}
	if strings.Contains(s.holes(), "apikeys/") {
		t.Errorf("a wall is open:\n%s", s.holes())
	}
}

// TestSeparationOfABroadSPA grants the SPA all of the mount: first with the denies of its own policy, then without.
func TestSeparationOfABroadSPA(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "broken"), shared.tenant(t, "broken")
	if err := shared.Root().Sys().PutPolicyWithContext(t.Context(), "wide", wide); err != nil {
		t.Fatal(err)
	}
	denied, without := ours+"-denied", ours+"-without"
	shared.know(
		[]devserver.Person{
			{Name: denied, Policies: append(policies.Named("spa"), "wide")},
			{Name: without, Policies: []string{"wide"}},
		},
	)
	for _, spa := range []string{denied, without} {
		s := shared.separate(t, spa, ours+"-admin", theirs+"-admin")
		if spa == denied {
			s.expect(t) // All that the other policy grants too much is denied by name.
		} else {
			s.expect(
				t, "PATCH apikeys/verify", "POST apikeys/config", "GET apikeys/config", "200 with valid, verdict",
				"GET apikeys/metrics", "POST apikeys/tidy", "GET apikeys/tidy/status", "POST apikeys/pickup",
			)
		}
		if strings.Contains(s.holes(), "apikeys/tenants/") || strings.Contains(s.holes(), "apikeys/my") {
			t.Errorf("identity did not hold:\n%s", s.holes())
		}
		if alone := strings.Contains(strings.Join(s.Notes, "\n"), "identity alone"); alone != (spa == without) {
			t.Errorf("%s: identity is alone: %t", spa, alone)
		}
	}
}

// TestSeparationOfBroadTenants checks that identity holds where a tenant's policies do not, and that it is said to be
// alone.
func TestSeparationOfBroadTenants(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "broad"), shared.tenant(t, "broad")
	broad := shared.enrol(t, ours+"-broad", ours)
	s := shared.separate(t, "spa", broad.name, staff(theirs))
	s.expect(t)
	if all := strings.Join(s.Notes, "\n"); !strings.Contains(all, "the wall of identity alone keeps them out") {
		t.Errorf("notes: %s", all)
	}
}

// TestSeparationByGroups checks the policy for tenants bound by groups: it works for its own, identity alone keeps the
// others out, and the command says so. Without that wall it is a hole.
func TestSeparationByGroups(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	ours, theirs := w.tenant(t, "groups"), w.tenant(t, "groups")
	rules, err := os.ReadFile("../../bootstrap/policies/variants/app-by-group.hcl")
	if err != nil {
		t.Fatal(err)
	}
	app := w.caller(t, w.granted(t, "grouped", "", string(rules)))
	w.group(t, ours+"-apps", ours, app)
	for _, tenant := range []string{ours, theirs} {
		admin := w.caller(t, tenant+"-admin")
		admin.must("POST", "apikeys/my/external/roles/desktop", nil)
		admin.must("POST", "apikeys/my/external/keys/events", fields{"scheme": "hmac-sha256", "reveal": "always"})
	}
	app.must("GET", "apikeys/tenants/"+ours+"/external/creds/desktop", nil)
	app.must("GET", "apikeys/my/external/static-creds/events", nil)
	app.must("PATCH", "apikeys/my/external/sign/events", fields{"message": "one"})
	app.refused(403, "belongs to another tenant", "GET", "apikeys/tenants/"+theirs+"/external/creds/desktop", nil)

	const named = "as the policy for tenants bound by groups does"
	s := w.separate(t, "spa", ours+"-admin "+app.name, theirs+"-admin")
	if s.expect(t); !strings.Contains(strings.Join(s.Notes, "\n"), named) {
		t.Errorf("notes: %v", s.Notes)
	}
	w.caller(t, "operator").must("PATCH", "apikeys/config", fields{"tenant_binding": "auto"})
	w.separate(t, "spa", ours+"-admin "+app.name, theirs+"-admin").
		expect(t, named, "tenant_binding=auto: nothing keeps")
}

// TestSeparationWithoutIdentity takes the wall of identity away, and gives a tenant too much. The command comes through
// everywhere, and must not have changed anything there.
func TestSeparationWithoutIdentity(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	ours, theirs := w.tenant(t, "unbound"), w.tenant(t, "unbound")
	free, admin := w.enrol(t, "free", ""), w.caller(t, theirs+"-admin")
	for _, path := range []string{"keys", "roles"} {
		admin.must("POST", "apikeys/my/external/"+path+"/billing", nil)
	}
	operator := w.caller(t, "operator")
	operator.must("PATCH", "apikeys/config", fields{"tenant_binding": "auto", "force_wrap": true})
	state := func() string {
		var all []any
		for _, path := range []string{
			"config", "admin/tenants?list=true", "admin/tenants/" + theirs,
			"tenants/" + theirs + "/external/keys/billing", "tenants/" + theirs + "/external/roles/billing",
		} {
			answer := free.must("GET", "apikeys/"+path, nil).Data
			delete(answer, "keys") // The probing keys of the tenants count until they are erased.
			delete(answer, "key_info")
			delete(answer, "leased_keys")
			all = append(all, answer)
		}
		text, err := json.Marshal(append(all, names(free.must("GET", "apikeys/admin/tenants?list=true", nil))))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := state()
	s := w.separate(t, "spa", free.name, staff(theirs), "-a-tenant", ours)
	s.expect(
		t,
		"tenant A into tenants/"+theirs+"/…",
		"/external/keys/",
		"tenant A into the provider's paths",
		"tenant_binding=auto: nothing keeps",
	)
	if s.Binding != "auto" || !strings.Contains(s.holes(), "it holds what is another's") {
		t.Errorf("binding %s:\n%s", s.Binding, s.holes())
	}
	for _, note := range s.Notes {
		t.Errorf("note: %s", note) // As when wrapped answers were not understood.
	}
	if after := state(); after != before {
		t.Errorf("the command has changed\n%s to\n%s", before, after)
	}
}

// TestSeparationUnproven checks that nothing is proven by tokens that are good for nothing, or where no engine is.
func TestSeparationUnproven(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "unproven"), shared.tenant(t, "unproven")
	dead := shared.granted(t, ours+"-dead", ours, wide)
	shared.caller(t, "root").
		must(
			"POST", "auth/token/revoke-accessor",
			fields{"accessor": shared.caller(t, dead).ask("GET", "auth/token/lookup-self", nil).field("accessor")},
		)
	for why, run := range map[string]*separation{
		"the token is not good":    shared.separate(t, "spa", dead, theirs+"-admin"),
		"no such engine":           shared.separate(t, "spa", ours+"-admin", theirs+"-admin", "-mount", "identity"),
		"belong to the same":       shared.separate(t, "spa", ours+"-admin", ours+"-viewer"),
		"cannot find out which te": shared.separate(t, "spa", "gateway", theirs+"-admin"),
	} {
		if run.code != 2 || !strings.Contains(run.Error, why) || len(run.Made) > 0 {
			t.Errorf("%s: exit %d, error %q, made %v", why, run.code, run.Error, run.Made)
		}
	}
}
