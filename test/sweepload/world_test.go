//go:build sweepload

package sweepload

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
)

type fields = map[string]any

// world is a cluster, of one node in most tests, with the engine mounted. Root does everything.
type world struct {
	*devserver.Cluster
	active *devserver.Server
	since  time.Time // about when it became active: ticks come a whole number of minutes later
	client *http.Client
}

func newWorld(t *testing.T, nodes int) *world {
	t.Helper()
	bin, err := devserver.Find("../../build/server/vault")
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := devserver.StartCluster(t.Context(), bin, nodes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	w := &world{Cluster: cluster, active: cluster.Nodes[0], since: time.Now(), client: &http.Client{
		Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}}
	err = w.Install(t.Context(), devserver.Plugin{
		File:    cmp.Or(os.Getenv("PLUGIN"), "../../build/vault-plugin-secrets-apikeys"),
		Version: os.Getenv("PLUGIN_VERSION"), Mount: "apikeys",
	})
	if err != nil {
		t.Fatal(err)
	}
	w.must(t, "POST", "apikeys/config", fields{
		"tenant_binding": "auto", "min_overlap": "1m", "retention": "1m",
		"allow_import_until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	})
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		t.Logf("load of the machine before: %s", bytes.TrimSpace(load))
	}
	return w
}

// send sends a request to the active node and returns the status and the answer's data.
func (w *world) send(ctx context.Context, method, path string, body fields) (int, fields, error) {
	return w.sendTo(ctx, w.active, method, path, body)
}

func (w *world) sendTo(
	ctx context.Context,
	node *devserver.Server,
	method, path string,
	body fields,
) (int, fields, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, node.Addr+"/v1/"+path, bytes.NewReader(raw))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("X-Vault-Token", node.RootToken)
	answer, err := w.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	if raw, err = io.ReadAll(answer.Body); err != nil {
		return answer.StatusCode, nil, err
	}
	if answer.StatusCode >= 300 {
		return answer.StatusCode, nil, fmt.Errorf(
			"%s %s: %d %s",
			method,
			path,
			answer.StatusCode,
			strings.TrimSpace(string(raw)),
		)
	}
	var told struct {
		Data fields `json:"data"`
	}
	_ = json.Unmarshal(raw, &told) // some answers have none
	return answer.StatusCode, told.Data, nil
}

func (w *world) must(t *testing.T, method, path string, body fields) fields {
	t.Helper()
	_, data, err := w.send(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// moment returns the first time from earliest on that lies half a minute before a tick: what is due by then is swept
// when it has waited for as long as it does on average.
func (w *world) moment(earliest time.Time) time.Time {
	at := w.since.Add(30 * time.Second)
	for at.Before(earliest) {
		at = at.Add(time.Minute)
	}
	return at.UTC().Truncate(time.Second)
}

func number(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s: must be a number", name)
	}
	return n
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
