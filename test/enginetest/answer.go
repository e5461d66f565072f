package enginetest

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// Answer is what came back from a request, as it crosses gRPC: all numbers are float64.
type Answer struct {
	T        testing.TB
	Asked    string
	Path     string
	Status   int
	Text     string // of a refusal
	Data     map[string]any
	Warnings []string
	Secret   *logical.Secret
}

// NewAnswer computes the status that Vault's HTTP layer would answer. That it makes 404
// of an empty list is left out.
func NewAnswer(t testing.TB, req *logical.Request, resp *logical.Response, err error) Answer {
	a := Answer{T: t, Asked: string(req.Operation) + " " + req.Path, Path: req.Path, Status: http.StatusOK}
	if resp != nil {
		a.Data, a.Warnings, a.Secret = resp.Data, resp.Warnings, resp.Secret
	}
	if err != nil || resp.IsError() {
		a.Status, err = logical.RespondErrorCommon(req, resp, err)
		logical.AdjustErrorStatusCode(&a.Status, err)
		a.Text = err.Error()
	}
	return a
}

// Expect ends the test unless the answer has the status and its text names what it is about.
func (a Answer) Expect(status int, about string) {
	a.T.Helper()
	if a.Status != status || !strings.Contains(a.Text, about) {
		a.T.Fatalf("%s: %d %q, want %d about %q", a.Asked, a.Status, a.Text, status, about)
	}
	if status != http.StatusOK && len(strings.TrimSpace(a.Text)) == 0 {
		a.T.Fatalf("%s: a refusal without a text", a.Asked)
	}
}

// Str returns a text of the answer, which has to be there.
func (a Answer) Str(name string) string {
	a.T.Helper()
	s, ok := a.Data[name].(string)
	if !ok {
		a.T.Fatalf("%s: %s is %v", a.Asked, name, a.Data[name])
	}
	return s
}

// Num returns a number of the answer, which has to be there.
func (a Answer) Num(name string) int {
	a.T.Helper()
	n, ok := a.Data[name].(float64)
	if !ok {
		a.T.Fatalf("%s: %s is %v", a.Asked, name, a.Data[name])
	}
	return int(n)
}

// Keys returns the names of a list.
func (a Answer) Keys() []string {
	a.T.Helper()
	raw, _ := a.Data["keys"].([]any)
	names := make([]string, len(raw))
	for i, n := range raw {
		names[i] = n.(string)
	}
	return names
}

// Rows returns a list of objects of the answer.
func (a Answer) Rows(name string) []Fields {
	a.T.Helper()
	raw, ok := a.Data[name].([]any)
	if !ok {
		a.T.Fatalf("%s: %s is %v", a.Asked, name, a.Data[name])
	}
	all := make([]Fields, len(raw))
	for i, r := range raw {
		all[i] = r.(Fields)
	}
	return all
}

// Is holds some of the answer's data against what it should be. Numbers may be int.
func (a Answer) Is(want Fields) {
	a.T.Helper()
	for name, v := range want {
		if n, ok := v.(int); ok {
			v = float64(n)
		}
		if got := a.Data[name]; !reflect.DeepEqual(got, v) {
			a.T.Errorf("%s: %s is %v, want %v", a.Asked, name, got, v)
		}
	}
}

// Silent checks that an answer has no warnings.
func (a Answer) Silent() {
	a.T.Helper()
	if len(a.Warnings) > 0 {
		a.T.Errorf("%s: warnings %q", a.Asked, a.Warnings)
	}
}

// Warns reports that one of the warnings names something.
func (a Answer) Warns(about string) {
	a.T.Helper()
	if !strings.Contains(strings.Join(a.Warnings, "\n"), about) {
		a.T.Errorf("%s: warnings %q, want one about %q", a.Asked, a.Warnings, about)
	}
}
