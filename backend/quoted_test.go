package backend_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// Servers know some errors by their text alone: a caller who brings it into one would have its request forwarded, or
// told as a failure of the server.
func TestNoErrorQuotesWhatServersKnowByText(t *testing.T) {
	const known = "cannot write to readonly storage"
	asked, refused := 0, 0
	perOperation(t, func(t *testing.T, _ *world, o tried) {
		var tries []fields
		for _, name := range append(slices.Sorted(maps.Keys(o.route.Fields)), known) {
			for _, value := range []any{known, []any{known}, []any{map[string]any{known: known}}, map[string]any{known: known}} {
				f := maps.Clone(o.fields)
				f[name] = value
				tries = append(tries, f)
			}
		}
		paths := []string{o.path}
		for _, part := range []string{"acme", "external", "billing", "app", "tenants"} {
			if strings.Contains(o.path, part) {
				paths = append(paths, strings.ReplaceAll(o.path, part, known))
			}
		}
		for _, path := range paths {
			if path != o.path {
				tries = []fields{o.fields}
			}
			for _, f := range tries {
				a := o.who.trying().ask(o.op, path, f)
				if asked++; a.status >= 400 {
					refused++
				}
				if a.status >= 400 && strings.Contains(a.text, known) {
					t.Errorf("%s %v: %d %s", a.asked, f, a.status, a.text)
				}
			}
		}
	})
	if asked < 1000 || refused < asked/2 {
		t.Errorf("only %d of %d requests were refused", refused, asked)
	}
}
