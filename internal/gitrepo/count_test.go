package gitrepo_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
)

// dates are when the commits of a history were made.
var dates = map[string]func(i int) int{
	"one after another": func(i int) int { return 1_767_000_000 + i*60 },
	"all at once":       func(int) int { return 1_767_000_000 },
	"clocks off":        func(i int) int { return 1_767_000_000 + i*60 + rand.IntN(300) },
}

// tangled is a repository of 60 branches and their merges, a commit each.
func tangled(t *testing.T, date func(i int) int) *gittest.Repo {
	t.Helper()
	repo := gittest.NewRepo(t, gittest.Files{})
	tree := repo.Tree(repo.Tip("main"))
	var commits []string
	for i := range 60 {
		text := "tree " + tree + "\n"
		if i > 0 {
			text += "parent " + commits[rand.IntN(min(i, 4))+max(0, i-4)] + "\n"
		}
		if i > 10 && i%5 == 0 {
			text += "parent " + commits[i-9] + "\n"
		}
		who := fmt.Sprintf("Test <test@example.com> %d +0000", date(i))
		commits = append(commits, repo.WriteObject("commit", fmt.Sprintf("%sauthor %s\ncommitter %[2]s\n\n%d", text, who, i)))
		repo.MoveBranch(fmt.Sprintf("c%d", i), commits[i])
	}
	return repo
}

func TestCount(t *testing.T) {
	t.Parallel()
	for name, date := range dates {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := tangled(t, date)
			h, err := gitrepo.OpenHistory(repo.Dir)
			if err != nil {
				t.Fatal(err)
			}
			tips, ancestors := commitsOf(repo), ancestorsOf(repo)
			for range 60 {
				x, y := tips[rand.IntN(60)], tips[rand.IntN(60)]
				a, _ := gitrepo.ParseHash(x)
				b, _ := gitrepo.ParseHash(y)
				wantA, wantB := 0, 0
				for c := range ancestors[x] {
					if !ancestors[y][c] {
						wantA++
					}
				}
				for c := range ancestors[y] {
					if !ancestors[x][c] {
						wantB++
					}
				}
				onlyA, onlyB, err := h.Count(t.Context(), a, b)
				if err != nil || onlyA != wantA || onlyB != wantB {
					t.Errorf("%s %s: got %d, %d, %v, want %d, %d", x, y, onlyA, onlyB, err, wantA, wantB)
				}
				ahead, behind, err := h.Compare(t.Context(), a, b)
				if err != nil || ahead != ancestors[x][y] || behind != ancestors[y][x] {
					t.Errorf("%s %s: got %v, %v, %v, want %v, %v", x, y, ahead, behind, err, ancestors[x][y], ancestors[y][x])
				}
			}
		})
	}
}

// commitsOf returns the commits of a repository's branches.
func commitsOf(repo *gittest.Repo) []string {
	return strings.Fields(repo.Git("for-each-ref", "--format=%(objectname)", "refs/heads/"))
}

// ancestorsOf returns the ancestors of each commit, itself among them, by brute force:
// git rev-list --left-right stops early, and is wrong itself where clocks were off.
func ancestorsOf(repo *gittest.Repo) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for line := range strings.Lines(repo.Git("rev-list", "--all", "--topo-order", "--reverse", "--parents")) {
		commits := strings.Fields(line)
		own := map[string]bool{commits[0]: true}
		for _, parent := range commits[1:] {
			maps.Copy(own, all[parent])
		}
		all[commits[0]] = own
	}
	return all
}

func TestCountOfACutHistory(t *testing.T) {
	t.Parallel()
	whole := gittest.NewRepo(t, gittest.Files{"a": "0"})
	var hashes []gitrepo.Hash
	for i := range 10 {
		h, _ := gitrepo.ParseHash(whole.Commit("main", gittest.Files{"a": fmt.Sprint(i + 1)}, "more"))
		hashes = append(hashes, h)
	}
	cut := gittest.NewRepo(t, nil)
	cut.Git("fetch", "--quiet", "--depth=5", whole.URL(), "main:main")
	h, err := gitrepo.OpenHistory(cut.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if a, b, err := h.Count(t.Context(), hashes[9], hashes[6]); a != 3 || b != 0 || err != nil {
		t.Errorf("got %d, %d, %v", a, b, err)
	}
	if _, _, err := h.Count(t.Context(), hashes[9], hashes[1]); !errors.Is(err, gitrepo.ErrShallow) {
		t.Errorf("got %v", err)
	}
}
