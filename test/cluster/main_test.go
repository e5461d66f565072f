//go:build cluster

package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/test/cluster/history"
)

const (
	// term is how long each leader leads: its first tick, the time a sweep may take, and a little.
	term = 77 * time.Second
	// hurried is how long the clients work without a pause before a leader is killed.
	hurried = time.Second
	// startup, failover and closing bound what comes before the first kill, between two leaders, and after the last
	// one.
	startup, failover, closing = 2 * time.Minute, 45 * time.Second, 2 * time.Minute
)

// TestCluster runs the clients against a cluster whose leader is killed ROUNDS times, and checks their history.
// ROTATIONS is how many rotations by schedule there must be, if not as many as are certain.
func TestCluster(t *testing.T) {
	rounds, rotations := number(t, "ROUNDS", 2), number(t, "ROTATIONS", -1)
	most := startup + closing + time.Duration(rounds+1)*(term+failover)
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()

	dir := cmp.Or(os.Getenv("CLUSTER_DIR"), "../../build/cluster")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, "history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()

	w := newWorld(ctx, t, history.NewRecorder(file))
	apps := w.newApps(ctx, t)
	w.drive(ctx, t, apps, rounds)
	kept := apps.close(ctx, t, rounds)
	w.account(ctx, t)
	if err := errors.Join(w.recorder.Err(), file.Close()); err != nil {
		t.Fatal(err)
	}
	judge(t, dir, kept, history.Options{Rotations: rotations})
}

// drive has the clients work while leaders are killed, and ends when the last leader has led for its term.
func (w *world) drive(ctx context.Context, t *testing.T, apps *apps, rounds int) {
	t.Helper()
	working, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	for name, work := range w.clients() {
		clients.Go(func() { work(working, w.client(name)) })
	}
	defer clients.Wait()
	defer stop()
	for round := 0; ; {
		leader, since := w.leader(ctx, t)
		if round > 0 {
			apps.outlive(ctx, t)
		}
		attended := apps.during(ctx, since, round < rounds)
		select {
		case <-time.After(time.Until(since.Add(term))):
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
		w.hurry.Store(round < rounds)
		led := &history.Event{Op: history.Lead, Node: leader.Addr, Start: since, Outcome: history.Done}
		if other, from := w.leader(ctx, t); !from.Equal(since) {
			t.Logf("%s has lost the lead to %s by itself, which does not count", leader.Addr, other.Addr)
			led.End, led.Outcome = from, history.Unknown
			w.recorder.Add(led)
			w.hurry.Store(false)
			attended()
			continue
		}
		if round == rounds {
			stop()
			clients.Wait()
			led.End = time.Now()
			w.recorder.Add(led)
			attended()
			return
		}
		time.Sleep(hurried)
		pid := leader.PID()
		apps.balancer.killed(leader.Addr)
		if err := leader.Kill(); err != nil {
			t.Fatal(err)
		}
		round++
		led.End = time.Now()
		w.hurry.Store(false)
		w.recorder.Add(led)
		attended()
		t.Logf(
			"round %d: leader %s, process %d, killed after %s",
			round,
			leader.Addr,
			pid,
			led.End.Sub(since).Round(time.Second),
		)
		w.revive(ctx, t, leader)
	}
}

// revive brings a killed node back, before or after another has taken the lead.
func (w *world) revive(ctx context.Context, t *testing.T, node *devserver.Server) {
	t.Helper()
	select {
	case <-time.After(rand.N(5 * time.Second)):
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(ctx, failover)
	defer cancel()
	if err := w.cluster.Revive(ctx, node); err != nil {
		t.Fatal(err)
	}
}

// leader returns the node that leads, and since when it says that it does.
func (w *world) leader(ctx context.Context, t *testing.T) (*devserver.Server, time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, failover)
	defer cancel()
	leader, err := w.cluster.Leader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	is, err := leader.Client("").Sys().LeaderWithContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !is.IsSelf || is.ActiveTime.IsZero() {
		t.Fatalf("%s led a moment ago, and now says: %+v", leader.Addr, is)
	}
	return leader, is.ActiveTime
}

// judge checks the history in the file, and writes what is in it, and what became of the apps, beside it.
func judge(t *testing.T, dir, kept string, options history.Options) {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, "history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	events, err := history.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	found, s := history.Check(events, options)
	for _, v := range found {
		t.Error(v)
	}
	text := fmt.Sprintf("%d leaders: %d requests, %d of unknown outcome; %d writes acknowledged\n"+
		"%d keys with %d versions, %d leased keys; %d rotations by hand, %d by schedule of which %d were certain\n"+
		"%d calls accepted, %d refused for their version's state, %d as replayed; %d accepted again by the next "+
		"leader\n",
		s.Terms, s.Events, s.Unknown, s.Writes, s.Keys, s.Versions, s.Leased, s.ByHand, s.BySchedule, s.Certain,
		s.Inside, s.Outside, s.Twice, s.Again) + kept
	if err := os.WriteFile(filepath.Join(dir, "summary"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Log(text)
	if options.Rotations != 0 && s.Certain == 0 {
		t.Error("no key was certain to be rotated by schedule")
	}
	if s.Inside == 0 || s.Outside == 0 || s.Twice == 0 || s.ByHand == 0 || s.Leased == 0 {
		t.Error("the history proves little: something never happened in it")
	}
}

// number returns what a variable of the environment says, or otherwise.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// ended returns an error unless the node and its plugins are gone.
func ended(node *devserver.Server) error {
	if err := syscall.Kill(-node.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("a process of %s was left behind: %w", node.Addr, err)
	}
	return nil
}
