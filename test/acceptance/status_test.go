//go:build acceptance

package acceptance

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// metrics are read as Prometheus does: each has one HELP and one TYPE before its samples.
var (
	metricHelp   = regexp.MustCompile(`^# HELP (apikeys_[a-z_]+) [A-Z].*\.$`)
	metricType   = regexp.MustCompile(`^# TYPE (apikeys_[a-z_]+) (counter|gauge)$`)
	metricSample = regexp.MustCompile(`^(apikeys_[a-z_]+)(?:\{verdict="([a-z_]+)"\})? ([0-9]+)$`)
)

// parseMetrics returns the samples of metrics, by name, or by verdict where they have that label.
func parseMetrics(t *testing.T, text string) map[string]int {
	t.Helper()
	samples, helped, typed := map[string]int{}, map[string]bool{}, map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := metricHelp.FindStringSubmatch(line); m != nil && !helped[m[1]] {
			helped[m[1]] = true
			continue
		}
		if m := metricType.FindStringSubmatch(line); m != nil && helped[m[1]] && typed[m[1]] == "" {
			typed[m[1]] = m[2]
			continue
		}
		m := metricSample.FindStringSubmatch(line)
		if m == nil || typed[m[1]] == "" || (typed[m[1]] == "counter") != strings.HasSuffix(m[1], "_total") {
			t.Errorf("is no metric: %q", line)
			continue
		}
		name := m[1]
		if m[2] != "" {
			name = m[2]
		}
		if _, twice := samples[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		samples[name], _ = strconv.Atoi(m[3])
	}
	return samples
}

// TestMetrics checks that metrics are what Prometheus reads, and that they and status count the same.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false) // Where nobody else asks for verdicts.
	tenant := w.tenant(t, "metrics")
	admin, gateway, operator := w.caller(t, tenant+"-admin"), w.caller(t, "gateway"), w.caller(t, "operator")
	const key = "apikeys/my/external/keys/billing"
	admin.must("POST", key, nil)
	holder := admin.must("POST", key+"/reveal", nil).holder(t)
	call := holder.call("GET", "/a")
	for _, want := range []string{"valid", "replayed", "replayed"} {
		if got := gateway.verdict(call); got != want {
			t.Fatalf("verdict %s, want %s", got, want)
		}
	}
	gateway.must(
		"PATCH",
		"apikeys/verify",
		fields{"batch": []fields{{"request": "GET /a"}, {"request": holder.call("GET", "/b")}}},
	)

	read := operator.must("GET", "apikeys/metrics", nil)
	if read.media != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("metrics are %s", read.media)
	}
	samples := parseMetrics(t, string(read.body))
	status := operator.must("GET", "apikeys/status", nil)
	for name, want := range map[string]int{
		"valid": 2, "replayed": 2, "malformed": 1, "unknown_key": 0, "expired": 0,
		"apikeys_cache_entries": 1, "apikeys_replay_entries": 2, "apikeys_due": 0,
		"apikeys_rotated_total": 0, "apikeys_failed_total": 0, "apikeys_erased_total": 0,
	} {
		got, has := samples[name]
		field := strings.TrimSuffix(strings.TrimPrefix(name, "apikeys_"), "_total")
		if field == name {
			field = "verdicts." + name
		}
		if !has || got != want || status.field(field) != fmt.Sprint(want) {
			t.Errorf("%s is %d, and in status %q, want %d", name, got, status.field(field), want)
		}
	}
	if lag, has := samples["apikeys_sweep_lag_seconds"]; !has || lag > 130 {
		t.Errorf("the sweep lags %d s", lag)
	}
	verdicts, _ := status.Data["verdicts"].(map[string]any)
	if numbers := len(status.Data) - 2; len(samples) != numbers+len(verdicts) { // The others are verdicts and version.
		t.Errorf("%d metrics, and status has %d numbers and %d verdicts", len(samples), numbers, len(verdicts))
	}
}

// TestTidy checks that entries that a crash might have lost are made again, and those that lead nowhere go, when the
// operator asks for it.
func TestTidy(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	tenant := w.tenant(t, "tidy")
	admin, gateway := w.caller(t, tenant+"-admin"), w.caller(t, "gateway")
	operator, root := w.caller(t, "operator"), w.caller(t, "root")
	if got := operator.must("GET", "apikeys/tidy/status", nil).field("state"); got != "never" {
		t.Errorf("before the first one it is %s", got)
	}
	for _, name := range []string{"billing", "reports"} {
		admin.must("POST", "apikeys/my/external/keys/"+name, fields{"reveal": "always", "auto_rotate": true})
	}
	holder := admin.must("POST", "apikeys/my/external/keys/billing/reveal", nil).holder(t)
	check := func(want map[string]string) {
		t.Helper()
		now, later := operator.must("POST", "apikeys/tidy", nil), operator.must("GET", "apikeys/tidy/status", nil)
		for field, value := range want {
			if now.field(field) != value || later.field(field) != value {
				t.Errorf("%s is %q, then %q, want %q", field, now.field(field), later.field(field), value)
			}
		}
		if now.field("started_at") == "" || now.field("finished_at") == "" {
			t.Errorf("tidy: %s", now.body)
		}
	}
	sound := map[string]string{
		"state":      "finished",
		"records":    "2",
		"ids_mended": "0",
		"due_mended": "0",
		"strays":     "0",
		"destroyed":  "0",
		"failures":   "0",
	}
	check(sound)

	// A stray is what was claimed for a version that was never written.
	mount := "sys/raw/logical/" + root.must("GET", "sys/mounts/apikeys", nil).field("uuid") + "/"
	claim := root.must("GET", mount+"ids/"+holder.keyID, nil).field("value")
	root.must("POST", mount+"ids/0123456789abcdef", fields{"value": claim})
	root.must("DELETE", mount+"ids/"+holder.keyID, nil)
	for path := range root.stored(strings.TrimPrefix(mount, "sys/raw/") + "due/") {
		if strings.Contains(path, "billing") {
			root.must("DELETE", "sys/raw/"+path, nil)
		}
	}
	killPlugin(t, w) // Which remembers better.
	a := gateway.tries("killed", "PATCH", "apikeys/verify", fields{"request": holder.call("GET", "/a")})
	if got := a.field("verdict"); got != "unknown_key" {
		t.Fatalf("a key that nothing leads to is %s", got)
	}
	mended := map[string]string{
		"state":      "finished",
		"records":    "2",
		"ids_mended": "1",
		"due_mended": "1",
		"strays":     "1",
		"destroyed":  "0",
		"failures":   "0",
	}
	check(mended)
	gateway.judged("mended", holder.call("GET", "/a"), map[string]string{"verdict": "valid"})
	if got := root.ask("GET", mount+"ids/0123456789abcdef", nil).status; got != http.StatusNotFound {
		t.Errorf("the stray is still there: %d", got)
	}
	check(sound)
}
