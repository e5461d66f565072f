package apikey

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

const office = "Mon-Thu 09:00-16:00 Europe/Berlin"

func TestParseWindow(t *testing.T) {
	for _, s := range []string{
		"", office, "Fri 22:00-02:00 UTC", "Sun 23:59-00:00 UTC", "Mon 16:00-09:00 UTC", "Mon,Wed,Fri-Sat " +
			"00:00-24:00 UTC", "Sat-Mon 23:59-24:00 America/New_York", "Sun 00:00-00:01 Asia/Kathmandu",
	} {
		if w, err := ParseWindow(s); err != nil || string(w) != s {
			t.Errorf("%q: %q, %v", s, w, err)
		}
	}
	for _, s := range []string{
		" ", "Mon", "Mon-Thu 09:00-16:00", "Mon-Thu 09:00-16:00 ", "Mon-Thu  09:00-16:00 UTC", "mon 09:00-16:00 UTC",
		"Mon-Mon 09:00-16:00 UTC",
		"Mon,Mon 09:00-16:00 UTC", "Mon-Wed,Tue 09:00-16:00 UTC", "Mon- 09:00-16:00 UTC", ",Mon 09:00-16:00 UTC",
		"Mon 9:00-16:00 UTC",
		"Mon 09:00-09:00 UTC", "Mon 24:00-01:00 UTC", "Mon 09:00-24:01 UTC", "Mon 09:60-10:00 UTC", "Mon 09:00 UTC",
		"Mon 24:00-24:00 UTC",
		"Mon 09:00-16:00 Local", "Mon 09:00-16:00 Europe/Atlantis", "Mon 09:00-16:00 ../etc/passwd",
		"Mon 09:00-16:00 UTC\n", "Mon 0a:00-16:00 UTC",
	} {
		if _, err := ParseWindow(s); !errors.Is(err, refusal.Invalid) {
			t.Errorf("%q is taken: %v", s, err)
		}
	}
}

// local returns a moment in Berlin; 15 January 2026 was a Thursday.
func local(t *testing.T, s string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("Mon 2006-01-02 15:04:05", s, zone)
	if err != nil || at.Format("Mon") != s[:3] {
		t.Fatalf("%s: %v", s, err)
	}
	return at
}

func TestWindowCutsBack(t *testing.T) {
	for _, row := range []struct{ name, window, at, want string }{
		{"inside", office, "Wed 2026-01-14 12:34:56", "Wed 2026-01-14 12:34:56"},
		{"at its opening", office, "Wed 2026-01-14 09:00:00", "Wed 2026-01-14 09:00:00"},
		{"at its end", office, "Wed 2026-01-14 16:00:00", "Wed 2026-01-14 16:00:00"},
		{"in the evening", office, "Wed 2026-01-14 23:00:00", "Wed 2026-01-14 16:00:00"},
		{"before it opens", office, "Wed 2026-01-14 08:59:59", "Tue 2026-01-13 16:00:00"},
		{"on Saturday night", office, "Sat 2026-01-17 23:00:00", "Thu 2026-01-15 16:00:00"},
		{"on Monday morning", office, "Mon 2026-01-19 01:00:00", "Thu 2026-01-15 16:00:00"},
		{"a week back", "Mon 09:00-16:00 Europe/Berlin", "Mon 2026-01-19 08:00:00", "Mon 2026-01-12 16:00:00"},
		{"till midnight", "Mon 09:00-24:00 Europe/Berlin", "Tue 2026-01-20 08:00:00", "Tue 2026-01-20 00:00:00"},
		{"over the new year", office, "Fri 2026-01-02 12:00:00", "Thu 2026-01-01 16:00:00"},
		{
			"hours that the clocks skip", "Sun 02:15-02:45 Europe/Berlin", "Sun 2026-03-29 12:00:00",
			"Sun 2026-03-22 02:45:00",
		},
		{"in the week after", "Sun 02:15-02:45 Europe/Berlin", "Sun 2026-04-05 02:00:00", "Sun 2026-03-22 02:45:00"},
		{
			"an end that they skip", "Sun 01:30-02:30 Europe/Berlin", "Sun 2026-03-29 12:00:00",
			"Sun 2026-03-29 01:59:59",
		},
		{
			"a beginning that they skip", "Sun 02:30-03:30 Europe/Berlin", "Sun 2026-03-29 03:10:00",
			"Sun 2026-03-29 03:10:00",
		},
		{"over what they skip", "Sun 01:30-03:30 Europe/Berlin", "Sun 2026-03-29 12:00:00", "Sun 2026-03-29 03:30:00"},
		{
			"hours that come twice", "Sun 01:30-03:30 Europe/Berlin", "Sun 2026-10-25 12:00:00",
			"Sun 2026-10-25 03:30:00",
		},
		{"over midnight", "Fri 22:00-02:00 Europe/Berlin", "Sat 2026-01-17 01:00:00", "Sat 2026-01-17 01:00:00"},
		{"after such a night", "Fri 22:00-02:00 Europe/Berlin", "Sat 2026-01-17 12:00:00", "Sat 2026-01-17 02:00:00"},
		{"on its evening", "Fri 22:00-02:00 Europe/Berlin", "Fri 2026-01-16 21:00:00", "Sat 2026-01-10 02:00:00"},
		{
			"till midnight, by its other name", "Mon 09:00-00:00 Europe/Berlin", "Tue 2026-01-20 08:00:00",
			"Tue 2026-01-20 00:00:00",
		},
		{"after summer time", office, "Fri 2026-04-03 12:00:00", "Thu 2026-04-02 16:00:00"},
		{
			"by another zone's hours", "Wed 09:00-10:00 America/New_York", "Thu 2026-01-15 12:00:00",
			"Wed 2026-01-14 16:00:00",
		},
	} {
		at := local(t, row.at)
		got := Window(row.window).Cut(at.Add(-30*day), at)
		if want := local(t, row.want); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", row.name, got.In(want.Location()), want)
		}
	}
}

func TestWindowLeavesWhatItCannotCut(t *testing.T) {
	at := local(t, "Sat 2026-01-17 23:00:00")
	for _, from := range []string{"Thu 2026-01-15 16:00:00", "Fri 2026-01-16 12:00:00", "Sat 2026-01-17 23:00:00"} {
		if got := Window(office).Cut(local(t, from), at); !got.Equal(at) {
			t.Errorf("from %s: %s", from, got)
		}
	}
	if got := Window("").Cut(at.Add(-day), at); !got.Equal(at) {
		t.Errorf("no window: %s", got)
	}
}

// What a cut returns is never later, lies in the window where it was cut, and nothing of the
// window lies between it and what was asked: found by trying each minute.
func TestWindowAgainstTryingEachMinute(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, w := range []Window{
		office, "Sat-Mon 22:00-24:00 America/New_York", "Tue,Thu 00:00-00:30 Asia/Kathmandu",
		"Sun 01:00-03:30 Europe/Berlin", "Sat-Sun 21:30-02:00 Europe/Berlin", "Mon 23:00-22:59 America/Santiago",
	} {
		h, ok := parseHours(string(w))
		if !ok {
			t.Fatal(w)
		}
		for range 200 {
			at := start.Add(time.Duration(rng.IntN(400*24*60)) * time.Minute)
			want := at
			for m := at; m.After(at.Add(-16 * day)); m = m.Add(-time.Minute) {
				if h.holds(m) {
					want = m
					break
				}
			}
			if got := w.Cut(at.Add(-16*day), at); !got.Equal(want) {
				t.Errorf("%s at %s: %s, want %s", w, at, got, want)
			}
		}
	}
}

// What is cut ends when the clocks show an hour of the window, on the days on which they are
// put forward and back, too.
func TestWindowByTheClocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, w := range []struct{ window, from, to string }{
		{"Sun 02:15-02:45 Europe/Berlin", "02:15:00", "02:45:00"},
		{"Sun 00:10-00:50 America/Santiago", "00:10:00", "00:50:00"},    // where midnight is skipped
		{"Sun 02:00-02:30 Australia/Lord_Howe", "02:00:00", "02:30:00"}, // where half an hour is
	} {
		zone := zoned(t, w.window)
		for range 500 {
			at := start.Add(time.Duration(rng.IntN(2*365*24*60)) * time.Minute)
			got := Window(w.window).Cut(at.Add(-16*day), at).In(zone)
			if clock := got.Format(time.TimeOnly); got.Weekday() != time.Sunday || clock < w.from || clock > w.to {
				t.Fatalf("%s at %s: %s", w.window, at.In(zone), got)
			}
		}
	}
}

func TestVersionsEndInTheWindow(t *testing.T) {
	k := newKey(rotating, windowed(office)) // 90 days from a Thursday, 10:00 UTC, is a Wednesday, 12:00 in Berlin
	if got := k.Newest().ExpiresAt; !got.Equal(at(90*day)) || !k.Window().Holds(got) {
		t.Errorf("inside, and cut to %s", got)
	}
	k = newKey(rotating, windowed(office), living(92*day)) // a Friday
	want := local(t, "Thu 2026-04-16 16:00:00")
	if got := k.Newest().ExpiresAt; !got.Equal(want) {
		t.Errorf("ends %s, want %s", got, want)
	}
	next := k.NextRotation()
	if next.After(want.Add(-7 * day)) {
		t.Errorf("rotates %s, with less than the overlap left", next)
	}
	if got := rotated(k, 1, next).Versions[0].ExpiresAt; !got.Equal(want) {
		t.Errorf("rotated by schedule, it ends %s, want %s", got, want)
	}
	if ended := must(k.Rotate(Rotation{NewKeyID: id(2), Life: day}, admin, start)); !ended.Versions[0].ExpiresAt.Equal(
		start,
	) {
		t.Errorf("overlap=0 ends %s", ended.Versions[0].ExpiresAt)
	}
}

// West of Greenwich the clocks skip midnight: the hour after it, on a day, is read as of the day before.
func TestSkippedMidnight(t *testing.T) {
	for _, row := range []struct{ window, at, want string }{
		{"Sat 20:00-24:00 America/Havana", "2027-03-14T12:00:00Z", "2027-03-13T23:59:59-05:00"},
		{"Sat 20:00-00:00 America/Havana", "2027-03-14T12:00:00Z", "2027-03-13T23:59:59-05:00"},
		{"Mon-Sun 22:00-00:30 America/Havana", "2027-03-14T12:00:00Z", "2027-03-13T23:59:59-05:00"},
		{"Mon-Sun 22:00-01:30 America/Havana", "2027-03-14T12:00:00Z", "2027-03-14T01:30:00-04:00"},
		{"Sun 00:00-02:00 America/Havana", "2027-03-14T05:00:00Z", "2027-03-14T01:00:00-04:00"},
		{"Sun 00:00-00:59 America/Havana", "2027-03-14T12:00:00Z", "2027-03-07T00:59:00-05:00"},
		{"Sat 22:00-00:30 Atlantic/Azores", "2027-03-28T12:00:00Z", "2027-03-27T23:59:59-01:00"},
		{"Sat 20:00-24:00 America/Santiago", "2026-09-06T12:00:00Z", "2026-09-05T23:59:59-04:00"},
		{"Sat 22:00-00:30 America/Santiago", "2026-09-06T12:00:00Z", "2026-09-05T23:59:59-04:00"},
		// there was no such Friday
		{"Fri 09:00-10:00 Pacific/Apia", "2012-01-02T12:00:00Z", "2011-12-23T10:00:00-10:00"},
		{"Thu 20:00-02:00 Pacific/Apia", "2012-01-02T12:00:00Z", "2011-12-29T23:59:59-10:00"},
	} {
		at, err := time.Parse(time.RFC3339, row.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := Window(row.window).Cut(at.Add(-20*day), at); row.want != got.In(zoned(t, row.window)).
			Format(time.RFC3339) {
			t.Errorf(
				"%s at %s: %s, want %s",
				row.window,
				row.at,
				got.In(zoned(t, row.window)).Format(time.RFC3339),
				row.want,
			)
		}
	}
}

// zoned returns the time zone of a window.
func zoned(t *testing.T, window string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(window[strings.LastIndex(window, " ")+1:])
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// FuzzParseWindow: what is accepted is kept as it was written, and cuts no further than two
// weeks.
func FuzzParseWindow(f *testing.F) {
	for _, s := range []string{
		office, "Sat-Mon 22:00-24:00 America/New_York", "Sun 00:00-00:01 UTC", "", "Mon,,Tue 1:00-2:00 UTC",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWindow(s)
		if err != nil {
			return
		}
		if string(w) != s {
			t.Fatalf("%q became %q", s, w)
		}
		at := start.Add(40 * day)
		cut := w.Cut(start, at)
		if cut.After(at) || cut.Before(at.Add(-15*day)) {
			t.Fatalf("%q cuts %s to %s", s, at, cut)
		}
	})
}
