package field

import (
	"reflect"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
)

type thing struct {
	Owner  string
	Life   time.Duration
	Mode   string
	Labels map[string]string
}

var things = []Setting[thing]{
	Text("owner", "Who answers for it.", 8, func(t *thing) *string { return &t.Owner }),
	Duration("life", "How long it lives.", 0, time.Hour, func(t *thing) *time.Duration { return &t.Life }),
	Choice("mode", "How it works.", []string{"on", "off"}, func(t *thing) *string { return &t.Mode }),
	NewSetting("labels", Schema(framework.TypeKVPairs, "What it is called."),
		func(t *thing) *map[string]string { return &t.Labels },
		func(raw any, old map[string]string, patch bool) (map[string]string, error) {
			return ParsePairs("labels", raw, old, patch)
		},
		func(m map[string]string) any { return m }),
}

// What a caller gives of some settings, as policy: what is left out stays, null and an empty text set the default, and
// a patch is merged into what is there.
func TestApply(t *testing.T) {
	old := thing{"bolt", time.Minute, "off", map[string]string{"a": "1"}}
	defaults := thing{"nobody", time.Hour, "on", nil}
	type given = map[string]any
	for name, row := range map[string]struct {
		given given
		patch bool
		want  thing
		wrong string // the field of a refusal
	}{
		"nothing":       {given{}, false, old, ""},
		"one":           {given{"life": "30s"}, false, thing{"bolt", 30 * time.Second, "off", old.Labels}, ""},
		"null":          {given{"life": nil, "mode": nil}, true, thing{"bolt", time.Hour, "on", old.Labels}, ""},
		"an empty text": {given{"owner": "", "labels": ""}, false, thing{"nobody", time.Minute, "off", nil}, ""},
		"in its place": {
			given{"labels": given{"b": "2"}}, false, thing{"bolt", time.Minute, "off", map[string]string{"b": "2"}}, "",
		},
		"merged": {
			given{"labels": given{"b": "2"}},
			true,
			thing{"bolt", time.Minute, "off", map[string]string{"a": "1", "b": "2"}},
			"",
		},
		"another word":    {given{"mode": "auto"}, false, thing{}, "mode"},
		"over the bound":  {given{"owner": "123456789"}, false, thing{}, "owner"},
		"another's field": {given{"color": "red"}, false, old, ""},
	} {
		got := old
		err := Apply(things, row.given, row.patch, &got, &defaults)
		if (err != nil) != (row.wrong != "") || err == nil && !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		refusedByName(t, err, row.wrong)
	}
}

// What is shown can be written, and is what it was.
func TestShownIsWritten(t *testing.T) {
	from := thing{"bolt", 90 * time.Second, "off", nil}
	data := make(map[string]any)
	Show(data, things[:3], &from)
	if want := (map[string]any{"owner": "bolt", "life": int64(90), "mode": "off"}); !reflect.DeepEqual(data, want) {
		t.Errorf("shown: %v", data)
	}
	data["life"] = 90.0 // as JSON has it
	var to thing
	if err := Apply(things, data, false, &to, new(thing)); err != nil || !reflect.DeepEqual(to, from) {
		t.Errorf("written: %v, %v", to, err)
	}
}
