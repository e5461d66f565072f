package verify

import (
	"errors"
	"fmt"

	"vault-plugin-secrets-apikeys/client/judge"
)

// What judges share is defined in package judge, which does not need Vault's API.
type (
	// Judge judges calls. An error says that there is no verdict: a server answers 503.
	Judge = judge.Judge
	// Call is one signed call to judge: the head of a request, or a message with its tag.
	Call = judge.Call
	// Verdict is what verification found.
	Verdict = judge.Verdict
	// Code is a verdict in one word, as docs/api.md has it.
	Code = judge.Code
)

// The codes of verdicts, in the order in which they are judged.
const (
	Malformed       = judge.Malformed
	UnknownKey      = judge.UnknownKey
	BadSignature    = judge.BadSignature
	TenantSuspended = judge.TenantSuspended
	Revoked         = judge.Revoked
	Disabled        = judge.Disabled
	Expired         = judge.Expired
	TooOld          = judge.TooOld
	TooNew          = judge.TooNew
	SourceDenied    = judge.SourceDenied
	OutOfScope      = judge.OutOfScope
	Replayed        = judge.Replayed
	Valid           = judge.Valid
)

var (
	// ErrClosed is returned by a [Verifier] or a [Keyring] that was closed.
	ErrClosed = errors.New("the judge is closed")
	// ErrBusy is returned at once when too many calls already wait for Vault.
	ErrBusy = errors.New("too many calls wait to be verified")
	// ErrUnavailable is wrapped by the errors of calls that were not judged, because Vault is away, sealed, limits
	// requests, or could not read its storage. It is no verdict on the call: answer it with 503.
	ErrUnavailable = errors.New("the call was not judged")
	// ErrUnknown is an [ErrUnavailable] where nobody knows whether Vault has judged the call: the answer was lost. If
	// Vault has, the same call is now a replay, so it must be signed anew, never asked again.
	ErrUnknown = fmt.Errorf("%w, or its verdict was lost", ErrUnavailable)
	// ErrStale is an [ErrUnavailable] for a key whose rules are older than its max_age, while Vault gave no newer ones.
	ErrStale = fmt.Errorf("%w: the key was fetched too long ago, and Vault gives no newer one", ErrUnavailable)
	// ErrNotLocal is returned for calls of a key that Vault does not hand out, because the mount or the tenant does not
	// allow it or the key's reveal is never; and for a key with rules that this version of the package does not know.
	ErrNotLocal = errors.New("the key is not for verifying outside Vault")
)
