package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestJudges(t *testing.T) {
	const policy, engine = "1 error occurred:\n\t* permission denied\n\n", "1 error occurred:\n\t* the caller " +
		"belongs to another tenant than the path's\n\n"
	for _, test := range []struct {
		status                  int
		said                    string
		outside, refused, found outcome
	}{
		{http.StatusForbidden, policy, closedPolicy, closedPolicy, closedPolicy},
		{http.StatusForbidden, engine, closedIdentity, closedIdentity, closedIdentity},
		{http.StatusNotFound, "1 error occurred:\n\t* unsupported path\n\n", absent, absent, absent},
		{http.StatusNotFound, `no handler for route "apikeys/x". route entry not found.`, absent, absent, absent},
		{http.StatusMethodNotAllowed, "1 error occurred:\n\t* unsupported operation\n\n", absent, absent, absent},
		{http.StatusTooManyRequests, "", unjudged, unjudged, unjudged},
		{http.StatusServiceUnavailable, "", unjudged, unjudged, unjudged},
		{http.StatusTemporaryRedirect, "", unjudged, unjudged, unjudged},
		{http.StatusOK, "", hole, hole, hole},
		{http.StatusNoContent, "", hole, hole, hole},
		// What follows is told to those alone who were let through.
		{http.StatusNotFound, "", hole, hole, closedUnfound}, // an empty list
		{http.StatusNotFound, `key: tenant "acme" has no external key "x"`, hole, hole, closedUnfound},
		{http.StatusConflict, "cas: ", hole, hole, closedUnfound},
		{http.StatusBadRequest, strange + ": this path has no such field", hole, closedRefused, closedRefused},
	} {
		a := &answered{status: test.status}
		if test.said != "" {
			a.Errors = []string{test.said}
		}
		for name, got := range map[string][2]outcome{
			"outside": {outside(try{}, a), test.outside},
			"refused": {refused(try{}, a), test.refused},
			"unfound": {unfound(try{}, a), test.found},
		} {
			if got[0] != got[1] {
				t.Errorf("%d %q: %s judges %d, want %d", test.status, test.said, name, got[0], got[1])
			}
		}
	}
}

// TestTells checks that what is another's is found in an answer of any status, unless it was only repeated from the
// request.
func TestTells(t *testing.T) {
	a := &answered{status: http.StatusForbidden, body: []byte(`{"errors": ["nobody has KEYID"]}`)}
	for want, sent := range map[bool]try{
		true:  {who: &caller{}, path: "my/ids/other"},
		false: {who: &caller{}, path: "my/external/keys/x/disable", sent: fields{"key_id": "KEYID"}},
	} {
		w := &wall{}
		w.count(
			sent,
			&answered{body: a.body, status: a.status, Errors: a.Errors},
			closedPolicy,
			[]string{"KEYID"},
			"apikeys",
		)
		if got := len(w.Holes) == 1; got != want {
			t.Errorf("%+v: %t", sent, got)
		}
	}
}

// TestDescribe checks that a report never holds what a hole has let out.
func TestDescribe(t *testing.T) {
	a := &answered{status: http.StatusOK, Data: fields{"key": "the secret", "key_id": "0123456789abcdef"}}
	if got := describe(a); got != "200 with key, key_id" {
		t.Error(got)
	}
}

// TestHarmless checks that no request which changes something is sent in earnest to what may be there: either it asks
// for a revision that nothing has, or has nothing to say, or means a name that nobody has, or it is not sent at all.
func TestHarmless(t *testing.T) {
	r := &run{probe: "probe", nobody: "nobody", nobodyID: "nobodysid"}
	here, nowhere := names{
		"tenants/acme",
		"acme",
		"internal",
		r.probe,
		"someid",
	}, names{
		"tenants/acme",
		r.nobody,
		"internal",
		r.nobody,
		r.nobodyID,
	}
	sent := 0
	for _, e := range merged(table) {
		for _, one := range r.across(&caller{}, e, here, nowhere) {
			if one.method == "GET" || one.method == "LIST" {
				continue
			}
			_, isStrange := one.sent[strange]
			_, isDry := one.sent["dry_run"]
			_, isCall := one.sent["request"] // a verdict changes nothing
			changes := !isStrange && !isDry && !isCall && one.sent["cas"] != never
			if changes && !strings.Contains(one.path, "nobody") {
				t.Errorf("%s %s %v could change something", one.method, one.path, one.sent)
			}
			sent++
		}
	}
	if sent < 100 {
		t.Errorf("only %d requests", sent)
	}
}
