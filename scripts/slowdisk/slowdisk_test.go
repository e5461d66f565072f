//go:build slowdisk

package slowdisk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

const (
	fsync    = 400 * time.Millisecond
	patience = 3 * fsync       // the longest that a caller who goes away waits, and then stays away
	leaves   = 3               // times that they do so at the most
	watched  = 6 * time.Second // for so long a subject is looked at once its change was answered
	workers  = 12
	most     = 10 * time.Minute
)

// subject is what a change is asked for, once.
type subject struct {
	verb   *verb
	change request
	record request // reads what is changed
	keyID  string
	secret []byte
}

// verb is a kind of change, and the verdict on calls of its subject from then on.
type verb struct {
	name, verdict string
	begin         func(t *testing.T, w *world, s *subject, tenant, name string)

	mu                                  sync.Mutex
	rounds, left, judged, contradicting int
	first                               string // contradiction
}

const external, internal = "apikeys/my/external/", "apikeys/my/internal/"

// ofKey is a change of a key that is made for it.
func ofKey(name, verdict, method, suffix string, with fields, before ...string) *verb {
	return &verb{name: name, verdict: verdict, begin: func(t *testing.T, w *world, s *subject, tenant, key string) {
		admin, path := tenant+"-admin", external+"keys/"+key
		w.must(t, request{admin, "POST", path, nil})
		s.holder(t, w.must(t, request{admin, "POST", path + "/reveal", nil}))
		for _, first := range before {
			w.must(t, request{admin, "POST", path + "/" + first, nil})
		}
		s.change, s.record = request{admin, method, path + suffix, with}, request{admin, "GET", path, nil}
	}}
}

// ofTenant is a change of a tenant that is opened for it.
func ofTenant(name, verdict string, before ...string) *verb {
	return &verb{name: name, verdict: verdict, begin: func(t *testing.T, w *world, s *subject, _, own string) {
		path := "apikeys/admin/tenants/" + own
		w.open(t, own)
		ofKey("", "", "", "", nil).begin(t, w, s, own, "key")
		for _, first := range before {
			w.must(t, request{"spa", "POST", path + "/" + first, nil})
		}
		s.change, s.record = request{"spa", "POST", path + "/" + name, nil}, request{"spa", "GET", path, nil}
	}}
}

// ofLease is a change that ends a leased key of a role that is made for it.
func ofLease(name string, change func(s *subject, tenant, role, leaseID string) request) *verb {
	return &verb{name: name, verdict: "revoked", begin: func(t *testing.T, w *world, s *subject, tenant, role string) {
		admin := tenant + "-admin"
		w.must(t, request{admin, "POST", internal + "roles/" + role, nil})
		told := w.must(t, request{tenant + "-app", "GET", "apikeys/tenants/" + tenant + "/internal/creds/" + role, nil})
		s.holder(t, told)
		s.change = change(s, tenant, role, fmt.Sprint(told["lease_id"]))
		s.record = request{admin, "GET", internal + "leased/" + s.keyID, nil}
	}}
}

func verbs() []*verb {
	return []*verb{
		ofKey("revoke", "revoked", "POST", "/revoke", nil),
		ofKey("disable", "disabled", "POST", "/disable", nil),
		ofKey("enable", "valid", "POST", "/enable", nil, "disable"),
		ofKey("delete", "disabled", "DELETE", "", nil),
		ofKey("narrow scopes", "out_of_scope", "PATCH", "", fields{"scopes": []string{"GET /other/**"}}),
		ofTenant("suspend", "tenant_suspended"),
		ofTenant("resume", "valid", "suspend"),
		ofLease("revoke a leased key", func(s *subject, tenant, _, _ string) request {
			return request{tenant + "-admin", "POST", internal + "leased/" + s.keyID + "/revoke", nil}
		}),
		ofLease("revoke a role's keys", func(_ *subject, tenant, role, _ string) request {
			return request{tenant + "-admin", "POST", internal + "roles/" + role + "/revoke-leased", nil}
		}),
		ofLease("revoke a lease", func(_ *subject, _, _, leaseID string) request {
			return request{"root", "PUT", "sys/leases/revoke", fields{"lease_id": leaseID, "sync": true}}
		}),
	}
}

func (w *world) open(t *testing.T, tenant string) {
	t.Helper()
	w.must(t, request{"spa", "POST", "apikeys/admin/tenants/" + tenant, nil})
	w.enrol(t, tour.Staff(tenant))
}

// TestAnsweredChangesAreInForce runs CHANGES subjects of each kind of change, several at once.
func TestAnsweredChangesAreInForce(t *testing.T) {
	rounds := 8
	if n, err := strconv.Atoi(os.Getenv("CHANGES")); err == nil {
		rounds = n
	}
	w, all := newWorld(t), verbs()
	w.open(t, "acme")
	var subjects []*subject
	for i, v := range all {
		for n := range rounds {
			s := &subject{verb: v}
			v.begin(t, w, s, "acme", fmt.Sprintf("%c%d", 'a'+i, n))
			subjects = append(subjects, s)
		}
	}
	w.slowDown(t, fsync)
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	rand.Shuffle(len(subjects), func(i, j int) { subjects[i], subjects[j] = subjects[j], subjects[i] })
	next := make(chan *subject)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for s := range next {
				w.round(ctx, t, s)
			}
		})
	}
	for _, s := range subjects {
		next <- s
	}
	close(next)
	group.Wait()
	left := 0
	for _, v := range all {
		t.Logf("%-20s %2d answered, %2d callers left before, %4d verdicts afterwards, %d of %d not in force",
			v.name, v.rounds, v.left, v.judged, v.contradicting, v.rounds)
		if v.contradicting > 0 {
			t.Errorf("%s: %d answered and not in force: %s", v.name, v.contradicting, v.first)
		}
		if v.rounds < rounds || v.judged == 0 {
			t.Errorf("%s: not all were answered and judged", v.name)
		}
		left += v.left
	}
	if left < len(subjects)/2 {
		t.Errorf("%d callers have left, which proves little", left)
	}
}

// round has a change made by callers who come and go, while the subject is looked at.
func (w *world) round(ctx context.Context, t *testing.T, s *subject) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	looking := w.look(ctx, s)
	left, err := w.ask(ctx, s)
	answered := time.Now()
	if err != nil {
		t.Errorf("%s: %v", s.verb.name, err)
		stop()
		<-looking
		return
	}
	select {
	case <-time.After(watched):
	case <-ctx.Done():
	}
	stop()
	s.verb.count(left, answered, <-looking)
}

// ask asks until there is an answer. The first callers go away, and are away for a while.
func (w *world) ask(ctx context.Context, s *subject) (left int, err error) {
	for n := rand.N(leaves + 1); left < n; left++ {
		once, cancel := context.WithTimeout(ctx, rand.N(patience))
		_, err := w.send(once, s.change)
		cancel()
		if err == nil {
			return left, nil
		}
		time.Sleep(rand.N(patience))
	}
	for {
		if _, err = w.send(ctx, s.change); err == nil || ctx.Err() != nil || strings.Contains(err.Error(), "Code: 4") {
			return left, err
		}
	}
}

// seen is a verdict, and when it was asked for.
type seen struct {
	asked   time.Time
	verdict string
}

// look has calls judged and the record read, until ctx ends, and tells the verdicts then.
func (w *world) look(ctx context.Context, s *subject) <-chan []seen {
	told := make(chan []seen, 1)
	go func() {
		var all []seen
		for ctx.Err() == nil {
			asked := time.Now()
			if verdict, err := w.verdict(ctx, s); err == nil {
				all = append(all, seen{asked, verdict})
			}
			_, _ = w.send(ctx, s.record) // that it is cached where it may be
			time.Sleep(rand.N(fsync / 4))
		}
		told <- all
	}()
	return told
}

func (v *verb) count(left int, answered time.Time, all []seen) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rounds++
	v.left += left
	all = slices.DeleteFunc(all, func(s seen) bool { return !s.asked.After(answered) })
	v.judged += len(all)
	wrong := slices.IndexFunc(all, func(s seen) bool { return s.verdict != v.verdict })
	if wrong < 0 {
		return
	}
	v.contradicting++
	if v.first == "" {
		v.first = fmt.Sprintf("%s after the answer a call was %s, not %s", all[wrong].asked.Sub(answered), all[wrong].verdict, v.verdict)
	}
}
