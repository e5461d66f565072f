package paths_test

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
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(a.Str("sealed"))), m.id)
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
	if _, there := a.Data["key"]; there || a.Data["credential"] != nil {
		m.t.Errorf("%s: the secret is in clear beside", a.Asked)
	}
	return answer{T: m.t, Data: m.opens(a)}.Holder(w)
}

func TestHandover(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, box, other := w.Tenant("acme"), newMailbox(t), newMailbox(t)
		acme.Write(billing, fields{"reveal": "never", "recipients": []any{box.recipient(), other.recipient()}})
		acme.Read(billing).Is(fields{"unrevealed": true, "recipients": []any{box.recipient(), other.recipient()}})
		a := acme.Read(billing + "/handover")
		h := box.holder(w, a)
		h.Finds("valid")
		for name := range map[string]bool{
			"tenant": true, "kind": true, "name": true, "key_id": true, "key": true, "credential": true, "scheme": true,
			"issued_at": true, "expires_at": true,
		} {
			if _, there := box.opens(a)[name]; !there {
				t.Errorf("what is sealed has no %s", name)
			}
		}
		if again := other.holder(w, acme.Read(billing+"/handover")); again.KeyID != h.KeyID {
			t.Error("another recipient gets another version")
		}
		k := acme.Read(billing)
		k.Is(fields{"unrevealed": false})
		if v := k.Rows("versions")[0]; v["handed_over_at"] != stamp(0) || v["revealed_at"] != nil {
			t.Errorf("%v", v)
		}
		// A new version is handed over in its turn.
		acme.Write(billing+"/rotate", nil)
		acme.Read(billing).Is(fields{"unrevealed": true})
		next := box.holder(w, acme.Read(billing+"/handover"))
		if next.KeyID == h.KeyID {
			t.Error("the old version again")
		}
		next.Finds("valid")

		acme.Write("my/external/keys/plain", nil)
		acme.Refused(400, "recipients").Read("my/external/keys/plain/handover")
		acme.Write(billing+"/disable", nil)
		acme.Refused(400, "disabled").Read(billing + "/handover")
	})
}

func TestRecipientsAreChecked(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, box := w.Tenant("acme"), newMailbox(t)
		hybrid, err := age.GenerateHybridIdentity()
		w.Must(err)
		for _, list := range []any{
			[]any{"age1x"},
			[]any{""},
			[]any{box.recipient(), box.recipient()},
			[]any{7},
			[]any{box.recipient(), hybrid.Recipient().String()},
			fields{},
		} {
			acme.Refused(400, "recipients").Write(billing, fields{"recipients": list})
		}
		acme.Write(billing, fields{"recipients": box.recipient()}).Is(fields{"recipients": []any{box.recipient()}})
		acme.Patch(billing, fields{"recipients": nil}).Is(fields{"recipients": []any{}})
		acme.Refused(400, "recipient").Write(billing+"/reveal", fields{"recipient": "age1x"})
		acme.Write(billing, fields{"recipients": []any{hybrid.Recipient().String()}})
		if sealed := acme.Read(billing + "/handover").Str("sealed"); !strings.HasPrefix(sealed, "-----BEGIN AGE") {
			t.Error(sealed)
		}
	})
}

// Asked with a recipient, reveal and creds have nothing in clear, neither does the lease
// that Vault keeps; and a secret once revealed is revealed, sealed or not.
func TestSealedToACaller(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, box := w.Tenant("acme"), newMailbox(t)
		acme.Write(billing, nil)
		box.holder(w, acme.Write(billing+"/reveal", fields{"recipient": box.recipient()})).Finds("valid")
		acme.Refused(409, "reveal").Write(billing+"/reveal", nil)
		acme.Write("my/external/roles/app", nil)
		a := acme.Ask(logical.ReadOperation, "tenants/acme/external/creds/app", fields{"recipient": box.recipient()})
		l, h := a.Lease(w), box.holder(w, a)
		h.Finds("valid")
		l.Renew(0).Expect(200, "")
		l.End().Expect(200, "")
		h.Finds("revoked")
		acme.Read("my/report") // what was revealed sealed is not in the clear
		acme.Read(billing).Is(fields{"unrevealed": false})
	})
}

// With force_wrap, whatever holds a secret is wrapped by Vault, and what is sealed is not.
func TestForcedWrapping(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, box := w.Tenant("acme"), newMailbox(t)
		acme.Write(billing, fields{"reveal": "always", "recipients": []any{box.recipient()}})
		acme.Write("my/external/roles/app", nil)
		w.Root().Write("config", fields{"force_wrap": true})
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
			resp, err := w.Handle(acme.Request(row.op, row.path, row.f))
			w.Must(err)
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
		acme, box := w.Tenant("acme"), newMailbox(t)
		old := acme.Key(billing, fields{"recipients": []any{box.recipient()}, "replay": "off"})
		w.Root().Write("pickup", old.Call()).Is(fields{"verdict": "valid", "valid": true, "sealed": nil})
		acme.Write(billing+"/rotate", nil)
		wait(time.Second)
		call := old.Call()
		a := w.Root().Write("pickup", call)
		next := box.holder(w, a)
		if a.Str("key_id") != next.KeyID || next.KeyID == old.KeyID {
			t.Error(a.Data)
		}
		next.Finds("valid")
		acme.Read(billing).Is(fields{"unrevealed": false})
		// even where the key lets replays pass
		w.Root().Write("pickup", call).Is(fields{"verdict": "replayed", "sealed": nil})
		w.Root().Write("pickup", old.Forged()).Is(fields{"verdict": "bad_signature", "sealed": nil, "key_id": nil})
		newest := w.Root().Write("pickup", next.Call())
		newest.Is(fields{"verdict": "valid", "sealed": nil})
		newest.Warns("there is no successor to pick up")
		w.Root().Write("pickup", old.CallAt(time.Now().Add(-time.Hour))).Is(fields{"verdict": "too_old", "sealed": nil})
		acme.Refused(403, "provider").Write("pickup", call)
		w.Root().Refused(400, "message").Write("pickup", fields{"message": "x"})

		acme.Write(billing+"/disable", fields{"key_id": next.KeyID})
		wait(time.Second)
		w.Root().Write("pickup", old.Call()).Is(fields{"verdict": "valid", "sealed": nil})
		acme.Write(billing+"/enable", fields{"key_id": next.KeyID})
		acme.Patch(billing, fields{"recipients": nil})
		wait(time.Second)
		w.Root().Write("pickup", old.Call()).Is(fields{"verdict": "valid", "sealed": nil})
		acme.Write(billing+"/revoke", fields{"key_id": old.KeyID})
		wait(time.Second)
		w.Root().Write("pickup", old.Call()).Is(fields{"verdict": "revoked", "sealed": nil})
	})
}
