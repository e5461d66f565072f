package field

import (
	"reflect"
	"testing"
)

// One line end is of the file that a value was given with, and no other character is.
func TestGiven(t *testing.T) {
	for name, row := range map[string]struct{ raw, want any }{
		"none":             {"90d", "90d"},
		"one":              {"90d\n", "90d"},
		"of two bytes":     {"90d\r\n", "90d"},
		"two":              {"90d\n\n", "90d\n"},
		"half of one":      {"90d\r", "90d\r"},
		"before the end":   {"a\nb", "a\nb"},
		"blanks":           {"90d \n", "90d "},
		"nothing else":     {"\n", ""},
		"in a list":        {[]any{"a=b\n", 7, "c=d"}, []any{"a=b", 7, "c=d"}},
		"in a list's list": {[]any{[]any{"a\n"}}, []any{[]any{"a\n"}}},
		"in an object":     {map[string]any{"a": "b\n"}, map[string]any{"a": "b\n"}},
		"no text":          {7.0, 7.0},
		"null":             {nil, nil},
	} {
		raw := map[string]any{"it": row.raw, "content": row.raw}
		got := Given(raw, "content")
		if want := (map[string]any{"it": row.want, "content": row.raw}); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if !reflect.DeepEqual(raw, map[string]any{"it": row.raw, "content": row.raw}) {
			t.Errorf("%s: what was given has changed: %q", name, raw)
		}
	}
}
