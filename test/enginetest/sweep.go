package enginetest

import "time"

// The times of the default settings.
const (
	Day        = 24 * time.Hour
	KeyLife    = 90 * Day
	RotateLap  = 7 * Day                  // the overlap
	RotateLead = RotateLap + RotateLap/10 // how long before its end a version is rotated, at most
	Retained   = 7 * Day
)

// Scheduled are the settings of a key that the schedule rotates.
var Scheduled = Fields{"auto_rotate": true}

// Sweep ticks, and nothing may fail.
func (w *World) Sweep() {
	w.T.Helper()
	w.Must(w.Tick())
}

// Ticking lets a while pass with a tick every so often.
func (w *World) Ticking(while, every time.Duration) {
	w.T.Helper()
	for end := time.Now().Add(while); time.Now().Before(end); {
		Wait(min(every, time.Until(end)))
		w.Sweep()
	}
}

// Until waits for a time that an answer tells.
func Until(stamp string) { Wait(time.Until(Instant(stamp))) }

// Instant reads a time of an answer.
func Instant(stamp string) time.Time {
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		panic(err)
	}
	return at
}
