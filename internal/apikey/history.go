package apikey

import "time"

// MaxHistory is how many changes a record keeps.
const MaxHistory = 32

// MaxActorName bounds what is kept of an actor's name, in bytes.
const MaxActorName = 128

// Actor is the caller of a request, as Vault describes it.
type Actor struct {
	EntityID  string
	Accessor  string
	RequestID string
	Name      string // the display name of the token
}

// as returns the actor with the ID that it calls its request.
func (a Actor) as(requestID string) Actor {
	a.RequestID = requestID
	return a
}

// Change is one entry of a key's history.
type Change struct {
	Time      time.Time
	Operation string
	KeyID     string // "" for the key as a whole
	Actor
	Reason string
}

// record appends a change to k's history and drops the oldest entries. k must be an edited copy.
func (k *Key) record(now time.Time, by Actor, operation, keyID, reason string) {
	k.History = append(k.History, Change{Time: now, Operation: operation, KeyID: keyID, Actor: by, Reason: reason})
	if extra := len(k.History) - MaxHistory; extra > 0 {
		k.History = k.History[extra:]
	}
	k.Revision++
}
