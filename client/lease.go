package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client/internal/vault"
)

// Lease is a [Source] with a key of its own under a Vault lease, which it renews. It takes another key before the lease
// can no longer be renewed, and when the lease was revoked or a call was refused ([Lease.Report]): the new key signs
// before the old one ends. While Vault is away, the old key signs until its end.
type Lease struct {
	keySigner
	drain time.Duration // how long a lease is kept after its key was replaced

	// The rest belongs to the goroutine, and to Close once that has ended.
	lease     lease
	retired   []lease
	next      time.Time // when something is due
	replace   bool      // what is due is another key, not a renewal
	reported  bool      // because of a report
	notBefore time.Time // no report moves it before this
	retries   retryBackoff
	reports   reportBackoff
}

// lease is what is known of one lease.
type lease struct {
	id        string
	span      time.Duration // as first granted
	ends      time.Time
	revokeAt  time.Time // when to revoke it, once retired
	triesLeft int       // tries to revoke it
}

const (
	maxRevokeTries = 5
	closeTimeout   = 10 * time.Second // at most, to revoke what is left
)

var errSame = errors.New(
	"the same key as before: a cache of Vault Agent or Proxy answers, which leases cannot be taken through")

// NewLease takes a key of a role at path, such as "apikeys/tenants/acme/external/creds/billing", and keeps one good
// from then on. It fails when the first key cannot be had within ctx.
//
// The app renews the token of vault, and each question uses the token that vault has then. When the token ends, so do
// its leases. The token needs to read the path; Vault's policy default lets it renew leases. Revoking a lease at
// once, rather than letting it run out, needs update on sys/leases/revoke.
func NewLease(ctx context.Context, vault *api.Client, path string, opts ...LeaseOption) (*Lease, error) {
	l := &Lease{keySigner: newKeySigner(vault, path), drain: 10 * time.Second}
	for _, opt := range opts {
		opt.setLease(l)
	}
	if err := l.take(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l.start(l.run)
	return l, nil
}

// Close ends the source and revokes its leases. It takes some seconds at most.
func (l *Lease) Close() error {
	var err error
	l.once.Do(func() {
		l.stop()
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		for _, old := range append(l.retired, l.lease) {
			err = errors.Join(err, l.revoke(ctx, old))
		}
	})
	return err
}

func (l *Lease) run(ctx context.Context) {
	for {
		next := l.next
		for _, old := range l.retired {
			next = earlier(next, old.revokeAt)
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case keyID := <-l.wake:
			timer.Stop()
			l.onReport(keyID)
		case <-timer.C:
			l.step(ctx)
			l.revokeRetired(ctx)
		}
	}
}

// onReport takes another key as soon as it may, if the reported key is the one in use.
func (l *Lease) onReport(keyID string) {
	if keyID == l.KeyID() {
		l.replace, l.reported = true, true
		l.next = earlier(l.next, later(time.Now(), later(l.notBefore, l.reports.until)))
	}
}

// step renews the lease or takes another key, if that is due.
func (l *Lease) step(ctx context.Context) {
	if time.Now().Before(l.next) {
		return
	}
	if !l.replace {
		err := l.renew(ctx)
		if err == nil {
			return
		}
		if vault.IsTransient(err) {
			l.replace = time.Until(l.lease.ends) < l.lease.span/6
			l.fail(ctx, "renewing", err)
			return
		}
		l.log.Info("lease not renewed", "path", l.path, "key_id", l.KeyID(), "error", err)
		l.replace = true
	}
	if err := l.take(ctx); err != nil {
		l.fail(ctx, "taking a key", err)
	}
}

func (l *Lease) fail(ctx context.Context, doing string, err error) {
	if ctx.Err() != nil {
		return
	}
	l.failed(doing, err)
	l.notBefore = time.Now().Add(l.retries.next(l.current.Load().maxRetryPause()))
	l.next = l.notBefore
}

// renew asks for as long as was first granted. An answer that is much shorter was cut at the longest that a lease may
// live.
func (l *Lease) renew(ctx context.Context) error {
	sent := time.Now()
	answer, err := vault.Ask(ctx, l.vault, func(ctx context.Context) (*api.Secret, error) {
		return l.vault.Sys().RenewWithContext(ctx, l.lease.id, int(l.lease.span/time.Second))
	})
	if err != nil {
		return err
	}
	granted := time.Duration(answer.LeaseDuration) * time.Second
	if granted <= 0 {
		return fmt.Errorf("%w: no lease_duration", vault.ErrMalformed)
	}
	l.lease.ends = sent.Round(0).Add(granted)
	l.use(&activeKey{l.current.Load().Key, l.lease.ends})
	l.replace = !answer.Renewable || granted < l.lease.span/10*9
	l.schedule(granted)
	return nil
}

// take asks for another key and signs with it from then on.
func (l *Lease) take(ctx context.Context) error {
	sent := time.Now()
	answer, err := vault.Read(ctx, l.vault, l.path)
	if err != nil {
		return err
	}
	granted := time.Duration(answer.LeaseDuration) * time.Second
	if answer.LeaseID == "" || granted <= 0 {
		return fmt.Errorf("%w: no lease", vault.ErrMalformed)
	}
	fresh := lease{id: answer.LeaseID, span: granted, ends: sent.Round(0).Add(granted), triesLeft: maxRevokeTries}
	key, err := activeKeyOf(answer)
	if err != nil {
		return errors.Join(err, l.revoke(ctx, fresh))
	}
	before := l.current.Load()
	if before != nil && before.ID() == key.ID() {
		return errSame
	}
	// Where Vault grants less than the engine says, the lease counts. An end that has already passed only says that the
	// clocks differ.
	if key.ends.IsZero() || key.ends.After(fresh.ends) || !key.ends.After(sent) {
		key.ends = fresh.ends
	}
	l.use(key)
	if before != nil {
		l.retire()
	}
	l.lease, l.replace = fresh, !answer.Renewable
	if l.reported {
		l.reports.noteReport()
		l.reported = false
	}
	l.schedule(granted)
	return nil
}

// schedule plans what comes next after a success. A third of the time first granted is kept for an outage of Vault:
// that long before its end a lease is renewed, or replaced if it cannot be renewed again; at once where less is left.
func (l *Lease) schedule(granted time.Duration) {
	l.retries.reset()
	l.notBefore = time.Time{}
	l.next = time.Now().Add(max(0, granted-vault.Jitter(l.lease.span, 0.3, 0.4)))
}

// retire keeps the lease of the old key for calls that are under way.
func (l *Lease) retire() {
	old := l.lease
	old.revokeAt = time.Now().Add(l.drain)
	l.retired = append(l.retired, old)
}

func (l *Lease) revokeRetired(ctx context.Context) {
	kept := l.retired[:0]
	for _, old := range l.retired {
		if time.Now().Before(old.revokeAt) {
			kept = append(kept, old)
			continue
		}
		if err := l.revoke(ctx, old); err != nil && old.triesLeft > 1 && ctx.Err() == nil {
			old.triesLeft--
			old.revokeAt = time.Now().Add(vault.Jitter(longPause, 0.5, 1))
			kept = append(kept, old)
		}
	}
	l.retired = kept
}

// revoke ends a lease, unless it has run out. A lease that this token may not revoke, or that is gone, is left to
// Vault.
func (l *Lease) revoke(ctx context.Context, old lease) error {
	if !time.Now().Before(old.ends) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, endPause)
	defer cancel()
	err := l.vault.Sys().RevokeWithContext(ctx, old.id)
	if err != nil {
		l.log.Info("lease not revoked", "path", l.path, "error", err)
	}
	if err != nil && vault.IsTransient(err) {
		return fmt.Errorf("%s: revoking a lease: %w", l.path, err)
	}
	return nil
}
