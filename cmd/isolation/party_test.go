package main

import "testing"

func TestOneUser(t *testing.T) {
	side := func(name string, entities ...string) *party {
		p := &party{Name: name}
		for _, id := range entities {
			p.Callers = append(p.Callers, &caller{entityID: id})
		}
		return p
	}
	for _, row := range []struct {
		spa, a, b string
		holes     int
	}{
		{"s", "x", "y", 0},
		{"", "", "", 0},
		{"s", "x", "x", 1},
		{"x", "x", "y", 1},
		{"y", "x", "y", 1},
		{"x", "x", "x", 3},
	} {
		r := &run{report: &report{}}
		r.spa, r.a, r.b = side("SPA", row.spa), side("tenant A", "n", row.a), side("tenant B", row.b)
		apart := r.oneUser()
		w := r.report.Walls[0]
		if len(w.Holes) != row.holes || apart != (row.holes == 0) || w.Tries != 5 || w.ByIdentity != 5-row.holes ||
			(len(r.report.Notes) > 0) == apart {
			t.Errorf("%v: %+v, notes %v", row, w, r.report.Notes)
		}
	}
}

func TestWhatAnEntitySays(t *testing.T) {
	alias := func(mount string, metadata map[string]any) any {
		return map[string]any{"mount_accessor": mount, "metadata": metadata}
	}
	c := &caller{aliases: []any{
		alias("auth_jwt_2", map[string]any{"org": "globex"}), alias("auth_jwt_1", map[string]any{"org": "acme"}), nil,
	}}
	for _, row := range []struct {
		claims []string
		want   string
	}{
		{nil, ""}, {[]string{"auth_jwt_1:org"}, "acme"}, {[]string{"auth_jwt_1:tenant", "auth_jwt_2:org"}, "globex"},
	} {
		if got := c.said("tenant", row.claims); got != row.want {
			t.Errorf("%q: %q", row.claims, got)
		}
	}
	c.metadata = map[string]any{"tenant": "initech"}
	if got := c.said("tenant", []string{"auth_jwt_1:org"}); got != "initech" {
		t.Error(got)
	}
}
