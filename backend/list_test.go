package backend_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// folder is a list, and how it gets entries.
type folder struct {
	path string
	make func(w *world, acme person, i int) string // returns the name
}

var folders = []folder{
	{"admin/tenants/", func(w *world, _ person, i int) string {
		name := fmt.Sprintf("t%03d", i)
		w.spa().write("admin/tenants/"+name, nil)
		return name
	}},
	{"my/external/keys/", func(_ *world, acme person, i int) string {
		name := fmt.Sprintf("k%03d", i)
		acme.write("my/external/keys/"+name, nil)
		return name
	}},
	{"my/internal/roles/", func(_ *world, acme person, i int) string {
		name := fmt.Sprintf("r%03d", i)
		acme.write("my/internal/roles/"+name, nil)
		return name
	}},
	{"my/external/leased/", func(_ *world, acme person, i int) string {
		if i == 0 {
			acme.write("my/external/roles/app", nil)
		}
		return acme.read("tenants/acme/external/creds/app").str("key_id")
	}},
}

// filled returns a reader of the folder with n entries, and their names.
func (f folder) filled(w *world, n int) (person, []string) {
	w.spa().write("admin/tenants/acme", nil)
	acme := w.someone("acme-admin", "acme")
	var names []string
	if f.path == "admin/tenants/" {
		names, n = []string{"acme"}, n-1
	}
	for i := range n {
		names = append(names, f.make(w, acme, i))
	}
	slices.Sort(names)
	if f.path == "admin/tenants/" {
		return w.spa(), names
	}
	return acme, names
}

func TestListsByPages(t *testing.T) {
	for _, f := range folders {
		clocked(t, f.path, func(t *testing.T, w *world) {
			who, names := f.filled(w, 5)
			whole := who.list(f.path, nil)
			if !slices.Equal(whole.keys(), names) || len(whole.warnings) != 0 {
				t.Errorf("%v %v, want %v", whole.keys(), whole.warnings, names)
			}
			info, _ := whole.data["key_info"].(fields)
			if len(info) != len(names) {
				t.Errorf("%d infos", len(info))
			}
			var seen []string
			after := ""
			for page := range 3 {
				a := who.list(f.path, fields{"after": after, "limit": 2})
				seen = append(seen, a.keys()...)
				if after = seen[len(seen)-1]; page < 2 {
					a.warns("of 5")
					a.warns("after=" + after)
				} else if len(a.warnings) != 0 {
					t.Errorf("the last page warns: %v", a.warnings)
				}
			}
			if !slices.Equal(seen, names) {
				t.Errorf("by pages %v, want %v", seen, names)
			}
			if rest := who.list(f.path, fields{"after": "zzzz"}); len(rest.keys()) != 0 {
				t.Errorf("after the end: %v", rest.keys())
			}
		})
	}
}

// A page has 100 unless asked otherwise, and never more than 1000.
func TestListLimits(t *testing.T) {
	for _, f := range folders {
		clocked(t, f.path, func(t *testing.T, w *world) {
			who, names := f.filled(w, 101)
			first := who.list(strings.TrimSuffix(f.path, "/"), nil)
			if !slices.Equal(first.keys(), names[:100]) {
				t.Errorf("%d names", len(first.keys()))
			}
			first.warns("100 of 101")
			first.warns("after=" + names[99])
			if all := who.list(f.path, fields{"limit": "1000"}); len(all.keys()) != 101 || len(all.warnings) != 0 {
				t.Errorf("%d names, %v", len(all.keys()), all.warnings)
			}
			for _, limit := range []any{0, -1, 1001, 1.5, "many", true} {
				who.refused(400, "limit").list(f.path, fields{"limit": limit})
			}
			who.refused(400, "after").list(f.path, fields{"after": strings.Repeat("x", 500)})
			who.refused(400, "befor").list(f.path, fields{"befor": "x"})
		})
	}
}

// Deleted roles leave a marker in storage, which no list shows or counts.
func TestMarkersAreNotListed(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		for _, name := range []string{"a", "b", "c", "d"} {
			acme.write("my/external/roles/"+name, nil)
		}
		acme.remove("my/external/roles/b")
		acme.remove("my/external/roles/d")
		a := acme.list("my/external/roles/", fields{"limit": 2})
		if got := a.keys(); !slices.Equal(got, []string{"a", "c"}) || len(a.warnings) != 0 {
			t.Errorf("%v, warnings %v", got, a.warnings)
		}
	})
}

// Deleted keys and tenants are listed until they are destroyed.
func TestDeletedAreListed(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write("my/external/keys/billing", nil)
		acme.remove("my/external/keys/billing")
		info := acme.list("my/external/keys/", nil).data["key_info"].(fields)["billing"].(fields)
		if info["state"] != "deleted" {
			t.Errorf("key: %v", info)
		}
		w.spa().remove("admin/tenants/acme")
		info = w.spa().list("admin/tenants/", nil).data["key_info"].(fields)["acme"].(fields)
		if info["state"] != "deleted" || info["keys"] != 1.0 {
			t.Errorf("tenant: %v", info)
		}
	})
}
