package main

import (
	"context"
	"testing"

	"k8srepo/internal/inventory"
	"k8srepo/internal/tree"
)

// TestInterruptedEdit: a run that is stopped while it writes the inventory says what to do, as one
// that is stopped while it writes manifests.
func TestInterruptedEdit(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := &renderOptions{source: t.TempDir(), out: t.TempDir()}
	if err := o.edit(inventory.Edit{File: "users.yaml", New: []byte("users: []\n")}); err != nil {
		t.Fatal(err)
	}
	if err := o.apply(ctx, &tree.Plan{}); err == nil || err.Error() != "interrupted while writing" {
		t.Errorf("got %v", err)
	}
}
