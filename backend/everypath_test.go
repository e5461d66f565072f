package backend_test

import (
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// tried is one operation on a path that is there, and who may ask for it.
type tried struct {
	who    person
	op     logical.Operation
	path   string
	route  *framework.Path
	fields fields // enough to be answered well
}

// everything returns all operations in a world where all of them find what they want.
func everything(w *world) []tried {
	acme := w.Tenant("acme")
	w.Root().
		Write(
			"config",
			fields{
				"allow_import_until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "allow_local_verify": true,
			},
		)
	w.SPA().Patch("admin/tenants/acme", fields{"allow_local_verify": true})
	h := acme.Key("my/external/keys/billing", fields{"recipients": []any{aRecipient}})
	acme.Write("my/external/keys/billing/rotate", nil) // so that there is a successor to pick up
	acme.Write("my/external/keys/mistake", nil)
	acme.Remove("my/external/keys/mistake")
	_, _, leased := app(acme, nil)
	var all []tried
	for _, p := range w.Paths() {
		path := example(p, "acme", "external", "billing", "app", leased.KeyID)
		for _, op := range slices.Sorted(maps.Keys(p.Operations)) {
			who := acme
			if !strings.HasPrefix(path, "tenants/") && !strings.HasPrefix(path, "my") {
				who = w.SPA()
			}
			f := fields{}
			if strings.HasSuffix(path, "verify") || strings.HasSuffix(path, "explain") {
				f = h.Call()
			}
			if strings.HasSuffix(path, "pickup") {
				f = h.Call()
			}
			if strings.HasSuffix(path, "import") {
				f = fields{"keys": []any{fields{"name": "old", "key_id": "imported-1", "key": strings.Repeat("A", 43)}}}
			}
			if strings.HasSuffix(path, "/expire") {
				f = fields{"in": "1h"}
			}
			if strings.HasSuffix(path, "/extend") {
				f = fields{
					"expires_at": time.Now().Add(91 * 24 * time.Hour).Format(time.RFC3339),
					"reason":     "they are on holiday",
				}
			}
			path = strings.Replace(path, "/billing/purge", "/mistake/purge", 1)
			if strings.Contains(path, "/sign/") {
				f = fields{"request": "GET / HTTP/1.1\nHost: x"}
			}
			all = append(all, tried{who, op, path, p, f})
		}
	}
	return all
}

// perOperation runs a test for each operation in a world of its own.
func perOperation(t *testing.T, f func(t *testing.T, w *world, o tried)) {
	t.Helper()
	count := 0
	alone(t, func(_ *testing.T, w *world) { count = len(everything(w)) })
	if count < 70 {
		t.Fatalf("only %d operations", count)
	}
	for i := range count {
		alone(t, func(t *testing.T, w *world) { f(t, w, everything(w)[i]) })
	}
}

// Each operation is described, is found by exactly one pattern, and answers as its schema
// says: the harness validates every answer strictly.
func TestEveryOperationAnswers(t *testing.T) {
	perOperation(t, func(t *testing.T, w *world, o tried) {
		if strings.HasPrefix(o.path, "my") && strings.Contains(o.path, "/creds/") {
			o.who = o.who.Refused(http.StatusBadRequest, "tenants/acme")
		}
		a := o.who.Ask(o.op, o.path, o.fields)
		tenants := strings.HasPrefix(o.path, "tenants/") || strings.HasPrefix(o.path, "my")
		verify := strings.HasSuffix(o.path, "/verify")
		if tenants && !verify && a.Status == 200 && a.Data["tenant"] != "acme" {
			t.Errorf("%s: the answer's tenant is %v", a.Asked, a.Data["tenant"])
		}
		if len(a.Warnings) != 0 {
			t.Errorf("%s: warnings %v", a.Asked, a.Warnings)
		}
		found := 0
		for _, p := range w.Paths() {
			if regexp.MustCompile("^" + strings.Trim(p.Pattern, "^$") + "$").MatchString(o.path) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s matches %d patterns", o.path, found)
		}
	})
}

func TestEveryPathIsDescribed(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		names := make(map[string]string)
		for _, p := range w.Paths() {
			if p.HelpSynopsis == "" || p.HelpDescription == "" {
				t.Errorf("%s has no help", p.Pattern)
			}
			if p.ExistenceCheck != nil {
				t.Errorf("%s has an existence check", p.Pattern)
			}
			for name, f := range p.Fields {
				if f.Description == "" {
					t.Errorf("%s: %s is not described", p.Pattern, name)
				}
			}
			if other, taken := names[p.DisplayAttrs.OperationSuffix]; taken {
				t.Errorf("%s and %s are both called %s", other, p.Pattern, p.DisplayAttrs.OperationSuffix)
			}
			names[p.DisplayAttrs.OperationSuffix] = p.Pattern
			for op, o := range p.Operations {
				described(t, string(op)+" "+p.Pattern, o.Properties())
			}
			path := strings.TrimSuffix(example(p, "acme", "external", "billing", "app", "0123456789abcdef"), "/")
			help, err := w.Handle(&logical.Request{Operation: logical.HelpOperation, Path: path})
			if err != nil || !strings.Contains(help.Data["help"].(string), p.HelpSynopsis) {
				t.Errorf("%s: path-help: %v", p.Pattern, err)
			}
		}
	})
}

func described(t *testing.T, what string, o framework.OperationProperties) {
	t.Helper()
	if o.Summary == "" || o.Description == "" {
		t.Errorf("%s: summary %q, description %q", what, o.Summary, o.Description)
	}
	ok := o.Responses[http.StatusOK]
	if len(ok) != 1 || len(ok[0].Fields) == 0 && ok[0].MediaType == "" {
		t.Fatalf("%s: no schema of its answer", what)
	}
	for name, f := range ok[0].Fields {
		if f.Description == "" {
			t.Errorf("%s: %s of the answer is not described", what, name)
		}
		if name == "error" {
			t.Errorf("%s: a field called error turns an answer into a refusal", what)
		}
	}
	if !o.ForwardPerformanceStandby || !o.ForwardPerformanceSecondary {
		t.Errorf("%s is not forwarded", what)
	}
}

// An unknown field is refused by its name, beside good ones and alone, in body and query.
func TestEveryOperationRefusesUnknownFields(t *testing.T) {
	perOperation(t, func(t *testing.T, w *world, o tried) {
		f := maps.Clone(o.fields)
		f["zeal"] = "x"
		if c := w.Cost(func() { o.who.Refused(400, "zeal").Ask(o.op, o.path, f) }); c.Puts+c.Deletes != 0 {
			t.Errorf("%s %s: %+v", o.op, o.path, c)
		}
		for _, name := range []string{"tenant", "kind", "name", "role"} {
			if name == "role" && strings.HasSuffix(o.path, "/leased/") {
				continue // there it is a filter
			}
			f = maps.Clone(o.fields)
			f[name] = "acme"
			o.who.Refused(400, name).Ask(o.op, o.path, f)
		}
	})
}

// A node that may not write forwards: everything, since all of it writes or is exact.
func TestEveryOperationIsForwarded(t *testing.T) {
	for _, state := range []consts.ReplicationState{
		consts.ReplicationPerformanceStandby, consts.ReplicationPerformanceSecondary,
	} {
		alone(t, func(t *testing.T, w *world) {
			all := everything(w)
			w.Vault.Change(func(v *vault) { v.State = state })
			w.Restart()
			for _, o := range all {
				var err error
				c := w.Cost(func() { _, err = w.Handle(o.who.Request(o.op, o.path, o.fields)) })
				if err == nil || !strings.Contains(err.Error(), logical.ErrReadOnly.Error()) ||
					c.Gets+c.Puts+c.Lists != 0 {
					t.Errorf("%s %s: %v, %+v", o.op, o.path, err, c)
				}
			}
		})
	}
}

// Storage that turns out to be read-only is told so that Vault forwards the request.
func TestReadOnlyStorageIsForwarded(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.Storage.Hooks(func(verb, _ string) error {
			if verb == put {
				return errors.New("rpc error: " + logical.ErrReadOnly.Error()) // as gRPC brings it
			}
			return nil
		}, nil)
		_, err := w.Handle(acme.Request(logical.UpdateOperation, "my/external/keys/billing", nil))
		if err == nil || err.Error() != logical.ErrReadOnly.Error() {
			w.T.Errorf("got %v", err)
		}
	})
}
