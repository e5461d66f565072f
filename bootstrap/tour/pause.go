package tour

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrEnded says that whoever takes the tour has ended it.
var ErrEnded = errors.New("the tour was ended before its last step")

// pause waits until whoever takes the tour wants the next step. To end it is [ErrEnded].
func (t *Tour) pause(ctx context.Context, done, of int) error {
	for {
		fmt.Fprintf(t.Out, "\n[%d of %d] Enter goes on, q and Enter ends the tour: ", done, of)
		line, err := t.readLine(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil, line == "q", line == "Q":
			fmt.Fprintln(t.Out)
			return ErrEnded
		case line == "":
			return nil
		}
	}
}

// readLine reads one line, without what surrounds its words. It reads only when asked: a program in the background that
// reads from its terminal is stopped.
func (t *Tour) readLine(ctx context.Context) (string, error) {
	type reading struct {
		line string
		err  error
	}
	read := make(chan reading, 1)
	go func() {
		line, err := t.in.ReadString('\n')
		read <- reading{strings.TrimSpace(line), err}
	}()
	select {
	case r := <-read:
		return r.line, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
