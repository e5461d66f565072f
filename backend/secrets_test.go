package backend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// Secrets lie in the key's own record and nowhere else, and those records are sealed.
func TestSecretsAtRest(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write("my/internal/roles/app", nil)
		held := []holder{
			acme.Key("my/external/keys/billing", nil),
			acme.Read("tenants/acme/internal/creds/app").Holder(w),
		}
		prefixes := w.Engine.SpecialPaths().SealWrapStorage
		sealed := 0
		eachEntry(w, "", func(entry *logical.StorageEntry) {
			special := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(entry.Key, p) })
			if special != w.Storage.Sealed(entry.Key) {
				t.Errorf("%s: seal-wrapped %v, declared %v", entry.Key, !special, special)
			}
			for _, h := range held {
				raw, _ := json.Marshal(h.Secret)
				if bytes.Contains(entry.Value, bytes.Trim(raw, `"`)) {
					sealed++
					if !special {
						t.Errorf("%s holds a secret", entry.Key)
					}
				}
			}
		})
		if sealed != len(held) {
			t.Errorf("%d of %d secrets found in storage", sealed, len(held))
		}
	})
}

// eachEntry visits all entries in storage under a prefix.
func eachEntry(w *world, prefix string, visit func(*logical.StorageEntry)) {
	w.T.Helper()
	ctx := context.Background()
	names, err := w.Storage.InmemStorage.List(ctx, prefix)
	w.Must(err)
	for _, name := range names {
		if strings.HasSuffix(name, "/") {
			eachEntry(w, prefix+name, visit)
			continue
		}
		entry, err := w.Storage.InmemStorage.Get(ctx, prefix+name)
		w.Must(err)
		visit(entry)
	}
}

// Fields of answers that hold a secret say so, and only they do.
func TestSecretFieldsAreMarked(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		marked := 0
		for _, p := range w.Paths() {
			for op, handler := range p.Operations {
				for name, f := range handler.Properties().Responses[200][0].Fields {
					secret := name == "key" || name == "credential"
					if sensitive(f) != secret {
						t.Errorf("%s %s: %s is marked %v", op, p.Pattern, name, sensitive(f))
					}
					if secret {
						marked++
					}
				}
			}
		}
		if marked == 0 {
			t.Error("no path hands anything out")
		}
	})
}

func sensitive(f *framework.FieldSchema) bool {
	return f.DisplayAttrs != nil && f.DisplayAttrs.Sensitive
}
