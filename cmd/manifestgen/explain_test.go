package main

import (
	"os"
	"testing"

	"k8srepo/internal/inventory"
)

// TestExplainAgreesWithRender looks at every variable of the starter, for everyone
// who has one: the layer that wins says what templates see.
func TestExplainAgreesWithRender(t *testing.T) {
	inv, err := inventory.Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	leaves := 0
	for _, env := range inv.Environments {
		for _, service := range append([]*inventory.Service{nil}, inv.Services...) {
			for _, user := range append([]*inventory.User{nil}, inv.Users...) {
				v := &variables{inv.Vars(env, service, user), inv.Layers(env, service, user)}
				for _, l := range v.leaves(nil) {
					leaves++
					if l.winner() == "" {
						t.Fatalf("nobody says %s in %s for %v and %v: %+v", l.name, env.Name, service, user, l)
					}
					for i, s := range l.says {
						if s.wins && s.value.String() != l.value.String() || s.wins && i < len(l.says)-1 {
							t.Errorf("%s in %s: layer %d of %d wins with %s, and templates see %s", l.name, env.Name, i+1, len(l.says), s.value, l.value)
						}
					}
				}
			}
		}
	}
	if leaves < 1000 {
		t.Errorf("looked at %d values only", leaves)
	}
}
