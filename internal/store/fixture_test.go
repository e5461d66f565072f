package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

const day = 24 * time.Hour

var (
	start = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)
	admin = apikey.Actor{
		EntityID: "entity-of-admin", Accessor: "accessor-1", RequestID: "request-1", Name: "userpass-admin",
	}
	app = apikey.Actor{EntityID: "entity-of-app", Accessor: "accessor-2", RequestID: "attempt-1", Name: "approle"}
)

// id returns the nth key ID of a test.
func id(n int) string { return fmt.Sprintf("KEYID%011d", n) }

// world is a store over a storage with the tenant acme and its role agent.
type world struct {
	t      *testing.T
	s      *storagetest.Storage
	st     *Store
	tenant *tenant.Tenant
	role   *apikey.Role
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, s: new(storagetest.Storage), st: New()}
	w.tenant = w.open("acme", "uid-of-acme")
	role, err := w.st.UpdateRole(
		t.Context(),
		w.s,
		w.tenant,
		apikey.Internal,
		"agent",
		func(*apikey.Role) (*apikey.Role, error) {
			return newRole(w.tenant), nil
		},
	)
	must(t, err)
	w.role = role
	return w
}

func newRole(tn *tenant.Tenant) *apikey.Role {
	return &apikey.Role{
		Tenant: tn.Name, Kind: apikey.Internal, Name: "agent", UID: tn.UID, Scheme: signing.HMACSHA256,
		TTL: time.Hour, MaxTTL: day, Replay: true, CreatedAt: start, Revision: 1,
	}
}

// open writes a tenant's record, in place of any other of the name.
func (w *world) open(name tenant.Name, uid string) *tenant.Tenant {
	w.t.Helper()
	tn, err := w.st.UpdateTenant(w.t.Context(), w.s, name, func(*tenant.Tenant) (*tenant.Tenant, error) {
		return &tenant.Tenant{Name: name, UID: uid, CreatedAt: start, Revision: 1}, nil
	})
	must(w.t, err)
	return tn
}

// fresh returns a store that knows nothing yet over the same storage.
func (w *world) fresh() *world { c := *w; c.st = New(); return &c }

// newKey returns a key of the tenant with its first version, not stored.
func newKey(tn *tenant.Tenant, name apikey.Name, keyID string) *apikey.Key {
	s := apikey.Settings{
		Scheme: signing.HMACSHA256, TTL: 90 * day, Overlap: 7 * day, Reveal: apikey.RevealOnce, Replay: true,
		Metadata: apikey.PairsOf(map[string]string{"team": "blue"}),
	}
	return apikey.New(apikey.Ref{Tenant: tn.Name, Kind: apikey.External, Name: name}, tn.UID, s, keyID, admin, start)
}

func issued(r *apikey.Role, keyID string) *apikey.Key {
	return r.Issue(keyID, apikey.Span{TTL: r.TTL, Max: r.MaxTTL}, admin, start)
}

func rotate(k *apikey.Key, keyID string, now time.Time) (*apikey.Key, error) {
	return k.Rotate(apikey.Rotation{NewKeyID: keyID, Overlap: k.Overlap, Life: k.TTL}, admin, now)
}

type change = func(*apikey.Key) (*apikey.Key, error)

// becomes is the change that makes whatever there is into k.
func becomes(k *apikey.Key) change { return func(*apikey.Key) (*apikey.Key, error) { return k, nil } }

func (w *world) update(name apikey.Name, change change) (*apikey.Key, error) {
	return w.st.UpdateKey(w.t.Context(), w.s, w.tenant, apikey.External, name, change)
}

func (w *world) updateLeased(keyID string, change change) (*apikey.Key, error) {
	return w.st.UpdateLeased(w.t.Context(), w.s, w.tenant, apikey.Internal, keyID, change)
}

// create stores a new key whose first version is keyID.
func (w *world) create(name apikey.Name, keyID string) *apikey.Key {
	w.t.Helper()
	k, err := w.update(name, becomes(newKey(w.tenant, name, keyID)))
	must(w.t, err)
	return k
}

// issue stores a new leased key of the role.
func (w *world) issue(keyID string) *apikey.Key {
	w.t.Helper()
	k, err := w.updateLeased(keyID, becomes(issued(w.role, keyID)))
	must(w.t, err)
	return k
}

func (w *world) find(keyID string) *Match {
	w.t.Helper()
	found, err := w.st.Find(w.t.Context(), w.s, keyID)
	must(w.t, err)
	return found
}

// key returns the named key, or nil when there is none.
func (w *world) key(name apikey.Name) *apikey.Key {
	w.t.Helper()
	return there(w.t)(w.st.Key(w.t.Context(), w.s, w.tenant, apikey.External, name))
}

// there turns a refusal of what is not there into nil.
func there(t *testing.T) func(*apikey.Key, error) *apikey.Key {
	return func(k *apikey.Key, err error) *apikey.Key {
		t.Helper()
		if errors.Is(err, refusal.NotFound) {
			return nil
		}
		must(t, err)
		return k
	}
}

// view is all that a store answers, for comparing stores.
type view struct {
	Config  *tenant.Config
	Tenants []string
	Tenant  *tenant.Tenant
	Keys    []string
	Key     map[string]*apikey.Key // without history
	Whole   map[string]*apikey.Key
	Leased  map[string]*apikey.Key
	Found   map[string]*Match
	Roles   []string
	Role    *apikey.Role
}

// ids are the key IDs that a view asks about.
var ids = []string{id(1), id(2), id(3), id(4), id(5), id(6)}

func (w *world) view() view {
	w.t.Helper()
	ctx, maybe := w.t.Context(), there(w.t)
	v := view{
		Key:    map[string]*apikey.Key{},
		Whole:  map[string]*apikey.Key{},
		Leased: map[string]*apikey.Key{},
		Found:  map[string]*Match{},
	}
	for _, keyID := range ids { // first, so that nothing else has warmed the cache
		v.Found[keyID] = w.find(keyID)
	}
	var err error
	v.Config, err = w.st.Config(ctx, w.s)
	must(w.t, err)
	v.Tenants, err = w.st.Tenants(ctx, w.s)
	must(w.t, err)
	v.Tenant, err = w.st.Tenant(ctx, w.s, w.tenant.Name)
	must(w.t, err)
	v.Keys, err = w.st.Keys(ctx, w.s, w.tenant, apikey.External)
	must(w.t, err)
	for _, name := range v.Keys {
		v.Key[name] = maybe(w.st.Key(ctx, w.s, w.tenant, apikey.External, apikey.Name(name)))
		v.Whole[name] = maybe(w.st.KeyWithHistory(ctx, w.s, w.tenant, apikey.External, apikey.Name(name)))
	}
	leased, err := w.st.LeasedIDs(ctx, w.s, w.tenant, apikey.Internal)
	must(w.t, err)
	for _, keyID := range leased {
		v.Leased[keyID] = maybe(w.st.Leased(ctx, w.s, w.tenant, apikey.Internal, keyID))
	}
	v.Roles, err = w.st.Roles(ctx, w.s, w.tenant, apikey.Internal)
	must(w.t, err)
	if v.Role, err = w.st.Role(ctx, w.s, w.tenant, apikey.Internal, "agent"); !errors.Is(err, refusal.NotFound) {
		must(w.t, err)
	}
	return v
}
