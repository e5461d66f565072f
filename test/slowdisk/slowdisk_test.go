//go:build slowdisk

package slowdisk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

const (
	shortest = 200 * time.Millisecond // that an fsync is made to last; it changes all the while
	longest  = 1500 * time.Millisecond
	// the longest that a caller who goes away waits, and then stays away: two writes, because an index comes first.
	patience = 4 * time.Second
	leaves   = 3                // times that they do so at the most
	watched  = 6 * time.Second  // for so long a subject is looked at once its change was answered
	drained  = 3 * time.Second  // after the disk is fast again, for what was still to be written
	round    = 90 * time.Second // for an answer, and the looking
	workers  = 12
	most     = 8 * time.Minute
)

func (w *world) open(t *testing.T, tenant string) {
	t.Helper()
	w.must(t, request{"spa", "POST", "apikeys/admin/tenants/" + tenant, nil})
	w.enrol(t, tour.Staff(tenant))
}

// TestAnsweredChangesAreInForce runs CHANGES subjects of each kind of change, several at once.
func TestAnsweredChangesAreInForce(t *testing.T) {
	rounds := 8
	if n, err := strconv.Atoi(os.Getenv("CHANGES")); err == nil {
		rounds = n
	}
	w, all := newWorld(t), verbs()
	w.open(t, "acme")
	var subjects []*subject
	for i, v := range all {
		for n := range rounds {
			s := &subject{verb: v}
			v.begin(t, w, s, "acme", fmt.Sprintf("%c%d", 'a'+i, n))
			subjects = append(subjects, s)
		}
	}
	speedUp := w.slowDown(t)
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	rand.Shuffle(len(subjects), func(i, j int) { subjects[i], subjects[j] = subjects[j], subjects[i] })
	each(subjects, func(s *subject) { w.round(ctx, t, s) })
	speedUp()
	time.Sleep(drained)
	each(subjects, func(s *subject) { w.last(ctx, t, s) })
	left := 0
	for _, s := range subjects {
		s.verb.count(s)
	}
	for _, v := range all {
		t.Log(v)
		if v.contradicting > 0 {
			t.Errorf("%s: %d answered and not in force: %s", v.name, v.contradicting, v.first)
		}
		if v.answered < rounds || v.judged == 0 || v.read == 0 {
			t.Errorf("%s: not all were answered, judged and read", v.name)
		}
		left += v.left
	}
	if left < len(subjects)/2 {
		t.Errorf("%d callers have left, which proves little", left)
	}
}

// each does something with each subject, several at once.
func each(subjects []*subject, do func(*subject)) {
	next := make(chan *subject)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for s := range next {
				do(s)
			}
		})
	}
	for _, s := range subjects {
		next <- s
	}
	close(next)
	group.Wait()
}

// round has a change made by callers who come and go, while the subject is looked at.
func (w *world) round(ctx context.Context, t *testing.T, s *subject) {
	ctx, stop := context.WithTimeout(ctx, round)
	defer stop()
	looking := make(chan struct{})
	go func() {
		defer close(looking)
		for ctx.Err() == nil {
			_ = w.look(ctx, s) // an answer that fails tells nothing
			time.Sleep(rand.N(shortest / 2))
		}
	}()
	if err := w.ask(ctx, s); err != nil {
		t.Errorf("%s: %v", s.verb.name, err)
	} else {
		s.answered = time.Now()
		select {
		case <-time.After(watched):
		case <-ctx.Done():
		}
	}
	stop()
	<-looking
}

// last looks once more at a subject whose change was answered, and has to get to see it.
func (w *world) last(ctx context.Context, t *testing.T, s *subject) {
	if s.answered.IsZero() {
		return
	}
	if err := w.look(ctx, s); err != nil {
		t.Errorf("%s: %v", s.verb.name, err)
	}
}

// ask asks until there is an answer. The first callers go away, and are away for a while.
func (w *world) ask(ctx context.Context, s *subject) error {
	for n := rand.N(leaves + 1); s.left < n; s.left++ {
		once, cancel := context.WithTimeout(ctx, rand.N(patience))
		err := w.change(once, s)
		cancel()
		if err == nil {
			return nil
		}
		time.Sleep(rand.N(patience))
	}
	for {
		err := w.change(ctx, s)
		if code := status(err); err == nil || ctx.Err() != nil || code >= 400 && code < 500 {
			return err
		}
	}
}

func (w *world) change(ctx context.Context, s *subject) error {
	_, err := w.send(ctx, s.change)
	if s.verb.once && status(err) == http.StatusConflict {
		return nil // it says that the change was made
	}
	return err
}

func status(err error) int {
	var refused *api.ResponseError
	if errors.As(err, &refused) {
		return refused.StatusCode
	}
	return 0
}

// seen is what a verdict or a record told, and when it was asked for.
type seen struct {
	asked time.Time
	told  string
	right bool // as it is to be once the change was answered
}

// look has a call judged, which caches what it may of the subject, and reads the record.
func (w *world) look(ctx context.Context, s *subject) error {
	asked := time.Now()
	verdict, err := w.verdict(ctx, s)
	if err == nil {
		s.verdicts = append(s.verdicts, seen{asked, verdict, verdict == s.verb.verdict})
	}
	asked = time.Now()
	record, failed := w.send(ctx, s.record)
	if failed == nil {
		told, right := s.verb.shows(s, record)
		s.records = append(s.records, seen{asked, told, right})
	}
	return errors.Join(err, failed)
}

// counts are of all subjects of a kind of change.
type counts struct {
	answered, left, judged, read, contradicting int
	first                                       string // contradiction
}

func (v *verb) String() string {
	return fmt.Sprintf(
		"%-20s %2d answered, %2d callers left before, %4d verdicts and %4d reads afterwards, %d of %d not in force",
		v.name,
		v.answered,
		v.left,
		v.judged,
		v.read,
		v.contradicting,
		v.answered,
	)
}

func (c *counts) count(s *subject) {
	c.left += s.left
	if s.answered.IsZero() {
		return
	}
	c.answered++
	before := func(one seen) bool { return !one.asked.After(s.answered) }
	verdicts, records := slices.DeleteFunc(s.verdicts, before), slices.DeleteFunc(s.records, before)
	c.judged += len(verdicts)
	c.read += len(records)
	wrong := func(one seen) bool { return !one.right }
	for what, all := range map[string][]seen{"a call was judged": verdicts, "its record said": records} {
		if n := slices.IndexFunc(all, wrong); n >= 0 {
			last := all[len(all)-1]
			s.first = fmt.Sprintf(
				"%s after the answer %s %s, at last %s",
				all[n].asked.Sub(s.answered).Round(time.Millisecond),
				what,
				all[n].told,
				last.told,
			)
		}
	}
	if s.first == "" {
		return
	}
	c.contradicting++
	if c.first == "" {
		c.first = s.first
	}
}
