package paths

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/store"
)

// statuses is the whole table from kinds of refusal to HTTP.
var statuses = []struct {
	kind   error
	status int
}{
	{refusal.Invalid, http.StatusBadRequest},
	{refusal.Forbidden, http.StatusForbidden},
	{refusal.NotFound, http.StatusNotFound},
	{refusal.Conflict, http.StatusConflict},
	{refusal.Unavailable, http.StatusServiceUnavailable},
}

// withStatus returns err in the form that keeps its status on the way to Vault: an error that wraps a status loses it.
// It is nil for an error without a status, which is a failure.
func withStatus(err error) error {
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			return logical.CodedError(s.status, err.Error())
		}
	}
	// Across gRPC, only storage's text says that this node may not write. Vault forwards such a request.
	if errors.Is(err, logical.ErrReadOnly) || strings.Contains(err.Error(), logical.ErrReadOnly.Error()) {
		return logical.ErrReadOnly
	}
	return nil
}

// errorResponse turns an error into the answer to a request.
func errorResponse(log hclog.Logger, err error) (*logical.Response, error) {
	if errors.Is(err, refusal.Invalid) {
		// a text without Vault's bullet before it
		return logical.ErrorResponse("%s", err.Error()), logical.ErrInvalidRequest
	}
	return nil, publicError(log, "request not answered", err)
}

// publicError returns what callers may know of an error. A failure is logged whole, and message says what came of it.
// Every error that leaves the operations passes here.
func publicError(log hclog.Logger, message string, err error) error {
	if known := withStatus(err); known != nil {
		return known
	}
	log.Error(message, "error", err)
	//mutate:instead "errors of storage" TestFailingStorage|TestFailingLease => return err
	return errFailed
}

// errFailed is all that a caller learns of a failure. The text of storage errors may name the server's files.
var errFailed = logical.CodedError(http.StatusInternalServerError,
	"storage or Vault itself has failed; the server's log says how: try again")

var errNoSystem = errors.New("the engine is not attached to a Vault server yet")

// recovered turns a panic into an error. The value of a panic may quote what it failed on, so only the place is logged.
func recovered(log hclog.Logger, resp **logical.Response, err *error) {
	if p := recover(); p != nil {
		log.Error("a handler has panicked", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		*resp, *err = nil, logical.CodedError(http.StatusInternalServerError,
			"internal error; the server's log says where")
	}
}

// errGone refuses what the request did not reach. As a rule nobody reads it. The server ends a request when its caller
// is gone or its time is over, and a plugin cannot tell which.
var errGone = refusal.Errorf(refusal.Unavailable,
	"the caller has gone, or the server's time for the request is over; what was not done by then is not done")

// orGone returns [errGone] for an error that only says that the request has ended. That is no failure of the engine,
// and is not logged.
func orGone(ctx context.Context, err error) error {
	if store.Ended(err) && ctx.Err() != nil {
		return errGone
	}
	return err
}

// ignoreNotFound turns "not found" into nil, for records that may vanish while they are listed.
func ignoreNotFound[T any](v *T, err error) (*T, error) {
	if errors.Is(err, refusal.NotFound) {
		return nil, nil
	}
	return v, err
}
