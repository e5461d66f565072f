package client

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client/internal/vault"
)

// Static is a [Source] with the current version of a key whose reveal is "always". It reads the key again when a
// rotation was due, at least every few minutes ([WithPoll]), and when a call was refused ([Static.Report]). A new
// version signs as soon as it is seen; until then the old one does, which verifies until the overlap is over.
type Static struct {
	keySigner
	poll time.Duration // after how long the key is read again at the latest

	// The rest belongs to the goroutine.
	next      time.Time // when to read again
	reported  bool      // because of a report
	notBefore time.Time // no report moves it before this
	retries   retryBackoff
	reports   reportBackoff
}

// NewStatic reads the key at path, such as "apikeys/my/external/static-creds/orders", and follows it from then on. It
// fails when the key cannot be read within ctx. The app renews the token of vault, and each question uses the token
// that vault has then.
func NewStatic(ctx context.Context, vault *api.Client, path string, opts ...StaticOption) (*Static, error) {
	s := &Static{keySigner: newKeySigner(vault, path), poll: 5 * time.Minute}
	for _, opt := range opts {
		opt.setStatic(s)
	}
	if err := s.read(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.start(s.run)
	return s, nil
}

// Close ends the source.
func (s *Static) Close() error {
	s.once.Do(s.stop)
	return nil
}

func (s *Static) run(ctx context.Context) {
	for {
		timer := time.NewTimer(time.Until(s.next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case keyID := <-s.wake:
			timer.Stop()
			if keyID == s.KeyID() {
				s.reported = true
				s.next = earlier(s.next, later(time.Now(), later(s.notBefore, s.reports.until)))
			}
		case <-timer.C:
			if err := s.read(ctx); err != nil && ctx.Err() == nil {
				s.failed("reading", err)
				s.notBefore = time.Now().Add(s.retries.next(min(s.current.Load().maxRetryPause(), s.poll)))
				s.next = s.notBefore
			}
		}
	}
}

// read reads the key and plans when to do so again.
func (s *Static) read(ctx context.Context) error {
	answer, err := vault.Read(ctx, s.vault, s.path)
	if err != nil {
		return err
	}
	key, err := activeKeyOf(answer)
	if err != nil {
		return err
	}
	ttl, err := seconds(answer, "ttl")
	if err != nil {
		return err
	}
	before := s.current.Load()
	s.use(key)
	if s.reported {
		s.reports.noteReport()
		s.reported = false
	}
	s.notBefore = time.Time{}
	s.next = time.Now().Add(s.wait(ttl, before != nil && before.ID() == key.ID()))
	return nil
}

// wait returns how long after an answer to ask again: shortly after its ttl. While the same version comes and its ttl
// is over, the rotation is late, and the pauses grow.
func (s *Static) wait(ttl time.Duration, same bool) time.Duration {
	wait := min(ttl+vault.Between(time.Second/2, 2*time.Second), vault.Jitter(s.poll, 0.9, 1))
	if !same || ttl > longPause {
		s.retries.reset()
		return wait
	}
	return max(wait, s.retries.next(min(longPause, s.poll)))
}
