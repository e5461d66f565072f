package field

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// MaxDuration bounds every duration a caller may give; sums of them stay far from overflow.
const MaxDuration = 100 * 365 * 24 * time.Hour

// maxLines bounds a list of texts.
const maxLines = 32

// Bounds of a map of strings.
const (
	maxPairs     = 64
	maxPairKey   = 64 // bytes
	maxPairValue = 256
)

// BadValue refuses a field that must be something else.
func BadValue(name, want string) error {
	return refusal.Errorf(refusal.Invalid, "%s: must be %s", name, want)
}

// ParseText takes a text of at most so many bytes, on one line.
func ParseText(name string, raw any, most int) (string, error) {
	s, ok := raw.(string)
	if !ok || !printable(s) {
		return "", BadValue(name, "a text in UTF-8, on one line and without control characters")
	}
	if len(s) > most {
		return "", refusal.Errorf(refusal.Invalid, "%s: has %d bytes and %d is the most", name, len(s), most)
	}
	return s, nil
}

// ParseBool takes true or false, also as the text that the command line sends.
func ParseBool(name string, raw any) (bool, error) {
	switch raw {
	case true, "true", "1":
		return true, nil
	case false, "false", "0":
		return false, nil
	default:
		return false, BadValue(name, "true or false")
	}
}

// ParseInt takes a whole number, also as the text that the command line sends. JSON
// numbers arrive as float64 from Vault.
func ParseInt(name string, raw any, least, most int) (int, error) {
	n, ok := 0, true
	switch v := raw.(type) {
	case int:
		n = v
	case float64:
		ok = v == math.Trunc(v) && math.Abs(v) < 1<<53
		n = int(v)
	case json.Number:
		i, err := v.Int64()
		n, ok = int(i), err == nil
	case string:
		i, err := strconv.Atoi(v)
		n, ok = i, err == nil
	default:
		ok = false
	}
	if !ok || n < least || n > most {
		return 0, refusal.Errorf(refusal.Invalid, "%s: must be a whole number from %d to %d", name, least, most)
	}
	return n, nil
}

// ParseDuration takes whole seconds as a number or text, days as 90d, or Go's form such
// as 36h or 1h30m.
func ParseDuration(name string, raw any, least, most time.Duration) (time.Duration, error) {
	d, ok := time.Duration(0), false
	switch v := raw.(type) {
	case string:
		d, ok = durationText(v)
	case int, float64, json.Number:
		n, err := ParseInt(name, v, 0, int(MaxDuration/time.Second))
		d, ok = time.Duration(n)*time.Second, err == nil
	}
	if !ok || d < least || d > most {
		return 0, refusal.Errorf(refusal.Invalid, "%s: must be a duration from %s to %s, such as 3600, 24h or 90d",
			name, tenant.Spell(least), tenant.Spell(most))
	}
	return d, nil
}

func durationText(s string) (time.Duration, bool) {
	digits, unit := s, time.Second
	if days, ok := strings.CutSuffix(s, "d"); ok {
		digits, unit = days, 24*time.Hour
	}
	if n, err := strconv.ParseUint(digits, 10, 32); err == nil && n <= uint64(MaxDuration/unit) {
		return time.Duration(n) * unit, true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0 && d <= MaxDuration && d%time.Second == 0
}

// ParseTime takes a time in RFC 3339, to the second, which in UTC lies in a year that RFC 3339 can write again.
func ParseTime(name string, raw any) (time.Time, error) {
	s, _ := raw.(string)
	t, err := time.Parse(time.RFC3339, s)
	t = t.UTC()
	//mutate:false:3 "years before 1970 in UTC" TestParseTime
	//mutate:false:4 "years after 9999 in UTC" TestParseTime
	if err != nil || t.Nanosecond() != 0 || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, BadValue(name, "a time such as 2026-01-31T12:00:00Z, from 1970 to 9999 in UTC")
	}
	return t, nil
}

// ParseLines takes a list of texts, or one text with commas between them. Each is there
// once.
func ParseLines(name string, raw any) ([]string, error) {
	var list []string
	switch v := raw.(type) {
	case string:
		if v != "" {
			list = strings.Split(v, ",")
		}
	case []any:
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, BadValue(name, "a list of texts")
			}
			list = append(list, s)
		}
	default:
		return nil, BadValue(name, "a list of texts")
	}
	if len(list) > maxLines {
		return nil, refusal.Errorf(refusal.Invalid, "%s: has %d items and %d is the most", name, len(list), maxLines)
	}
	for i, s := range list {
		if s == "" || !printable(s) || slices.Contains(list[:i], s) {
			return nil, refusal.Errorf(refusal.Invalid,
				"%s: item %d is empty, there twice, or not printable", name, i+1)
		}
	}
	return list, nil
}

// ParsePairs takes a map of texts, or key=value texts as the command line sends them.
// With merge, the old pairs stay and a null takes one away (RFC 7396 section 2).
func ParsePairs(name string, raw any, old map[string]string, merge bool) (map[string]string, error) {
	pairs := make(map[string]string)
	if merge {
		maps.Copy(pairs, old)
	}
	var err error
	switch v := raw.(type) {
	case map[string]any:
		err = addPairs(name, pairs, v, merge)
	case string:
		err = addPair(name, pairs, v)
	case []any:
		for _, item := range v {
			if err == nil {
				err = addPair(name, pairs, item)
			}
		}
	default:
		err = BadValue(name, "a map of texts, or key=value")
	}
	if err == nil && len(pairs) > maxPairs {
		err = refusal.Errorf(refusal.Invalid, "%s: has %d pairs and %d is the most", name, len(pairs), maxPairs)
	}
	if err != nil || len(pairs) == 0 {
		return nil, err
	}
	return pairs, nil
}

func addPairs(name string, to map[string]string, from map[string]any, merge bool) error {
	for k, v := range from {
		if v == nil && merge {
			delete(to, k)
			continue
		}
		if err := setPair(name, to, k, v); err != nil {
			return err
		}
	}
	return nil
}

func addPair(name string, to map[string]string, item any) error {
	s, _ := item.(string)
	k, v, ok := strings.Cut(s, "=")
	if !ok {
		return BadValue(name, "a map of texts, or key=value")
	}
	return setPair(name, to, k, v)
}

func setPair(name string, to map[string]string, k string, v any) error {
	s, ok := v.(string)
	if !ok || k == "" || len(k) > maxPairKey || len(s) > maxPairValue || !printable(k) || !printable(s) {
		return refusal.Errorf(refusal.Invalid, "%s: a key has 1 to %d bytes, and a value is a text of at most %d, "+
			"both on one line and without control characters", name, maxPairKey, maxPairValue)
	}
	to[k] = s
	return nil
}

// printable refuses what could show another text than is there: line ends and tabs forge
// rows and columns of the tables in which people read it, and some characters turn around
// what stands beside them.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, misleads)
}

func misleads(c rune) bool {
	return unicode.In(c, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// Shown returns a text of somebody else's with U+FFFD in the place of what no field may hold, cut to so many bytes.
func Shown(s string, most int) string {
	s = strings.Map(func(c rune) rune {
		if misleads(c) {
			return utf8.RuneError
		}
		return c
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") // not half a character
	}
	return s
}

// ParseChoice takes one word out of some.
func ParseChoice[V ~string](name string, raw any, words []V) (V, error) {
	word, _ := raw.(string)
	if slices.Contains(words, V(word)) {
		return V(word), nil
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = string(w)
	}
	return "", BadValue(name, "one of "+strings.Join(quoted, ", "))
}

// RFC3339 shows a time as answers carry it; null where there is none.
func RFC3339(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// Seconds shows a length of time as answers carry it.
func Seconds(d time.Duration) int64 { return int64(d / time.Second) }
