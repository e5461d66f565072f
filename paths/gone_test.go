package paths

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

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
		if got := orGone(
			row.ctx,
			row.err,
		); !errors.Is(got, row.want) ||
			errors.Is(got, errGone) != errors.Is(row.want, errGone) {
			t.Errorf("%v of a request that is %v: %v, want %v", row.err, row.ctx.Err(), got, row.want)
		}
	}
}
