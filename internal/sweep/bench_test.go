package sweep

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

const perOwner = 1000 // keys of a tenant

// noon is when the benchmarks' keys are looked at.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// crowd makes keys that rotate every 90 days, of tenants with a thousand each, in storage.
// Born says when the i-th was made.
func crowd(b *testing.B, s logical.Storage, keys int, born func(i int) time.Time) {
	b.Helper()
	st := store.New()
	var owner *tenant.Tenant
	for i := range keys {
		if i%perOwner == 0 {
			name := tenant.Name(fmt.Sprintf("tenant-%d", i/perOwner))
			var err error
			owner, err = st.UpdateTenant(b.Context(), s, name, func(*tenant.Tenant) (*tenant.Tenant, error) {
				return tenant.New(name, noon.Add(-200*day)), nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		ref := apikey.Ref{Tenant: owner.Name, Kind: apikey.External, Name: apikey.Name(fmt.Sprintf("key-%d", i))}
		settings := apikey.Settings{
			Scheme:     signing.Vrnt1,
			TTL:        90 * day,
			Overlap:    7 * day,
			AutoRotate: true,
			Reveal:     apikey.RevealAlways,
			Replay:     true,
		}
		k := apikey.New(ref, owner.UID, settings, apikey.NewKeyID(), apikey.Actor{}, born(i))
		_, err := st.UpdateKey(
			b.Context(),
			s,
			owner,
			k.Kind,
			k.Name,
			func(*apikey.Key) (*apikey.Key, error) { return k, nil },
		)
		if err != nil {
			b.Fatal(err)
		}
	}
}

// young are keys none of which is due in the next days.
func young(i int) time.Time {
	return noon.Add(-time.Duration(i%70) * day).Add(-time.Duration(i%1440) * time.Minute)
}

var crowds = []int{10_000, 100_000, 1_000_000}

// crowded are storages with young keys, by how many: making a million takes a minute.
var crowded = make(map[int]*storagetest.Storage)

func crowdOf(b *testing.B, keys int) *storagetest.Storage {
	b.Helper()
	if crowded[keys] == nil {
		s := new(storagetest.Storage)
		crowd(b, s, keys, young)
		crowded[keys] = s
	}
	return crowded[keys]
}

// BenchmarkIdleTick is a tick with nothing due: it must cost the same for any number of keys.
func BenchmarkIdleTick(b *testing.B) {
	for _, keys := range crowds {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			s := crowdOf(b, keys)
			w := New(store.New(), func(string) {})
			w.started = noon // the walk comes ten minutes later, and not here
			now := noon
			tick := func() {
				if err := w.Tick(b.Context(), s, now); err != nil {
					b.Fatal(err)
				}
			}
			tick() // the first one after a start lists the index
			before := s.Count()
			for b.Loop() {
				now = now.Add(time.Minute)
				w.walked = now
				tick()
			}
			b.ReportMetric(float64(s.Count()-before)/float64(b.N), "storage-ops/tick")
		})
	}
}

// BenchmarkFirstTick is the tick after a start, which lists the index once.
func BenchmarkFirstTick(b *testing.B) {
	for _, keys := range crowds {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			s := crowdOf(b, keys)
			before := s.Count()
			for b.Loop() {
				w := New(store.New(), func(string) {})
				w.started = noon // the walk comes later
				if err := w.Tick(b.Context(), s, noon); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(s.Count()-before)/float64(b.N), "storage-ops/tick")
		})
	}
}

// BenchmarkDue rotates what is due: one key in a hundred, and a million keys of one hour.
func BenchmarkDue(b *testing.B) {
	for _, row := range []struct{ keys, oneIn int }{{10_000, 100}, {100_000, 100}, {1_000_000, 100}, {1_000_000, 1}} {
		b.Run(fmt.Sprintf("keys=%d/due=%d", row.keys, row.keys/row.oneIn), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := new(storagetest.Storage)
				crowd(b, s, row.keys, func(i int) time.Time {
					if i%row.oneIn == 0 { // due in the last hour, whatever the spread
						return noon.Add(-83 * day).Add(-time.Duration(i%3600) * time.Second)
					}
					return young(i)
				})
				w := New(store.New(), func(string) {})
				w.started = noon
				before, ticks := s.Count(), 0
				b.StartTimer()
				for ; ; ticks++ {
					if err := w.Tick(b.Context(), s, noon.Add(time.Duration(ticks)*time.Minute)); err != nil {
						b.Fatal(err)
					}
					if w.Status(noon).Due == 0 {
						break
					}
				}
				b.StopTimer()
				if got := w.Status(noon).Rotated; got != int64(row.keys/row.oneIn) {
					b.Fatalf("%d keys rotated, want %d", got, row.keys/row.oneIn)
				}
				b.ReportMetric(float64(ticks+1), "ticks")
				b.ReportMetric(float64(s.Count()-before)/float64(row.keys/row.oneIn), "storage-ops/key")
				b.StartTimer()
			}
		})
	}
}

// BenchmarkWalk looks at every record.
func BenchmarkWalk(b *testing.B) {
	for _, keys := range crowds[:2] {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			s := crowdOf(b, keys)
			before := s.Count()
			for b.Loop() {
				w := New(store.New(), func(string) {})
				for w.Report().Finished.IsZero() {
					if _, err := w.Tidy(b.Context(), s, noon); err != nil {
						b.Fatal(err)
					}
				}
				if r := w.Report(); r.Records != keys || r.IDs+r.Due+r.Strays+r.Failures != 0 {
					b.Fatalf("%+v", r)
				}
			}
			b.ReportMetric(float64(s.Count()-before)/float64(b.N)/float64(keys), "storage-ops/key")
		})
	}
}
