package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"k8srepo/internal/gitrepo/gittest"
)

// gitServer is the command gitserver FOLDER [TOKEN [read-only]]: it serves what is in a
// folder as a repository, over HTTP. $URL is where; $REPO is the bare repository. Git itself
// answers in the tests of gitrepo and in TestDeployWays: a process for each request of each
// script would be most of what the scripts cost.
func gitServer(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) == 0 {
			ts.Fatalf("usage: gitserver folder [token [read-only]]")
		}
		o := gittest.Options{Direct: true}
		if len(args) > 1 {
			o.Token = args[1]
		}
		o.ReadOnly = len(args) > 2
		server := gittest.NewServer(t, o)
		repo := server.NewRepo(args[0], filesBelow(ts, ts.MkAbs(args[0])))
		ts.Setenv("URL", server.URL(args[0]))
		ts.Setenv("SERVER", server.Server.URL)
		ts.Setenv("REPO", repo.Dir)
	}
}

// gitServe is the command gitserve REPO: it serves a bare repository that is there, as gitserver
// does. $URL is where.
func gitServe(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: gitserve repo")
		}
		dir := ts.MkAbs(args[0])
		server := gittest.NewServer(t, gittest.Options{Direct: true, Root: filepath.Dir(dir)})
		ts.Setenv("URL", server.URL(strings.TrimSuffix(filepath.Base(dir), ".git")))
	}
}

// service is the command service FOLDER: it makes the repository of a service, with five commits.
func service(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: service folder")
		}
		gittest.NewService(t, ts.MkAbs(args[0]))
	}
}

// commit REPO BRANCH FOLDER commits what is in a folder to a repository.
func commit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: commit repo branch folder")
	}
	dir := ts.MkAbs(args[2])
	for _, git := range [][]string{
		{"read-tree", args[1]},
		{"--work-tree=" + dir, "add", "--all", "."},
	} {
		ts.Check(ts.Exec("git", append([]string{"--git-dir=" + args[0], "-C", dir}, git...)...))
	}
	ts.Check(ts.Exec("sh", "-c", `cd "$0" && export GIT_COMMITTER_NAME=Test GIT_COMMITTER_EMAIL=test@example.com GIT_AUTHOR_NAME=Test GIT_AUTHOR_EMAIL=test@example.com &&
git update-ref "refs/heads/$1" "$(git commit-tree -m change -p "$1" "$(git write-tree)")"`, args[0], args[1]))
}

func filesBelow(ts *testscript.TestScript, dir string) gittest.Files {
	files := gittest.Files{}
	ts.Check(filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		files[filepath.ToSlash(strings.TrimPrefix(name, dir+string(filepath.Separator)))] = string(data)
		return err
	}))
	return files
}
