package client

import (
	"math/rand/v2"
	"time"
)

const (
	firstPause = time.Second
	longPause  = 30 * time.Second
	endPause   = 5 * time.Second // the longest when the key ends soon, or has ended
	endSoon    = 2 * time.Minute

	firstReportGap = 5 * time.Second
	maxReportGap   = 5 * time.Minute
)

// between returns a duration from least to most, chosen at random so that apps started together do not ask together.
func between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + rand.N(most-least) //nolint:gosec // It hides nothing.
}

// share returns between the two shares of a duration.
func jitter(d time.Duration, least, most float64) time.Duration {
	return between(time.Duration(float64(d)*least), time.Duration(float64(d)*most))
}

// pauses are those between tries that fail: each about twice the last, up to a bound.
type retryBackoff struct{ last time.Duration }

func (p *retryBackoff) next(most time.Duration) time.Duration {
	p.last = min(max(2*p.last, firstPause), most)
	return jitter(p.last, 0.5, 1)
}

func (p *retryBackoff) reset() { p.last = 0 }

// pauseBound returns the longest pause while the key in use is as it is.
func (h activeKey) maxRetryPause() time.Duration {
	if !h.ends.IsZero() && time.Until(h.ends) < endSoon {
		return endPause
	}
	return longPause
}

// calm spaces out what reports of refused calls make a source do.
type reportBackoff struct {
	gap   time.Duration
	until time.Time
}

// taken notes that a report was heeded now.
func (c *reportBackoff) noteReport() {
	if time.Since(c.until) > 2*maxReportGap {
		c.gap = 0
	}
	c.gap = min(max(2*c.gap, firstReportGap), maxReportGap)
	c.until = time.Now().Add(c.gap)
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
