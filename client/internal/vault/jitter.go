package vault

import (
	"math/rand/v2"
	"time"
)

// Between returns a random duration from least to most, so that apps started together do not ask together.
func Between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + rand.N(most-least) //nolint:gosec // It hides nothing.
}

// Jitter returns a random duration between two shares of d.
func Jitter(d time.Duration, least, most float64) time.Duration {
	return Between(time.Duration(float64(d)*least), time.Duration(float64(d)*most))
}
