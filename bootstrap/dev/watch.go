package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// lookEvery is how often to look whether what started us is still there. No signal tells of a shell that was killed,
// when what is between it and us lives on.
const lookEvery = time.Second

// origin is what started this process.
type origin struct {
	ancestors []int
	terminal  bool
}

// origins returns what has started us, as it is now.
func origins() origin { return origin{ancestors(), terminal()} }

// watch calls lost, and returns, when what started us has gone; it returns when ctx is done, too.
func (o origin) watch(ctx context.Context, lost func()) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !slices.Equal(ancestors(), o.ancestors) || o.terminal && !terminal() {
			lost()
			return
		}
	}
}

// printer prints, and calls lost when nobody takes what is printed.
type printer struct {
	io.Writer
	lost func()
}

func (p printer) Write(text []byte) (int, error) {
	n, err := p.Writer.Write(text)
	if err != nil {
		p.lost()
	}
	return n, err
}

// terminal reports whether this process has a controlling terminal.
func terminal() bool {
	file, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	_ = file.Close() // It was only to see whether it opens.
	return true
}

// ancestors returns the process IDs of our parent and of its parents as far as they are of our session, as the shell is
// that make was called from. Where there is no /proc it is the parent alone.
func ancestors() []int {
	all := []int{os.Getppid()}
	_, ours, known := parentage(os.Getpid())
	for known {
		last := all[len(all)-1]
		parent, session, ok := parentage(last)
		if !ok || session != ours || last == session {
			break
		}
		all = append(all, parent)
	}
	return all
}

// parentage returns the parent and the session of a process.
func parentage(pid int) (parent, session int, ok bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, false
	}
	// The name of the command comes before, in brackets, and may hold anything.
	_, after, _ := strings.Cut(string(stat[max(0, strings.LastIndexByte(string(stat), ')')):]), " ")
	var state string
	var group int
	_, err = fmt.Sscan(after, &state, &parent, &group, &session)
	return parent, session, err == nil
}
