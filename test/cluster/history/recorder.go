package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Recorder writes events as lines of JSON. It is safe for concurrent use.
type Recorder struct {
	mu  sync.Mutex
	to  *json.Encoder
	err error
}

// NewRecorder returns a recorder that writes to w.
func NewRecorder(w io.Writer) *Recorder { return &Recorder{to: json.NewEncoder(w)} }

// Add records an event that has ended.
func (r *Recorder) Add(e *Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = errors.Join(r.err, r.to.Encode(e))
}

// Err returns what went wrong in writing.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Parse reads what a [Recorder] has written.
func Parse(r io.Reader) ([]*Event, error) {
	var events []*Event
	from := json.NewDecoder(bufio.NewReader(r))
	for {
		e := new(Event)
		err := from.Decode(e)
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", len(events)+1, err)
		}
		events = append(events, e)
	}
}
