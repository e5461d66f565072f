package client

import (
	"cmp"
	"log/slog"
	"time"
)

// LeaseOption changes how a [Lease] goes about its work.
type LeaseOption interface{ setLease(l *Lease) }

// StaticOption changes how a [Static] goes about its work.
type StaticOption interface{ setStatic(s *Static) }

// Option is for a [Lease] and for a [Static].
type Option interface {
	LeaseOption
	StaticOption
}

type (
	leaseOption  func(*Lease)
	staticOption func(*Static)
	sharedOption func(*keySigner)
)

func (set leaseOption) setLease(l *Lease)    { set(l) }
func (set staticOption) setStatic(s *Static) { set(s) }
func (set sharedOption) setLease(l *Lease)   { set(&l.keySigner) }
func (set sharedOption) setStatic(s *Static) { set(&s.keySigner) }

// WithLogger logs each change of key, and what goes wrong in the background. Without it nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return sharedOption(func(s *keySigner) { s.log = cmp.Or(log, s.log) })
}

// WithDrain sets how long after a change of key the old lease is revoked; 10 s by default. Calls signed with the old
// key may still be under way until then.
func WithDrain(d time.Duration) LeaseOption {
	return leaseOption(func(l *Lease) { l.drain = d })
}

// WithPoll sets after how long the key is read again at the latest; 5 min by default, and 1 s at the least. A rotation
// by hand goes unnoticed for that long, so the overlap has to be longer.
func WithPoll(d time.Duration) StaticOption {
	return staticOption(func(s *Static) { s.poll = max(d, time.Second) })
}
