package backend_test

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
func (w *world) holds(operations ...string) (release func()) {
	let := make(chan struct{})
	w.storage.StepIn(func(operation string) error {
		if slices.ContainsFunc(operations, func(o string) bool { return strings.HasPrefix(operation, o) }) {
			<-let
		}
		return nil
	}, nil)
	return sync.OnceFunc(func() { close(let) })
}

// busyWork has other tenants take all places for work, until it is released.
func (w *world) busyWork() (release func()) {
	var all sync.WaitGroup
	let := w.holds("get ids/unknown")
	for i := range max(1, runtime.GOMAXPROCS(0)-1) {
		other := w.tenant(fmt.Sprintf("other%d", i))
		call := other.key(billing, fields{"scheme": "hmac-sha256"})
		call.keyID = fmt.Sprintf("unknown%09d", i)
		all.Go(func() { other.write("my/explain", call.call()) })
	}
	synctest.Wait()
	return func() { let(); all.Wait() }
}

// busyWalks has a tenant take all its places for walks, until it is released.
func busyWalks(acme person) (release func()) {
	var all sync.WaitGroup
	let := acme.w.holds("list keys/acme/internal", "put keys/acme/external/imported-17")
	for range 2 * runtime.GOMAXPROCS(0) {
		all.Go(func() { acme.trying().read("my/report") })
	}
	synctest.Wait()
	return func() { let(); all.Wait() }
}

// events are what is answered while a request waits, and what then has to stand in its answer.
var events = map[string]struct {
	change func(acme person)
	want   []string // one of them
}{
	"revoke":            {func(acme person) { acme.write(billing+"/revoke", nil) }, []string{"revoked"}},
	"suspend":           {suspend, []string{"tenant_suspended"}},
	"delete":            {remove, []string{"unknown_key", "not open"}},
	"suspend elsewhere": {suspendElsewhere, []string{"tenant_suspended"}},
	"end":               {func(person) { wait(600 * time.Millisecond) }, []string{"expired"}},
}

func suspend(acme person) { acme.w.spa().write("admin/tenants/acme/suspend", nil) }

func remove(acme person) { acme.w.spa().remove("admin/tenants/acme") }

// suspendElsewhere has another node suspend the tenant, whose answer waits for nothing here.
func suspendElsewhere(acme person) {
	w, ctx := acme.w, context.Background()
	_, err := store.New().UpdateTenant(ctx, w.storage, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
		suspended := *old
		suspended.SuspendedAt = time.Now()
		return &suspended, nil
	})
	w.must(err)
	w.engine.InvalidateKey(ctx, "tenants/acme")
}

// What was answered while a request waited for its turn, or for storage, is in force for it.
func TestAnsweredChangesHoldForWhoWaits(t *testing.T) {
	box, long := newMailbox(t), strings.Repeat("x", 40<<10)
	to := fields{"recipient": box.recipient()}
	signed := func(h holder) fields {
		return fields{"message": long, "signature": signing.SignTagged(h.keyID, h.secret, []byte(long))}
	}
	forty := func(item any) fields { return fields{"batch": slices.Repeat([]any{item}, 40)} }
	reads := func(operation string) func(person) func() {
		return func(acme person) func() { acme.w.restart(); return acme.w.holds(operation) }
	}
	work := func(acme person) func() { return acme.w.busyWork() }
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
			return acme.w.root().trying().write("verify", signed(h))
		}},
		{"verify", "a record", most, record, func(acme person, h holder) answer {
			return acme.w.root().trying().write("verify", h.call())
		}},
		{"verify a batch", "its turn", all, work, func(acme person, h holder) answer {
			return acme.w.root().trying().write("verify", fields{"batch": []any{signed(h)}})
		}},
		{"verify a tenant's batch", "its turn", all, work, func(acme person, h holder) answer {
			return acme.trying().write("my/verify", forty(h.call()))
		}},
		{"sign", "its turn", all, work, func(acme person, _ holder) answer {
			return acme.trying().write("my/external/sign/billing", fields{"message": long})
		}},
		{"sign", "a record", most, record, func(acme person, _ holder) answer {
			return acme.trying().write("my/external/sign/billing", fields{"message": "short"})
		}},
		{"sign a batch", "its turn", all, work, func(acme person, _ holder) answer {
			return acme.trying().write("my/external/sign/billing", forty(fields{"message": "short"}))
		}},
		{"reveal", "its turn", all, busyWalks, func(acme person, _ holder) answer {
			return acme.trying().write(billing+"/reveal", to)
		}},
		{"reveal", "a record", most, record, func(acme person, _ holder) answer {
			return acme.trying().write(billing+"/reveal", nil)
		}},
		{"static-creds", "a record", most, record, func(acme person, _ holder) answer {
			return acme.trying().read("my/external/static-creds/billing")
		}},
		{"handover", "its turn", all, busyWalks, func(acme person, _ holder) answer {
			return acme.trying().read(billing + "/handover")
		}},
		{"creds", "its turn", gone, busyWalks, func(acme person, _ holder) answer {
			return acme.trying().ask("read", "tenants/acme/external/creds/app", to)
		}},
		{"creds", "a record", gone, reads("get leased/acme"), func(acme person, _ holder) answer {
			return acme.trying().read("tenants/acme/external/creds/app")
		}},
		{"a renewal", "a record", []string{"suspend"}, reads("get leased/acme"), func(person, holder) answer {
			return leased.renew(time.Hour)
		}},
		{"rotate", "a record", gone, record, func(acme person, _ holder) answer {
			return acme.trying().write(billing+"/rotate", nil)
		}},
		{"a new key", "a record", gone, reads("get keys/acme/external/new"), func(acme person, _ holder) answer {
			return acme.trying().write("my/external/keys/new", nil)
		}},
		{"a new key", "its count", elsewhere, reads("list keys/acme"), func(acme person, _ holder) answer {
			return acme.trying().write("my/external/keys/new", nil)
		}},
		{"an import", "a record", gone, reads("get keys/acme/external/old"), func(acme person, _ holder) answer {
			_, item := foreign(acme.w, "Kx7Qw2Ab")
			return acme.trying().write("my/external/import", fields{"keys": []any{item}})
		}},
	} {
		for _, meanwhile := range row.meanwhile {
			clocked(t, row.name+" waits for "+row.waits+", "+meanwhile, func(t *testing.T, w *world) {
				acme := w.tenant("acme")
				acme.write("my/external/roles/app", fields{"scheme": "hmac-sha256"})
				leased = acme.read("tenants/acme/external/creds/app").lease(w)
				h := acme.key(billing, fields{
					"scheme": "hmac-sha256", "ttl": "1s", "overlap": 0, "auto_rotate": false,
					"recipients": []any{box.recipient()},
				})
				wait(500 * time.Millisecond)
				release := row.until(acme)
				got := asked(t, func() answer { return row.ask(acme, h) })
				events[meanwhile].change(acme)
				release()
				a := <-got
				if told := a.told(); !slices.ContainsFunc(events[meanwhile].want, func(s string) bool {
					return strings.Contains(told, s)
				}) || a.data["sealed"] != nil || a.data["key"] != nil {
					t.Errorf("%d %s", a.status, told)
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

// told returns a refusal, a verdict, or those of a batch where all are the same.
func (a answer) told() string {
	var all []string
	rows, _ := a.data["results"].([]any)
	for _, row := range append(rows, a.data) {
		f, _ := row.(map[string]any)
		for _, name := range []string{"verdict", "error"} {
			if s, _ := f[name].(string); s != "" {
				all = append(all, s)
			}
		}
	}
	if all = slices.Compact(append(all, a.text)); len(all) > 2 {
		return fmt.Sprintf("not all the same: %q", all)
	}
	return strings.Join(all, " ")
}

// A pickup that has waited is judged once more, and hands nothing over for a version that has ended.
func TestPickupsThatWait(t *testing.T) {
	box := newMailbox(t)
	record := func(acme person) func() { return acme.w.holds("get keys/acme/external/billing") }
	suspended := func(acme person, _ holder) { suspend(acme) }
	for _, row := range []struct {
		name   string
		until  func(acme person) func()
		change func(acme person, old holder)
		want   string
	}{
		{"its turn, suspended", busyWalks, suspended, "tenant_suspended"},
		{"its turn, revoked", busyWalks, func(acme person, old holder) {
			acme.write(billing+"/revoke", fields{"key_id": old.keyID})
		}, "revoked"},
		{"its record, suspended", record, suspended, "tenant_suspended"},
		{"its record, ended", record, func(person, holder) { wait(4 * time.Hour) }, "has ended meanwhile"},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			old := acme.key(billing, fields{"recipients": []any{box.recipient()}, "overlap": "3h"})
			acme.write(billing+"/rotate", nil)
			release := row.until(acme)
			got := asked(t, func() answer { return w.root().write("pickup", old.call()) })
			row.change(acme, old)
			release()
			a := <-got
			told := a.told() + strings.Join(a.warnings, "")
			if a.data["sealed"] != nil || !strings.Contains(told, row.want) {
				t.Errorf("%s, sealed %v", told, a.data["sealed"] != nil)
			}
		})
	}
}

// Of an import, only those are made that were begun when the tenant was suspended.
func TestImportsEndWithASuspension(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		const workers, n = 16, 40
		acme, items := w.tenant("acme"), make([]any, n)
		for i := range items {
			_, items[i] = foreign(w, fmt.Sprintf("%c0Imported%02d", 'a'+i%16, i))
		}
		release := w.holds("put keys/acme/external/old")
		got := asked(t, func() answer { return acme.write("my/external/import", fields{"keys": items}) })
		suspend(acme)
		release()
		made := 0
		for _, r := range (<-got).rows("results") {
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
