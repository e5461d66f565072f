// Package judge has what all judges of signed calls share: the [Call] to judge, the [Verdict] on it, and the interface
// [Judge]. It needs nothing but the standard library, so a server that brings a judge of its own need not build in
// Vault's API. Package verify has the judges of this module, and these types under the same names.
package judge

import (
	"context"
	"net/netip"
	"time"
)

// Judge judges calls. An error says that there is no verdict: a server answers 503.
type Judge interface {
	Verify(ctx context.Context, c Call) (Verdict, error)
}

// Call is one signed call to judge: the head of a request, or a message with its tag.
type Call struct {
	Request            string     // the head as text, as it was received; "" for a message
	Message, Signature string     // a message, which may be any bytes, and its tag (scheme hmac-sha256)
	ClientIP           netip.Addr // where the call came from; the zero value is not known
}

// Verdict is what verification found. Unless Code is [Code.Signed], nothing but Code is set.
type Verdict struct {
	Code  Code
	Valid bool // the call is good: Code is [Valid]

	Tenant, Kind, Name, KeyID string
	Version                   int
	State, Scheme, User       string
	Metadata                  map[string]string // may be shared by many verdicts: do not change it
	ExpiresAt                 time.Time         // zero: never
	SuccessorKeyID            string            // of the version that replaced this one
	Variant                   string            // which of the key's compat the call needed, joined by commas
	// the Content-Digest that the signature covers: compare it with the body
	ContentDigest   string
	ServerTime      time.Time // the time the call was judged by
	ReplayTableFull bool      // replayed because no more calls can be remembered
}

// Code is a verdict in one word, as docs/api.md has it. The zero value is none of them.
type Code string

// The codes, in the order in which they are judged.
const (
	Malformed       Code = "malformed"
	UnknownKey      Code = "unknown_key"
	BadSignature    Code = "bad_signature"
	TenantSuspended Code = "tenant_suspended"
	Revoked         Code = "revoked"
	Disabled        Code = "disabled"
	Expired         Code = "expired"
	TooOld          Code = "too_old"
	TooNew          Code = "too_new"
	SourceDenied    Code = "source_denied"
	OutOfScope      Code = "out_of_scope"
	Replayed        Code = "replayed"
	Valid           Code = "valid"
)

// Signed reports whether the call carries a right signature of a known key, so that the verdict tells about the key.
func (c Code) Signed() bool {
	switch c {
	case Malformed, UnknownKey, BadSignature:
		return false
	case TenantSuspended, Revoked, Disabled, Expired, TooOld, TooNew, SourceDenied, OutOfScope, Replayed, Valid:
		return true
	}
	return false
}
