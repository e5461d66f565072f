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
			o.who.write(path+first, nil)
		}
	}
	if path, ok := strings.CutSuffix(o.path, "/restore"); ok {
		o.who.remove(path)
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
		w.restart() // nothing is in memory
		done := false
		w.storage.hooks(func(verb, _ string) error {
			if done && (verb == get || verb == list) {
				return errStorage
			}
			return nil
		}, func(verb, path string) error {
			family, _, _ := strings.Cut(path, "/")
			done = done || verb == put && slices.Contains(records, family)
			return nil
		})
		a := o.who.trying().ask(o.op, o.path, o.fields)
		w.storage.hooks(nil, nil)
		if done {
			written++
		}
		if done && a.status != http.StatusOK {
			t.Errorf("%s has done its work, and answers %d %s", a.asked, a.status, a.text)
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
		acme := w.tenant("acme")
		_, l, h := app(acme, nil)
		w.storage.Write(t, "roles/acme/external/app", "{")
		w.restart()
		a := acme.write("my/external/leased/"+h.keyID+"/revoke", fields{"reason": "leaked"})
		a.is(fields{"state": "revoked", "reason": "leaked"})
		a.warns("role")
		l.end().expect(200, "")
	})
}
