package gitrepo_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"k8srepo/internal/repo"
)

// TestAncestry compares the merge base and the head's own commits with those that brute
// force finds, in histories with merges and clocks that are off.
func TestAncestry(t *testing.T) {
	t.Parallel()
	for name, date := range dates {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, tips, ancestors := tangled(t, date)
			for range 20 {
				base, head := tips[rand.IntN(len(tips))], tips[rand.IntN(len(tips))]
				mergeBase, headOnly, err := h.Ancestry(t.Context(), hash(base), hash(head))
				best := mergeBases(ancestors, base, head)
				if len(best) == 0 && errors.Is(err, repo.ErrUnrelated) {
					continue // one of them is on main
				}
				if err != nil {
					t.Errorf("%s %s: %v", base, head, err)
					continue
				}
				if !slices.Contains(best, mergeBase.String()) {
					t.Errorf("%s %s: got the merge base %s, want one of %s", base, head, mergeBase, best)
				}
				want := map[string]bool{}
				for c := range ancestors[head] {
					if !ancestors[base][c] {
						want[c] = true
					}
				}
				for _, c := range headOnly {
					if !want[c.String()] {
						t.Errorf("%s %s: %s is not the head's alone, or listed twice", base, head, c)
					}
					delete(want, c.String())
				}
				if len(want) > 0 {
					t.Errorf("%s %s: %v are missing", base, head, want)
				}
			}
		})
	}
}

// mergeBases returns the common ancestors of two commits that are no other one's ancestors.
func mergeBases(ancestors map[string]map[string]bool, a, b string) (best []string) {
	var common []string
	for c := range ancestors[a] {
		if ancestors[b][c] {
			common = append(common, c)
		}
	}
	for _, c := range common {
		if !slices.ContainsFunc(common, func(other string) bool { return other != c && ancestors[other][c] }) {
			best = append(best, c)
		}
	}
	return best
}
