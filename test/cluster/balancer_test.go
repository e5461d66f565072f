//go:build cluster

package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// As HAProxy asks its servers by default: how often, and how many good answers it takes until one gets requests. It is
// less patient than that with one that fails, which gets no more at once.
const checked, rise = 2 * time.Second, 2

// balancer stands between the apps and the cluster, as an operator's load balancer does: it asks each node's
// sys/health, passes requests on to the node that leads, and answers 503 while it knows of none.
type balancer struct {
	server  http.Server
	address string
	proxy   httputil.ReverseProxy
	lossy   atomic.Bool // answers of creds are lost on their way back

	mu     sync.Mutex
	good   map[string]int // answers since the last bad one, by the node's address
	failed map[string]int // requests that were refused here, by what they were for
	lost   []string       // the leases in answers that were lost
	gone   time.Time      // since when no node was known to lead; zero while one is
	dying  string         // the node that is killed, until that is seen
	away   []outage       // that are over
}

// outage is a time in which an app could not know Vault to be there.
type outage struct{ from, to time.Time }

// asks are what requests are for, by what is in their paths.
var asks = []string{
	"/creds/brief",
	"/creds/lasting",
	"/leases/renew",
	"/static-creds/",
	"/sign/",
	"/keyring/",
	"/verify",
}

var errLost = errors.New("the answer was lost")

// newBalancer starts one for the test.
func newBalancer(ctx context.Context, t *testing.T, w *world) *balancer {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{
		address: "http://" + listener.Addr().
			String(),
		good:   map[string]int{},
		failed: map[string]int{},
		gone:   time.Now(),
	}
	b.proxy = httputil.ReverseProxy{
		Transport: &http.Transport{}, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			if node, err := url.Parse(r.In.Context().Value(chosen{}).(string)); err == nil {
				r.SetURL(node)
			}
		},
		ModifyResponse: b.lose,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if !errors.Is(err, errLost) && r.Context().Err() == nil {
				b.note(r.Context().Value(chosen{}).(string), false)
			}
			if refuse(w, http.StatusBadGateway); !errors.Is(err, errLost) {
				b.turned(r)
			}
		},
	}
	b.server = http.Server{Handler: b, ReadHeaderTimeout: patience}
	var work sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	work.Go(func() { _ = b.server.Serve(listener) }) // It ends with the test.
	for _, node := range w.cluster.Nodes {
		work.Go(func() { b.watch(ctx, node.Addr) })
	}
	t.Cleanup(func() {
		stop()
		_ = b.server.Close()
		work.Wait()
	})
	return b
}

// chosen is under what a request's context holds the node that it goes to.
type chosen struct{}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	node := b.leads()
	if node == "" {
		refuse(w, http.StatusServiceUnavailable)
		b.turned(r)
		return
	}
	b.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chosen{}, node)))
}

// refuse answers in the place of a node.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"errors":["no server is available"]}`)
}

// turned counts a request that was refused here.
func (b *balancer) turned(r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, what := range asks {
		if strings.Contains(r.URL.Path, what) {
			b.failed[what]++
			break
		}
	}
}

// lose has the answer of creds be lost after the key was made, if it is to be.
func (b *balancer) lose(answer *http.Response) error {
	if !b.lossy.Load() || answer.StatusCode != http.StatusOK || !strings.Contains(answer.Request.URL.Path, "/creds/") {
		return nil
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	var issued struct {
		LeaseID string `json:"lease_id"`
	}
	if err := json.Unmarshal(text, &issued); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = append(b.lost, issued.LeaseID)
	return errLost
}

// watch asks a node now and then whether it leads.
func (b *balancer) watch(ctx context.Context, node string) {
	tick := time.NewTicker(checked)
	defer tick.Stop()
	for {
		b.note(node, leading(ctx, node))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func leading(ctx context.Context, node string) bool {
	ctx, cancel := context.WithTimeout(ctx, checked)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, node+"/v1/sys/health", nil)
	if err != nil {
		return false
	}
	answer, err := plain.Do(r)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

// note takes in what was found of a node.
func (b *balancer) note(node string, good bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.good[node]++; !good {
		b.good[node] = 0
		if node == b.dying {
			b.dying = ""
		}
	}
	switch known := b.known() != ""; {
	case known && !b.gone.IsZero() && b.dying == "":
		b.away = append(b.away, outage{b.gone, time.Now()})
		b.gone = time.Time{}
	case !known && b.gone.IsZero():
		b.gone = time.Now()
	}
}

func (b *balancer) known() string {
	for node, good := range b.good {
		if good >= rise {
			return node
		}
	}
	return ""
}

// leads returns the address of the node that gets requests, or "".
func (b *balancer) leads() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known()
}

// ready waits until a node gets requests.
func (b *balancer) ready(ctx context.Context) error {
	for b.leads() == "" {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("the balancer knows of no leader: %w", ctx.Err())
		}
	}
	return nil
}

// killed tells that a node is about to be killed: requests fail from now on, before that is seen.
func (b *balancer) killed(node string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dying = node
	if b.gone.IsZero() {
		b.gone = time.Now()
	}
}

// wasAway reports whether there was a time between two when no node was known to lead.
func (b *balancer) wasAway(from, to time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.gone.IsZero() && b.gone.Before(to) {
		return true
	}
	for _, o := range b.away {
		if o.from.Before(to) && from.Before(o.to) {
			return true
		}
	}
	return false
}
