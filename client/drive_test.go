package client

import (
	"context"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

var testHead = func() *signing.Head {
	h, err := signing.ParseHead([]byte("GET /orders HTTP/1.1\nHost: api.example\n"))
	if err != nil {
		panic(err)
	}
	return h
}()

// born returns when a key was made.
func (f *fakeVault) born(id string) time.Time {
	f.Lock()
	defer f.Unlock()
	return f.keys[id].born
}

// revokeAll ends every lease, as an administrator or the end of a token does.
func (f *fakeVault) revokeAll() {
	f.Set(func() {
		for _, k := range f.keys {
			k.revoked = true
		}
	})
}

// signs signs a call and returns an error unless it is good now.
func (f *fakeVault) signs(s signing.Signer) error {
	added, err := s.Sign(context.Background(), testHead)
	if err != nil {
		return err
	}
	return f.verify(testHead, added)
}

// through has time pass, and a call signed in each step of it.
func (f *fakeVault) through(t *testing.T, s signing.Signer, span, step time.Duration) {
	t.Helper()
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(step) {
		if err := f.signs(s); err != nil {
			t.Fatalf("%s before the end: %v", time.Until(end), err)
		}
	}
}

func newTestLease(t *testing.T, f *fakeVault, opts ...LeaseOption) *Lease {
	t.Helper()
	l, err := NewLease(t.Context(), f.Client(t), creds, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeIt(t *testing.T, s Source) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
