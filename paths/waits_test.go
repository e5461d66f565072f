package paths_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// holds lets storage answer nothing that begins with one of the operations, until it is released.
func holds(w *world, operations ...string) (release func()) {
	let := make(chan struct{})
	w.Storage.StepIn(func(operation string) error {
		if slices.ContainsFunc(operations, func(o string) bool { return strings.HasPrefix(operation, o) }) {
			<-let
		}
		return nil
	}, nil)
	return sync.OnceFunc(func() { close(let) })
}

// busyWork has other tenants take all places for work, until it is released.
func busyWork(w *world) (release func()) {
	var all sync.WaitGroup
	let := holds(w, "get ids/unknown")
	for i := range max(1, runtime.GOMAXPROCS(0)-1) {
		other := w.Tenant(fmt.Sprintf("other%d", i))
		call := other.Key(billing, fields{"scheme": "hmac-sha256"})
		call.KeyID = fmt.Sprintf("unknown%09d", i)
		all.Go(func() { other.Write("my/explain", call.Call()) })
	}
	synctest.Wait()
	return func() { let(); all.Wait() }
}

// busyWalks has a tenant take all its places for walks, until it is released.
func busyWalks(acme person) (release func()) {
	var all sync.WaitGroup
	let := holds(acme.W, "list keys/acme/internal", "put keys/acme/external/imported-17")
	for range 2 * runtime.GOMAXPROCS(0) {
		all.Go(func() { acme.Trying().Read("my/report") })
	}
	synctest.Wait()
	return func() { let(); all.Wait() }
}

// events are what is answered while a request waits, and what then has to stand in its answer.
var events = map[string]struct {
	change func(acme person)
	want   []string // one of them
}{
	"revoke":            {func(acme person) { acme.Write(billing+"/revoke", nil) }, []string{"revoked"}},
	"suspend":           {suspend, []string{"tenant_suspended"}},
	"delete":            {remove, []string{"unknown_key", "not open"}},
	"suspend elsewhere": {suspendElsewhere, []string{"tenant_suspended"}},
	"end":               {func(person) { wait(600 * time.Millisecond) }, []string{"expired"}},
}

func suspend(acme person) { acme.W.SPA().Write("admin/tenants/acme/suspend", nil) }

func remove(acme person) { acme.W.SPA().Remove("admin/tenants/acme") }

// suspendElsewhere has another node suspend the tenant, whose answer waits for nothing here.
func suspendElsewhere(acme person) {
	w, ctx := acme.W, context.Background()
	_, err := store.New().UpdateTenant(ctx, w.Storage, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
		suspended := *old
		suspended.SuspendedAt = time.Now()
		return &suspended, nil
	})
	w.Must(err)
	w.Engine.InvalidateKey(ctx, "tenants/acme")
}

// What was answered while a request waited for its turn, or for storage, is in force for it.
func TestAnsweredChangesHoldForWhoWaits(t *testing.T) {
	box, long := newMailbox(t), strings.Repeat("x", 40<<10)
	to := fields{"recipient": box.recipient()}
	signed := func(h holder) fields {
		return fields{"message": long, "signature": signing.SignTagged(h.KeyID, h.Secret, []byte(long))}
	}
	forty := func(item any) fields { return fields{"batch": slices.Repeat([]any{item}, 40)} }
	reads := func(operation string) func(person) func() {
		return func(acme person) func() { acme.W.Restart(); return holds(acme.W, operation) }
	}
	work := func(acme person) func() { return busyWork(acme.W) }
	record := reads("get keys/acme/external/billing")
	var leased *lease
	gone, most := []string{"suspend", "delete"}, []string{"suspend", "delete", "end"}
	all, elsewhere := []string{"revoke", "suspend", "delete", "end"}, []string{"suspend elsewhere"}
	for _, row := range []struct {
		name, waits string
		meanwhile   []string
		until       func(acme person) func() // has it wait, and lets it go on
		ask         func(acme person, h holder) answer
	}{
		{"verify", "its turn", all, work, func(acme person, h holder) answer {
			return acme.W.Root().Trying().Write("verify", signed(h))
		}},
		{"verify", "a record", most, record, func(acme person, h holder) answer {
			return acme.W.Root().Trying().Write("verify", h.Call())
		}},
		{"verify a batch", "its turn", all, work, func(acme person, h holder) answer {
			return acme.W.Root().Trying().Write("verify", fields{"batch": []any{signed(h)}})
		}},
		{"verify a tenant's batch", "its turn", all, work, func(acme person, h holder) answer {
			return acme.Trying().Write("my/verify", forty(h.Call()))
		}},
		{"sign", "its turn", all, work, func(acme person, _ holder) answer {
			return acme.Trying().Write("my/external/sign/billing", fields{"message": long})
		}},
		{"sign", "a record", most, record, func(acme person, _ holder) answer {
			return acme.Trying().Write("my/external/sign/billing", fields{"message": "short"})
		}},
		{"sign a batch", "its turn", all, work, func(acme person, _ holder) answer {
			return acme.Trying().Write("my/external/sign/billing", forty(fields{"message": "short"}))
		}},
		{"reveal", "its turn", all, busyWalks, func(acme person, _ holder) answer {
			return acme.Trying().Write(billing+"/reveal", to)
		}},
		{"reveal", "a record", most, record, func(acme person, _ holder) answer {
			return acme.Trying().Write(billing+"/reveal", nil)
		}},
		{"static-creds", "a record", most, record, func(acme person, _ holder) answer {
			return acme.Trying().Read("my/external/static-creds/billing")
		}},
		{"handover", "its turn", all, busyWalks, func(acme person, _ holder) answer {
			return acme.Trying().Read(billing + "/handover")
		}},
		{"creds", "its turn", gone, busyWalks, func(acme person, _ holder) answer {
			return acme.Trying().Ask("read", "tenants/acme/external/creds/app", to)
		}},
		{"creds", "a record", gone, reads("get leased/acme"), func(acme person, _ holder) answer {
			return acme.Trying().Read("tenants/acme/external/creds/app")
		}},
		{"a renewal", "a record", []string{"suspend"}, reads("get leased/acme"), func(person, holder) answer {
			return leased.Renew(time.Hour)
		}},
		{"rotate", "a record", gone, record, func(acme person, _ holder) answer {
			return acme.Trying().Write(billing+"/rotate", nil)
		}},
		{"a new key", "a record", gone, reads("get keys/acme/external/new"), func(acme person, _ holder) answer {
			return acme.Trying().Write("my/external/keys/new", nil)
		}},
		{"a new key", "its count", elsewhere, reads("list keys/acme"), func(acme person, _ holder) answer {
			return acme.Trying().Write("my/external/keys/new", nil)
		}},
		{"an import", "a record", gone, reads("get keys/acme/external/old"), func(acme person, _ holder) answer {
			_, item := foreign(acme.W, "Kx7Qw2Ab")
			return acme.Trying().Write("my/external/import", fields{"keys": []any{item}})
		}},
	} {
		for _, meanwhile := range row.meanwhile {
			clocked(t, row.name+" waits for "+row.waits+", "+meanwhile, func(t *testing.T, w *world) {
				acme := w.Tenant("acme")
				acme.Write("my/external/roles/app", fields{"scheme": "hmac-sha256"})
				leased = acme.Read("tenants/acme/external/creds/app").Lease(w)
				h := acme.Key(billing, fields{
					"scheme": "hmac-sha256", "ttl": "1s", "overlap": 0, "auto_rotate": false,
					"recipients": []any{box.recipient()},
				})
				wait(500 * time.Millisecond)
				release := row.until(acme)
				got := asked(t, func() answer { return row.ask(acme, h) })
				events[meanwhile].change(acme)
				release()
				a := <-got
				if told := outcome(a); !slices.ContainsFunc(events[meanwhile].want, func(s string) bool {
					return strings.Contains(told, s)
				}) || a.Data["sealed"] != nil || a.Data["key"] != nil {
					t.Errorf("%d %s", a.Status, told)
				}
			})
		}
	}
}

// asked makes a request that has to wait, and returns where its answer comes.
func asked(t *testing.T, ask func() answer) <-chan answer {
	t.Helper()
	got := make(chan answer, 1)
	go func() { got <- ask() }()
	synctest.Wait()
	if len(got) > 0 {
		t.Error("it does not wait")
	}
	return got
}

// outcome returns a refusal, a verdict, or those of a batch where all are the same.
func outcome(a answer) string {
	var all []string
	rows, _ := a.Data["results"].([]any)
	for _, row := range append(rows, a.Data) {
		f, _ := row.(map[string]any)
		for _, name := range []string{"verdict", "error"} {
			if s, _ := f[name].(string); s != "" {
				all = append(all, s)
			}
		}
	}
	if all = slices.Compact(append(all, a.Text)); len(all) > 2 {
		return fmt.Sprintf("not all the same: %q", all)
	}
	return strings.Join(all, " ")
}

// A pickup that has waited is judged once more, and hands nothing over for a version that has ended.
func TestPickupsThatWait(t *testing.T) {
	box := newMailbox(t)
	record := func(acme person) func() { return holds(acme.W, "get keys/acme/external/billing") }
	suspended := func(acme person, _ holder) { suspend(acme) }
	for _, row := range []struct {
		name   string
		until  func(acme person) func()
		change func(acme person, old holder)
		want   string
	}{
		{"its turn, suspended", busyWalks, suspended, "tenant_suspended"},
		{"its turn, revoked", busyWalks, func(acme person, old holder) {
			acme.Write(billing+"/revoke", fields{"key_id": old.KeyID})
		}, "revoked"},
		{"its record, suspended", record, suspended, "tenant_suspended"},
		{"its record, ended", record, func(person, holder) { wait(4 * time.Hour) }, "has ended meanwhile"},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			old := acme.Key(billing, fields{"recipients": []any{box.recipient()}, "overlap": "3h"})
			acme.Write(billing+"/rotate", nil)
			release := row.until(acme)
			got := asked(t, func() answer { return w.Root().Write("pickup", old.Call()) })
			row.change(acme, old)
			release()
			a := <-got
			told := outcome(a) + strings.Join(a.Warnings, "")
			if a.Data["sealed"] != nil || !strings.Contains(told, row.want) {
				t.Errorf("%s, sealed %v", told, a.Data["sealed"] != nil)
			}
		})
	}
}

// Of an import, only those are made that were begun when the tenant was suspended.
func TestImportsEndWithASuspension(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		const workers, n = 16, 40
		acme, items := w.Tenant("acme"), make([]any, n)
		for i := range items {
			_, items[i] = foreign(w, fmt.Sprintf("%c0Imported%02d", 'a'+i%16, i))
		}
		release := holds(w, "put keys/acme/external/old")
		got := asked(t, func() answer { return acme.Write("my/external/import", fields{"keys": items}) })
		suspend(acme)
		release()
		made := 0
		for _, r := range (<-got).Rows("results") {
			if r["ok"] == true {
				made++
			} else if !strings.Contains(r["error"].(string), "tenant_suspended") {
				t.Errorf("%v", r["error"])
			}
		}
		if made > workers {
			t.Errorf("%d were made", made)
		}
	})
}
