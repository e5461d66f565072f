package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// expect compares the operations with a transcript; … stands for a minute of the due index.
func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i, op := range got {
		if rest, ok := strings.CutPrefix(op, "put due/"); ok {
			got[i] = "put due/…" + rest[len("2026011510/00"):]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}

// Each change of state is one Put of one record, and index entries come before it.
func TestOperationsOfWrites(t *testing.T) {
	w := newWorld(t)
	expect(t, w.s.Operations(func() { w.create("billing", id(1)) }),
		"get keys/acme/external/billing", "get ids/"+id(1), "put ids/"+id(1),
		"put due/…/keys:acme:external:billing:c", "put keys/acme/external/billing")
	expect(t, w.s.Operations(func() {
		w.change("billing", func(k *apikey.Key) (*apikey.Key, error) { return rotate(k, id(2), start) })
	}),
		"get keys/acme/external/billing", "get ids/"+id(2), "put ids/"+id(2),
		"put due/…/keys:acme:external:billing:c", "put keys/acme/external/billing")
	expect(t, w.s.Operations(func() {
		w.change("billing", func(k *apikey.Key) (*apikey.Key, error) { return k.Disable("", "", admin, start) })
	}),
		"get keys/acme/external/billing", "put keys/acme/external/billing")
	expect(
		t,
		w.s.Operations(func() { w.change("billing", func(k *apikey.Key) (*apikey.Key, error) { return k, nil }) }),
		"get keys/acme/external/billing",
	)
	expect(t, w.s.Operations(func() {
		w.change("billing", func(k *apikey.Key) (*apikey.Key, error) { return k.Revoke("", "", admin, start) })
	}),
		"get keys/acme/external/billing", "put due/…/keys:acme:external:billing:c", "put keys/acme/external/billing")
	expect(t, w.s.Operations(func() {
		w.change("billing", func(k *apikey.Key) (*apikey.Key, error) { return k.Delete(admin, start) })
	}),
		"get keys/acme/external/billing", "put keys/acme/external/billing") // the same time is due already
}

func TestWhatIsNeverDueIsNotInTheIndex(t *testing.T) {
	w := newWorld(t)
	forever := newKey(w.tenant, "forever", id(1))
	forever.Versions[0].ExpiresAt = time.Time{}
	expect(
		t,
		storagetest.Only(w.s.Operations(func() { w.change("forever", becomes(forever)) }), "put"),
		"put ids/"+id(1),
		"put keys/acme/external/forever",
	)
}

func TestOperationsOfLeases(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(9))
	path := "leased/acme/internal/" + id(1)
	expect(t, w.s.Operations(func() { w.issue(id(1)) }), "get "+path, "get ids/"+id(1), "put ids/"+id(1), "put "+path)
	renew := func(k *apikey.Key) (*apikey.Key, error) {
		k, _, err := k.Renew(w.role, w.tenant, apikey.Span{TTL: day, Max: day}, 0, start)
		return k, err
	}
	expect(t, w.s.Operations(func() { w.changeLeased(id(1), renew) }), "get "+path, "put "+path)
	end := func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil }
	expect(
		t,
		w.s.Operations(func() { w.changeLeased(id(1), end) }),
		"get "+path,
		"put due/…/"+strings.ReplaceAll(path, "/", ":")+":c",
		"put "+path,
	)
	expect(t, w.s.Operations(func() { w.changeLeased(id(1), end) }), "get "+path)
}

func TestOperationsOfSettings(t *testing.T) {
	w := newWorld(t)
	expect(t, w.s.Operations(func() {
		_, err := w.st.UpdateConfig(t.Context(), w.s, func(c *tenant.Config) (*tenant.Config, error) { return c, nil })
		must(t, err)
	}), "get config")
	expect(t, w.s.Operations(func() {
		_, err := w.st.UpdateConfig(t.Context(), w.s, func(c *tenant.Config) (*tenant.Config, error) {
			d := *c
			d.MaxKeys = 7
			return &d, nil
		})
		must(t, err)
	}), "get config", "put config")
	expect(t, w.s.Operations(func() { w.open("globex", "uid-of-globex") }), "get tenants/globex", "put tenants/globex")
}

func (w *world) change(name apikey.Name, change change) {
	w.t.Helper()
	_, err := w.update(name, change)
	must(w.t, err)
}

func (w *world) changeLeased(keyID string, change change) {
	w.t.Helper()
	_, err := w.updateLeased(keyID, change)
	must(w.t, err)
}

func TestOperationsOfFind(t *testing.T) {
	base := newWorld(t)
	base.create("billing", id(1))
	base.issue(id(2))
	base.s.Write(
		t,
		"ids/"+id(5),
		`{"schema":1,"family":"keys","tenant":"acme","kind":"external","name":"nothing","uid":"uid-of-acme"}`,
	)

	w := base.fresh()
	find := func(keyID string) func() { return func() { w.find(keyID) } }
	expect(t, w.s.Operations(find(id(1))), "get ids/"+id(1), "get keys/acme/external/billing", "get tenants/acme")
	expect(t, w.s.Operations(find(id(1))))
	expect(
		t,
		w.s.Operations(find(id(2))),
		"get ids/"+id(2),
		"get leased/acme/internal/"+id(2),
		"get roles/acme/internal/agent",
	)
	expect(t, w.s.Operations(find(id(2))))
	expect(t, w.s.Operations(find(id(3))), "get ids/"+id(3)) // nobody's
	expect(t, w.s.Operations(find(id(3))))

	// What a node has written it knows.
	w = base
	w.create("payroll", id(4))
	expect(t, w.s.Operations(func() { w.find(id(1)); w.find(id(2)); w.find(id(4)) }))

	// A named key, cold, while its tenant and the config are warm: two Gets.
	w = base.fresh()
	_, err := w.st.Config(t.Context(), w.s)
	must(t, err)
	_, err = w.st.Tenant(t.Context(), w.s, "acme")
	must(t, err)
	expect(t, w.s.Operations(func() {
		w.find(id(1))
		_, err := w.st.Config(t.Context(), w.s)
		must(t, err)
	}), "get ids/"+id(1), "get keys/acme/external/billing")
}

func TestWarmReadsTouchNoStorage(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w.issue(id(2))
	read := func() {
		ctx := t.Context()
		_, err := w.st.Config(ctx, w.s)
		must(t, err)
		_, err = w.st.OpenTenant(ctx, w.s, "acme")
		must(t, err)
		_, err = w.st.Role(ctx, w.s, w.tenant, apikey.Internal, "agent")
		must(t, err)
		_, err = w.st.Leased(ctx, w.s, w.tenant, apikey.Internal, id(2))
		must(t, err)
		w.key("billing")
	}
	w = w.fresh()
	if cold := w.s.Operations(read); len(cold) != 5 {
		t.Errorf("cold: %v", cold)
	}
	for range 3 {
		expect(t, w.s.Operations(read))
	}
	if w.st.Cached() != 2 {
		t.Errorf("%d records of keys are cached, want 2", w.st.Cached())
	}
}

func TestSecretsAreInTheirRecordsAlone(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w.change("billing", func(k *apikey.Key) (*apikey.Key, error) { return rotate(k, id(2), start) })
	w.issue(id(3))
	var secrets []string
	for _, k := range []*apikey.Key{w.find(id(1)).Key, w.find(id(3)).Key} {
		for _, v := range k.Versions {
			secrets = append(secrets, v.Secret.RevealText()[:20])
		}
	}
	if len(secrets) != 3 {
		t.Fatalf("%d secrets", len(secrets))
	}
	for path, entry := range w.s.Entries(t) {
		sealed := strings.HasPrefix(path, "keys/") || strings.HasPrefix(path, "leased/")
		if w.s.Sealed(path) != sealed {
			t.Errorf("%s: seal-wrapped %t", path, !sealed)
		}
		text := strings.NewReplacer("+", "-", "/", "_").Replace(path + string(entry.Value))
		holds := slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(text, s) })
		if holds != sealed {
			t.Errorf("%s: holds a secret: %t", path, holds)
		}
	}
}

func TestWhoDidWhatStaysOutOfMemory(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	reveal := func(k *apikey.Key) (*apikey.Key, error) {
		k, _, err := k.Revealed(w.tenant, "attempt-1", false, nil, admin, start)
		return k, err
	}
	returned, err := w.update("billing", reveal)
	must(t, err)
	w.issue(id(2))
	named := apikey.Actor{Name: admin.Name}
	for _, w := range []*world{w, w.fresh()} {
		if k := w.find(id(1)).Key; k.History != nil || k.Versions[0].RevealedTo.Get() != named ||
			k.Versions[0].RevealedAt.IsZero() {
			t.Errorf("the cache holds %d changes and who took the secret, %v", len(k.History),
				k.Versions[0].RevealedTo.Get())
		}
		want := apikey.Actor{EntityID: admin.EntityID, Name: admin.Name}
		if k := w.find(id(2)).Key; k.History != nil || k.Versions[0].RevealedTo.Get() != want {
			t.Errorf(
				"of a leased key the cache holds %d changes and who asked for it, %v",
				len(k.History),
				k.Versions[0].RevealedTo.Get(),
			)
		}
		whole, err := w.st.KeyWithHistory(t.Context(), w.s, w.tenant, apikey.External, "billing")
		must(t, err)
		if diff := cmp.Diff(returned, whole); diff != "" || len(whole.History) != 2 ||
			whole.Versions[0].RevealedTo.Get().RequestID != "attempt-1" {
			t.Errorf("storage and a change's answer hold it all (-answer +storage):\n%s", diff)
		}
	}
}
