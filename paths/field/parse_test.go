package field

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

const bad = -1 // stands for a refusal

func TestParseDuration(t *testing.T) {
	for _, row := range []struct {
		raw  any
		want time.Duration
	}{
		{"90d", 90 * 24 * time.Hour},
		{"24h", 24 * time.Hour},
		{"3600", time.Hour},
		{"1h30m", 90 * time.Minute},
		{"0", 0},
		{"0d", 0},
		{3600.0, time.Hour},
		{3600, time.Hour},
		{json.Number("3600"), time.Hour},
		{0.0, 0},
		{"", bad},
		{"-1", bad},
		{"-1h", bad},
		{"d", bad},
		{"1.5d", bad},
		{"1d12h", bad},
		{"+5", bad},
		{" 5", bad},
		{"1e3", bad},
		{"500ms", bad},
		{"36501d", bad},
		{"99999999999999999999", bad},
		{-1.0, bad},
		{1.5, bad},
		{math.NaN(), bad},
		{math.Inf(1), bad},
		{1e300, bad},
		{true, bad},
		{nil, bad},
		{[]any{1}, bad},
		{json.Number("x"), bad},
	} {
		got, err := ParseDuration("ttl", row.raw, 0, MaxDuration)
		if err != nil {
			got = bad
		}
		if got != row.want {
			t.Errorf("%v (%T): %v, want %v", row.raw, row.raw, got, row.want)
		}
		refusedByName(t, err, "ttl")
	}
	if _, err := ParseDuration("ttl", 5, 6*time.Second, time.Minute); err == nil {
		t.Error("below the least")
	}
	if _, err := ParseDuration("ttl", 61, 6*time.Second, time.Minute); err == nil {
		t.Error("over the most")
	}
}

func refusedByName(t *testing.T, err error, name string) {
	t.Helper()
	if err != nil && (!errors.Is(err, refusal.Invalid) || !strings.HasPrefix(err.Error(), name+":")) {
		t.Errorf("refused with %v", err)
	}
}

func TestParseInt(t *testing.T) {
	for _, row := range []struct {
		raw  any
		want int
	}{
		{7, 7},
		{7.0, 7},
		{"7", 7},
		{json.Number("7"), 7},
		{1, 1},
		{10, 10},
		{0, bad},
		{11, bad},
		{7.5, bad},
		{"7.0", bad},
		{"", bad},
		{" 7", bad},
		{"0x7", bad},
		{math.NaN(), bad},
		{math.Inf(-1), bad},
		{1e18, bad},
		{"99999999999999999999", bad},
		{json.Number("7.5"), bad},
		{true, bad},
		{nil, bad},
	} {
		got, err := ParseInt("limit", row.raw, 1, 10)
		if err != nil {
			got = bad
		}
		if got != row.want {
			t.Errorf("%v (%T): %d, want %d", row.raw, row.raw, got, row.want)
		}
		refusedByName(t, err, "limit")
	}
}

func TestParseBool(t *testing.T) {
	for raw, want := range map[any]any{
		true: true, "true": true, false: false, "false": false,
		"1": true, "0": false, 1: nil, "01": nil, "yes": nil, "": nil, "True": nil, 0.0: nil,
	} {
		got, err := ParseBool("auto_rotate", raw)
		if (err != nil) != (want == nil) || err == nil && got != want {
			t.Errorf("%v: %v %v", raw, got, err)
		}
		refusedByName(t, err, "auto_rotate")
	}
}

func TestParseText(t *testing.T) {
	for raw, ok := range map[any]bool{
		"": true, "Grüße an alle": true, "of a file\n": false, "of a file\r\n": false,
		"two\nlines": false, "\ttab": false,
		"a\u0085b": false, "a\u2028b": false, "a\u202eb": false, "a\u2067b": false, strings.Repeat("x", 64): true,
		strings.Repeat("x", 65): false, "a\x00b": false, "a\rb": false, "\x7f": false, "\xff": false, 7: false,
		true: false,
	} {
		_, err := ParseText("owner", raw, 64)
		if (err == nil) != ok {
			t.Errorf("%q: %v", raw, err)
		}
		refusedByName(t, err, "owner")
	}
}

// What is taken can be stored and shown: in UTC, whatever the zone it was given in.
func TestParseTime(t *testing.T) {
	for raw, want := range map[any]string{
		"2026-01-31T12:00:00Z":      "2026-01-31T12:00:00Z",
		"2026-01-31T12:00:00+02:00": "2026-01-31T10:00:00Z",
		"1970-01-01T00:00:00Z":      "1970-01-01T00:00:00Z",
		"1969-12-31T23:00:00-01:00": "1970-01-01T00:00:00Z",
		"1970-01-01T00:00:00+23:00": "",
		"1969-12-31T23:59:59Z":      "",
		"9999-12-31T23:59:59Z":      "9999-12-31T23:59:59Z",
		"9999-12-31T23:59:59+23:59": "9999-12-31T00:00:59Z",
		"9999-12-31T23:59:59-01:00": "",
		"9999-12-31T00:01:00-23:59": "",
		"10000-01-01T00:00:00Z":     "",
		"0000-01-01T00:00:00Z":      "",
		"2026-01-31T12:00:00.5Z":    "",
		"2026-01-31":                "",
		"":                          "",
		7:                           "",
	} {
		got, err := ParseTime("expires_at", raw)
		refusedByName(t, err, "expires_at")
		if err == nil && RFC3339(got) != want || err != nil && want != "" {
			t.Errorf("%v: %v, %v", raw, RFC3339(got), err)
		}
		if _, bad := got.MarshalJSON(); bad != nil {
			t.Errorf("%v cannot be stored: %v", raw, bad)
		}
	}
}

func TestParsePairsIsBounded(t *testing.T) {
	many := make(map[string]any)
	for i := range maxPairs {
		many[fmt.Sprint("k", i)] = "v"
	}
	if got, err := ParsePairs("metadata", many, nil, false); err != nil || len(got) != maxPairs {
		t.Errorf("%d pairs: %v", len(got), err)
	}
	more := maps.Clone(many)
	more["one"] = "v"
	old, _ := ParsePairs("metadata", many, nil, false)
	for name, raw := range map[string]any{
		"too many": more, "long key": map[string]any{strings.Repeat("k", maxPairKey+1): "v"},
		"long value": map[string]any{"k": strings.Repeat("v", maxPairValue+1)}, "control": map[string]any{"k": "\x00"},
		"number": map[string]any{"k": 7.0}, "no pair": []any{"k"}, "not texts": []any{7}, "a number": 7.0,
	} {
		_, err := ParsePairs("metadata", raw, nil, false)
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
		refusedByName(t, err, "metadata")
	}
	if _, err := ParsePairs("metadata", map[string]any{"one": "v"}, old, true); err == nil {
		t.Error("merged over the bound")
	}
	if len(old) != maxPairs {
		t.Error("merging has changed the old map")
	}
}

// FuzzDuration holds the two ways to read a duration against each other: no text gives a
// negative one, or one over the bound, or a part of a second.
func FuzzDuration(f *testing.F) {
	for _, s := range []string{
		"90d", "24h", "3600", "1h30m", "-1", "9223372036854775807", "1e9", "0.5h", "36500d", "36501d",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration("ttl", s, 0, MaxDuration)
		if err == nil && (d < 0 || d > MaxDuration || d%time.Second != 0) {
			t.Errorf("%q: %v", s, d)
		}
		if err == nil {
			again, err := ParseDuration("ttl", float64(Seconds(d)), 0, MaxDuration)
			if err != nil || again != d {
				t.Errorf("%q: %v as a number is %v, %v", s, d, again, err)
			}
		}
	})
}
