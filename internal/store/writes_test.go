package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// The number of writes with an unknown outcome is bounded, for each tenant and in total. At its bound a tenant may
// only repeat such writes, and other tenants still write.
func TestUnknownOutcomesAreBounded(t *testing.T) {
	w := new(writes)
	broken := func(context.Context) error { return errBroken }
	fine := func(context.Context) error { return nil }
	do := func(of tenant.Name, n int, write func(context.Context) error) error {
		return w.do(t.Context(), of, fmt.Sprintf("keys/%s/external/%d", of, n), func() {}, write)
	}
	fill := func(of tenant.Name, room int) {
		t.Helper()
		for n := range room {
			if err := do(of, n, broken); !errors.Is(err, errBroken) {
				t.Fatalf("%s, write %d: %v", of, n, err)
			}
		}
		if err := do(of, room, broken); !errors.Is(err, refusal.Unavailable) {
			t.Errorf("%s, beyond its share: %v", of, err)
		}
	}
	fill("acme", mostOfOne)
	must(t, do("globex", 0, fine))
	for n := 1; n < mostUnknown/mostOfOne; n++ {
		fill(tenant.Name(fmt.Sprintf("evil-%d", n)), mostOfOne)
	}
	fill("globex", leastOfOne)
	fill("initech", leastOfOne)
	must(t, do("", 0, fine)) // the provider's: settings, and tenants
	must(t, do("acme", 7, fine))
	must(t, do("globex", 7, fine))
	must(t, do("globex", leastOfOne, fine)) // there is room again
	if n, want := len(w.all()), mostUnknown+2*leastOfOne-2; n != want {
		t.Errorf("%d are unsettled, want %d", n, want)
	}
}

// A tenant at its bound gets it settled at once when storage answers again, and no other caller waits for that.
func TestAFullShareIsSettledAtOnce(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	beside := w.in("globex", "uid-of-globex")
	beside.create("billing", id(2))
	for n := range mostOfOne {
		_ = w.st.writes.do(
			t.Context(),
			"acme",
			"ids/"+id(1000+n),
			func() {},
			func(context.Context) error { return errBroken },
		)
	}
	disable := func(k *apikey.Key) (*apikey.Key, error) { return k.Disable("", "", admin, start) }
	w.s.StepIn(
		func(op string) error { return map[bool]error{true: errBroken}[strings.HasPrefix(op, "delete ids/")] },
		nil,
	)
	if _, err := w.update("billing", disable); !errors.Is(err, refusal.Unavailable) {
		t.Errorf("storage does not answer: %v", err)
	}
	operations := w.s.Operations(func() { must(t, errOf(beside.update("billing", disable))) })
	if got := storagetest.Only(operations, "delete"); len(got) != 0 {
		t.Errorf("another tenant settles %v", got)
	}
	w.s.StepIn(nil, nil)
	must(t, errOf(w.update("billing", disable)))
	if n := len(w.st.writes.all()); n >= mostOfOne || n == 0 {
		t.Errorf("%d are unsettled: some were to be, and not all for one caller", n)
	}
}

// A node that may not write leaves nothing unknown, unless something was before.
func TestReadOnlyNodesLeaveNothingUnknown(t *testing.T) {
	w := new(writes)
	readOnly := func(context.Context) error { return fmt.Errorf("rpc: %s", logical.ErrReadOnly.Error()) }
	if err := w.do(t.Context(), "acme", "x", func() {}, readOnly); err == nil || w.unsettled("x") {
		t.Errorf("%v, unsettled %t", err, w.unsettled("x"))
	}
	_ = w.do(t.Context(), "acme", "x", func() {}, func(context.Context) error { return errBroken })
	if err := w.do(t.Context(), "acme", "x", func() {}, readOnly); err == nil || !w.unsettled("x") {
		t.Errorf("%v, unsettled %t", err, w.unsettled("x"))
	}
}
