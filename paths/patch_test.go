package paths_test

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// cas makes a write exact: 0 is "must not exist", a stale one is a 409.
func TestCAS(t *testing.T) {
	for _, o := range objects {
		clocked(t, o.name, func(_ *testing.T, w *world) {
			who := o.opened(w)
			if o.creates {
				path := strings.Replace(o.path, "acme", "bolt", 1)
				who.Refused(409, "cas").Write(path, fields{"cas": 1})
				who.Write(path, fields{"cas": 0})
				who.Refused(409, "cas").Write(path, fields{"cas": 0})
			}
			revision := who.Read(o.path).Num("revision")
			who.Refused(409, "cas").Patch(o.path, with(o.fields, fields{"cas": revision + 1, "scheme": nil}, o))
			who.Patch(o.path, with(o.fields, fields{"cas": revision}, o)).Is(fields{"revision": revision + 1})
			who.Refused(409, "cas").Patch(o.path, with(o.fields, fields{"cas": revision}, o))
			who.Refused(400, "cas").Patch(o.path, fields{"cas": -1})
			who.Refused(400, "cas").Patch(o.path, fields{"cas": "soon"})
		})
	}
}

// with returns the object's fields that may change, and others.
func with(f, others fields, o object) fields {
	all := maps.Clone(f)
	maps.Copy(all, others)
	delete(all, "scheme")
	delete(all, "expires_at")
	if o.name == "config" {
		delete(all, "tenant_metadata")
	}
	return all
}

func TestPatchOfNothingIs404(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Refused(404, "billing").Patch("my/external/keys/billing", fields{"owner": "x"})
		acme.Refused(404, "billing").Patch("my/external/keys/billing", fields{"cas": 0})
		acme.Refused(404, "app").Patch("my/external/roles/app", fields{"ttl": 60})
		w.SPA().Refused(404, "bolt").Patch("admin/tenants/bolt", fields{"display_name": "x"})
		w.Someone("bolt-admin", "bolt").Refused(404, "bolt").Patch("my", fields{"max_keys": 1})
	})
}

// A patch merges maps (RFC 7396), a write replaces them; the command line sends pairs.
func TestMaps(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		const path = "my/external/keys/billing"
		for _, step := range []struct {
			verb  logical.Operation
			value any
			want  fields
		}{
			{logical.UpdateOperation, fields{"a": "1", "b": "2"}, fields{"a": "1", "b": "2"}},
			{logical.PatchOperation, fields{"c": "3"}, fields{"a": "1", "b": "2", "c": "3"}},
			{logical.PatchOperation, fields{"a": nil, "b": "x"}, fields{"b": "x", "c": "3"}},
			{logical.UpdateOperation, fields{"d": "4"}, fields{"d": "4"}},
			{logical.UpdateOperation, "e=5", fields{"e": "5"}},
			{logical.UpdateOperation, []any{"f=6", "g=h=i"}, fields{"f": "6", "g": "h=i"}},
			{logical.UpdateOperation, nil, fields{}},
		} {
			acme.Ask(step.verb, path, fields{"metadata": step.value})
			if got := acme.Read(path).Data["metadata"]; !reflect.DeepEqual(got, step.want) {
				t.Errorf("%s of %v: %v, want %v", step.verb, step.value, got, step.want)
			}
		}
		acme.Refused(400, "metadata").Write(path, fields{"metadata": fields{"a": nil}})
		acme.Refused(400, "metadata").Write(path, fields{"metadata": fields{"": "x"}})
		acme.Refused(400, "metadata").Write(path, fields{"metadata": "no pair"})
	})
}
