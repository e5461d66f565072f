package client

import (
	"context"
	"net/netip"
	"time"
)

// Call is one signed call to judge: a request's head, or a message with its tag.
type Call struct {
	Request            string     // the head as text, as it was received; "" for a message
	Message, Signature string     // a message, which may be any bytes, and its tag (scheme hmac-sha256)
	ClientIP           netip.Addr // where the call came from; the zero value is not known
}

// Verdict is what verification found. Before tenant_suspended, in the order of docs/api.md, nothing but Verdict is told.
type Verdict struct {
	Verdict string // malformed, unknown_key, bad_signature, …, valid: see docs/api.md
	Valid   bool   // the call is good

	Tenant, Kind, Name, KeyID string
	Version                   int
	State, Scheme, User       string
	Metadata                  map[string]string // may be shared by many verdicts: not to be changed
	ExpiresAt                 time.Time         // zero: never
	SuccessorKeyID            string            // of the version that replaced this one
	Variant                   string            // which of the key's compat the call needed, joined by commas
	ContentDigest             string            // the Content-Digest that the signature covers: compare it with the body
	ServerTime                time.Time         // the time the call was judged by
	ReplayTableFull           bool              // replayed because no more calls can be remembered
}

// Judge judges calls. An error says that there is no verdict: servers answer 503.
type Judge interface {
	Verify(ctx context.Context, c Call) (Verdict, error)
}
