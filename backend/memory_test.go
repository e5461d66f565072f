package backend_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// typical returns a key as tenants have them, with two live versions, both handed out.
func typical(t *testing.T, owner *tenant.Tenant, i int) *apikey.Key {
	t.Helper()
	by := apikey.Actor{
		EntityID:  "5d4b8a9e-0000-4000-8000-1f2e3d4c5b6a",
		Accessor:  "hmac-accessor-of-24-bytes",
		RequestID: "0c7f0a52-1",
	}
	ref := apikey.Ref{Tenant: owner.Name, Kind: apikey.External, Name: apikey.Name(fmt.Sprintf("web-shop-%05d", i))}
	settings := apikey.Settings{
		Description: "Orders of the web shop",
		Owner:       "integrations",
		Metadata:    apikey.PairsOf(map[string]string{"team": "red"}),
		Scheme:      signing.HMACSHA256,
		TTL:         90 * 24 * time.Hour,
		Overlap:     7 * 24 * time.Hour,
		Reveal:      apikey.RevealAlways,
		Replay:      true,
	}
	k := apikey.New(ref, owner.UID, settings, apikey.NewKeyID(), by, time.Now())
	reveal := func(err error) {
		if err == nil {
			k, _, err = k.Revealed(owner, by.RequestID, false, func(string) bool { return false }, by, time.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	reveal(nil)
	k, err := k.Rotate(apikey.Rotation{NewKeyID: apikey.NewKeyID(), Overlap: k.Overlap, Life: k.TTL}, by, time.Now())
	reveal(err)
	return k
}

// Such a key takes at most 2 KiB of memory once it has verified calls of both versions.
func TestMemoryPerCachedKey(t *testing.T) {
	const (
		keys = 5000
		most = 2 << 10
	)
	w := newWorld(t)
	w.Tenant("acme")
	st := store.New()
	owner, err := st.Tenant(context.Background(), w.Storage, "acme")
	w.Must(err)
	calls := make([]any, 0, 2*keys)
	for i := range keys {
		k := typical(t, owner, i)
		_, err := st.UpdateKey(
			context.Background(),
			w.Storage,
			owner,
			k.Kind,
			k.Name,
			func(*apikey.Key) (*apikey.Key, error) { return k, nil },
		)
		w.Must(err)
		for j := range k.Versions {
			v := k.Versions[j]
			calls = append(calls, holder{W: w, KeyID: v.KeyID, Secret: v.Secret.Reveal(), Scheme: k.Scheme}.Call())
		}
	}
	w.Root().Read("config")
	before := heap()
	for from := 0; from < len(calls); from += 1000 {
		for _, r := range w.Root().Write("verify", fields{"batch": calls[from : from+1000]}).Rows("results") {
			if r["verdict"] != "valid" {
				t.Fatal(r)
			}
		}
	}
	w.Must(w.Tick()) // what was used in the last minute takes memory of its own, until it is written
	perKey := (heap() - before) / keys
	t.Logf("%d bytes per cached key with two versions", perKey)
	if perKey > most || perKey < 100 {
		t.Errorf("%d bytes per cached key, want at most %d", perKey, most)
	}
	runtime.KeepAlive(calls)
	runtime.KeepAlive(w)
}

// heap returns the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far from overflow
}

// A tenant that falls silent keeps nothing, once its calls are too old to come again.
func TestSilentTenantsAreForgotten(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		w.Root().Write("config", fields{"window_past": 5})
		call := w.Tenant("acme").Key("my/external/keys/billing", nil).Call()
		w.Root().Write("verify", call).Is(fields{"verdict": "valid"})
		w.Must(w.Tick())
		w.Root().Read("status").Is(fields{"replay_entries": 1})
		wait(time.Minute)
		w.Must(w.Tick())
		w.Root().Read("status").Is(fields{"replay_entries": 0})
		w.Root().Write("config", fields{"window_past": 900}) // a wider window does not let in what was let go
		w.Root().Write("verify", call).Is(fields{"verdict": "replayed"})
	})
}
