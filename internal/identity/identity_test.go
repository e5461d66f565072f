package identity

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"

	"github.com/hashicorp/vault/sdk/logical"
)

// directory is an identity store: entity acme-7 belongs to tenant acme. Those of the tenant slow hang.
type directory struct {
	asked atomic.Int64
	hang  chan struct{}
}

func (d *directory) EntityInfo(id string) (*logical.Entity, error) {
	d.asked.Add(1)
	of, _, _ := strings.Cut(id, "-")
	if of == "slow" {
		<-d.hang
	}
	return &logical.Entity{ID: id, Metadata: map[string]string{"tenant": of}}, nil
}

func (d *directory) GroupsForEntity(string) ([]*logical.Group, error) { return nil, nil }

// A caller with ever new identities, or with one that Vault does not answer about, costs other callers a lookup at
// most, and never changes their tenant.
func TestIdentitiesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{hang: make(chan struct{})}
		lookup, metadata := New(d), Sources{Metadata: "tenant"}
		for n := range maxCallers + maxCallers/5 {
			if n%10_000 == 0 {
				if name, err := lookup.TenantOf(t.Context(), "acme-1", metadata, time.Now()); name != "acme" ||
					err != nil {
					t.Errorf("%q, %v", name, err)
				}
			}
			name, err := lookup.TenantOf(t.Context(), fmt.Sprintf("evil-%d", n), metadata, time.Now())
			if name != "evil" || err != nil {
				t.Fatalf("%q, %v", name, err)
			}
		}
		if n := lookup.known.EstimatedSize(); n > maxCallers {
			t.Errorf("%d identities in memory", n)
		}
		for n := range 1000 {
			go func() { _, _ = lookup.TenantOf(t.Context(), fmt.Sprintf("slow-%d", n), metadata, time.Now()) }()
		}
		synctest.Wait()
		began, asked := time.Now(), d.asked.Load()
		name, err := lookup.TenantOf(t.Context(), "acme-1", metadata, time.Now())
		if took, more := time.Since(began), d.asked.Load()-asked; name != "acme" || err != nil || took > 0 || more > 1 {
			t.Errorf("%q, %v, after %s and %d lookups", name, err, took, more)
		}
		close(d.hang)
		synctest.Wait()
	})
}

// What an entity and its groups say of its tenant, as policy: nothing, or all of them the same.
func TestOneTenantIsNamed(t *testing.T) {
	for _, row := range []struct {
		entity string
		groups []string
		want   string
		about  string // what a refusal names
	}{
		{"", nil, "", ""},
		{"", []string{"", ""}, "", ""},
		{"acme", nil, "acme", ""},
		{"acme", []string{"", "acme"}, "acme", ""},
		{"", []string{"acme", ""}, "acme", ""},
		{"acme", []string{"bolt"}, "", "different tenants"},
		{"", []string{"acme", "bolt"}, "", "different tenants"},
		{"Acme Inc.", nil, "", "not a tenant's name"},
	} {
		said := func(tenant string) map[string]string { return map[string]string{"tenant": tenant} }
		var groups []*logical.Group
		for _, g := range row.groups {
			groups = append(groups, &logical.Group{Metadata: said(g)})
		}
		got, err := Sources{Metadata: "tenant"}.singleTenant(&logical.Entity{Metadata: said(row.entity)}, groups)
		if string(got) != row.want || (err != nil) != (row.about != "") {
			t.Errorf("%q and %q: %q, %v", row.entity, row.groups, got, err)
		}
		if err != nil && (!errors.Is(err, refusal.Forbidden) || !strings.Contains(err.Error(), row.about)) {
			t.Errorf("%q and %q: %v", row.entity, row.groups, err)
		}
	}
}

// moving is an identity store whose answer about an entity takes a while, and is of when it was asked.
type moving struct {
	tenant string
	takes  time.Duration
}

func (m *moving) EntityInfo(id string) (*logical.Entity, error) {
	e := &logical.Entity{ID: id, Metadata: map[string]string{"tenant": m.tenant}}
	time.Sleep(m.takes)
	return e, nil
}

func (m *moving) GroupsForEntity(string) ([]*logical.Group, error) { return nil, nil }

// However late a caller joins a lookup, a change that came after its beginning is noticed within the same time.
func TestSharedAnswersAreNotKeptForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moving{tenant: "acme", takes: deadline - time.Millisecond}
		lookup := New(m)
		ask := func() string {
			name, err := lookup.TenantOf(t.Context(), "joe", Sources{Metadata: "tenant"}, time.Now())
			if err != nil {
				t.Error(err)
			}
			return string(name)
		}
		began := time.Now()
		go ask()
		synctest.Wait()
		m.tenant = "bolt"
		time.Sleep(m.takes - time.Millisecond)
		if got := ask(); got != "acme" {
			t.Fatalf("who joined is of %q", got)
		}
		m.takes = 0
		time.Sleep(time.Until(began.Add(maxAge - time.Millisecond)))
		if got := ask(); got != "acme" {
			t.Errorf("the answer was kept for a shorter time: %q", got)
		}
		time.Sleep(time.Millisecond)
		if got := ask(); got != "bolt" {
			t.Errorf("after %s: %q", time.Since(began), got)
		}
	})
}
