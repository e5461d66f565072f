//go:build cluster

package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	apikeys "vault-plugin-secrets-apikeys/client"
)

const (
	// briefTTL and briefMost are ttl and max_ttl of a role in seconds. A key of it has been renewed twice when its end
	// comes near, and a careful client takes another from 65 s to 70 s after it has taken the first. The crew are as
	// many apps with such a key, that begin so long before a leader is killed, from first to last.
	briefTTL, briefMost   = 50, 85
	crew, opening, ending = 6, 68 * time.Second, 63 * time.Second
	// disturbed is how long before a leader is killed a lease is revoked, and answers begin to be lost.
	disturbed = 3 * time.Second
	// rotating is how often the keys are rotated, whose versions overlap for so long in seconds.
	rotating, overlap = 10 * time.Second, 30
)

// during does to the apps what the term of a leader brings that leads since then, and is killed or not, until
// the function that it returns is called.
func (a *apps) during(ctx context.Context, since time.Time, killed bool) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var at time.Time
	if killed {
		at = since.Add(term + hurried)
	}
	var attending sync.WaitGroup
	attending.Go(func() { a.attend(ctx, at) })
	return func() {
		cancel()
		attending.Wait()
	}
}

// attend does to the apps what a leader's term brings, until ctx ends. The leader is killed at a time, or, when that is
// zero, never.
func (a *apps) attend(ctx context.Context, killed time.Time) {
	starts := make(map[time.Time]func(), crew+1)
	if !killed.IsZero() {
		for i := range crew {
			begin := killed.Add(-opening + time.Duration(i)*(opening-ending)/(crew-1))
			starts[begin] = func() { a.enlist(ctx, i == 0) }
		}
		starts[killed.Add(-disturbed)] = func() { a.disturb(ctx) }
	}
	for i := range int(term / rotating) {
		starts[time.Now().Add(time.Duration(i)*rotating)] = func() { a.rotate(ctx) }
	}
	for _, at := range slices.SortedFunc(maps.Keys(starts), time.Time.Compare) {
		select {
		case <-time.After(time.Until(at)):
			starts[at]()
		case <-ctx.Done():
			return
		}
	}
	<-ctx.Done()
}

// enlist starts an app with a lease that ends soon, and ends those of the leader before if it is the first.
func (a *apps) enlist(ctx context.Context, fresh bool) {
	if fresh {
		a.mu.Lock()
		old := a.brief
		a.brief = nil
		a.mu.Unlock()
		if err := finish(old); err != nil {
			a.fault("closing: %v", err)
		}
	}
	source, err := a.lease(ctx, "brief")
	if err != nil {
		if ctx.Err() == nil { // Else the leader has lost the lead by itself.
			a.fault("no lease: %v", err)
		}
		return
	}
	s := a.start("brief", source)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.brief = append(a.brief, s)
}

// rotate rotates the keys that are not leased, and renews the apps' token. What fails is done again the next time.
func (a *apps) rotate(ctx context.Context) {
	for _, key := range []string{"static", "remote"} {
		_, err := a.admin.Logical().
			WriteWithContext(ctx, "apikeys/my/external/keys/"+key+"/rotate", fields{"overlap": overlap})
		if err == nil {
			a.count(&a.rotated)
		}
	}
	if _, err := a.vault.Auth().Token().RenewSelfWithContext(ctx, 0); err == nil {
		a.count(&a.renewed)
	}
}

func (a *apps) count(n *int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*n++
}

// disturb revokes the leases of the app that stays, and has it lose the answer when it asks for another.
func (a *apps) disturb(ctx context.Context) {
	a.rotate(ctx)
	a.balancer.lossy.Store(true)
	var source *apikeys.Lease
	for _, s := range a.all() {
		if lease, ok := s.source.(*apikeys.Lease); ok && s.name == "lasting" {
			source = lease
		}
	}
	before := source.KeyID()
	a.mu.Lock()
	a.revoking[before] = true
	a.mu.Unlock()
	_, err := a.root.Logical().WriteWithContext(ctx, "sys/leases/revoke-prefix/"+creds("lasting"), fields{"sync": true})
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	// One that was taken meanwhile, and may be revoked or not, is not among them.
	if err != nil || source.KeyID() != before {
		return
	}
	a.tried++
	a.revoked[before] = now
}

// outlive waits until all apps and gateways have gone on under a new leader.
func (a *apps) outlive(ctx context.Context, t *testing.T) {
	t.Helper()
	a.balancer.lossy.Store(false)
	ctx, cancel := context.WithTimeout(ctx, failover)
	defer cancel()
	if err := a.balancer.ready(ctx); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	type mark struct{ engine, local int64 }
	before := map[*signer]mark{}
	for _, s := range a.all() {
		before[s] = mark{s.engine.Load(), s.local.Load()}
	}
	for s, was := range before {
		_, asks := s.source.(*apikeys.Remote)
		for s.engine.Load() == was.engine || s.local.Load() == was.local && !asks {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				t.Fatalf(
					"%s: %d calls are accepted under the new leader, %d by the keyring",
					s.name,
					s.engine.Load()-was.engine,
					s.local.Load()-was.local,
				)
			}
		}
	}
	leases := 0
	for s := range before {
		if _, ok := s.source.(*apikeys.Lease); ok {
			leases++
		}
	}
	if n, err := keptGood(); n != leases || err != nil {
		t.Errorf("%d goroutines tend %d leases: %v", n, leases, err)
	}
	t.Logf(
		"%d apps and both gateways went on %s after the balancer knew the new leader",
		len(before),
		time.Since(began).Round(pause/2),
	)
}

// close ends the apps and returns what became of their calls. No lease is left then, not even one whose answer was
// lost.
func (a *apps) close(ctx context.Context, t *testing.T, rounds int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, closing)
	defer cancel()
	if err := errors.Join(finish(a.all()), a.verifier.Close(), a.keyring.Close()); err != nil {
		t.Error(err)
	}
	for _, role := range []string{"lasting", "brief"} {
		for n := 1; n > 0; {
			var err error
			if n, err = a.leases(ctx, role); err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				time.Sleep(retry)
			}
		}
	}
	if n, err := keptGood(); n != 0 || err != nil {
		t.Errorf("%d goroutines tend leases that are no more: %v", n, err)
	}
	b := a.balancer
	text := fmt.Sprintf(
		"apps: %d rotations, %d leases revoked, token renewed %d times; %d answers with a new lease lost\n"+
			"requests without a leader: %d for a key at its predecessor's end, %d for one after a revocation, "+
			"%d to renew, %d to read, %d to sign, %d for the keyring\n",
		a.rotated,
		a.tried,
		a.renewed,
		len(b.lost),
		b.failed["/creds/brief"],
		b.failed["/creds/lasting"],
		b.failed["/leases/renew"],
		b.failed["/static-creds/"],
		b.failed["/sign/"],
		b.failed["/keyring/"],
	)
	for _, name := range slices.Sorted(maps.Keys(a.tallies)) {
		text += name + ": " + a.tallies[name].String() + "\n"
	}
	// The first leader leads for some time before there are apps, and the crew begins too late for its end.
	if len(b.lost) == 0 || rounds > 1 && b.failed["/creds/brief"] == 0 || a.tried == 0 {
		t.Error("the apps prove little: something never happened to them")
	}
	return text
}

// report reports what should not have been, the first of it.
func (a *apps) report(t *testing.T) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	const most = 40
	for _, fault := range a.faults[:min(most, len(a.faults))] {
		t.Error(fault)
	}
	if more := len(a.faults) - most; more > 0 {
		t.Errorf("… and %d more", more)
	}
}
