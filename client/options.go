package client

import (
	"log/slog"
	"time"
)

// Option changes how a [Lease] or a [Static] goes about its work.
type Option func(*options)

type options struct {
	log   *slog.Logger
	drain time.Duration
	poll  time.Duration
}

// WithLogger has each change of key, and what goes wrong in the background, logged. Without it nothing is.
func WithLogger(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// WithDrain sets how long after a swap the lease of the key before is revoked: 10 s otherwise. Calls signed
// with it may still be under way until then. For a [Lease].
func WithDrain(d time.Duration) Option { return func(o *options) { o.drain = d } }

// WithPoll sets after how long at most the key is read again: 5 min otherwise. A rotation by hand goes unnoticed
// for so long, and the overlap has to be longer. For a [Static].
func WithPoll(d time.Duration) Option { return func(o *options) { o.poll = d } }

func newOptions(opts []Option) options {
	o := options{log: slog.New(slog.DiscardHandler), drain: 10 * time.Second, poll: 5 * time.Minute}
	for _, opt := range opts {
		opt(&o)
	}
	o.poll = max(o.poll, time.Second)
	return o
}
