package paths

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/plugin/pb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// crossed returns the status and text of what [errorResponse] answers, after its way
// through gRPC and Vault's HTTP layer.
func crossed(t *testing.T, err error) (status int, text string) {
	t.Helper()
	resp, err := errorResponse(hclog.NewNullLogger(), err)
	sent, badly := pb.LogicalResponseToProtoResponse(resp)
	if badly != nil {
		t.Fatal(badly)
	}
	received, badly := pb.ProtoResponseToLogicalResponse(sent)
	if badly != nil {
		t.Fatal(badly)
	}
	req := &logical.Request{Operation: logical.UpdateOperation, Path: "verify"}
	status, err = logical.RespondErrorCommon(req, received, pb.ProtoErrToErr(pb.ErrToProtoErr(err)))
	logical.AdjustErrorStatusCode(&status, err)
	return status, err.Error()
}

// The whole table of statuses. What wraps an error on its way up changes nothing.
func TestStatuses(t *testing.T) {
	for _, row := range []struct {
		name   string
		err    error
		status int
	}{
		{"invalid", refusal.Errorf(refusal.Invalid, "ttl: wrong"), 400},
		{"forbidden", refusal.Errorf(refusal.Forbidden, "ttl: wrong"), 403},
		{"not found", refusal.Errorf(refusal.NotFound, "ttl: wrong"), 404},
		{"conflict", refusal.Errorf(refusal.Conflict, "ttl: wrong"), 409},
		{"unavailable", refusal.Errorf(refusal.Unavailable, "ttl: wrong"), 503},
		{"anything else", errors.New("ttl: wrong"), 500},
	} {
		for wrapping, err := range map[string]error{
			"bare":    row.err,
			"wrapped": fmt.Errorf("reading: %w", row.err),
			"twice":   fmt.Errorf("writing: %w", fmt.Errorf("encoding: %w", row.err)),
			"joined":  errors.Join(row.err, errors.New("and more")),
		} {
			t.Run(row.name+" "+wrapping, func(t *testing.T) {
				status, text := crossed(t, err)
				if told := strings.Contains(text, "ttl: wrong"); status != row.status || told != (row.status != 500) {
					t.Errorf("%d %q, want %d", status, text, row.status)
				}
			})
		}
	}
}

// A refusal to write, by this node or told by storage across gRPC, is what Vault forwards.
func TestReadOnlyIsForwarded(t *testing.T) {
	for _, err := range []error{
		logical.ErrReadOnly,
		fmt.Errorf("writing keys: %w", logical.ErrReadOnly),
		errors.New("rpc error: code = Unknown desc = " + logical.ErrReadOnly.Error()),
	} {
		resp, got := errorResponse(hclog.NewNullLogger(), err)
		if resp != nil || got != logical.ErrReadOnly { //nolint:errorlint // gRPC compares it so
			t.Errorf("%v became %v, %v", err, resp, got)
		}
	}
}

// The value of a panic may be a secret; where it happened is what the log is for.
func TestPanicIsNotQuoted(t *testing.T) {
	run := func() (resp *logical.Response, err error) {
		defer recovered(hclog.NewNullLogger(), &resp, &err)
		panic("hunter2")
	}
	resp, err := run()
	coded, ok := err.(logical.HTTPCodedError) //nolint:errorlint // it has to be bare
	if resp != nil || !ok || coded.Code() != 500 || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v, %v", resp, err)
	}
}

// Refusals of lease operations keep their status bare, like those of requests; what failed
// has none.
func TestBare(t *testing.T) {
	for _, row := range []struct {
		err    error
		status int
	}{
		{refusal.Errorf(refusal.Invalid, "x"), 400},
		{refusal.Errorf(refusal.Unavailable, "x"), 503},
	} {
		err := withStatus(fmt.Errorf("renewing: %w", row.err))
		coded, ok := err.(logical.HTTPCodedError) //nolint:errorlint // it has to be bare
		if !ok || coded.Code() != row.status {
			t.Errorf("%v: %v", row.err, coded)
		}
	}
	if told := withStatus(errors.New("x")); told != nil {
		t.Errorf("another error has a status: %v", told)
	}
}

// What ends because the request has ended is no failure; the same error of a request that goes on is one. Storage
// speaks gRPC, whose errors are no errors of contexts.
func TestWhatTheEndOfARequestIsToldAs(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	broken := errors.New("broken")
	for _, row := range []struct {
		ctx       context.Context
		err, want error
	}{
		{gone, fmt.Errorf("reading: %w", context.Canceled), errGone},
		{gone, fmt.Errorf("reading: %w", context.DeadlineExceeded), errGone},
		{gone, fmt.Errorf("reading: %w", status.Error(codes.Canceled, "context canceled")), errGone},
		{gone, status.Error(codes.DeadlineExceeded, "context deadline exceeded"), errGone},
		{gone, broken, broken},
		{t.Context(), context.DeadlineExceeded, context.DeadlineExceeded},
		{gone, nil, nil},
	} {
		if got := orGone(row.ctx, row.err); !errors.Is(got, row.want) ||
			errors.Is(got, errGone) != errors.Is(row.want, errGone) {
			t.Errorf("%v of a request that is %v: %v, want %v", row.err, row.ctx.Err(), got, row.want)
		}
	}
}
