package gitrepo_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
)

// TestBetween compares the commits on both sides with those of git log.
func TestBetween(t *testing.T) {
	t.Parallel()
	repo, line, side, merge := branched(t, gittest.NewServer(t, gittest.Options{}))
	orphan := repo.WriteCommit(repo.Tree(line[0]), "alone")
	h, err := gitrepo.OpenHistory(repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, to       string
		added, removed int
	}{
		"forward":        {line[1], line[4], 3, 0},
		"back":           {line[4], line[1], 0, 3},
		"the same":       {line[3], line[3], 0, 0},
		"diverged":       {line[5], side, 1, 3},
		"to the merge":   {line[5], merge, 2, 0},
		"from the merge": {merge, side, 0, 4},
		"unrelated":      {line[1], orphan, 1, 2},
	} {
		var wantAdded, wantRemoved []string
		for line := range strings.Lines(repo.Git("log", "--topo-order", "--left-right", "--format=%m%H %an %ae %s", c.from+"..."+c.to)) {
			if removed, left := strings.CutPrefix(strings.TrimSpace(line), "<"); left {
				wantRemoved = append(wantRemoved, removed)
			} else {
				wantAdded = append(wantAdded, strings.TrimPrefix(removed, ">"))
			}
		}
		for _, limit := range []int{0, 2, 50} {
			added, removed, err := h.Between(t.Context(), hash(c.from), hash(c.to), limit)
			if err != nil || added.Total != c.added || removed.Total != c.removed {
				t.Errorf("%s: %d and %d, %v, want %d and %d", name, added.Total, removed.Total, err, c.added, c.removed)
			}
			for _, got := range []struct {
				gitrepo.Between
				want []string
			}{{added, wantAdded}, {removed, wantRemoved}} {
				var lines []string
				for _, one := range got.Commits {
					lines = append(lines, fmt.Sprintf("%s %s %s %s", one.Hash, one.Author.Name, one.Author.Email, strings.TrimSpace(one.Message)))
				}
				if want := got.want[:min(limit, len(got.want))]; !slices.Equal(lines, want) {
					t.Errorf("%s, limit %d: got\n%q\nwant\n%q", name, limit, lines, want)
				}
			}
		}
	}
}

func hash(text string) gitrepo.Hash {
	h, _ := gitrepo.ParseHash(text)
	return h
}

// TestBetweenIsCutOff refuses to count where a shallow clone ends too early.
func TestBetweenIsCutOff(t *testing.T) {
	t.Parallel()
	repo, line, side, _ := branched(t, gittest.NewServer(t, gittest.Options{}))
	dir := t.TempDir()
	repo.Git("clone", "--quiet", "--depth=2", "--no-single-branch", repo.URL(), dir)
	h, err := gitrepo.OpenHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if added, _, err := h.Between(t.Context(), hash(line[4]), hash(line[5]), 50); err != nil || added.Total != 1 {
		t.Errorf("a parent that is there: %d, %v", added.Total, err)
	}
	if _, _, err := h.Between(t.Context(), hash(line[5]), hash(side), 50); !errors.Is(err, gitrepo.ErrShallow) {
		t.Errorf("got %v, want ErrShallow", err)
	}
}
