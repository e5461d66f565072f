package enginetest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// Journal is the server's log.
type Journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to the log.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// String is the log so far.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// Secrets are those that were handed out so far.
type Secrets struct {
	mu    sync.Mutex
	known []string
}

// HandedOut adds a secret.
func (s *Secrets) HandedOut(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = append(s.known, secret)
}

// NowhereIn checks that an answer that hands nothing out, and the log, hold no secret.
// It runs after every request of every test.
func (s *Secrets) NowhereIn(a Answer, log *Journal) {
	a.T.Helper()
	s.mu.Lock()
	known := slices.Clone(s.known)
	s.mu.Unlock()
	if len(known) > 8 {
		known = known[len(known)-8:] // the tests with thousands of keys would take minutes
	}
	shown := log.String()
	if !handsOut(a.Path) {
		raw, _ := json.Marshal([]any{a.Data, a.Text, a.Warnings})
		shown += string(raw)
	}
	for _, secret := range known {
		if strings.Contains(shown, secret) {
			a.T.Fatalf("%s: the answer or the log holds a secret", a.Asked)
		}
	}
}

// handsOut reports whether a path's answer may hold a secret.
func handsOut(path string) bool {
	return strings.HasSuffix(path, "/reveal") || strings.Contains(path, "/static-creds/") ||
		strings.Contains(path, "/creds/") ||
		strings.HasPrefix(path, "keyring/")
}
