package deploy

import (
	"context"
	"fmt"
	"testing"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/inventory"
)

// twoCommits is a repository in which two commits have hashes that begin with 9f2c1ab.
type twoCommits struct{}

func (twoCommits) byHash(_ context.Context, hash string) (string, error) {
	if hash == "9f2c1ab" {
		return "", fmt.Errorf("%s is the beginning of 2 commits: %w", hash, gitrepo.ErrAmbiguous)
	}
	return "", nil
}

func (twoCommits) byTag(context.Context, string) (string, error) { return "", nil }

// TestAmbiguousHash names two commits, and not none.
func TestAmbiguousHash(t *testing.T) {
	for tag, want := range map[string]Relation{"9f2c1ab": NewAmbiguous, "main-9f2c1ab-1": NewAmbiguous, "9f2c1ac": NewUnknown} {
		f, err := commitIn(t.Context(), twoCommits{}, tag)
		if got := f.unknown(NewUnknown, NewAmbiguous); got != want || f.isOne() || err != nil {
			t.Errorf("%s: got %v, %v, want %v", tag, got, err, want)
		}
	}
}

// TestOrderOfEnvironmentsThatMoveTogether: one without an order takes that of the first by
// name.
func TestOrderOfEnvironmentsThatMoveTogether(t *testing.T) {
	p := &policy{orders: map[string]string{"a": inventory.OrderNone, "b": inventory.OrderSemver, "c": inventory.OrderCommit, "d": ""}}
	for range 50 {
		if got := p.order("a"); got != inventory.OrderSemver {
			t.Fatalf("got %s", got)
		}
	}
}
