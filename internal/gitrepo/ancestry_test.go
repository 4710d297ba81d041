package gitrepo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo/gittest"
)

// TestAncestry compares the merge base and the head's own commits with git's, of
// histories with merges and clocks that are off.
func TestAncestry(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t, gittest.Files{})
	var in strings.Builder
	for i := range 60 {
		fmt.Fprintf(&in, "commit refs/heads/c%d\nmark :%d\ncommitter Test <test@example.com> %d +0000\ndata 0\n", i, i+1, 1_767_000_000+i*60+rand.IntN(300))
		if i > 0 {
			fmt.Fprintf(&in, "from :%d\n", 1+rand.IntN(min(i, 4))+max(0, i-4))
		}
		if i > 10 && i%5 == 0 {
			fmt.Fprintf(&in, "merge :%d\n", i-8)
		}
	}
	repo.Import(in.String())
	h, err := OpenHistory(repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	commits := strings.Fields(repo.Git("for-each-ref", "--format=%(objectname)", "refs/heads/c*"))
	for range 10 {
		x, y := commits[rand.IntN(len(commits))], commits[rand.IntN(len(commits))]
		base, _ := ParseHash(x)
		head, _ := ParseHash(y)
		got, err := h.ancestry(t.Context(), base, head)
		if err != nil {
			t.Fatal(err)
		}
		if bases := repo.Git("merge-base", "--all", x, y); !strings.Contains(bases, got.mergeBase.String()) {
			t.Errorf("%s %s: got the merge base %s, want one of %s", x, y, got.mergeBase, bases)
		}
		ofBase := map[string]bool{}
		for _, c := range strings.Fields(repo.Git("rev-list", x)) {
			ofBase[c] = true
		}
		want := map[string]bool{}
		for _, c := range strings.Fields(repo.Git("rev-list", y)) {
			if !ofBase[c] {
				want[c] = true
			}
		}
		for _, c := range got.headOnly {
			if !want[c.String()] {
				t.Errorf("%s %s: %s is not the head's alone, or listed twice", x, y, c)
			}
			delete(want, c.String())
		}
		if len(want) > 0 {
			t.Errorf("%s %s: %v are missing", x, y, want)
		}
	}
}
