package replay

import (
	"testing"
	"time"
)

// A tenant that is gone for good takes its calls along, and nothing of other tenants': theirs of its last window are
// new.
func TestForgottenTenantsLeaveOthersAlone(t *testing.T) {
	var table Table
	now, most := time.Unix(1_800_000_000, 0), Bounds{Tenant: 100, Node: 1000}
	call := Call{Tenant: "gone", KeyID: "k", Nonce: "n", Time: now, Window: 5 * time.Second}
	if got := table.Check(call, most, true, now); got != New {
		t.Fatal(got)
	}
	later := now.Add(100 * time.Second)
	call.Nonce, call.Time = "m", later
	table.Check(call, most, true, later) // lets the first one go
	table.expire(table.ledger("gone"), later)
	table.Forget("gone")
	if n := table.Len(); n != 0 {
		t.Errorf("%d calls are left", n)
	}
	other := Call{Tenant: "other", KeyID: "k", Nonce: "n", Time: now.Add(-time.Minute), Window: 5 * time.Minute}
	if got := table.Check(other, most, true, later); got != New {
		t.Errorf("another tenant's call, first sent: %v", got)
	}
}
