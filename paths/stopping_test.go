package paths

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// What ends because the request has ended is no failure; the same error of a request that goes on is one.
func TestWhyWorkStopped(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	over, stop := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer stop()
	broken := errors.New("broken")
	for _, row := range []struct {
		ctx       context.Context
		err, want error
	}{
		{gone, fmt.Errorf("reading: %w", context.Canceled), errGone},
		{over, fmt.Errorf("reading: %w", context.DeadlineExceeded), errOverdue},
		{gone, broken, broken},
		{t.Context(), context.DeadlineExceeded, context.DeadlineExceeded},
		{gone, nil, nil},
	} {
		if got := orStopping(row.ctx, row.err); !errors.Is(got, row.want) || isStopping(got) != isStopping(row.want) {
			t.Errorf("%v of a request that is %v: %v, want %v", row.err, row.ctx.Err(), got, row.want)
		}
	}
}
