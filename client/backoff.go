package client

import (
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vault"
)

const (
	firstPause = time.Second
	longPause  = 30 * time.Second
	endPause   = 5 * time.Second // the longest when the key ends soon, or has ended
	endSoon    = 2 * time.Minute

	firstReportGap = 5 * time.Second
	maxReportGap   = 5 * time.Minute
)

// retryBackoff spaces out retries: each pause is about twice the last, up to a bound.
type retryBackoff struct{ last time.Duration }

func (b *retryBackoff) next(most time.Duration) time.Duration {
	b.last = min(max(2*b.last, firstPause), most)
	return vault.Jitter(b.last, 0.5, 1)
}

func (b *retryBackoff) reset() { b.last = 0 }

// reportBackoff spaces out what reports of refused calls make a source do.
type reportBackoff struct {
	gap   time.Duration
	until time.Time
}

// noteReport notes that a report was acted on now.
func (b *reportBackoff) noteReport() {
	if time.Since(b.until) > 2*maxReportGap {
		b.gap = 0
	}
	b.gap = min(max(2*b.gap, firstReportGap), maxReportGap)
	b.until = time.Now().Add(b.gap)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
