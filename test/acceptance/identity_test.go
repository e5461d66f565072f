//go:build acceptance

package acceptance

import (
	"net/http"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

// wide is a policy that grants far too much: all that is ours. Whom it is given, the wall of identity alone holds back.
const wide = `path "apikeys/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }`

// enrol makes somebody known who has the policy called wide, with the tenant in the entity's metadata unless it is "".
func (w *world) enrol(t *testing.T, name, tenant string) *caller {
	t.Helper()
	if err := w.Root().Sys().PutPolicyWithContext(t.Context(), "wide", wide); err != nil {
		t.Fatal(err)
	}
	w.know([]devserver.Person{{Name: name, Tenant: tenant, Policies: []string{"wide"}}})
	return w.caller(t, name)
}

// group makes a group with the tenant in its metadata, and the members in it.
func (w *world) group(t *testing.T, name, tenant string, members ...*caller) {
	t.Helper()
	root := w.caller(t, "root")
	var ids []string
	for _, member := range members {
		ids = append(ids, root.must("GET", "identity/entity/name/"+member.name, nil).field("id"))
	}
	root.must("POST", "identity/group", fields{
		"name": name, "member_entity_ids": ids, "metadata": map[string]string{"tenant": tenant},
	})
}

// TestIdentity checks which tenant a caller belongs to, whatever the policies say. A tenant is in the metadata of an
// entity, or of the groups it is in.
func TestIdentity(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "identity"), shared.tenant(t, "identity")
	for _, tenant := range []string{ours, theirs} {
		shared.caller(t, tenant+"-admin").must("POST", "apikeys/my/external/keys/billing", nil)
	}
	person := func(name, tenant string) *caller { return shared.enrol(t, ours+"-"+name, tenant) }
	byEntity, byGroup, byBoth := person("entity", ours), person("group", ""), person("both", ours)
	torn, tornGroups := person("torn", ours), person("torn-groups", "")
	without, badly := person("without", ""), person("badly", "No Tenant!")
	shared.group(t, ours+"-ours", ours, byGroup, byBoth, tornGroups)
	shared.group(t, ours+"-theirs", theirs, torn, tornGroups)
	shared.group(t, ours+"-plain", "", byEntity, without)
	root := shared.caller(t, "root")
	unbound := *root // A token of the policy alone, without anybody behind it.
	unbound.token = root.must("POST", "auth/token/create", fields{"policies": []string{"wide"}}).Auth.Token

	const key = "/external/keys/billing"
	const forbidden = http.StatusForbidden
	for _, who := range []*caller{byEntity, byGroup, byBoth} {
		for _, path := range []string{"my" + key, "tenants/" + ours + key} {
			if got := who.must("GET", "apikeys/"+path, nil).field("tenant"); got != ours {
				t.Errorf("%s %s: tenant %s", who.name, path, got)
			}
		}
		for _, path := range []string{"", "/external/keys/none", key, "/ids/0123456789abcdef", "/external/roles/none"} {
			who.refused(forbidden, "belongs to another tenant", "GET", "apikeys/tenants/"+theirs+path, nil)
			who.refused(forbidden, "belongs to another tenant", "GET", "apikeys/tenants/no-such-tenant"+path, nil)
		}
		who.refused(
			forbidden,
			"belongs to another tenant",
			"GET",
			"apikeys/tenants/"+theirs+"/external/creds/none",
			nil,
		)
		who.refused(forbidden, "belongs to another tenant", "POST", "apikeys/tenants/"+theirs+key+"/reveal", nil)
		who.refused(
			forbidden,
			"belongs to another tenant",
			"POST",
			"apikeys/tenants/"+theirs+"/verify",
			fields{"request": "GET /a"},
		)

		// What is the provider's is closed to them.
		for _, outside := range []struct{ method, path string }{
			{"POST", "verify"},
			{"PATCH", "verify"},
			{"LIST", "admin/tenants"},
			{"GET", "admin/tenants/" + ours},
			{"POST", "admin/tenants/" + ours + "/resume"},
			{"DELETE", "admin/tenants/" + theirs},
			{"GET", "admin/ids/0123456789abcdef"},
			{"GET", "config"},
			{"POST", "config"},
			{"PATCH", "config"},
		} {
			who.refused(
				forbidden,
				`the caller belongs to tenant "`+ours+`"`,
				outside.method,
				"apikeys/"+outside.path,
				fields{},
			)
		}
	}

	for why, callers := range map[string][]*caller{
		`has the metadata "tenant"`:     {without, root, &unbound},
		"name different tenants":        {torn, tornGroups},
		`metadata is not a tenant's na`: {badly},
	} {
		for _, who := range callers {
			for _, path := range []string{"my", "my" + key, "tenants/" + ours, "tenants/" + ours + key} {
				who.refused(forbidden, why, "GET", "apikeys/"+path, nil)
			}
			who.refused(forbidden, why, "POST", "apikeys/my"+key+"/reveal", nil)
			who.refused(forbidden, why, "GET", "apikeys/tenants/"+ours+"/external/creds/none", nil)
		}
	}
	for _, who := range []*caller{torn, tornGroups, badly} { // They are refused everywhere.
		who.refused(forbidden, "identity: ", "GET", "apikeys/config", nil)
		who.refused(forbidden, "identity: ", "POST", "apikeys/verify", fields{"request": "GET /a"})
	}

	// A wildcard for a tenant widens the app's policy, which is made from the metadata, and comes to the wall all the
	// same.
	shared.know([]devserver.Person{{Name: ours + "-wild", Tenant: "+", Policies: policies.Named("app")}})
	shared.caller(t, ours+"-wild").
		refused(forbidden, "", "GET", "apikeys/tenants/"+ours+"/external/creds/integrator", nil)

	// A tenant that nobody has opened has nothing, also for its own.
	early := person("early", "not-opened-yet")
	early.refused(http.StatusNotFound, "not-opened-yet", "GET", "apikeys/my"+key, nil)

	// A leased key is asked for by the tenant's name, so that its lease carries it.
	byEntity.must("POST", "apikeys/my/external/roles/integrator", nil)
	byEntity.refused(
		http.StatusBadRequest,
		"tenants/"+ours+"/external/creds/integrator",
		"GET",
		"apikeys/my/external/creds/integrator",
		nil,
	)
	byEntity.must("GET", "apikeys/tenants/"+ours+"/external/creds/integrator", nil)
}

// TestIdentityChanges checks that a person who is moved, or disabled, is so to us soon after.
func TestIdentityChanges(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "moved"), shared.tenant(t, "moved")
	moved := shared.enrol(t, ours+"-moved", ours)
	moved.must("GET", "apikeys/my", nil)
	root := shared.caller(t, "root")
	entity := "identity/entity/name/" + moved.name
	root.must("POST", entity, fields{"metadata": map[string]string{"tenant": theirs}})
	until(t, "moved", func() error { return moved.get("apikeys/my", "tenant", theirs) })
	moved.refused(http.StatusForbidden, "belongs to another tenant", "GET", "apikeys/tenants/"+ours, nil)
	root.must("POST", entity, fields{"disabled": true})
	moved.refused(http.StatusForbidden, "", "GET", "apikeys/my", nil) // Vault itself refuses, at once.
}

// TestBindingAuto checks that callers without a tenant are left to policies where the mount says so, and nobody else
// is.
func TestBindingAuto(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	ours, theirs := w.tenant(t, "auto"), w.tenant(t, "auto")
	operator, root := w.caller(t, "operator"), w.caller(t, "root")
	bound, free := w.enrol(t, "bound", ours), w.enrol(t, "free", "")
	const forbidden = http.StatusForbidden
	free.refused(forbidden, "has the metadata", "GET", "apikeys/tenants/"+ours, nil)

	operator.must("PATCH", "apikeys/config", fields{"tenant_binding": "auto"})
	for _, who := range []*caller{free, root} {
		who.must("POST", "apikeys/tenants/"+ours+"/external/keys/billing", nil)
		who.must("POST", "apikeys/tenants/"+theirs+"/external/keys/billing", nil)
		who.must("GET", "apikeys/config", nil)
		who.refused(forbidden, "has the metadata", "GET", "apikeys/my", nil) // There is no tenant to mean.
	}
	bound.must("GET", "apikeys/tenants/"+ours+"/external/keys/billing", nil)
	bound.refused(forbidden, "belongs to another tenant", "GET", "apikeys/tenants/"+theirs, nil)
	bound.refused(forbidden, "the caller belongs to tenant", "GET", "apikeys/config", nil)

	// The mount says which metadata names the tenant: by another name, nobody here has one.
	operator.must("PATCH", "apikeys/config", fields{"tenant_binding": "required", "tenant_metadata": "customer"})
	bound.refused(forbidden, `has the metadata "customer"`, "GET", "apikeys/my", nil)
	free.refused(forbidden, `has the metadata "customer"`, "GET", "apikeys/tenants/"+ours, nil)
	operator.must("PATCH", "apikeys/config", fields{"tenant_metadata": nil})
	bound.must("GET", "apikeys/my", nil)
}

// TestPathWords checks that what a path or the caller's identity says cannot be said otherwise in a field.
func TestPathWords(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "words"), shared.tenant(t, "words")
	admin, app := shared.caller(t, ours+"-admin"), shared.caller(t, ours+"-app")
	const key = "apikeys/my/external/keys/billing"
	admin.must("POST", key, nil)
	admin.must("POST", "apikeys/my/external/roles/desktop", nil)
	for word, value := range map[string]string{"tenant": theirs, "kind": "internal", "name": "other", "role": "other"} {
		for _, path := range []string{key, key + "/rotate", key + "/reveal", "apikeys/my/external/roles/desktop"} {
			admin.refused(http.StatusBadRequest, word+": comes from", "POST", path, fields{word: value})
		}
		for _, path := range []string{key, key + "/history", "apikeys/my", "apikeys/my/external/roles/desktop"} {
			admin.refused(http.StatusBadRequest, word+": comes from", "GET", path+"?"+word+"="+value, nil)
		}
		admin.refused(
			http.StatusBadRequest,
			word+": comes from",
			"LIST",
			"apikeys/my/external/keys?"+word+"="+value,
			nil,
		)
		admin.refused(http.StatusBadRequest, word+": comes from", "DELETE", key+"?"+word+"="+value, nil)
		admin.refused(http.StatusBadRequest, word+": comes from", "PATCH", key, fields{word: value})
		app.refused(
			http.StatusBadRequest,
			word+": comes from",
			"GET",
			"apikeys/tenants/"+ours+"/external/creds/desktop?"+word+"="+value,
			nil,
		)
		app.refused(
			http.StatusBadRequest,
			word+": comes from",
			"PATCH",
			"apikeys/my/external/sign/billing",
			fields{word: value, "request": "GET /a"},
		)
	}
}
