package store

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// damaged are entries that this package does not write, made from one that it does.
func damaged(raw []byte) map[string][]byte {
	text := string(raw)
	inside := strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	return map[string][]byte{
		"nothing":               {},
		"no schema":             []byte(strings.Replace(text, `"schema":1,`, "", 1)),
		"schema 0":              []byte(strings.Replace(text, `"schema":1`, `"schema":0`, 1)),
		"schema -1":             []byte(strings.Replace(text, `"schema":1`, `"schema":-1`, 1)),
		"a schema that is text": []byte(strings.Replace(text, `"schema":1`, `"schema":"1"`, 1)),
		"an unknown field":      []byte("{" + inside + `,"secret_hint":"x"}`),
		"a field of wrong type": []byte("{" + inside + `,"uid":7,"revision":"x"}`),
		"garbage after":         append(bytes.Clone(raw), "garbage"...),
		"a brace after":         append(bytes.Clone(raw), '}'),
		"another entry after":   append(bytes.Clone(raw), raw...),
		"a NUL after":           append(bytes.Clone(raw), 0),
		"null":                  []byte("null"),
		"a list":                []byte("[" + text + "]"),
		"a number":              []byte("1"),
		"no JSON":               []byte("KEYID00000000001 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
		"not UTF-8":             {0xff, 0xfe},
	}
}

// A damaged entry is refused, and the error quotes none of it: it may hold secrets.
func TestDamagedEntriesAreRefused(t *testing.T) {
	for _, c := range codecs {
		raw, err := c.encode(c.full)
		must(t, err)
		family := c.at.family
		refused := func(what string, raw []byte) {
			v, err := c.decode(c.at, raw)
			if !errors.Is(err, ErrCorrupt) || v != nil {
				t.Errorf("%s: %s: read as %v, error %v", c.name, what, v != nil, err)
			} else if want := family + ": " + ErrCorrupt.Error(); err.Error() != want {
				t.Errorf("%s: %s: %q says more than %q", c.name, what, err, want)
			}
		}
		for what, raw := range damaged(raw) {
			refused(what, raw)
		}
		for n := range raw {
			refused("truncated", raw[:n])
		}
	}
}

func TestRecordsInTheWrongPlaceAreDamage(t *testing.T) {
	named, err := encodeKey(fullKey())
	must(t, err)
	leased, err := encodeKey(fullLeased())
	must(t, err)
	none := fullKey()
	none.Versions = nil
	empty, err := encodeKey(none)
	must(t, err)
	for what, row := range map[string]struct {
		at  location
		raw []byte
	}{
		"a leased key among the named": {locations[2].at, leased},
		"a named key among the leased": {locations[3].at, named},
		"a key without versions":       {locations[2].at, empty},
	} {
		if k, err := decodeKey(row.at, row.raw); !errors.Is(err, ErrCorrupt) || k != nil {
			t.Errorf("%s is read, error %v", what, err)
		}
	}
}

func TestClaimsThatLeadNowhereAreDamage(t *testing.T) {
	for _, c := range []storedClaim{
		{Family: familyConfig},
		{Family: familyTenants, Tenant: "acme"},
		{Family: familyRoles, Tenant: "acme", Kind: "internal", Name: "agent"},
		{Family: familyIDs, Name: id(1)},
		{Family: familyDue, Tenant: "acme", Kind: "external", Name: "billing"},
		{Family: "", Tenant: "acme", Kind: "external", Name: "billing"},
		{Family: familyKeys, Tenant: "acme/external", Kind: "x", Name: "billing"},
		{Family: familyKeys, Tenant: "acme", Kind: "external", Name: "a/b"},
		{Family: "keys/acme", Tenant: "acme", Kind: "external", Name: "billing"},
	} {
		c.header, c.UID = header{schema}, "UID-OF-ACME"
		raw, err := encode(c)
		must(t, err)
		if _, err := decodeClaim(raw); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s is believed, error %v", raw, err)
		}
	}
}

// A newer schema's entry is refused and left as it is.
func TestNewerEntriesAreRefusedAndNeverRewritten(t *testing.T) {
	for _, c := range codecs {
		raw, err := c.encode(c.full)
		must(t, err)
		for _, newer := range []string{`"schema":2`, `"schema":2,"new":{"deep":1}`, `"schema":999`} {
			_, err := c.decode(c.at, []byte(strings.Replace(string(raw), `"schema":1`, newer, 1)))
			if !errors.Is(err, refusal.Unavailable) || strings.Contains(err.Error(), "deep") {
				t.Errorf("%s of %s: %v", c.name, newer, err)
			}
		}
	}
}

// What cannot be read, by damage or because it is newer, is not written over by anything.
func TestUnreadableEntriesAreNotWrittenOver(t *testing.T) {
	for what, value := range map[string]string{
		"damaged": `{"schema":1,"versions":[{"secret":"AAECAwQF`,
		"newer":   `{"schema":2,"all":"different"}`,
	} {
		w := newWorld(t)
		w.create("billing", id(1))
		w.issue(id(2))
		ctx, never := t.Context(), func() { t.Errorf("%s: a change was asked of what cannot be read", what) }
		for path, operations := range map[string][]func(*world) error{
			"config": {
				func(w *world) error { _, err := w.st.Config(ctx, w.s); return err },
				func(w *world) error {
					_, err := w.st.UpdateConfig(
						ctx, w.s,
						func(*tenant.Config) (*tenant.Config, error) { never(); return tenant.DefaultConfig(), nil },
					)
					return err
				},
			},
			"tenants/acme": {
				func(w *world) error { _, err := w.st.OpenTenant(ctx, w.s, "acme"); return err },
				func(w *world) error { _, err := w.st.Find(ctx, w.s, id(1)); return err },
				func(w *world) error {
					_, err := w.st.UpdateTenant(
						ctx, w.s, "acme",
						func(*tenant.Tenant) (*tenant.Tenant, error) { never(); return fullTenant(), nil },
					)
					return err
				},
			},
			"keys/acme/external/billing": {
				func(w *world) error { _, err := w.st.Key(ctx, w.s, w.tenant, apikey.External, "billing"); return err },
				func(w *world) error {
					_, err := w.st.KeyWithHistory(ctx, w.s, w.tenant, apikey.External, "billing")
					return err
				},
				func(w *world) error { _, err := w.st.Find(ctx, w.s, id(1)); return err },
				func(w *world) error {
					_, err := w.update(
						"billing",
						func(*apikey.Key) (*apikey.Key, error) {
							never()
							return newKey(w.tenant, "billing", id(7)), nil
						},
					)
					return err
				},
			},
			"leased/acme/internal/" + id(2): {
				func(w *world) error { _, err := w.st.Leased(ctx, w.s, w.tenant, apikey.Internal, id(2)); return err },
				func(w *world) error {
					_, err := w.updateLeased(
						id(2), func(*apikey.Key) (*apikey.Key, error) { never(); return issued(w.role, id(7)), nil },
					)
					return err
				},
			},
			"roles/acme/internal/agent": {
				func(w *world) error { _, err := w.st.Role(ctx, w.s, w.tenant, apikey.Internal, "agent"); return err },
				func(w *world) error { _, err := w.st.Find(ctx, w.s, id(2)); return err },
				func(w *world) error {
					_, err := w.st.UpdateRole(
						ctx, w.s, w.tenant, apikey.Internal, "agent",
						func(*apikey.Role) (*apikey.Role, error) { never(); return newRole(w.tenant), nil },
					)
					return err
				},
			},
			"ids/" + id(1): {
				func(w *world) error { _, err := w.st.Find(ctx, w.s, id(1)); return err },
				func(w *world) error {
					_, err := w.update("payroll", becomes(newKey(w.tenant, "payroll", id(1))))
					return err
				},
			},
		} {
			spoilt := &world{t: t, s: copied(t, w.s), st: New(), tenant: w.tenant, role: w.role}
			spoilt.s.Write(t, path, value)
			for n, operation := range operations {
				var err error
				ops := spoilt.s.Operations(func() { err = operation(spoilt) })
				if err == nil || strings.Contains(err.Error(), "AAEC") || strings.Contains(err.Error(), "different") {
					t.Errorf("%s %s, operation %d: %v", what, path, n, err)
				}
				if puts := storagetest.Only(ops, "put"); len(puts) > 0 {
					t.Errorf("%s %s, operation %d: %v", what, path, n, puts)
				}
			}
			if got := string(spoilt.s.Entries(t)[path].Value); got != value {
				t.Errorf("%s %s was written over", what, path)
			}
		}
	}
}
