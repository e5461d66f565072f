// Package history is what clients of a cluster saw, and judges whether a right engine can have answered so.
//
// A history is a list of events, one for each request, with the times before and after it. An event was done, refused,
// or is unknown: its answer was lost, or the server failed, and it may have happened or not. Clients and servers share
// one clock, so times can be compared; those that the engine writes are cut to seconds.
//
// [Check] pieces together what became of every key from all that was answered about it. A change that was acknowledged
// has happened between the start and the end of its event. Any other, whether its answer was lost or the schedule made
// it, has happened between the time that stands in the key's own history and the end of the first event that shows it.
// Within such a window both outcomes are right, outside only one is. Calls that were seen are remembered by the leader
// alone, so each may be accepted once more after every change of leader.
package history

import "time"

// Op is what was asked for.
type Op string

// The operations. Those on named keys carry [Event.Key], those on leased keys [Event.KeyID].
const (
	Create  Op = "create"
	Rotate  Op = "rotate"  // by hand, of the version KeyID
	Revoke  Op = "revoke"  // the version KeyID
	Read    Op = "read"    // answers Series
	Changes Op = "changes" // answers Log
	Reveal  Op = "reveal"  // answers KeyID
	Sign    Op = "sign"    // by Vault, answers KeyID
	Verify  Op = "verify"  // a call made with KeyID
	Issue   Op = "issue"   // a leased key, answers KeyID and Expires
	Renew   Op = "renew"   // the lease of KeyID, for Seconds
	Return  Op = "return"  // revoke the lease of KeyID
	List    Op = "list"    // answers Names: of the named keys, or key IDs of leased ones where Leased is set
	// no request: Node led from Start to End, or to some time before where the outcome is unknown.
	Lead Op = "lead"
)

// Outcome is what a client knows of its request.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
	Unknown Outcome = "unknown"
)

// Accountant is the client that comes last, and asks about every key.
const Accountant = "accountant"

// Event is one request and its answer.
type Event struct {
	Client  string    `json:"client"`
	Node    string    `json:"node"`
	Op      Op        `json:"op"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Outcome Outcome   `json:"outcome,omitempty"`
	Status  int       `json:"status,omitempty"`
	Says    string    `json:"says,omitempty"`    // why it was refused, or what became of it
	Request string    `json:"request,omitempty"` // Vault's ID of it

	Key     string    `json:"key,omitempty"`    // a named key, as KIND/NAME
	KeyID   string    `json:"key_id,omitempty"` // a version or a leased key
	Overlap int       `json:"overlap,omitempty"`
	Seconds int       `json:"seconds,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	Leased  bool      `json:"leased,omitempty"`
	Names   []string  `json:"names,omitempty"`
	Series  *Series   `json:"series,omitempty"`
	Log     []Change  `json:"log,omitempty"`
	Call    *Call     `json:"call,omitempty"`
}

// Series is a named key as the engine shows it, after every change and when read.
type Series struct {
	Revision   int       `json:"revision"`
	Scheme     string    `json:"scheme"`
	TTL        int       `json:"ttl"`
	Overlap    int       `json:"overlap"`
	AutoRotate bool      `json:"auto_rotate"`
	Versions   []Version `json:"versions"`
}

// Version is one version of a named key.
type Version struct {
	KeyID       string    `json:"key_id"`
	Number      int       `json:"version"`
	State       string    `json:"state"`
	IssuedAt    time.Time `json:"issued_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	RevokedAt   time.Time `json:"revoked_at,omitzero"`
	RotatedFrom string    `json:"rotated_from,omitempty"`
	RotatedTo   string    `json:"rotated_to,omitempty"`
}

// Change is an entry of a key's own history. One that the schedule made names no request.
type Change struct {
	Time      time.Time `json:"time"`
	Operation string    `json:"operation"`
	KeyID     string    `json:"key_id"`
	Request   string    `json:"request_id"`
}

// Call is a signed call and the verdict on it.
type Call struct {
	ID        string    `json:"id"`                // the same each time the call is sent
	Forged    bool      `json:"forged,omitempty"`  // changed after it was signed
	Nonce     bool      `json:"nonce,omitempty"`   // it is accepted once
	Signed    time.Time `json:"signed"`            // when
	Verdict   string    `json:"verdict,omitempty"` // "" where the outcome is not done
	Successor string    `json:"successor,omitempty"`
	JudgedAt  time.Time `json:"judged_at,omitzero"` // the server's own time
}

// KeptChanges and KeptEnded are how many changes and ended versions a key's record keeps.
const (
	KeptChanges = 32
	KeptEnded   = 20
)
