package backend_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// answer is what came back from a request, as it crosses gRPC: all numbers are float64.
type answer struct {
	t        testing.TB
	asked    string
	path     string
	status   int
	text     string // of a refusal
	data     map[string]any
	warnings []string
	secret   *logical.Secret
}

// newAnswer computes the status that Vault's HTTP layer would answer. That it makes 404
// of an empty list is left out.
func newAnswer(t testing.TB, req *logical.Request, resp *logical.Response, err error) answer {
	a := answer{t: t, asked: string(req.Operation) + " " + req.Path, path: req.Path, status: http.StatusOK}
	if resp != nil {
		a.data, a.warnings, a.secret = resp.Data, resp.Warnings, resp.Secret
	}
	if err != nil || resp.IsError() {
		a.status, err = logical.RespondErrorCommon(req, resp, err)
		logical.AdjustErrorStatusCode(&a.status, err)
		a.text = err.Error()
	}
	return a
}

func (a answer) expect(status int, about string) {
	a.t.Helper()
	if a.status != status || !strings.Contains(a.text, about) {
		a.t.Fatalf("%s: %d %q, want %d about %q", a.asked, a.status, a.text, status, about)
	}
	if status != http.StatusOK && len(strings.TrimSpace(a.text)) == 0 {
		a.t.Fatalf("%s: a refusal without a text", a.asked)
	}
}

// str returns a text of the answer, which has to be there.
func (a answer) str(name string) string {
	a.t.Helper()
	s, ok := a.data[name].(string)
	if !ok {
		a.t.Fatalf("%s: %s is %v", a.asked, name, a.data[name])
	}
	return s
}

func (a answer) num(name string) int {
	a.t.Helper()
	n, ok := a.data[name].(float64)
	if !ok {
		a.t.Fatalf("%s: %s is %v", a.asked, name, a.data[name])
	}
	return int(n)
}

// keys returns the names of a list.
func (a answer) keys() []string {
	a.t.Helper()
	raw, _ := a.data["keys"].([]any)
	names := make([]string, len(raw))
	for i, n := range raw {
		names[i] = n.(string)
	}
	return names
}

// rows returns a list of objects of the answer.
func (a answer) rows(name string) []fields {
	a.t.Helper()
	raw, ok := a.data[name].([]any)
	if !ok {
		a.t.Fatalf("%s: %s is %v", a.asked, name, a.data[name])
	}
	all := make([]fields, len(raw))
	for i, r := range raw {
		all[i] = r.(fields)
	}
	return all
}

// is holds some of the answer's data against what it should be. Numbers may be int.
func (a answer) is(want fields) {
	a.t.Helper()
	for name, v := range want {
		if n, ok := v.(int); ok {
			v = float64(n)
		}
		if got := a.data[name]; !reflect.DeepEqual(got, v) {
			a.t.Errorf("%s: %s is %v, want %v", a.asked, name, got, v)
		}
	}
}

// silent checks that an answer has no warnings.
func (a answer) silent() {
	a.t.Helper()
	if len(a.warnings) > 0 {
		a.t.Errorf("%s: warnings %q", a.asked, a.warnings)
	}
}

// warns reports that one of the warnings names something.
func (a answer) warns(about string) {
	a.t.Helper()
	if !strings.Contains(strings.Join(a.warnings, "\n"), about) {
		a.t.Errorf("%s: warnings %q, want one about %q", a.asked, a.warnings, about)
	}
}
