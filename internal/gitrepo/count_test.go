package gitrepo_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
)

func TestCount(t *testing.T) {
	t.Parallel()
	for name, date := range map[string]func(i int) int{
		"one after another": func(i int) int { return 1_767_000_000 + i*60 },
		"all at once":       func(int) int { return 1_767_000_000 },
		"clocks off":        func(i int) int { return 1_767_000_000 + i*60 + rand.IntN(300) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := gittest.NewRepo(t, gittest.Files{})
			var in strings.Builder
			for i := range 60 {
				fmt.Fprintf(&in, "commit refs/heads/c%d\nmark :%d\ncommitter Test <test@example.com> %d +0000\ndata 0\n", i, i+1, date(i))
				if i > 0 {
					fmt.Fprintf(&in, "from :%d\n", 1+rand.IntN(min(i, 4))+max(0, i-4))
				}
				if i > 10 && i%5 == 0 {
					fmt.Fprintf(&in, "merge :%d\n", i-8)
				}
			}
			repo.Import(in.String())
			h, err := gitrepo.OpenHistory(repo.Dir)
			if err != nil {
				t.Fatal(err)
			}
			for range 30 {
				x, y := repo.Tip(fmt.Sprintf("c%d", rand.IntN(60))), repo.Tip(fmt.Sprintf("c%d", rand.IntN(60)))
				a, _ := gitrepo.ParseHash(x)
				b, _ := gitrepo.ParseHash(y)
				onlyA, onlyB, err := h.Count(t.Context(), a, b)
				got, want := fmt.Sprintf("%d\t%d", onlyA, onlyB), truth(repo, x, y)
				if err != nil || got != want {
					t.Errorf("%s %s: got %q, %v, want %q", x, y, got, err, want)
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

// truth counts what is only in one of the two lists of all ancestors: git rev-list
// --left-right stops early, and then counts wrong where the clocks were off.
func truth(repo *gittest.Repo, x, y string) string {
	a, b := map[string]bool{}, map[string]bool{}
	for _, h := range strings.Fields(repo.Git("rev-list", x)) {
		a[h] = true
	}
	for _, h := range strings.Fields(repo.Git("rev-list", y)) {
		b[h] = true
	}
	var na, nb int
	for h := range a {
		if !b[h] {
			na++
		}
	}
	for h := range b {
		if !a[h] {
			nb++
		}
	}
	return fmt.Sprintf("%d\t%d", na, nb)
}
