package backend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// journal is the server's log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// secrets are those that were handed out so far.
type secrets struct {
	mu    sync.Mutex
	known []string
}

func (s *secrets) handedOut(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = append(s.known, secret)
}

// nowhereIn checks that an answer that hands nothing out, and the log, hold no secret.
// It runs after every request of every test.
func (s *secrets) nowhereIn(a answer, log *journal) {
	a.t.Helper()
	s.mu.Lock()
	known := slices.Clone(s.known)
	s.mu.Unlock()
	if len(known) > 8 {
		known = known[len(known)-8:] // the tests with thousands of keys would take minutes
	}
	shown := log.String()
	if !handsOut(a.path) {
		raw, _ := json.Marshal([]any{a.data, a.text, a.warnings})
		shown += string(raw)
	}
	for _, secret := range known {
		if strings.Contains(shown, secret) {
			a.t.Fatalf("%s: the answer or the log holds a secret", a.asked)
		}
	}
}

// handsOut reports whether a path's answer may hold a secret.
func handsOut(path string) bool {
	return strings.HasSuffix(path, "/reveal") || strings.Contains(path, "/static-creds/") ||
		strings.Contains(path, "/creds/") ||
		strings.HasPrefix(path, "keyring/")
}

// Secrets lie in the key's own record and nowhere else, and those records are sealed.
func TestSecretsAtRest(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write("my/internal/roles/app", nil)
		held := []holder{
			acme.key("my/external/keys/billing", nil),
			acme.read("tenants/acme/internal/creds/app").holder(w),
		}
		prefixes := w.engine.SpecialPaths().SealWrapStorage
		sealed := 0
		w.eachEntry("", func(entry *logical.StorageEntry) {
			special := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(entry.Key, p) })
			if special != w.storage.Sealed(entry.Key) {
				t.Errorf("%s: seal-wrapped %v, declared %v", entry.Key, !special, special)
			}
			for _, h := range held {
				raw, _ := json.Marshal(h.secret)
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
func (w *world) eachEntry(prefix string, visit func(*logical.StorageEntry)) {
	w.t.Helper()
	ctx := context.Background()
	names, err := w.storage.InmemStorage.List(ctx, prefix)
	w.must(err)
	for _, name := range names {
		if strings.HasSuffix(name, "/") {
			w.eachEntry(prefix+name, visit)
			continue
		}
		entry, err := w.storage.InmemStorage.Get(ctx, prefix+name)
		w.must(err)
		visit(entry)
	}
}

// Fields of answers that hold a secret say so, and only they do.
func TestSecretFieldsAreMarked(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		marked := 0
		for _, p := range w.paths() {
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
