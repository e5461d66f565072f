package sweep

import (
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// inTime sweeps each minute for so long, with a rotation made in the minute it is due, and
// returns how many sweeps have failed.
func (w *world) inTime(howLong time.Duration) (failed int) {
	w.t.Helper()
	for until := w.now.Add(howLong); w.now.Before(until); w.now = w.now.Add(time.Minute) {
		if w.tick() != nil {
			failed++
		}
		for name, k := range w.keys() {
			if k.RotationDue(w.now) || k.Failed != nil {
				w.t.Fatalf(
					"%s: version %d, which is to be replaced at %s, is there at %s; %+v",
					name,
					k.Newest().Number,
					k.NextRotation(),
					w.now,
					k.Failed,
				)
			}
		}
	}
	return failed
}

// While uses cannot be read, keys are still rotated in time, again and again. The idle check is made once they can be
// read.
func TestRotationsWhileUsesCannotBeRead(t *testing.T) {
	w := newWorld(t)
	w.change(func(c *tenant.Tenant) { c.Provider.IdleAfter = 5 * time.Minute })
	w.create("billing", 40*time.Minute, 20*time.Minute)
	w.s.fail(contains("get usage/"))
	if failed := w.inTime(5 * time.Hour); failed < 5 {
		t.Errorf("told %d times", failed)
	}
	if k := w.keys()["billing"]; k.Newest().Number < 12 || k.State() != apikey.Active {
		t.Errorf("version %d, %s", k.Newest().Number, k.State())
	}
	w.s.fail(nil)
	for range 61 {
		w.pass()
	}
	if k := w.keys()["billing"]; k.State() != apikey.Disabled {
		t.Errorf("then it is %s", k.State())
	}
	if n := len(w.sweep.failing); n != 0 {
		t.Errorf("%d failures are kept", n)
	}
}

// A chore that has failed and waits keeps no rotation of the same key waiting.
func TestRotationsWhileAChoreWaits(t *testing.T) {
	w := newWorld(t)
	_, err := w.st.UpdateConfig(t.Context(), w.s, func(c *tenant.Config) (*tenant.Config, error) {
		d := *c
		d.Retention = 10 * time.Minute
		d.Revision++
		return &d, nil
	})
	w.must(err)
	w.create("billing", time.Hour, 20*time.Minute)
	w.update("billing", func(k *apikey.Key) (*apikey.Key, error) {
		return k.Rotate(apikey.Rotation{NewKeyID: apikey.NewKeyID(), Life: time.Hour}, apikey.Actor{}, w.now)
	})
	w.s.fail(func(op string) bool { return strings.HasPrefix(op, "put keys/") })
	if failed := w.inTime(36 * time.Minute); failed == 0 {
		t.Error("nothing has failed")
	}
	w.s.fail(nil)
	if failed := w.inTime(10 * time.Minute); failed != 0 {
		t.Errorf("then told %d times", failed)
	}
	if k := w.keys()["billing"]; k.Newest().Number != 3 || !k.Versions[0].Secret.Erased() {
		t.Errorf("version %d, erased %t", k.Newest().Number, k.Versions[0].Secret.Erased())
	}
}

// The schedule keeps with a key the last use of versions that it drops, and takes it that there may have been one where
// uses cannot be read; which keeps no rotation waiting.
func TestUsesOfVersionsThatTheScheduleDrops(t *testing.T) {
	for name, row := range map[string]struct {
		fails bool
		used  time.Duration // since the beginning
	}{"known": {false, 10 * time.Minute}, "not known": {true, 20 * time.Minute}} {
		w := newWorld(t)
		began := w.now.Truncate(time.Minute)
		k := w.create("billing", 40*time.Minute, 20*time.Minute)
		w.st.Used(k, k.Newest().KeyID, "", began.Add(10*time.Minute))
		w.now = w.now.Add(20 * time.Minute)
		for range apikey.KeptEnded {
			w.update("billing", func(k *apikey.Key) (*apikey.Key, error) {
				return k.Rotate(
					apikey.Rotation{NewKeyID: apikey.NewKeyID(), Life: 40 * time.Minute},
					apikey.Actor{},
					w.now,
				)
			})
		}
		w.must(w.st.FlushUsage(t.Context(), w.s, time.Now().Add(time.Minute)))
		if row.fails {
			w.s.fail(contains("get usage/"))
		}
		_ = w.inTime(3 * time.Hour)
		k = w.keys()["billing"]
		exact, since := k.UsedAt.Equal(began.Add(row.used)), !k.UsedAt.Before(began.Add(row.used))
		if k.Versions[0].Number == 1 || !exact && !row.fails || !since {
			t.Errorf("%s: from version %d on, used %s", name, k.Versions[0].Number, k.UsedAt)
		}
	}
}
