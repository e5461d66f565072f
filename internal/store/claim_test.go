package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

func TestFind(t *testing.T) {
	w := newWorld(t)
	billing, leased := w.create("billing", id(1)), w.issue(id(2))
	w.change("billing", func(k *apikey.Key) (*apikey.Key, error) { return rotate(k, id(3), start) })
	for _, w := range []*world{w, w.fresh()} {
		for keyID, number := range map[string]int{id(1): 1, id(3): 2} {
			found := w.find(keyID)
			if found == nil || found.Key.Name != "billing" || found.Key.Version(keyID).Number != number ||
				found.Tenant.Name != "acme" ||
				found.Role != nil {
				t.Errorf("%s: %+v", keyID, found)
			}
		}
		found := w.find(id(2))
		if found == nil || found.Key.Lease == nil || found.Role == nil || found.Role.Name != "agent" {
			t.Errorf("the leased key: %+v", found)
		}
		if found := w.find(id(4)); found != nil {
			t.Errorf("nobody's key ID: %+v", found)
		}
	}
	if !w.find(id(1)).Key.Version(id(1)).Secret.Equal(billing.Newest().Secret) ||
		!w.find(id(2)).Key.Newest().Secret.Equal(leased.Newest().Secret) {
		t.Error("another secret")
	}
}

// What was unknown and is claimed must not be remembered as unknown, not even under what
// is remembered of the claim.
func TestClaimedKeyIDsAreNoLongerUnknown(t *testing.T) {
	w := newWorld(t)
	for n := range 2 {
		w.find(id(n + 1))
		if _, unknown := w.st.unknownIDs.get(id(n + 1)); !unknown {
			t.Fatal("nobody's key ID is not remembered")
		}
	}
	w.create("billing", id(1))
	w.s.StepIn(nil, func(op string) error {
		if op == "put ids/"+id(2) {
			return errBroken
		}
		return nil
	})
	if _, err := w.update("payroll", becomes(newKey(w.tenant, "payroll", id(2)))); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	for n := range 2 {
		if _, unknown := w.st.unknownIDs.get(id(n + 1)); unknown {
			t.Errorf("%s is remembered as nobody's", id(n+1))
		}
	}
}

func TestKeysOfATenantThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	must(t, w.s.InmemStorage.Delete(t.Context(), "tenants/acme"))
	if found := w.fresh().find(id(1)); found != nil {
		t.Errorf("found %+v", found)
	}
}

// A key ID that anything has claimed is never claimed again, whatever became of it.
func TestClaimsAreNeverOverwritten(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w.issue(id(2))
	w.s.Write(t, "ids/"+id(3), `{"schema":1,"family":"keys","tenant":"acme","kind":"external","name":"gone","uid":"x"}`)
	before := w.s.Entries(t)
	for _, w := range []*world{w, w.fresh()} {
		for _, taken := range []string{id(1), id(2), id(3)} {
			if _, err := w.update("payroll", becomes(newKey(w.tenant, "payroll", taken))); !errors.Is(err, ErrTaken) {
				t.Errorf("%s for a new key: %v", taken, err)
			}
			if taken == id(1) {
				continue // it is that key's own
			}
			if _, err := w.update(
				"billing",
				func(k *apikey.Key) (*apikey.Key, error) { return rotate(k, taken, start) },
			); !errors.Is(err, ErrTaken) {
				t.Errorf("%s for a rotation: %v", taken, err)
			}
			if taken == id(2) {
				continue // and this that leased key itself
			}
			if _, err := w.updateLeased(taken, becomes(issued(w.role, taken))); !errors.Is(err, ErrTaken) {
				t.Errorf("%s for a leased key: %v", taken, err)
			}
		}
	}
	for path, entry := range w.s.Entries(t) {
		if old := before[path]; path[:3] == "ids" && old != nil && string(entry.Value) != string(old.Value) {
			t.Errorf("%s was overwritten", path)
		}
	}
	if k := w.key("payroll"); k != nil {
		t.Error("a key was made with a taken key ID")
	}
}

func TestOneOfManyClaimsWins(t *testing.T) {
	w := newWorld(t)
	var won, lost atomic.Int64
	var wg sync.WaitGroup
	for n := range 16 {
		name := apikey.Name(fmt.Sprint("key", n))
		wg.Go(func() {
			switch _, err := w.st.UpdateKey(
				t.Context(), w.s, w.tenant, apikey.External, name, becomes(newKey(w.tenant, name, id(1))),
			); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ErrTaken):
				lost.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || lost.Load() != 15 {
		t.Errorf("%d won the key ID, %d lost it", won.Load(), lost.Load())
	}
	names, err := w.st.Keys(t.Context(), w.s, w.tenant, apikey.External)
	if err != nil || len(names) != 1 || string(w.find(id(1)).Key.Name) != names[0] {
		t.Errorf("keys %v, %v", names, err)
	}
}

// The index is never believed over the record.
func TestIndexEntriesThatLie(t *testing.T) {
	claim := func(family, tenant, kind, name, uid string) string {
		return fmt.Sprintf(
			`{"schema":1,"family":%q,"tenant":%q,"kind":%q,"name":%q,"uid":%q}`,
			family,
			tenant,
			kind,
			name,
			uid,
		)
	}
	base := newWorld(t)
	base.create("billing", id(1))
	base.issue(id(2))
	for what, value := range map[string]string{
		"a record without that key ID":       claim("keys", "acme", "external", "billing", "uid-of-acme"),
		"a leased record of another key ID":  claim("leased", "acme", "internal", id(2), "uid-of-acme"),
		"no record":                          claim("keys", "acme", "external", "payroll", "uid-of-acme"),
		"another kind":                       claim("keys", "acme", "internal", "billing", "uid-of-acme"),
		"no tenant":                          claim("keys", "globex", "external", "billing", "uid-of-acme"),
		"a record of another tenant's UID":   claim("keys", "acme", "external", "billing", "uid-of-another"),
		"a leased record of another's UID":   claim("leased", "acme", "internal", id(2), "uid-of-another"),
		"a record of an empty UID":           claim("keys", "acme", "external", "billing", ""),
		"a leased record that was never one": claim("leased", "acme", "internal", id(9), "uid-of-acme"),
	} {
		w := base.fresh()
		w.s.Write(t, "ids/"+id(7), value)
		if found := w.find(id(7)); found != nil {
			t.Errorf("%s: found %+v", what, found.Key.Ref)
		}
	}
	// Nor does one lead to a record that has the key ID, when it says another's UID.
	for keyID, value := range map[string]string{
		id(1): claim("keys", "acme", "external", "billing", "uid-of-another"),
		id(2): claim("leased", "acme", "internal", id(2), "uid-of-another"),
	} {
		w := base.fresh()
		if w.find(keyID) == nil {
			t.Fatalf("%s is not found as it is", keyID)
		}
		w = base.fresh()
		w.s.Write(t, "ids/"+keyID, value)
		if found := w.find(keyID); found != nil {
			t.Errorf("found %+v", found.Key.Ref)
		}
	}
}

// What a tenant's namesake has left behind does not exist.
func TestWhatCarriesAnotherUIDDoesNotExist(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w.issue(id(2))
	w.tenant = w.open("acme", "uid-of-namesake")
	for _, w := range []*world{w, w.fresh()} {
		if w.find(id(1)) != nil || w.find(id(2)) != nil {
			t.Error("found by key ID")
		}
		_, err := w.st.Key(t.Context(), w.s, w.tenant, apikey.External, "billing")
		refused(t, "Key", err)
		_, err = w.st.KeyWithHistory(t.Context(), w.s, w.tenant, apikey.External, "billing")
		refused(t, "KeyWithHistory", err)
		_, err = w.st.Leased(t.Context(), w.s, w.tenant, apikey.Internal, id(2))
		refused(t, "Leased", err)
		_, err = w.st.Role(t.Context(), w.s, w.tenant, apikey.Internal, "agent")
		refused(t, "Role", err)
	}
	old := []*apikey.Key{newKey(w.tenant, "x", id(8)), newKey(w.tenant, "x", id(8))}
	seen := func(n int) change { return func(k *apikey.Key) (*apikey.Key, error) { old[n] = k; return k, nil } }
	puts := storagetest.Only(w.s.Operations(func() {
		w.change("billing", seen(0)) // as it is: nil stays nil
		w.changeLeased(id(2), seen(1))
	}), "put")
	if old[0] != nil || old[1] != nil || len(puts) != 0 {
		t.Errorf("a change was shown %v and %v, and wrote %v", old[0] != nil, old[1] != nil, puts)
	}
	var role *apikey.Role
	_, err := w.st.UpdateRole(
		t.Context(),
		w.s,
		w.tenant,
		apikey.Internal,
		"agent",
		func(r *apikey.Role) (*apikey.Role, error) { role = r; return r, nil },
	)
	if err != nil || role != nil {
		t.Errorf("a change was shown the role %v, %v", role, err)
	}
	fresh := w.create("billing", id(3))
	if diff := cmp.Diff(fresh.Versions, w.find(id(3)).Key.Versions); diff != "" || w.find(id(1)) != nil {
		t.Errorf("the name is free, and the old key is gone (-made +found):\n%s", diff)
	}
}

// A role that a namesake has left revokes nothing.
func TestRoleOfAnotherUIDRevokesNothing(t *testing.T) {
	w := newWorld(t)
	w.issue(id(1))
	raw, err := encodeRole(&apikey.Role{UID: "uid-of-another", Scheme: "hmac-sha256", Epoch: 9, CreatedAt: start})
	must(t, err)
	w = w.fresh()
	w.s.Write(t, "roles/acme/internal/agent", string(raw))
	if found := w.find(id(1)); found == nil || found.Role != nil || found.Key.RevokedByRole(found.Role) {
		t.Errorf("%+v", found)
	}
}

func TestDeletedTenant(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	set := func(change func(*tenant.Tenant)) {
		_, err := w.st.UpdateTenant(t.Context(), w.s, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
			c := *old
			change(&c)
			return &c, nil
		})
		must(t, err)
	}
	set(func(tn *tenant.Tenant) { tn.SuspendedAt = start })
	if found := w.find(id(1)); found == nil || found.Tenant.State() != tenant.Suspended {
		t.Errorf("a suspended tenant's key: %+v", found)
	}
	set(func(tn *tenant.Tenant) { tn.DeletedAt = start })
	for _, w := range []*world{w, w.fresh()} {
		if found := w.find(id(1)); found != nil {
			t.Errorf("a deleted tenant's key: %+v", found)
		}
		_, err := w.st.OpenTenant(t.Context(), w.s, "acme")
		refused(t, "OpenTenant", err)
		traced, err := w.st.FindIncludingDeleted(t.Context(), w.s, id(1))
		if err != nil || traced == nil || traced.Tenant.State() != tenant.Deleted || traced.Key.Name != "billing" {
			t.Errorf("tracing a deleted tenant's key: %+v, %v", traced, err)
		}
	}
	set(func(tn *tenant.Tenant) { tn.DeletedAt, tn.SuspendedAt = time.Time{}, time.Time{} })
	if found := w.find(id(1)); found == nil || found.Tenant.State() != tenant.Active {
		t.Errorf("a restored tenant's key: %+v", found)
	}
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, refusal.NotFound) {
		t.Errorf("%s: %v, want not found", what, err)
	}
}
