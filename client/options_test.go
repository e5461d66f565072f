package client

import "testing"

// TestOptionsAreTyped holds that an option cannot be given to a source that would ignore it.
func TestOptionsAreTyped(t *testing.T) {
	for name, row := range map[string]struct {
		option        any
		lease, static bool
	}{
		"WithLogger": {WithLogger(nil), true, true},
		"WithDrain":  {WithDrain(0), true, false},
		"WithPoll":   {WithPoll(0), false, true},
	} {
		_, lease := row.option.(LeaseOption)
		_, static := row.option.(StaticOption)
		if lease != row.lease || static != row.static {
			t.Errorf("%s: for a lease %v, for a static %v", name, lease, static)
		}
	}
}
