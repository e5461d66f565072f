//go:build sweepload

package sweepload

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"
	"time"
)

const (
	importEach = 500
	importRate = 150 // keys a second, that imports take at the least
	readers    = 16
)

// open makes a tenant.
func (w *world) open(t *testing.T, tenant string) {
	t.Helper()
	w.must(t, "POST", "apikeys/admin/tenants/"+tenant, fields{"max_keys": 50_000})
}

// scheduled are the settings of keys that rotate by schedule, all of which are due at a moment, or up to a tenth of the
// overlap before.
func scheduled(due time.Time, overlap time.Duration) fields {
	ends := due.Add(overlap).UTC()
	return fields{
		"auto_rotate": true, "ttl": "1d", "overlap": overlap.String(),
		"issued_at": ends.Add(-24 * time.Hour).Format(time.RFC3339), "expires_at": ends.Format(time.RFC3339),
	}
}

// fill gives a tenant so many keys.
func (w *world) fill(t *testing.T, tenant string, n int, settings fields) {
	t.Helper()
	began := time.Now()
	var group sync.WaitGroup
	parts := make(chan int, n/importEach+1)
	for first := 0; first < n; first += importEach {
		parts <- first
	}
	close(parts)
	for range 2 {
		group.Go(func() {
			for first := range parts {
				if err := w.importPart(t.Context(), tenant, first, min(first+importEach, n), settings); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("%s has %d keys, imported in %s", tenant, n, seconds(time.Since(began)))
}

func (w *world) importPart(ctx context.Context, tenant string, from, to int, settings fields) error {
	var keys []fields
	for i := from; i < to; i++ {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		key := fields{
			"tenant": tenant, "kind": "external", "name": fmt.Sprintf("key-%05d", i),
			"key_id": rand.Text()[:20], "key": base64.RawURLEncoding.EncodeToString(secret),
		}
		for name, value := range settings {
			key[name] = value
		}
		keys = append(keys, key)
	}
	_, data, err := w.send(ctx, "POST", "apikeys/admin/import", fields{"keys": keys})
	if err != nil {
		return err
	}
	results, _ := data["results"].([]any)
	for _, raw := range results {
		if result, _ := raw.(fields); result["ok"] != true {
			return fmt.Errorf("import: %v", result["error"])
		}
	}
	return nil
}

func (w *world) fate(ctx context.Context, tenant string, i int) (fate, error) {
	_, data, err := w.send(ctx, "GET", fmt.Sprintf("apikeys/tenants/%s/external/keys/key-%05d", tenant, i), nil)
	if err != nil {
		return fate{}, err
	}
	var f fate
	versions, _ := data["versions"].([]any)
	for n, raw := range versions[:min(2, len(versions))] {
		version, _ := raw.(fields)
		if n == 0 {
			f.ended, err = time.Parse(time.RFC3339, fmt.Sprint(version["expires_at"]))
		} else {
			f.rotated, err = time.Parse(time.RFC3339, fmt.Sprint(version["issued_at"]))
		}
		if err != nil {
			return f, err
		}
	}
	f.late = data["rotation_late"] == true
	return f, nil
}

// fates reads all keys of a tenant.
func (w *world) fates(t *testing.T, tenant string, n int) []fate {
	t.Helper()
	all := make([]fate, n)
	var group sync.WaitGroup
	for first := range readers {
		group.Go(func() {
			for i := first; i < n; i += readers {
				var err error
				if all[i], err = w.fate(t.Context(), tenant, i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return all
}
