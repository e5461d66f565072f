package backend_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/hashicorp/vault/sdk/logical"
)

// mailbox is a recipient with what opens what is sealed to it.
type mailbox struct {
	t  *testing.T
	id *age.X25519Identity
}

func newMailbox(t *testing.T) mailbox {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return mailbox{t, id}
}

func (m mailbox) recipient() string { return m.id.Recipient().String() }

// opens returns the object that an answer holds sealed.
func (m mailbox) opens(a answer) fields {
	m.t.Helper()
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(a.str("sealed"))), m.id)
	if err != nil {
		m.t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	var f fields
	if err != nil || json.Unmarshal(text, &f) != nil {
		m.t.Fatalf("%v %s", err, text)
	}
	return f
}

// holder returns who opened the answer, and whose secret nobody else may see.
func (m mailbox) holder(w *world, a answer) holder {
	m.t.Helper()
	if _, there := a.data["key"]; there || a.data["credential"] != nil {
		m.t.Errorf("%s: the secret is in clear beside", a.asked)
	}
	return answer{t: m.t, data: m.opens(a)}.holder(w)
}

func TestHandover(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, box, other := w.tenant("acme"), newMailbox(t), newMailbox(t)
		acme.write(billing, fields{"reveal": "never", "recipients": []any{box.recipient(), other.recipient()}})
		acme.read(billing).is(fields{"unrevealed": true, "recipients": []any{box.recipient(), other.recipient()}})
		a := acme.read(billing + "/handover")
		h := box.holder(w, a)
		h.finds("valid")
		for name := range map[string]bool{
			"tenant": true, "kind": true, "name": true, "key_id": true, "key": true, "credential": true, "scheme": true,
			"issued_at": true, "expires_at": true,
		} {
			if _, there := box.opens(a)[name]; !there {
				t.Errorf("what is sealed has no %s", name)
			}
		}
		if again := other.holder(w, acme.read(billing+"/handover")); again.keyID != h.keyID {
			t.Error("another recipient gets another version")
		}
		k := acme.read(billing)
		k.is(fields{"unrevealed": false})
		if v := k.rows("versions")[0]; v["handed_over_at"] != stamp(0) || v["revealed_at"] != nil {
			t.Errorf("%v", v)
		}
		// A new version is handed over in its turn.
		acme.write(billing+"/rotate", nil)
		acme.read(billing).is(fields{"unrevealed": true})
		next := box.holder(w, acme.read(billing+"/handover"))
		if next.keyID == h.keyID {
			t.Error("the old version again")
		}
		next.finds("valid")

		acme.write("my/external/keys/plain", nil)
		acme.refused(400, "recipients").read("my/external/keys/plain/handover")
		acme.write(billing+"/disable", nil)
		acme.refused(400, "disabled").read(billing + "/handover")
	})
}

func TestRecipientsAreChecked(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, box := w.tenant("acme"), newMailbox(t)
		hybrid, err := age.GenerateHybridIdentity()
		w.must(err)
		for _, list := range []any{
			[]any{"age1x"},
			[]any{""},
			[]any{box.recipient(), box.recipient()},
			[]any{7},
			[]any{box.recipient(), hybrid.Recipient().String()},
			fields{},
		} {
			acme.refused(400, "recipients").write(billing, fields{"recipients": list})
		}
		acme.write(billing, fields{"recipients": box.recipient()}).is(fields{"recipients": []any{box.recipient()}})
		acme.patch(billing, fields{"recipients": nil}).is(fields{"recipients": []any{}})
		acme.refused(400, "recipient").write(billing+"/reveal", fields{"recipient": "age1x"})
		acme.write(billing, fields{"recipients": []any{hybrid.Recipient().String()}})
		if sealed := acme.read(billing + "/handover").str("sealed"); !strings.HasPrefix(sealed, "-----BEGIN AGE") {
			t.Error(sealed)
		}
	})
}

// Asked with a recipient, reveal and creds have nothing in clear, neither does the lease
// that Vault keeps; and a secret once revealed is revealed, sealed or not.
func TestSealedToACaller(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, box := w.tenant("acme"), newMailbox(t)
		acme.write(billing, nil)
		box.holder(w, acme.write(billing+"/reveal", fields{"recipient": box.recipient()})).finds("valid")
		acme.refused(409, "reveal").write(billing+"/reveal", nil)
		acme.write("my/external/roles/app", nil)
		a := acme.ask(logical.ReadOperation, "tenants/acme/external/creds/app", fields{"recipient": box.recipient()})
		l, h := a.lease(w), box.holder(w, a)
		h.finds("valid")
		l.renew(0).expect(200, "")
		l.end().expect(200, "")
		h.finds("revoked")
		acme.read("my/report") // what was revealed sealed is not in the clear
		acme.read(billing).is(fields{"unrevealed": false})
	})
}

// With force_wrap, whatever holds a secret is wrapped by Vault, and what is sealed is not.
func TestForcedWrapping(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, box := w.tenant("acme"), newMailbox(t)
		acme.write(billing, fields{"reveal": "always", "recipients": []any{box.recipient()}})
		acme.write("my/external/roles/app", nil)
		w.root().write("config", fields{"force_wrap": true})
		for _, row := range []struct {
			op      logical.Operation
			path    string
			f       fields
			wrapped bool
		}{
			{logical.UpdateOperation, billing + "/reveal", nil, true},
			{logical.ReadOperation, "my/external/static-creds/billing", nil, true},
			{logical.ReadOperation, "tenants/acme/external/creds/app", nil, true},
			{logical.UpdateOperation, billing + "/reveal", fields{"recipient": box.recipient()}, false},
			{logical.ReadOperation, billing + "/handover", nil, false},
			{logical.ReadOperation, billing, nil, false},
		} {
			resp, err := w.handle(acme.request(row.op, row.path, row.f))
			w.must(err)
			if got := resp.WrapInfo != nil && resp.WrapInfo.TTL == 5*time.Minute; got != row.wrapped {
				t.Errorf("%s %s: wrapped %v", row.op, row.path, resp.WrapInfo)
			}
		}
	})
}

// Who holds an overlapping version gets its successor, sealed; who does not, or has it
// already, gets nothing.
func TestPickup(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, box := w.tenant("acme"), newMailbox(t)
		old := acme.key(billing, fields{"recipients": []any{box.recipient()}, "replay": "off"})
		w.root().write("pickup", old.call()).is(fields{"verdict": "valid", "valid": true, "sealed": nil})
		acme.write(billing+"/rotate", nil)
		wait(time.Second)
		call := old.call()
		a := w.root().write("pickup", call)
		next := box.holder(w, a)
		if a.str("key_id") != next.keyID || next.keyID == old.keyID {
			t.Error(a.data)
		}
		next.finds("valid")
		acme.read(billing).is(fields{"unrevealed": false})
		// even where the key lets replays pass
		w.root().write("pickup", call).is(fields{"verdict": "replayed", "sealed": nil})
		w.root().write("pickup", old.forged()).is(fields{"verdict": "bad_signature", "sealed": nil, "key_id": nil})
		newest := w.root().write("pickup", next.call())
		newest.is(fields{"verdict": "valid", "sealed": nil})
		newest.warns("there is no successor to pick up")
		w.root().write("pickup", old.callAt(time.Now().Add(-time.Hour))).is(fields{"verdict": "too_old", "sealed": nil})
		acme.refused(403, "provider").write("pickup", call)
		w.root().refused(400, "message").write("pickup", fields{"message": "x"})

		acme.write(billing+"/disable", fields{"key_id": next.keyID})
		wait(time.Second)
		w.root().write("pickup", old.call()).is(fields{"verdict": "valid", "sealed": nil})
		acme.write(billing+"/enable", fields{"key_id": next.keyID})
		acme.patch(billing, fields{"recipients": nil})
		wait(time.Second)
		w.root().write("pickup", old.call()).is(fields{"verdict": "valid", "sealed": nil})
		acme.write(billing+"/revoke", fields{"key_id": old.keyID})
		wait(time.Second)
		w.root().write("pickup", old.call()).is(fields{"verdict": "revoked", "sealed": nil})
	})
}
