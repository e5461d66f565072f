package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// What is not known of storage is bounded: beyond it nothing new is written, and what was
// begun may be tried again.
func TestUnknownOutcomesAreBounded(t *testing.T) {
	w := new(writes)
	broken := func(context.Context) error { return errBroken }
	nothing := func() {}
	for n := range mostUnknown {
		if err := w.do(t.Context(), fmt.Sprint(n), nothing, broken); !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
	}
	if err := w.do(t.Context(), "one more", nothing, broken); !errors.Is(err, refusal.Unavailable) {
		t.Error(err)
	}
	fine := func(context.Context) error { return nil }
	must(t, w.do(t.Context(), "7", nothing, fine))
	must(t, w.do(t.Context(), "one more", nothing, fine))
	if n := len(w.all()); n != mostUnknown-1 {
		t.Errorf("%d are unsettled", n)
	}
}

// A node that may not write leaves nothing unknown, unless something was before.
func TestReadOnlyNodesLeaveNothingUnknown(t *testing.T) {
	w := new(writes)
	readOnly := func(context.Context) error { return fmt.Errorf("rpc: %s", logical.ErrReadOnly.Error()) }
	if err := w.do(t.Context(), "x", func() {}, readOnly); err == nil || w.unsettled("x") {
		t.Errorf("%v, unsettled %t", err, w.unsettled("x"))
	}
	_ = w.do(t.Context(), "x", func() {}, func(context.Context) error { return errBroken })
	if err := w.do(t.Context(), "x", func() {}, readOnly); err == nil || !w.unsettled("x") {
		t.Errorf("%v, unsettled %t", err, w.unsettled("x"))
	}
}
