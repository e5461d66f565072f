//go:build cluster

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-apikeys/client/verify"

	apikeys "vault-plugin-secrets-apikeys/client"
	"vault-plugin-secrets-apikeys/signing"
)

const (
	// pace is from one call of an app to its next.
	pace = 50 * time.Millisecond
	// retry is how long an app waits before it makes a call again, and judged how long until a call has its verdict.
	retry, judged = time.Second, 90 * time.Second
	// forgery is how many calls there are for one that is changed on its way.
	forgery = 16
)

// tally counts what became of the calls of one kind of source. Each call is signed, and then accepted, or refused.
type tally struct {
	signed   atomic.Int64
	accepted atomic.Int64 // by the engine when they were made
	later    atomic.Int64 // when there was a leader again
	again    atomic.Int64 // when they were made again, since their lease had been revoked
	refused  atomic.Int64 // though a correct client could have had them accepted
	forged   atomic.Int64 // and found to be
	excused  atomic.Int64 // were not signed, since Vault signs and was away
	unsigned atomic.Int64 // were not signed, and could have been
	inside   atomic.Int64 // accepted by the keyring
	outage   atomic.Int64 // of these, while there was no leader
	unjudged atomic.Int64 // by the keyring, which had no key for them
	keys     sync.Map     // IDs of those that have signed
}

func (c *tally) String() string {
	keys := 0
	c.keys.Range(func(any, any) bool { keys++; return true })
	return fmt.Sprintf("%d calls signed with %d keys, %d not while Vault was away, %d not otherwise; "+
		"%d accepted at once, %d by the next leader, %d when made again, %d refused; %d forged, none accepted; "+
		"by the keyring %d accepted, of which %d without a leader, %d not judged",
		c.signed.Load(), keys, c.excused.Load(), c.unsigned.Load(),
		c.accepted.Load(), c.later.Load(), c.again.Load(), c.refused.Load(), c.forged.Load(),
		c.inside.Load(), c.outage.Load(), c.unjudged.Load())
}

// signer is an app that signs call after call.
type signer struct {
	apps   *apps
	name   string
	source apikeys.Source
	tally  *tally
	end    context.CancelFunc

	signing sync.WaitGroup // it, and its calls that are under way
	engine  atomic.Int64   // calls of it that the engine accepted
	local   atomic.Int64   // and the keyring
}

// made is a signed call.
type made struct {
	verify.Call
	keyID  string
	forged bool
}

// sign signs a call, and notes when it cannot. With a key in its hands no app fails; where Vault signs, one does while
// Vault is away.
func (s *signer) sign(ctx context.Context) (*made, error) {
	began := time.Now()
	added, err := s.source.Sign(ctx, s.apps.head)
	if err != nil {
		if _, asks := s.source.(*apikeys.Remote); asks && s.apps.balancer.wasAway(began, time.Now()) {
			s.tally.excused.Add(1)
		} else {
			s.tally.unsigned.Add(1)
			s.apps.fault("%s: not signed: %v", s.name, err)
		}
		return nil, err
	}
	signed, err := s.apps.head.With(added)
	if err != nil {
		return nil, err
	}
	call, err := signing.ParseCall(signed)
	if err != nil {
		return nil, err
	}
	s.tally.keys.Store(call.KeyID, true)
	return &made{Call: verify.Call{Request: signed.String()}, keyID: call.KeyID}, nil
}

// run makes calls until it is told to stop, and waits for no verdict before the next.
func (s *signer) run(ctx context.Context) {
	for n := 1; ctx.Err() == nil; n++ {
		if call, err := s.sign(context.WithoutCancel(ctx)); err == nil {
			if s.tally.signed.Add(1); n%forgery == 0 {
				call.forged, call.Request = true, strings.Replace(call.Request, "/orders", "/refunds", 1)
			}
			s.signing.Go(func() { s.byKeyring(call) })
			s.signing.Go(func() { s.byEngine(call) })
		}
		select {
		case <-time.After(pace):
		case <-ctx.Done():
		}
	}
}

// byEngine has the engine judge a call. Without a verdict it is asked again; the call is then a replay if only the
// answer was lost. A call whose lease somebody has revoked is made again, as by an app that is refused.
func (s *signer) byEngine(call *made) {
	ctx, cancel := context.WithTimeout(context.Background(), judged)
	defer cancel()
	count := &s.tally.accepted
	for lost := false; ; {
		asked := time.Now()
		v, err := s.apps.verifier.Verify(ctx, call.Call)
		switch {
		case errors.Is(err, verify.ErrUnavailable):
			lost = lost || errors.Is(err, verify.ErrUnknown)
			if count == &s.tally.accepted {
				count = &s.tally.later
			}
			time.Sleep(retry)
			continue
		case err != nil:
			s.refuse("no verdict: %v", err)
			return
		case call.forged:
			if s.tally.forged.Add(1); v.Code != verify.BadSignature {
				s.apps.fault("%s: a forged call is %s", s.name, v.Code)
			}
			return
		case v.Valid && s.apps.isRevoked(call.keyID, asked):
			s.apps.fault("%s: a call is accepted after its lease was revoked", s.name)
			return
		case v.Valid, lost && v.Code == "replayed":
			count.Add(1)
			s.engine.Add(1)
			return
		case !s.excusable(v.Code, call, count == &s.tally.later):
			s.refuse("%s, %s", v.Code, call.keyID)
			return
		}
		if source, ok := s.source.(interface{ Report(keyID string) }); ok {
			source.Report(call.keyID)
		}
		time.Sleep(retry)
		if call, err = s.sign(ctx); err != nil {
			s.refuse("not made again: %v", err)
			return
		}
		count, lost = &s.tally.again, false
	}
}

func (s *signer) refuse(format string, args ...any) {
	s.tally.refused.Add(1)
	s.apps.fault(s.name+": refused: "+format, args...)
}

// excusable reports whether no client could have had a call accepted that was refused: its lease was revoked, or its
// key has been replaced and given up while there was nobody to judge it.
func (s *signer) excusable(code verify.Code, call *made, late bool) bool {
	return late && code == verify.Expired || code == verify.Revoked && (late || s.apps.isRevoking(call.keyID))
}

// byKeyring has a gateway judge a call that knows the keys. It may have no verdict, and never has a wrong one.
func (s *signer) byKeyring(call *made) {
	if _, asks := s.source.(*apikeys.Remote); asks {
		return // That key stays in the engine.
	}
	ctx, cancel := context.WithTimeout(context.Background(), judged)
	defer cancel()
	began := time.Now()
	v, err := s.apps.keyring.Verify(ctx, call.Call)
	switch {
	case errors.Is(err, verify.ErrUnavailable):
		s.tally.unjudged.Add(1)
		if !s.apps.balancer.wasAway(
			began.Add(-retry),
			time.Now(),
		) { // That a key could not be fetched is remembered for as long.
			s.apps.fault("%s: the keyring has no verdict: %v", s.name, err)
		}
	case err != nil:
		s.apps.fault("%s: the keyring has no verdict: %v", s.name, err)
	case call.forged != (v.Code == verify.BadSignature),
		!call.forged && !v.Valid && (v.Code != verify.Revoked || !s.apps.isRevoking(call.keyID)):
		s.apps.fault(
			"%s: the keyring finds a call that is forged=%t to be %s: %s",
			s.name,
			call.forged,
			v.Code,
			call.keyID,
		)
	case v.Valid:
		s.tally.inside.Add(1)
		if s.local.Add(1); s.apps.balancer.wasAway(began, time.Now()) {
			s.tally.outage.Add(1)
		}
	}
}
