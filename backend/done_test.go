package backend_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// undone brings what an operation changes into the state in which it has something to do.
func undone(o tried) {
	for verb, first := range map[string]string{"/resume": "/suspend", "/enable": "/disable"} {
		if path, ok := strings.CutSuffix(o.path, verb); ok {
			o.who.Write(path+first, nil)
		}
	}
	if path, ok := strings.CutSuffix(o.path, "/restore"); ok {
		o.who.Remove(path)
	}
}

// What has been written is not answered with an error: whatever the answer needs is read before.
func TestWhatIsDoneIsNotAnsweredWithAnError(t *testing.T) {
	written, records := 0, []string{"config", "tenants", "keys", "leased", "roles"}
	perOperation(t, func(t *testing.T, w *world, o tried) {
		if len(o.fields) == 0 && (o.op == logical.PatchOperation || o.op == logical.UpdateOperation) {
			o.fields = changing(o)
		}
		undone(o)
		w.Restart() // nothing is in memory
		done := false
		w.Storage.Hooks(func(verb, _ string) error {
			if done && (verb == get || verb == list) {
				return errStorage
			}
			return nil
		}, func(verb, path string) error {
			family, _, _ := strings.Cut(path, "/")
			done = done || (verb == put || verb == del) && slices.Contains(records, family)
			return nil
		})
		a := o.who.Trying().Ask(o.op, o.path, o.fields)
		w.Storage.Hooks(nil, nil)
		if done {
			written++
		}
		if done && a.Status != http.StatusOK {
			t.Errorf("%s has done its work, and answers %d %s", a.Asked, a.Status, a.Text)
		}
	})
	if written < 45 {
		t.Errorf("only %d operations have written something", written)
	}
}

// changing returns fields that change an object.
func changing(o tried) fields {
	f := fields{}
	for _, name := range []string{"display_name", "description", "max_keys"} {
		if o.route.Fields[name] != nil {
			f[name] = "77"
		}
	}
	return f
}

// A damaged role keeps nobody from revoking a key of its.
func TestRevokeBesideADamagedRole(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, l, h := app(acme, nil)
		w.Storage.Write(t, "roles/acme/external/app", "{")
		w.Restart()
		a := acme.Write("my/external/leased/"+h.KeyID+"/revoke", fields{"reason": "leaked"})
		a.Is(fields{"state": "revoked", "reason": "leaked"})
		a.Warns("role")
		l.End().Expect(200, "")
	})
}
