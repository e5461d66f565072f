//go:build hostile

package hostile

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// attack makes one request after the other; each is a body that was made before, or a fresh one.
type attack struct {
	name, who, method, path string
	// the status; what is well formed may be told 503 as well: the tenant has too much at work
	want int
	body func() []byte

	mu       sync.Mutex
	statuses map[int]int
}

func (w *world) attacks(t *testing.T) []*attack {
	t.Helper()
	wide := w.key(t, "acme", "wide", fields{"scopes": scopes(), "replay": "on"})
	once := func(body any) func() []byte {
		raw := packed(body)
		return func() []byte { return raw }
	}
	items := make([]fields, 1000)
	for i := range items {
		items[i] = fields{"request": "GET /" + strings.Repeat("x", 7000) + " HTTP/1.1\nHost: a\n"}
	}
	unpacked := packed(items[:500])
	message := base64.StdEncoding.EncodeToString(make([]byte, 700_000))
	explained := fields{"request": wide.call("/wfo/" + strings.Repeat("y/", 60)), "body": message}
	return []*attack{
		{
			name:   "a batch as one text",
			want:   200,
			who:    "gateway",
			method: "PATCH",
			path:   "verify",
			body:   once(fields{"batch_json": string(unpacked)}),
		},
		{
			name:   "too many in one text",
			want:   400,
			who:    "gateway",
			method: "PATCH",
			path:   "verify",
			body:   once(fields{"batch_json": "[" + strings.Repeat("{},", 1<<20) + "{}]"}),
		},
		{
			name:   "one item of many fields",
			want:   200,
			who:    "gateway",
			method: "PATCH",
			path:   "verify",
			body:   once(fields{"batch_json": "[" + string(packed(manyFields())) + "]"}),
		},
		{
			name:   "too long a text",
			want:   400,
			who:    "gateway",
			method: "PATCH",
			path:   "verify",
			body:   once(fields{"batch_json": strings.Repeat("[", 7<<20)}),
		},
		{
			name:   "a batch",
			want:   200,
			who:    "acme-verifier",
			method: "PATCH",
			path:   "my/verify",
			body:   once(fields{"batch": items}),
		},
		{
			name:   "too large a request",
			want:   413,
			who:    "acme-verifier",
			method: "PATCH",
			path:   "my/verify",
			body:   once(fields{"request": strings.Repeat("x", 9<<20)}),
		},
		{
			name:   "a great many fields",
			want:   400,
			who:    "acme-verifier",
			method: "PATCH",
			path:   "my/verify",
			body:   once(manyFields()),
		},
		{
			name:   "deep nesting",
			want:   400,
			who:    "acme-verifier",
			method: "PATCH",
			path:   "my/verify",
			body: func() []byte {
				return []byte(`{"batch":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + "}")
			},
		},
		{name: "explain", want: 200, who: "acme-admin", method: "POST", path: "my/explain", body: once(explained)},
		{
			name:   "sign a batch",
			want:   200,
			who:    "acme-app",
			method: "PATCH",
			path:   "my/external/sign/wide",
			body:   once(fields{"batch": items[:900]}),
		},
		{name: "unknown keys", want: 200, who: "gateway", method: "PATCH", path: "verify", body: func() []byte {
			h := holder{rand.Text()[:16], []byte(strings.Repeat("k", 32))}
			batch := make([]fields, 1000)
			for i := range batch {
				h.keyID = rand.Text()[:16]
				batch[i] = fields{"request": h.call("/wfo/a")}
			}
			return packed(fields{"batch": batch})
		}},
		{
			name:   "calls to remember",
			want:   200,
			who:    "acme-verifier",
			method: "PATCH",
			path:   "my/verify",
			body: func() []byte {
				batch := make([]fields, 1000)
				for i := range batch {
					batch[i] = fields{"request": wide.call("/wfo/a")}
				}
				return packed(fields{"batch": batch})
			},
		},
		{name: "import", want: 200, who: "acme-admin", method: "POST", path: "my/external/import", body: imports},
		{
			name:   "report",
			want:   200,
			who:    "acme-admin",
			method: "GET",
			path:   "my/report",
			body:   func() []byte { return nil },
		},
	}
}

func scopes() []string {
	all := []string{"GET /wfo/**"}
	for i := range 31 {
		all = append(all, fmt.Sprintf("GET /s%d%s", i, strings.Repeat("/*", 20)))
	}
	return all
}

func manyFields() fields {
	all := fields{}
	for i := range 230_000 { // just below 4 MiB as JSON
		all["f"+strconv.Itoa(i)] = i
	}
	return all
}

func imports() []byte {
	keys := make([]fields, 1000)
	for i := range keys {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		name := strings.ToLower(rand.Text())[:20]
		keys[i] = fields{
			"name":        name,
			"key_id":      rand.Text()[:20],
			"key":         base64.RawURLEncoding.EncodeToString(secret),
			"description": strings.Repeat("d", 200),
		}
	}
	return packed(fields{"keys": keys})
}

// TestMemoryUnderAttack holds the peak of the plugin's memory against 1.25 times GOMEMLIMIT.
func TestMemoryUnderAttack(t *testing.T) {
	minutes, err := strconv.Atoi(os.Getenv("MINUTES"))
	if err != nil {
		minutes = 10
	}
	w := newWorld(t)
	victim := w.key(t, "bolt", "billing", nil)
	attacks := w.attacks(t)
	before, _ := w.pluginMemory(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(minutes)*time.Minute)
	defer cancel()
	var group sync.WaitGroup
	for range attackers {
		group.Go(func() {
			for ctx.Err() == nil {
				a := attacks[mathrand.N(len(attacks))]
				if a.method == "GET" && mathrand.N(40) > 0 {
					continue // one takes longer than all others, and would be all that is sent
				}
				w.launch(ctx, a)
			}
		})
	}
	took := w.judged(ctx, t, victim)
	group.Wait()
	now, most := w.pluginMemory(t)
	for _, a := range attacks {
		var told []string
		for _, status := range slices.Sorted(maps.Keys(a.statuses)) {
			told = append(told, fmt.Sprintf("%d × %d", a.statuses[status], status))
			if status != a.want && (a.want != 200 || status != 503) {
				t.Errorf("%s: status %d, want %d", a.name, status, a.want)
			}
		}
		if a.statuses[a.want] == 0 && minutes >= 10 {
			t.Errorf("%s: never answered with %d, so it shows nothing", a.name, a.want)
		}
		t.Logf("%-22s %s", a.name, strings.Join(told, ", "))
	}
	slices.Sort(took)
	t.Logf(
		"%d calls of another tenant, all valid: p50 %s, p99 %s, worst %s",
		len(took),
		took[len(took)/2],
		took[len(took)*99/100],
		took[len(took)-1],
	)
	t.Logf(
		"the plugin's memory: %d MiB before, %d MiB after, %d MiB at most, with GOMEMLIMIT=%dMiB and "+
			"max_request_size=%d, %d connections",
		before>>20,
		now>>20,
		most>>20,
		limit>>20,
		maxRequest,
		attackers,
	)
	if most == 0 {
		t.Error("the plugin's process was not found")
	}
	if most > limit*5/4 {
		t.Errorf("the peak is over 1.25 times GOMEMLIMIT")
	}
}

func (w *world) launch(ctx context.Context, a *attack) {
	status, _, err := w.send(ctx, a.who, a.method, a.path, a.body())
	if ctx.Err() != nil {
		return
	}
	if err != nil && status == 0 {
		status = -1 // the connection was cut
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.statuses == nil {
		a.statuses = map[int]int{}
	}
	a.statuses[status]++
}

// judged has one call after the other judged, and returns how long each took.
func (w *world) judged(ctx context.Context, t *testing.T, victim holder) (took []time.Duration) {
	t.Helper()
	for ctx.Err() == nil {
		began := time.Now()
		status, data, err := w.send(
			ctx,
			"gateway",
			"PATCH",
			"verify",
			packed(fields{"request": victim.call("/orders/1")}),
		)
		if ctx.Err() != nil {
			return took
		}
		took = append(took, time.Since(began))
		if err != nil || data["verdict"] != "valid" {
			t.Errorf("another tenant's call: %d %v %v", status, data["verdict"], err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return took
}
