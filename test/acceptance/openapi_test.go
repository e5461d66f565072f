//go:build acceptance

package acceptance

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// document is an OpenAPI document, as far as it is looked at here.
type document struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas map[string]struct{ Properties map[string]any }
	}
}

// operation is one verb of a path.
type operation struct {
	ID          string `json:"operationId"`
	Summary     string
	Description string
	Body        struct{ Content content } `json:"requestBody"`
	Responses   map[string]struct{ Content content }
}

type content map[string]struct {
	Schema struct {
		Ref string `json:"$ref"`
	}
}

// verbs are the keys of a path that are operations.
var verbs = []string{"delete", "get", "patch", "post"}

// openAPI returns the document that the mount itself has.
func (w *world) openAPI(t *testing.T) document {
	t.Helper()
	var help struct{ OpenAPI document }
	if err := json.Unmarshal(w.caller(t, "root").must("GET", "apikeys/?help=1", nil).body, &help); err != nil {
		t.Fatal(err)
	}
	if len(help.OpenAPI.Paths) == 0 {
		t.Fatal("no paths are documented")
	}
	return help.OpenAPI
}

// each calls do with each operation of the paths that begin with prefix.
func (d *document) each(t *testing.T, prefix string, do func(path, verb string, o operation)) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, verb := range verbs {
			text, has := d.Paths[path][verb]
			if !has || !strings.HasPrefix(path, prefix) {
				continue
			}
			var o operation
			if err := json.Unmarshal(text, &o); err != nil {
				t.Fatalf("%s %s: %v", verb, path, err)
			}
			do(path, verb, o)
		}
	}
}

// fields returns the names of the fields that a schema has.
func (d *document) fields(c content) []string {
	name := strings.TrimPrefix(c["application/json"].Schema.Ref, "#/components/schemas/")
	return slices.Sorted(maps.Keys(d.Components.Schemas[name].Properties))
}

// TestOpenAPI checks that every operation has an ID of its own, says what it does, and what it answers. That is so in
// the document of the mount. The one of the whole server loses all schemas of external plugins on the way, so of it the
// IDs alone are looked at.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	own := shared.openAPI(t)
	ids := map[string]string{}
	own.each(t, "/", func(path, verb string, o operation) {
		what := verb + " " + path
		if other, taken := ids[o.ID]; taken || o.ID == "" {
			t.Errorf("%s has the ID %q, as has %s", what, o.ID, other)
		}
		ids[o.ID] = what
		if o.Summary == "" || o.Description == "" {
			t.Errorf("%s does not say what it does", what)
		}
		answers := o.Responses["200"].Content
		if _, raw := answers["text/plain; version=0.0.4; charset=utf-8"]; raw == (len(own.fields(answers)) > 0) {
			t.Errorf("%s does not say what it answers", what)
		}
	})

	var whole document
	answer := shared.caller(t, "root").must("GET", "sys/internal/specs/openapi", nil)
	if err := json.Unmarshal(answer.body, &whole); err != nil {
		t.Fatal(err)
	}
	others := 0
	whole.each(t, "/", func(path, _ string, o operation) {
		switch mine := strings.HasPrefix(path, "/apikeys/"); {
		case mine && ids[o.ID] == "":
			t.Errorf("%s has the ID %q", path, o.ID)
		case mine:
			delete(ids, o.ID)
		case o.ID != "":
			if others++; ids[o.ID] != "" {
				t.Errorf("%s has the ID %q too", path, o.ID)
			}
		}
	})
	if len(ids) > 0 || others == 0 {
		t.Errorf("the server does not document %d operations, and documents %d others", len(ids), others)
	}
}
