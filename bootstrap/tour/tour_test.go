package tour

import (
	"maps"
	"regexp"
	"testing"
)

func TestAnswer(t *testing.T) {
	for _, test := range []struct {
		name, output string
		want         map[string]string
	}{
		{"nothing", "", map[string]string{}},
		{
			"table", "Key     Value\n---     -----\nvalid   true\nreason  two words\nnone    \n",
			map[string]string{"Key": "Value", "---": "-----", "valid": "true", "reason": "two words", "none": ""},
		},
		{
			"wrapped", "Key                Value\nwrapping_token:    hvs.x\n",
			map[string]string{"Key": "Value", "wrapping_token": "hvs.x"},
		},
		{
			"JSON of an answer",
			`{"lease_id": "l", "data": {"ttl": 3600, "on": false, "none": null, "list": [{"id": "a"}, {"id": "b"}]}}`,
			map[string]string{"ttl": "3600", "on": "false", "none": "", "list.0.id": "a", "list.1.id": "b"},
		},
		{"JSON of a list", `["a", "b"]`, map[string]string{"0": "a", "1": "b"}},
		{"JSON without data", `{"errors": ["no"], "data": null}`, map[string]string{"errors.0": "no", "data": ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Answer(test.output); !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestSteps checks that each step is by somebody known, is checked at all, and needs nothing that no earlier step kept.
func TestSteps(t *testing.T) {
	known := map[string]bool{"integrator": true}
	for _, person := range append(Provider(), append(Staff("acme"), Staff("globex")...)...) {
		known[person.Name] = true
	}
	kept := map[string]bool{}
	needs := regexp.MustCompile(`\{(\w+)\}`)
	for _, step := range append(Steps(), Next()...) {
		if !known[step.Who] {
			t.Errorf("%s: nobody is called %s", step.Run, step.Who)
		}
		texts := []string{step.Run}
		for _, want := range step.Want {
			texts = append(texts, want)
		}
		for _, text := range texts {
			for _, need := range needs.FindAllStringSubmatch(text, -1) {
				if !kept[need[1]] {
					t.Errorf("%s: nothing was kept as %s", step.Run, need[1])
				}
			}
		}
		for name := range step.Keep {
			kept[name] = true
		}
	}
	if len(Steps()) == 0 {
		t.Error("there are no steps")
	}
}
