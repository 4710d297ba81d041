package gitrepo_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
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

// tangled is the history of 60 commits in lines and merges, and of one that is on none of them.
// The ancestors of each commit, itself among them, are what its parents say: git rev-list
// --left-right stops early, and is wrong itself where clocks were off. The history is read from a
// server once: one on disk is read from files again for each question.
func tangled(t *testing.T, date func(i int) int) (h *gitrepo.History, commits []string, ancestors map[string]map[string]bool) {
	t.Helper()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", gittest.Files{})
	alone := repo.Tip("main")
	tree := repo.Tree(alone)
	ancestors = map[string]map[string]bool{alone: {alone: true}}
	repo.Packed(func() {
		for i := range 60 {
			var parents []string
			if i > 0 {
				parents = append(parents, commits[rand.IntN(min(i, 4))+max(0, i-4)])
			}
			if i > 10 && i%5 == 0 {
				parents = append(parents, commits[i-9])
			}
			text, own := "tree "+tree+"\n", map[string]bool{}
			for _, parent := range parents {
				text += "parent " + parent + "\n"
				maps.Copy(own, ancestors[parent])
			}
			who := fmt.Sprintf("Test <test@example.com> %d +0000", date(i))
			commit := repo.WriteObject("commit", fmt.Sprintf("%sauthor %s\ncommitter %[2]s\n\n%d", text, who, i))
			own[commit] = true
			commits, ancestors[commit] = append(commits, commit), own
		}
	})
	commits = append(commits, alone)
	repo.MoveBranch("main", repo.WriteCommit(tree, "all", commits...))
	h, err := open(t, server.URL("k8s"), gitrepo.Options{}).History(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h, commits, ancestors
}

func TestCount(t *testing.T) {
	t.Parallel()
	for name, date := range dates {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, tips, ancestors := tangled(t, date)
			for range 60 {
				x, y := tips[rand.IntN(len(tips))], tips[rand.IntN(len(tips))]
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
