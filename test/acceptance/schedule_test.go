//go:build acceptance

package acceptance

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tickWithin is how long to wait at most for what Vault has the engine do once a minute.
const tickWithin = 130 * time.Second

// version returns a field of a key's n-th version, from 0.
func (a *answered) version(n int, field string) string {
	return a.field(fmt.Sprintf("versions.%d.%s", n, field))
}

// rotated waits until the schedule has made a key's n-th version, from 0, and returns the key as it is then.
func (c *caller) rotated(path string, n int) *answered {
	c.t.Helper()
	var key *answered
	within(c.t, tickWithin+30*time.Second, fmt.Sprintf("rotation %d of %s", n, path), func() (err error) {
		key, err = c.tried("GET", path, nil)
		if err == nil && (key.version(n, "key_id") == "" || key.field("current_key_id") != key.version(n, "key_id")) {
			err = fmt.Errorf("the current version is %s", key.field("current_key_id"))
		}
		return err
	})
	return key
}

// judged asks for the verdict on a call, and checks fields of the answer.
func (c *caller) judged(when, head string, want map[string]string) {
	c.t.Helper()
	a := c.must("PATCH", "apikeys/verify", fields{"request": head})
	for field, value := range want {
		if got := a.field(field); got != value {
			c.t.Errorf("%s: %s is %q, want %q", when, field, got, value)
		}
	}
}

// TestSchedule has a key rotate by schedule, twice, while clients use it in every way there is. They never stop and
// never fail: one reads static-creds when their ttl says so, one has Vault sign, one takes the key from a file that an
// agent keeps, and one takes a leased key from another. What the old version has signed verifies in the overlap, and
// then no more.
func TestSchedule(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	tenant := w.tenant(t, "schedule")
	admin, app, gateway := w.caller(t, tenant+"-admin"), w.caller(t, tenant+"-app"), w.caller(t, "gateway")
	operator, root := w.caller(t, "operator"), w.caller(t, "root")
	const (
		key, static      = "apikeys/my/external/keys/queue", "apikeys/my/external/static-creds/queue"
		hand, staticHand = "apikeys/my/external/keys/by-hand", "apikeys/my/external/static-creds/by-hand"
		unfetched        = "apikeys/my/external/keys/unfetched"
	)
	brief := fields{"auto_rotate": true, "ttl": "3m", "overlap": "90s"}
	admin.refused(400, "overlap: auto_rotate needs at least 10m (config min_overlap)", "POST", key, brief)
	operator.must("PATCH", "apikeys/config", fields{"min_overlap": "1m"})
	if made := admin.must("POST", unfetched, brief); !strings.Contains(made.says(), "auto_rotate with reveal=once") {
		t.Errorf("warned of %q", made.says())
	}
	brief["reveal"] = "always"
	first := admin.must("POST", key, brief).field("current_key_id")
	old := app.must("GET", static, nil).holder(t)
	early, late := old.call("GET", "/wfo/v1/agents"), old.call("GET", "/wfo/v1/agents")

	// A lease that has ended stays told from a key that never was.
	creds := "apikeys/tenants/" + tenant + "/internal/creds/desktop"
	admin.must("POST", "apikeys/my/internal/roles/desktop", fields{"ttl": "20s", "max_ttl": "40s"})
	ended := app.must("GET", creds, nil)
	root.must("PUT", "sys/leases/revoke", fields{"lease_id": ended.LeaseID, "sync": true})

	// The shortest overlap that reaches whoever reads again: the effective static_ttl, of half a minute here, and two
	// minutes.
	byHand := []string{
		admin.must("POST", hand, fields{"reveal": "always", "ttl": "1h", "overlap": "150s"}).field("current_key_id"),
	}
	files := w.agent(t, tenant+"-app", static, creds, staticHand)
	all := newCrowd(t)
	users := map[string]*user{}
	join := func(name string, does func(*user) func() error) {
		users[name] = &user{t: t, gateway: gateway}
		all.join(name, 100*time.Millisecond, does(users[name]))
	}
	join("who fetches", func(u *user) func() error { return u.fetching(app, static) })
	join("who asks", func(u *user) func() error { return u.asking(app, "apikeys/my/external/sign/queue") })
	join("who has an agent", func(u *user) func() error { return u.reading(files[0]) })
	join("who leases", func(u *user) func() error { return u.reading(files[1]) })
	join("who has an operator", func(u *user) func() error { return u.operating(app, static) })
	join("by hand, who has an operator", func(u *user) func() error { return u.operating(app, staticHand) })
	join("by hand, who has an agent", func(u *user) func() error { return u.reading(files[2]) })

	follow := func(current string) {
		t.Helper()
		began := time.Now()
		for _, name := range []string{"who asks", "who fetches", "who has an agent", "who has an operator"} {
			within(t, 45*time.Second, name, func() error { return users[name].has(current) })
			t.Logf("%s has the new key after %s", name, time.Since(began).Round(time.Millisecond))
		}
	}
	follow(first)
	within(t, time.Minute, "by hand", func() error {
		return errors.Join(
			users["by hand, who has an operator"].has(byHand[0]),
			users["by hand, who has an agent"].has(byHand[0]),
		)
	})
	byHand = append(byHand, admin.must("POST", hand+"/rotate", nil).field("current_key_id"))
	rotated := admin.rotated(key, 1)
	second := rotated.field("current_key_id")
	overlapping := map[string]string{
		"verdict":          "valid",
		"state":            "overlapping",
		"key_id":           first,
		"successor_key_id": second,
	}
	gateway.judged("signed before the rotation", early, overlapping)
	gateway.judged("signed after the rotation", old.call("GET", "/wfo/v1/agents"), overlapping)
	follow(second)

	ends, err := time.Parse(time.RFC3339, rotated.version(0, "expires_at"))
	if err != nil || rotated.version(0, "rotated_to") != second || rotated.version(1, "rotated_from") != first {
		t.Errorf("%s ends at %s, %v, and was rotated to %s", first, ends, err, rotated.version(0, "rotated_to"))
	}
	within(t, time.Until(ends)+5*time.Second, "the end of the overlap", func() error {
		if time.Now().Before(ends) {
			return fmt.Errorf("it is at %s", ends)
		}
		return nil
	})
	expired := map[string]string{"verdict": "expired", "state": "expired", "key_id": first, "successor_key_id": second}
	gateway.judged("signed before the rotation", late, expired)
	gateway.judged("signed after the end", old.call("GET", "/wfo/v1/agents"), expired)

	third := admin.rotated(key, 2).field("current_key_id")
	follow(third)
	admin.rotated(unfetched, 2)
	gateway.judged(
		"the lease ended minutes ago",
		ended.holder(t).call("GET", "/a"),
		map[string]string{"verdict": "revoked"},
	)
	if err := all.home(); err != nil {
		t.Fatal(err)
	}
	for name, u := range users {
		calls, keys := u.so()
		t.Logf("%s: %d calls with %d keys", name, calls, len(keys))
		want := []string{first, second, third}
		switch {
		case name == "who leases" && len(keys) > len(want):
			want = keys // A new one every 40 s.
		case strings.HasPrefix(name, "by hand"):
			want = byHand
		}
		if diff := cmp.Diff(want, keys); diff != "" || calls < 500 {
			t.Errorf("%s: %d calls, with keys (-want +got)\n%s", name, calls, diff)
		}
	}

	checkHistory(t, admin.must("GET", key+"/history", nil))
	if status := operator.must("GET", "apikeys/status", nil); status.field("rotated") != "4" ||
		status.field("failed") != "0" {
		t.Errorf("status: %s", status.body)
	}
	// The versions that nobody has fetched are looked for in the logs too, when the server ends.
	if found := root.expose(t); found != 8 {
		t.Errorf("%d secrets are stored, of 2 keys with 3 versions each, and one with 2", found)
	}
}

// checkHistory checks that a key was rotated twice by schedule, and nothing else was done to it.
func checkHistory(t *testing.T, history *answered) {
	t.Helper()
	var did []string
	for i := 0; history.field(fmt.Sprintf("entries.%d.time", i)) != ""; i++ {
		at := func(field string) string { return history.field(fmt.Sprintf("entries.%d.%s", i, field)) }
		if at("operation") == "reveal" || at("operation") == "fetch" {
			continue
		}
		did = append(did, at("operation")+" "+at("reason"))
		if by := at("entity_id"); (by == "") != (at("reason") == "scheduled") {
			t.Errorf("%s %s by %q", at("operation"), at("reason"), by)
		}
	}
	if diff := cmp.Diff([]string{"create ", "rotate scheduled", "rotate scheduled"}, did); diff != "" {
		t.Errorf("history: (-want +got)\n%s", diff)
	}
}

// expose has the secrets of all keys looked for in the logs, also of versions never handed out, and returns how many
// there are.
func (c *caller) expose(t *testing.T) int {
	t.Helper()
	found := 0
	mount := "logical/" + c.must("GET", "sys/mounts/apikeys", nil).field("uuid") + "/"
	for path, content := range c.stored(mount + "keys/") {
		var record struct {
			Versions []struct{ Secret []byte }
		}
		if err := json.Unmarshal(content, &record); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, v := range record.Versions {
			if err := c.w.guard(
				fmt.Sprintf(`{"key": %q}`, base64.RawURLEncoding.EncodeToString(v.Secret)),
			); err != nil {
				t.Fatal(err)
			}
			found++
		}
	}
	return found
}
