package backend_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/framework"
)

// Servers know some errors by their text alone: a caller who brings it into one would have its request forwarded, or
// told as a failure of the server.
func TestNoErrorQuotesWhatServersKnowByText(t *testing.T) {
	const known = "cannot write to readonly storage"
	asked, refused := 0, 0
	perOperation(t, func(t *testing.T, _ *world, o tried) {
		var tries []fields
		for _, name := range append(slices.Sorted(maps.Keys(o.route.Fields)), known) {
			for _, value := range []any{
				known, []any{known}, []any{map[string]any{known: known}}, map[string]any{known: known},
			} {
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
				a := o.who.Trying().Ask(o.op, path, f)
				if asked++; a.Status >= 400 {
					refused++
				}
				if a.Status >= 400 && strings.Contains(a.Text, known) {
					t.Errorf("%s %v: %d %s", a.Asked, f, a.Status, a.Text)
				}
			}
		}
	})
	if asked < 1000 || refused < asked/2 {
		t.Errorf("only %d of %d requests were refused", refused, asked)
	}
}

// What somebody pastes into the wrong field may be a secret: no refusal quotes it, be it of the request or of an item
// in a list, and no warning does. The audit log has refusals in clear.
func TestNoErrorQuotesAValue(t *testing.T) {
	const canary = "c4nary"
	asked, refused, items := 0, 0, 0
	perOperation(t, func(t *testing.T, _ *world, o tried) {
		for _, name := range slices.Sorted(maps.Keys(o.route.Fields)) {
			for _, value := range canaries(canary, o.route.Fields[name].Type == framework.TypeSlice) {
				f := maps.Clone(o.fields)
				f[name] = value
				a := o.who.Trying().Ask(o.op, o.path, f)
				told := append(slices.Clone(a.Warnings), a.Text)
				results, _ := a.Data["results"].([]any)
				for _, r := range results {
					if text, _ := r.(fields)["error"].(string); text != "" {
						told = append(told, text)
						items++
					}
				}
				if asked++; a.Status >= 400 {
					refused++
				}
				if text := strings.ToLower(strings.Join(told, "\n")); strings.Contains(text, canary) {
					t.Errorf("%s %v: %d %s", a.Asked, f, a.Status, text)
				}
			}
		}
	})
	if asked < 2000 || refused < asked/2 || items < 100 {
		t.Errorf("only %d of %d requests were refused, and %d items", refused, asked, items)
	}
}

// canaries are values with a word in them that nobody is to be told, in the forms that fields take; of lists of
// objects, in each field of one.
func canaries(word string, objects bool) (all []any) {
	const item = "key_id name key request message signature scheme tenant kind issued_at expires_at ttl"
	for _, text := range []string{
		word, "vak_" + strings.Repeat(word, 10) + "_x", word + "=" + word, "GET /" + word + "/**\n", "v1:" + word,
	} {
		one := fields{}
		for _, name := range strings.Fields(item) {
			if !objects {
				break
			}
			alone := fields{"name": "old", "key_id": "imported-2", "tenant": "acme", "kind": "external"}
			alone[name], one[name] = text, text
			all = append(all, []any{alone})
		}
		all = append(all, text, []any{text}, []any{text, text}, []any{one}, fields{"a": text})
	}
	return all
}
