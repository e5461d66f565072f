package signing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"sync"
	"sync/atomic"
)

// MACKey is a key that is ready to check many calls: it keeps the state that
// HMAC starts from, which a bare key computes anew for each. It is safe for
// concurrent use, must not be copied, and prints nothing of the key.
type MACKey struct {
	plain sync.Pool // of *macState
	ascii sync.Pool // of *macState, keyed with the key's text
	keyed bool
	macs  macer  // mac, which would be allocated for each call
	wipe  func() // has the key, so that nothing prints it
	wiped atomic.Bool
}

// macState is a keyed HMAC, and where it writes a tag: one on the stack would
// be allocated for each, since hash.Hash is an interface.
type macState struct {
	hash  hash.Hash
	tag   [TagSize]byte
	wiped bool // made when the key was overwritten
}

// NewMACKey returns a MACKey of key, of which it keeps a copy. An empty key
// signs nothing.
func NewMACKey(key []byte) *MACKey {
	k := &MACKey{keyed: len(key) > 0}
	own, mu := append([]byte(nil), key...), new(sync.Mutex) // states are made seldom
	state := func(form func(own []byte) []byte) *macState {
		mu.Lock()
		defer mu.Unlock()
		return &macState{hash: hmac.New(sha256.New, form(own)), wiped: k.wiped.Load()}
	}
	k.plain.New = func() any { return state(func(own []byte) []byte { return own }) }
	k.ascii.New = func() any { return state(keyText) }
	k.macs = k.mac
	k.wipe = func() {
		mu.Lock()
		defer mu.Unlock()
		rand.Read(own) // with zeros, everybody could sign
		k.wiped.Store(true)
	}
	return k
}

// Wipe overwrites the key, for who has no more use for it. What k finds of calls from then
// on means nothing. The states made of the key are left to the garbage collector.
func (k *MACKey) Wipe() { k.wipe() }

// keyText is what a client that does not decode its key signs with.
func keyText(key []byte) []byte { return base64.RawURLEncoding.AppendEncode(nil, key) }

// MAC returns what [MAC] returns for the key.
func (k *MACKey) MAC(message []byte) [TagSize]byte { return k.mac(message, false) }

func (k *MACKey) mac(message []byte, ascii bool) [TagSize]byte {
	pool := &k.plain
	if ascii {
		pool = &k.ascii
	}
	state := pool.Get().(*macState)
	if k.wiped.Load() && !state.wiped { // A pool cannot be emptied: each processor keeps one state to itself.
		state = pool.New().(*macState)
	}
	state.hash.Reset()
	state.hash.Write(message)
	state.hash.Sum(state.tag[:0])
	tag := state.tag
	pool.Put(state)
	return tag
}

// Signed is [Call.SignedBy] for the key.
func (k *MACKey) Signed(c *Call) bool {
	tag := k.MAC(c.Message)
	return equalTags(&tag, &c.Tag) && k.keyed && len(c.Form) == 0
}

// SignedAs is [Call.SignedAs] for the key.
func (k *MACKey) SignedAs(c *Call, compat Compat) (matched Compat, ok bool) {
	return c.signedAs(compat, k.macs, k.keyed)
}

func equalTags(a, b *[TagSize]byte) bool { return hmac.Equal(a[:], b[:]) }
