//go:build acceptance

package acceptance

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

// together sends the same request n times at once, and returns the answers.
func (c *caller) together(n int, method, path string, sent fields) []*answered {
	c.t.Helper()
	answers := make([]*answered, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range answers {
		done.Go(func() {
			start.Wait()
			a, err := c.send(method, path, sent)
			if err != nil {
				c.t.Errorf("%s %s: %v", method, path, err)
				a = &answered{}
			}
			answers[i] = a
		})
	}
	start.Done()
	done.Wait()
	return answers
}

// winner returns the one answer that is no refusal; the others must be conflicts that say why.
func winner(t *testing.T, answers []*answered, why string) *answered {
	t.Helper()
	var won *answered
	for _, a := range answers {
		switch {
		case a.status == http.StatusOK && won == nil:
			won = a
		case a.status != http.StatusConflict || !strings.Contains(a.says(), why):
			t.Errorf("%d %q, want one to win, and the others a conflict: %q", a.status, a.says(), why)
		}
	}
	if won == nil {
		t.Fatal("nobody has won")
	}
	return won
}

// TestRaces checks that of several who ask for the same change at once one makes it, and the others are told who came
// first.
func TestRaces(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "races")
	admin, spa := shared.caller(t, tenant+"-admin"), shared.caller(t, "spa")
	const many = 6
	const key = "apikeys/my/external/keys/billing"

	// To make a thing, cas is 0; to change it, the revision that was read.
	for _, made := range []struct {
		who    *caller
		path   string
		change fields
	}{
		{admin, key, fields{"description": "changed"}},
		{admin, "apikeys/my/external/roles/integrator", fields{"description": "changed"}},
		{spa, "apikeys/admin/tenants/" + shared.unused("races"), fields{"display_name": "changed"}},
	} {
		won := winner(t, made.who.together(many, "POST", made.path, fields{"cas": 0}), "cas: the revision is 1 now")
		if got := won.field("revision"); got != "1" {
			t.Errorf("%s: revision %s", made.path, got)
		}
		made.change["cas"] = 1
		won = winner(t, made.who.together(many, "PATCH", made.path, made.change), "cas: the revision is 2 now")
		if got := won.field("revision"); got != "2" {
			t.Errorf("%s: revision %s", made.path, got)
		}
	}

	// Without cas all of them are heard, and none is lost.
	for _, a := range admin.together(many, "POST", key+"/rotate", fields{"overlap": 0}) {
		if a.status != http.StatusOK {
			t.Errorf("rotate: %d %s", a.status, a.says())
		}
	}
	if got := len(admin.must("GET", key, nil).Data["versions"].([]any)); got != 1+many {
		t.Errorf("%d versions after %d rotations", got, many)
	}

	// A rotation that names what it is to replace is done once, and whoever comes late learns the current version's
	// name.
	was := admin.must("GET", key, nil).field("current_key_id")
	now := winner(
		t,
		admin.together(many, "POST", key+"/rotate", fields{"current_key_id": was}),
		"current_key_id: it is ",
	).field("current_key_id")
	admin.refused(http.StatusConflict, now, "POST", key+"/rotate", fields{"current_key_id": was})

	// A secret is revealed once, whoever asks: two people who ask at the same moment do not both get it, with one
	// request ID either.
	issuer := shared.caller(t, tenant+"-external-issuer")
	winner(t, admin.together(many, "POST", key+"/reveal", nil), "reveal: version "+now)
	for range 10 {
		now = admin.must("POST", key+"/rotate", fields{"overlap": 0}).field("current_key_id")
		var theirs []*answered
		var asked sync.WaitGroup
		asked.Go(func() { theirs = issuer.together(many, "POST", key+"/reveal", fields{"request_id": "same"}) })
		answers := admin.together(1, "POST", key+"/reveal", fields{"request_id": "same"})
		asked.Wait()
		keys := map[string]bool{}
		for _, who := range [][]*answered{answers, theirs} {
			for _, a := range who {
				if a.status == http.StatusOK {
					keys[a.field("key")] = true
				} else if a.status != http.StatusConflict || !strings.Contains(a.says(), "reveal: version "+now) {
					t.Errorf("%d %q, want a conflict", a.status, a.says())
				}
			}
		}
		won, lost := answers[0].status == http.StatusOK, theirs[0].status == http.StatusOK
		for _, a := range theirs {
			if (a.status == http.StatusOK) != lost {
				t.Error("one person's repeated request is answered once and refused once")
			}
		}
		if won == lost || len(keys) != 1 {
			t.Errorf("the administrator got it: %v, the issuer: %v, %d secrets", won, lost, len(keys))
		}
	}

	// Unless it is the same person with the same request, whose answer was lost on the way: that gets it again, until
	// it is used.
	admin.must("POST", key+"/rotate", nil)
	first := admin.must("POST", key+"/reveal", fields{"request_id": "mine"})
	holder := first.holder(t)
	for _, again := range admin.together(many, "POST", key+"/reveal", fields{"request_id": "mine"}) {
		if again.field("key") != first.field("key") || again.field("key_id") != holder.keyID ||
			again.field("key") == "" {
			t.Errorf("asked again with the same request_id: %d %s", again.status, again.says())
		}
	}
	admin.refused(http.StatusConflict, holder.keyID, "POST", key+"/reveal", fields{"request_id": "other"})
	admin.refused(http.StatusConflict, holder.keyID, "POST", key+"/reveal", nil)
	issuer.refused(http.StatusConflict, holder.keyID, "POST", key+"/reveal", fields{"request_id": "mine"})
	if got := shared.caller(t, "gateway").verdict(holder.call("GET", "/wfo/v1/agents")); got != "valid" {
		t.Errorf("verdict %s", got)
	}
	admin.refused(http.StatusConflict, holder.keyID, "POST", key+"/reveal", fields{"request_id": "mine"})
}
