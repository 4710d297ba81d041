package github_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/repo"
)

func (w *world) tip(branch string, paths ...string) *github.Tip {
	w.t.Helper()
	return must[*github.Tip](w.t)(w.Tip(w.t.Context(), w.at, branch, paths...))
}

func TestTip(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	for _, branch := range []string{"main", ""} {
		w.server.Reset()
		tip := w.tip(branch, "users.yaml", api, "prod/manifests", "none/such")
		if tip.OID != w.repo.Tip("main") || tip.Branch != "main" {
			t.Errorf("got %s of %q", tip.OID, tip.Branch)
		}
		files := tip.FS(ctx)
		for _, name := range []string{"users.yaml", file, api + "/service.yaml"} {
			if got := must[[]byte](t)(files.ReadFile(name)); string(got) != w.repo.Read("main", name) {
				t.Errorf("%s is %q", name, got)
			}
		}
		for _, name := range []string{"none/such", api + "/none", "users.yaml/x"} {
			if _, err := files.ReadFile(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var names []string
		for _, e := range must[[]fs.DirEntry](t)(files.ReadDir("prod/manifests")) {
			names = append(names, e.Name())
		}
		if !slices.Equal(names, []string{"api"}) {
			t.Errorf("got %v", names)
		}
		if w.server.Count() != 1 {
			t.Errorf("%d round trips", w.server.Count())
		}
	}
	_, err := w.Tip(ctx, w.at, "none")
	want(t, err, repo.ErrNoBranch, "name right")
}

// TestFS holds the file system against what fs.FS promises, with everything read
// on demand.
func TestFS(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	if err := fstest.TestFS(w.tip("main").FS(t.Context()), "users.yaml", file); err != nil {
		t.Error(err)
	}
}

// TestHardTexts has files that GitHub's texts are not the bytes of.
func TestHardTexts(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	hard := gittest.Files{
		"hard/bom": "\ufeffimage: api:1\n", "hard/latin1": "# \xe9\nimage: api:1\n", "hard/utf16": "i\x00m\x00", "hard/big": strings.Repeat("x: 1 # ☃\n", 80_000),
		"hard/empty": "", "hard/crlf": "a: 1\r\nb: 2\r", "hard/text": "a\n", "120000 hard/link": "text", "100755 hard/run": "#!/bin/sh\n",
		"160000 hard/module": w.repo.Tip("main"),
	}
	w.repo.Commit("main", hard, "hard")
	w.server.Reset()
	tip := w.tip("main", "hard")
	files := tip.FS(ctx)
	for _, e := range must[[]fs.DirEntry](t)(files.ReadDir("hard")) {
		name := "hard/" + e.Name()
		if e.Name() == "link" || e.Name() == "module" {
			if _, err := files.ReadFile(name); err == nil || e.Type().IsRegular() {
				t.Errorf("%s is read, as %v", name, e.Type())
			}
			continue
		}
		if got := must[[]byte](t)(files.ReadFile(name)); string(got) != w.repo.Read("main", name) {
			t.Errorf("%s is %d bytes, %.20q", name, len(got), got)
		}
	}
	if got := w.server.Count("GET /repos/{owner}/{repo}/git/blobs/{file_sha}"); got != 4 || w.server.Count() != 5 {
		t.Errorf("%d blobs were read", got)
	}
	for _, name := range []string{"hard/run", "hard/link"} {
		_, err := tip.Commit(ctx, github.PendingCommit{Files: map[string][]byte{name: []byte("x")}, Message: "x"})
		if err == nil || !strings.Contains(err.Error(), "which GitHub's API would not keep") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// A blob that is not what its name stands for.
	w.server.Fail("GET /repos/{owner}/{repo}/git/blobs/{file_sha}", ghtest.Fault{Status: 200, Body: `{"content":"eA==","encoding":"base64"}`})
	if _, err := w.tip("main", "hard").FS(ctx).ReadFile("hard/bom"); err == nil || !strings.Contains(err.Error(), "does not have that hash") {
		t.Errorf("got %v", err)
	}
}

// TestTipThatMoves has a push fall in the midst of the query.
func TestTipThatMoves(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	one := w.repo.Tip("main")
	body := func(tip, end, text string) string {
		quoted, _ := json.Marshal(text)
		return fmt.Sprintf(`{"data":{"repository":{"id":"R_1","tip":{"name":"main","target":{"oid":%q}},"p0":{"__typename":"Blob","oid":"x","text":%s},"end":{"name":"main","target":{"oid":%q}}}}}`, tip, quoted, end)
	}
	w.server.Fail("graphql repository", ghtest.Fault{Status: 200, Body: body(strings.Repeat("1", 40), one, "mixed")})
	if got := w.tip("main", "users.yaml"); got.OID != one || w.server.Count() != 2 {
		t.Errorf("got %s after %d requests", got.OID, w.server.Count())
	}
}

func TestFetch(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	files, paths := gittest.Files{}, []string{}
	for i := range 105 {
		paths = append(paths, fmt.Sprintf("many/%d.yaml", i))
		files[paths[i]] = fmt.Sprint(i)
	}
	w.repo.Commit("main", files, "many")
	w.server.Reset()
	tip := w.tip("main", paths...)
	if w.server.Count() != 2 {
		t.Errorf("%d round trips for 105 paths", w.server.Count())
	}
	w.repo.Commit("main", gittest.Files{"users.yaml": "new", "many/0.yaml": "new"}, "later")
	for range 2 {
		if err := tip.Fetch(ctx, append(paths, "users.yaml")...); err != nil {
			t.Fatal(err)
		}
	}
	if got := must[[]byte](t)(tip.FS(ctx).ReadFile("users.yaml")); string(got) != "services: []\n" || w.server.Count() != 3 {
		t.Errorf("got %q, which is another commit's, or asked twice: %d", got, w.server.Count())
	}
}

func TestCommitOnTip(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	before := w.repo.Tip("main")
	w.server.Reset()
	tip := w.tip("main", api)
	n := change("image: api:2 # ☃\xff\r\n")
	n.Files[api+"/service.yaml"] = nil
	n.Files[api+"/new/file.yaml"] = []byte("")
	oid := must[string](t)(tip.Commit(ctx, n))
	if got := w.server.Count(); got > 4 {
		t.Errorf("%d round trips", got)
	}
	if w.repo.Tip("main") != oid || w.repo.Read("main", file) != "image: api:2 # ☃\xff\r\n" || len(w.repo.List("main")) != 3 {
		t.Errorf("main is at %s with %v", w.repo.Tip("main"), w.repo.List("main"))
	}
	if got := must[*github.Commit](t)(w.Commit(ctx, w.at, oid)); !got.Verified || got.Message != "api: prod 1 → 2\n\nhttps://ci.example/1" || got.Parents[0] != before || got.Author.Login != "tagbump[bot]" || !got.Author.Bot {
		t.Errorf("got %+v", got)
	}
	// The branch has moved, by the commit above.
	_, err := tip.Commit(ctx, change("image: api:3\n"))
	want(t, err, github.ErrHeadMoved, "start over")
	if w.repo.Tip("main") != oid {
		t.Error("a commit was lost")
	}
	w.repo.Protected = []string{"main"}
	want(t, commitOn(w), github.ErrForbidden, "pull request")
	w.repo.Fsck()
}

// TestRace has a push come in between the tip and the commit, and another one
// right after the commit, whose answer is lost.
func TestRace(t *testing.T) {
	push := func(w *world) func() {
		return func() { w.repo.Commit("main", gittest.Files{"other": "x"}, "faster") }
	}
	t.Run("before", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.server.Fail("graphql createCommitOnBranch", ghtest.Fault{Then: push(w)})
		want(t, commitOn(w), github.ErrHeadMoved, "")
		if len(w.repo.Log("main")) != 2 {
			t.Error("it was pushed all the same")
		}
	})
	t.Run("before, and the answer is lost", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.server.Fail("graphql createCommitOnBranch", ghtest.Fault{Then: push(w), Deaf: true})
		want(t, commitOn(w), github.ErrHeadMoved, "")
	})
	t.Run("after, and the answer is lost", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.server.Fail("graphql createCommitOnBranch", ghtest.Fault{Deaf: true})
		w.server.Fail("GET /repos/{owner}/{repo}/git/ref/{ref}", ghtest.Fault{Then: push(w)})
		if err := commitOn(w); err != nil || len(w.repo.Log("main")) != 3 {
			t.Errorf("got %v, %v", err, w.repo.Log("main"))
		}
	})
	t.Run("ten at once", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		results := make(chan error)
		for range 10 {
			go func() { results <- commitOn(w) }()
		}
		landed := 0
		for range 10 {
			if err := <-results; err == nil {
				landed++
			} else if !errors.Is(err, github.ErrHeadMoved) {
				t.Errorf("got %v", err)
			}
		}
		if landed == 0 || len(w.repo.Log("main")) != landed+1 {
			t.Errorf("%d landed, %d commits", landed, len(w.repo.Log("main")))
		}
	})
}
