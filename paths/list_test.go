package paths_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// folder is a list, and how it gets entries.
type folder struct {
	path string
	make func(w *world, acme person, i int) string // returns the name
}

var folders = []folder{
	{"admin/tenants/", makeTenant},
	{"admin/report", makeTenant},
	{"my/external/keys/", func(_ *world, acme person, i int) string {
		name := fmt.Sprintf("k%03d", i)
		acme.Write("my/external/keys/"+name, nil)
		return name
	}},
	{"my/internal/roles/", func(_ *world, acme person, i int) string {
		name := fmt.Sprintf("r%03d", i)
		acme.Write("my/internal/roles/"+name, nil)
		return name
	}},
	{"my/external/leased/", func(_ *world, acme person, i int) string {
		if i == 0 {
			acme.Write("my/external/roles/app", nil)
		}
		return acme.Read("tenants/acme/external/creds/app").Str("key_id")
	}},
}

func makeTenant(w *world, _ person, i int) string {
	name := fmt.Sprintf("t%03d", i)
	w.SPA().Write("admin/tenants/"+name, nil)
	return name
}

// filled returns a reader of the folder with n entries, and their names.
func (f folder) filled(w *world, n int) (person, []string) {
	w.SPA().Write("admin/tenants/acme", nil)
	acme := w.Someone("acme-admin", "acme")
	var names []string
	if strings.HasPrefix(f.path, "admin/") {
		names, n = []string{"acme"}, n-1
	}
	for i := range n {
		names = append(names, f.make(w, acme, i))
	}
	slices.Sort(names)
	if strings.HasPrefix(f.path, "admin/") {
		return w.SPA(), names
	}
	return acme, names
}

// ask asks for the list, which of admin/report is a part of what is read.
func (f folder) ask(who person, given fields) answer {
	if f.path == "admin/report" {
		return who.Ask(logical.ReadOperation, f.path, given)
	}
	return who.List(f.path, given)
}

// names returns what was listed. All of it has to be described.
func (f folder) names(a answer) []string {
	a.T.Helper()
	if f.path == "admin/report" {
		names := []string{}
		for _, row := range a.Rows("tenants") {
			names = append(names, row["tenant"].(string))
		}
		return names
	}
	info, _ := a.Data["key_info"].(fields)
	for _, name := range a.Keys() {
		if info[name] == nil {
			a.T.Errorf("%s: nothing is told about %s", a.Asked, name)
		}
	}
	if len(info) != len(a.Keys()) {
		a.T.Errorf("%s: %d names, and of %d is told", a.Asked, len(a.Keys()), len(info))
	}
	return a.Keys()
}

// whole checks that an answer leaves nothing out and says nothing of pages.
func whole(a answer) {
	a.T.Helper()
	if a.Data["total"] != nil || a.Data["next"] != nil || len(a.Warnings) != 0 {
		a.T.Errorf("%s: total %v, next %v, warnings %v", a.Asked, a.Data["total"], a.Data["next"], a.Warnings)
	}
}

func TestListsAnswerEverything(t *testing.T) {
	for _, f := range folders {
		clocked(t, f.path, func(t *testing.T, w *world) {
			who, names := f.filled(w, 105)
			for _, given := range []fields{
				nil,
				{"limit": 0},
				{"limit": -1},
				{"limit": "-200"},
				{"limit": nil},
				{"limit": 105},
				{"limit": "1000"},
				{"after": nil},
			} {
				a := f.ask(who, given)
				if got := f.names(a); !slices.Equal(got, names) {
					t.Errorf("%v: %d names, want %d", given, len(got), len(names))
				}
				whole(a)
			}
			a := f.ask(who, fields{"after": names[101]})
			if got := f.names(a); !slices.Equal(got, names[102:]) {
				t.Errorf("after the 102nd: %v", got)
			}
			whole(a)
		})
	}
}

// Following next comes past each entry once, and every page but the last says how many there are.
func TestListsByPages(t *testing.T) {
	for _, f := range folders {
		clocked(t, f.path, func(t *testing.T, w *world) {
			who, names := f.filled(w, 6)
			for _, size := range []int{1, 2, 4, 5, 6, 7} {
				var seen []string
				for given := (fields{"limit": size}); ; {
					a := f.ask(who, given)
					page := f.names(a)
					if seen = append(seen, page...); len(seen) >= len(names) {
						whole(a)
						break
					}
					if len(page) != size || a.Num("total") != len(names) || a.Str("next") != page[size-1] ||
						len(a.Warnings) != 0 {
						t.Fatalf(
							"pages of %d: %v, total %v, next %v, warnings %v",
							size,
							page,
							a.Data["total"],
							a.Data["next"],
							a.Warnings,
						)
					}
					given = fields{"limit": size, "after": a.Str("next")}
				}
				if !slices.Equal(seen, names) {
					t.Errorf("pages of %d: %v, want %v", size, seen, names)
				}
			}
			if rest := f.names(f.ask(who, fields{"after": "zzzz"})); len(rest) != 0 {
				t.Errorf("after the end: %v", rest)
			}
		})
	}
}

// What cannot be a page is refused, and tells what can.
func TestListLimits(t *testing.T) {
	for _, f := range folders {
		clocked(t, f.path, func(_ *testing.T, w *world) {
			who, _ := f.filled(w, 2)
			for _, limit := range []any{1001, "1001", 1.5, "many", "", true, []any{1}} {
				f.ask(who.Refused(400, "limit: must be a whole number up to 1000"), fields{"limit": limit})
			}
			f.ask(who.Refused(400, "after"), fields{"after": strings.Repeat("x", 500)})
			f.ask(who.Refused(400, "after"), fields{"after": 7})
			f.ask(who.Refused(400, "befor"), fields{"befor": "x"})
		})
	}
}

// Deleted roles leave a marker in storage, which no list shows or counts.
func TestMarkersAreNotListed(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		for _, name := range []string{"a", "b", "c", "d"} {
			acme.Write("my/external/roles/"+name, nil)
		}
		acme.Remove("my/external/roles/b")
		acme.Remove("my/external/roles/d")
		a := acme.List("my/external/roles/", fields{"limit": 2})
		if got := a.Keys(); !slices.Equal(got, []string{"a", "c"}) {
			t.Errorf("%v", got)
		}
		whole(a)
		acme.List("my/external/roles/", fields{"limit": 1}).Is(fields{"total": 2, "next": "a"})
	})
}

// The report is of open tenants, and so is its total.
func TestReportsCountOpenTenants(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		for _, name := range []string{"acme", "bolt", "cogs"} {
			w.Tenant(name)
		}
		w.SPA().Remove("admin/tenants/cogs")
		w.SPA().Ask(logical.ReadOperation, "admin/report", fields{"limit": 1}).Is(fields{"total": 2, "next": "acme"})
		whole(w.SPA().Ask(logical.ReadOperation, "admin/report", fields{"limit": 2}))
	})
}

// Deleted keys and tenants are listed until they are destroyed.
func TestDeletedAreListed(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write("my/external/keys/billing", nil)
		acme.Remove("my/external/keys/billing")
		info := acme.List("my/external/keys/", nil).Data["key_info"].(fields)["billing"].(fields)
		if info["state"] != "deleted" {
			t.Errorf("key: %v", info)
		}
		w.SPA().Remove("admin/tenants/acme")
		info = w.SPA().List("admin/tenants/", nil).Data["key_info"].(fields)["acme"].(fields)
		if info["state"] != "deleted" || info["keys"] != 1.0 {
			t.Errorf("tenant: %v", info)
		}
	})
}

// What is due is cut too, and then says of how much.
func TestDueTellsHowMuchItLeavesOut(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		const keys = 501 // each expires, and is unrevealed
		w.Root().Write("config", fields{"max_keys": keys})
		for i := range keys {
			acme.Write(fmt.Sprintf("my/external/keys/k%03d", i), nil)
			if i == keys-2 {
				whole(acme.Ask(logical.ReadOperation, "my/due", fields{"within": "365d"}))
			}
		}
		a := acme.Ask(logical.ReadOperation, "my/due", fields{"within": "365d"})
		if a.Is(fields{"total": 2 * keys}); len(a.Rows("items")) != 1000 {
			t.Errorf("%d items", len(a.Rows("items")))
		}
		a.Warns("of 1002")
	})
}
