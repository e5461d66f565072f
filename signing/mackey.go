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

// MACKey is a key prepared to check many calls: it keeps HMAC's initial state, which a bare key computes for
// each call. It is safe for concurrent use, must not be copied, and prints nothing of the key.
type MACKey struct {
	plain sync.Pool // of *macState
	ascii sync.Pool // of *macState, keyed with the key's text
	keyed bool
	macs  macer  // mac as a value, made once to save an allocation for each call
	wipe  func() // a closure that holds the key, so that nothing prints it
	wiped atomic.Bool
}

// macState is a keyed HMAC and a buffer for its tag. A buffer on the stack would escape with each call, because
// hash.Hash is an interface.
type macState struct {
	hash  hash.Hash
	tag   [TagSize]byte
	wiped bool // made after the key was overwritten
}

// NewMACKey returns a MACKey for a copy of key. With an empty key no call is signed.
func NewMACKey(key []byte) *MACKey {
	k := &MACKey{keyed: len(key) > 0}
	own, mu := append([]byte(nil), key...), new(sync.Mutex) // rarely locked, because states are reused
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
		rand.Read(own) // with zeros, anybody could sign
		k.wiped.Store(true)
	}
	return k
}

// Wipe overwrites the key when it is no longer needed. After that, the results of k's methods mean nothing.
// States made from the key are left to the garbage collector.
func (k *MACKey) Wipe() { k.wipe() }

// keyText returns the text of a key, which clients that do not decode it use as the key.
func keyText(key []byte) []byte { return base64.RawURLEncoding.AppendEncode(nil, key) }

// MAC is [MAC] with this key.
func (k *MACKey) MAC(message []byte) [TagSize]byte { return k.mac(message, false) }

func (k *MACKey) mac(message []byte, ascii bool) [TagSize]byte {
	pool := &k.plain
	if ascii {
		pool = &k.ascii
	}
	state := pool.Get().(*macState)
	if k.wiped.Load() && !state.wiped { // a pool cannot be emptied
		state = pool.New().(*macState)
	}
	state.hash.Reset()
	state.hash.Write(message)
	state.hash.Sum(state.tag[:0])
	tag := state.tag
	pool.Put(state)
	return tag
}

// Signed is [Call.SignedBy] with this key.
func (k *MACKey) Signed(c *Call) bool {
	tag := k.MAC(c.Message)
	return equalTags(&tag, &c.Tag) && k.keyed && len(c.Form) == 0
}

// SignedAs is [Call.SignedAs] with this key.
func (k *MACKey) SignedAs(c *Call, compat Compat) (matched Compat, ok bool) {
	return c.signedAs(compat, k.macs, k.keyed)
}

func equalTags(a, b *[TagSize]byte) bool { return hmac.Equal(a[:], b[:]) }
