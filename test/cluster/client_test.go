//go:build cluster

package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/test/cluster/history"
)

const (
	// patience is how long a client waits for one answer, and persistence how long it tries one node after another.
	patience, persistence = 10 * time.Second, 45 * time.Second
	// pause is how long it waits before it tries the next node.
	pause = 200 * time.Millisecond
)

// plain sends what it is told to, once: it follows no redirection, and keeps no connection, since net/http would send a
// GET again when one that it kept breaks, and a GET issues leased keys.
var plain = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

type fields map[string]any

// request is what somebody asks of a node; path begins after /v1/.
type request struct {
	who, method, path string
	fields            fields
}

// answer is what came back, or why nothing did.
type answer struct {
	err     error
	status  int
	Request string          `json:"request_id"`
	LeaseID string          `json:"lease_id"`
	Data    json.RawMessage `json:"data"`
	Errors  []string        `json:"errors"`
}

// send sends one request to a node.
func (w *world) send(ctx context.Context, node *devserver.Server, r request) *answer {
	a := new(answer)
	var body io.Reader
	if r.fields != nil {
		text, err := json.Marshal(r.fields)
		if err != nil {
			return &answer{err: err}
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, node.Addr+"/v1/"+r.path, body)
	if err != nil {
		return &answer{err: err}
	}
	req.Header.Set("X-Vault-Token", w.tokens[r.who])
	if r.method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	resp, err := plain.Do(req)
	if err != nil {
		return &answer{err: err}
	}
	defer resp.Body.Close()
	a.status = resp.StatusCode
	text, err := io.ReadAll(resp.Body)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, a)
	}
	a.err = err
	return a
}

// says returns why a request was not done.
func (a *answer) says() string {
	if a.err != nil {
		return a.err.Error()
	}
	return strings.Join(a.Errors, "; ")
}

// trouble are the words of a server that has failed, in answers which are otherwise those to a wrong request: leases
// are answered so.
var trouble = []string{
	"rpc error",
	"not the leader",
	"leadership lost",
	"local node not active",
	"context canceled",
	"raft",
}

// outcome says whether what was asked for has been done, as far as can be known. A standby that redirects may have
// forwarded first, to a leader who died before it answered.
func (a *answer) outcome() history.Outcome {
	says := a.says()
	for _, word := range trouble {
		if strings.Contains(says, word) {
			return history.Unknown
		}
	}
	switch {
	case a.err != nil || a.status >= http.StatusInternalServerError || a.status == http.StatusTemporaryRedirect:
		return history.Unknown
	case a.status/100 == 2:
		return history.Done
	default:
		return history.Refused
	}
}

// client is one of several who ask the cluster.
type client struct {
	w    *world
	name string
}

func (w *world) client(name string) *client { return &client{w, name} }

// ask asks one node after another, until one has done or refused what is asked for, and records each time what came of
// it as an event of the kind given. Done is called with the answer of one that has, to complete the event. It returns
// the last event.
func (c *client) ask(
	ctx context.Context,
	kind history.Event,
	r request,
	done func(*history.Event, *answer),
) *history.Event {
	return &c.askAll(ctx, []history.Event{kind}, r, func(events []history.Event, a *answer) {
		if done != nil {
			done(&events[0], a)
		}
	})[0]
}

// askAll is ask for a request that is several events.
func (c *client) askAll(
	ctx context.Context,
	kinds []history.Event,
	r request,
	done func([]history.Event, *answer),
) []history.Event {
	ctx, cancel := context.WithTimeout(ctx, persistence)
	defer cancel()
	for {
		events := c.once(ctx, kinds, r, done)
		if events[0].Outcome != history.Unknown {
			return events
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return events
		}
	}
}

// once asks any node.
func (c *client) once(
	ctx context.Context,
	kinds []history.Event,
	r request,
	done func([]history.Event, *answer),
) []history.Event {
	node := c.w.cluster.Nodes[rand.N(len(c.w.cluster.Nodes))]
	start := time.Now()
	// A client that is told to stop waits for the answer to what it has begun.
	a := c.w.send(context.WithoutCancel(ctx), node, r)
	end, events := time.Now(), slices.Clone(kinds)
	for i := range events {
		e := &events[i]
		e.Client, e.Node, e.Start, e.End = c.name, node.Addr, start, end
		if e.Outcome, e.Status = a.outcome(), a.status; e.Outcome == history.Done {
			e.Request = a.Request
		} else {
			e.Says = a.says()
		}
	}
	if events[0].Outcome == history.Done {
		done(events, a)
	}
	if errors.Is(a.err, syscall.ECONNREFUSED) {
		return events // Nobody was asked.
	}
	for i := range events {
		c.w.recorder.Add(&events[i])
	}
	return events
}

// rest waits for about so long, and reports whether to go on. Before a leader is killed nobody waits, so that it dies
// with requests on its hands.
func (c *client) rest(ctx context.Context, about time.Duration) bool {
	if c.w.hurry.Load() {
		about = time.Millisecond
	}
	select {
	case <-time.After(about/2 + rand.N(about)):
		return true
	case <-ctx.Done():
		return false
	}
}
