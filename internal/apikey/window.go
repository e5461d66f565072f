package apikey

import (
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Window is a span of hours on days of the week in a time zone, such as "Mon-Thu 09:00-16:00 Europe/Berlin".
// Versions are to expire in it, because somebody is there to notice. "" means no window. [ParseWindow] makes a
// Window, which keeps the text as written.
type Window string

// weekdays are the names of days, in the order of [time.Weekday].
var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// hours is a parsed window.
type hours struct {
	days       [7]bool       // by time.Weekday
	open, shut time.Duration // after midnight, in whole minutes; shut may lie on the next day
	zone       *time.Location
}

// ParseWindow reads "DAYS HH:MM-HH:MM ZONE". DAYS are days or ranges of days, each day once, such as Mon-Thu or
// Mon,Wed,Fri-Sat. The hours begin on one of these days and may end on the next, such as 22:00-02:00. The end
// of a day is 24:00. ZONE is a name of the IANA time zone database, or UTC.
func ParseWindow(s string) (Window, error) {
	if s == "" {
		return "", nil
	}
	if _, ok := parseHours(s); !ok {
		return "", refusal.Errorf(refusal.Invalid, "expiry_window: must be days, hours and a time zone, "+
			"such as Mon-Thu 09:00-16:00 Europe/Berlin, or Fri 22:00-02:00 UTC")
	}
	return Window(s), nil
}

func parseHours(s string) (h hours, ok bool) {
	part := strings.Split(s, " ")
	if len(s) > 128 || len(part) != 3 || !h.parseDays(part[0]) {
		return hours{}, false
	}
	from, to, ranged := strings.Cut(part[1], "-")
	open, opens := parseClock(from)
	shut, shuts := parseClock(to)
	if !ranged || !opens || !shuts || open == shut || open == wholeDay {
		return hours{}, false
	}
	if shut < open {
		shut += wholeDay
	}
	zone, err := time.LoadLocation(part[2])
	if err != nil || part[2] == "" || part[2] == "Local" {
		return hours{}, false
	}
	h.open, h.shut, h.zone = open, shut, zone
	return h, true
}

// parseDays reads days and ranges of days. A range may cross the end of the week.
func (h *hours) parseDays(s string) bool {
	for item := range strings.SplitSeq(s, ",") {
		from, to, ranged := strings.Cut(item, "-")
		first, last := slices.Index(weekdays, from), slices.Index(weekdays, to)
		if !ranged {
			last = first
		}
		if first < 0 || last < 0 || ranged && first == last {
			return false
		}
		for day := first; ; day = (day + 1) % 7 {
			if h.days[day] {
				return false
			}
			h.days[day] = true
			if day == last {
				break
			}
		}
	}
	return true
}

const wholeDay = 24 * time.Hour

// parseClock reads HH:MM from 00:00 to 24:00.
func parseClock(s string) (time.Duration, bool) {
	if len(s) != len("00:00") || s[2] != ':' {
		return 0, false
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	hour, minute := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	d := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
	return d, minute < 60 && d <= wholeDay
}

// Cut returns the last moment of the window after from and not after t. It returns t itself if there is none.
// The end of the hours is part of the window.
func (w Window) Cut(from, t time.Time) time.Time {
	h, ok := parseHours(string(w))
	if !ok {
		return t
	}
	local := t.In(h.zone)
	for back := range 15 { // two weeks, because a clock change may have skipped last week's hours
		open, shut := h.on(local.Year(), local.Month(), local.Day()-back)
		if open.After(t) || !shut.After(open) {
			continue
		}
		if shut.After(t) {
			shut = t
		}
		if shut.After(from) {
			return shut.UTC()
		}
		return t
	}
	return t
}

// Holds reports whether t is a moment of the window.
func (w Window) Holds(t time.Time) bool {
	h, ok := parseHours(string(w))
	return ok && h.holds(t)
}

func (h *hours) holds(t time.Time) bool {
	local := t.In(h.zone)
	for back := range 2 { // the hours may end on the next day
		open, shut := h.on(local.Year(), local.Month(), local.Day()-back)
		if shut.After(open) && !t.Before(open) && !t.After(shut) {
			return true
		}
	}
	return false
}

// on returns when the window that begins on a day opens and shuts. Both are the same moment if it does not
// open.
func (h *hours) on(year int, month time.Month, day int) (open, shut time.Time) {
	noon := time.Date(year, month, day, 12, 0, 0, 0, h.zone)
	if !h.days[noon.Weekday()] {
		return noon, noon
	}
	open, _ = h.at(year, month, day, h.open)
	shut, skipped := h.at(year, month, day, h.shut)
	if skipped {
		shut = shut.Add(-time.Second) // the last moment that the clocks showed
	}
	if !shut.After(open) {
		return open, open // the clocks skip these hours on this day
	}
	return open, shut
}

// at returns the moment at which clocks show the given time after a day's midnight. If clocks skip that time,
// at reports so and returns the moment at which they are put forward.
func (h *hours) at(year int, month time.Month, day int, after time.Duration) (at time.Time, skipped bool) {
	hour, minute := int(after/time.Hour), int(after%time.Hour/time.Minute)
	at = time.Date(year, month, day, hour, minute, 0, 0, h.zone)
	// For a skipped time, Go uses the offset before or after the change, which may be a day away.
	from, to := at.ZoneBounds()
	wanted := time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	shown := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), 0, 0, time.UTC)
	switch {
	case shown.Equal(wanted):
		return at, false
	//mutate:instead "hours skipped at midnight" TestSkippedMidnight => at.Hour() > hour%24
	case shown.After(wanted):
		return from, true
	default:
		return to, true
	}
}
