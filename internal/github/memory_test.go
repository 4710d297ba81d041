package github_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo/gittest"
)

// TestRepoInMemory does the same with a repository in memory, with one on disk, and with one that
// was in memory: what is read, and what git finds once it has a folder, is the same.
func TestRepoInMemory(t *testing.T) {
	t.Parallel()
	files := gittest.Files{"a/b": "1", "c": "2", "100755 run.sh": "#!/bin/sh\n"}
	built := func(name string) *gittest.Repo {
		return gittest.NewBuiltInMemory(t, name, files, func(r *gittest.Repo) { r.Commit("main", gittest.Files{"c": "3"}, "again") })
	}
	disk := gittest.NewBuilt(t, "memory", files, func(r *gittest.Repo) { r.Commit("main", gittest.Files{"c": "3"}, "again") })
	moved := built("moved")
	moved.Folder()
	var reports []string
	for _, r := range []*gittest.Repo{disk, moved, built("stays"), built("stays")} { // the last one is a copy
		r.LogPushes()
		var report []any
		note := func(values ...any) { report = append(report, values...) }
		one := r.Tip("main")
		r.MoveBranch("topic/x", one)
		two := r.Commit("topic/x", gittest.Files{"d": "4"}, "two")
		note(one, two, r.SetBranch("main", two, one), r.SetBranch("main", one, two), r.SetBranch("gone", "", one), r.SetBranch("gone", one, ""))
		if err := r.SetBranch("topic", "", one); err == nil {
			t.Error("a branch is a folder of another")
		}
		if err := r.SetBranch("main/x", "", one); err == nil || errors.Is(err, gittest.ErrStale) {
			t.Errorf("a branch is below another: %v", err)
		}
		if err := r.SetBranch("gone", "", ""); err == nil {
			t.Error("a branch is deleted that is not there")
		}
		note(r.Branches(), r.DefaultBranch(), r.Tip("gone"), r.Read("main", "a/b"), r.List("topic/x"), r.Log("main"), string(r.Pushes()))
		for _, expression := range []string{"HEAD", "refs/heads/main", "refs/heads/none", one, one[:8], one + "^{commit}", one + "^{tree}", one + ":a/b", one + ":none", "HEAD:a", strings.Repeat("1", 40)} {
			note(r.Object(expression))
		}
		r.Fsck()
		reports = append(reports, fmt.Sprintf("%q", report))

		if got, want := r.Git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)"), r.Branches(); got != listed(want) {
			t.Errorf("git has the branches\n%s\nwant\n%s", got, listed(want))
		}
		if got := r.Git("fsck", "--full", "--strict", "--no-dangling"); got != "" {
			t.Error(got)
		}
		if got := strings.Fields(r.Git("rev-list", "main")); !slices.Equal(got, r.Log("main")) {
			t.Errorf("git has the commits %v", got)
		}
	}
	for _, report := range reports[1:] {
		if report != reports[0] {
			t.Errorf("in memory:\n%s\non disk:\n%s", report, reports[0])
		}
	}
}

func listed(branches map[string]string) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(branches)) {
		lines = append(lines, name+" "+branches[name])
	}
	return strings.Join(lines, "\n")
}

// TestNamesInMemory resolves what a repository in memory can tell without git, and leaves the rest
// to it.
func TestNamesInMemory(t *testing.T) {
	t.Parallel()
	repo := gittest.NewInMemory(t, gittest.Files{"a": "1"})
	tip := repo.Tip("main")
	for expression, want := range map[string]string{"main": tip, tip[:12]: tip, "v1.2.3": "", "v1.2.3^{commit}": "", "0123456": ""} {
		if got, _, _, known := repo.Object(expression); got != want || !known {
			t.Errorf("%s: got %q, %t, want %q", expression, got, known, want)
		}
	}
	for _, expression := range []string{"main~1", "@", "HEAD@{0}", "v1-0-g" + tip[:7], "feature/x", ":/initial"} {
		if got, _, _, known := repo.Object(expression); got != "" || known {
			t.Errorf("%s: got %q, %t", expression, got, known)
		}
	}
}
