package gitrepo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

const (
	deployment = "dev/manifests/api/api-dev-deployment.yaml"
	settings   = "environments/dev.yaml" // fewer requests on the way to it
)

// sample is a small k8s repo with every kind of entry in it.
func sample() gittest.Files {
	return gittest.Files{
		"users.yaml":                             "services: []\n",
		settings:                                 "deploy: {strategy: push}\n",
		deployment:                               "image: api:1 # keep\r\n",
		"dev/manifests/api/api-dev-service.yaml": "port: 80\n",
		"dev/manifests/web/web-dev-deployment.yaml": "image: web:1\n",
		"100755 scripts/run.sh":                     "#!/bin/sh\n",
		"120000 dev/manifests/link":                 "../../users.yaml",
		"120000 dev/outside":                        "/etc",
		"160000 vendor/module":                      "1234567890123456789012345678901234567890",
		"binary":                                    "\x00\xff\xfe\r\n\x80",
		"dev/manifests/api/\xe9t\xe9.yaml":          "latin: 1\n",
	}
}

var meta = gitrepo.CommitMeta{
	Author:  gitrepo.Signature{Name: "Bot", Email: "bot@example.com", When: time.Unix(1_700_000_000, 0).UTC()},
	Message: "api: dev 1 → 2",
}

func open(t testing.TB, url string, o gitrepo.Options) *gitrepo.Remote {
	t.Helper()
	r, err := gitrepo.Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func tipOf(t testing.TB, r *gitrepo.Remote, branch string) *gitrepo.Commit {
	t.Helper()
	tip, err := r.Tip(t.Context(), branch)
	if err != nil {
		t.Fatal(err)
	}
	return tip
}

func commitOn(t testing.TB, tip *gitrepo.Commit, changes map[string][]byte) *gitrepo.PendingCommit {
	t.Helper()
	c, err := tip.Prepare(t.Context(), changes, meta)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bump replaces one file on a branch, from tip to push.
func bump(ctx context.Context, r *gitrepo.Remote, branch, path, content string) error {
	tip, err := r.Tip(ctx, branch)
	if err != nil {
		return err
	}
	if err := tip.Fetch(ctx, path[:strings.LastIndexByte(path, '/')]); err != nil {
		return err
	}
	c, err := tip.Prepare(ctx, map[string][]byte{path: []byte(content)}, meta)
	if err != nil {
		return err
	}
	return r.Push(ctx, tip.Branch, tip.Hash, c)
}

func TestOpenRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"https://bob:s3cret@example.com/a/b.git":          "the URL of example.com holds more than a place, and may hold a secret",
		"https://s3cret@example.com/a/b.git":              "the URL of example.com holds more than a place, and may hold a secret",
		"https://example.com/a/b.git?access_token=s3cret": "the URL of example.com holds more than a place, and may hold a secret",
		"ssh://bob:s3cret@example.com/a/b.git":            "the URL of example.com holds more than a place, and may hold a secret",
		"https://bob:s3cret@exa mple.com/%zz":             "the repository's URL cannot be read",
		"git://example.com/a/b.git":                       `repositories are not reached over "git"`,
		"https:///a/b.git":                                "https:///a/b.git: the host is missing",
		"https://example.com/":                            "https://example.com/: the repository's path is missing",
		"file://example.com/a/b.git":                      "file://example.com/a/b.git: a file URL has no host",
		"git@example.com:--upload-pack=x":                 "the repository's URL cannot be read",
		"http://example.com/a/b.git":                      "http://example.com/a/b.git: a token is not sent over plain http",
		"":                                                "no repository is given",
	} {
		_, err := gitrepo.Open(url, gitrepo.Options{Token: "t0ken"})
		if err == nil || err.Error() != want {
			t.Errorf("Open(%q): got %v, want %s", url, err, want)
			continue
		}
		if p := problem.All(err)[0]; p.Hint == "" || strings.Contains(p.Hint, "s3cret") {
			t.Errorf("Open(%q): hint %q", url, p.Hint)
		}
	}
}

func TestTip(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("k8s", sample())
	r := open(t, server.URL("k8s"), gitrepo.Options{UserAgent: "tagbump/1"})
	tip := tipOf(t, r, "")
	if tip.Branch != "main" || tip.Hash.String() != repo.Tip("main") || tip.Tree.String() != repo.Tree(repo.Tip("main")) {
		t.Errorf("got %s %s %s", tip.Branch, tip.Hash, tip.Tree)
	}
	if tip.Author.Name != "Test" || tip.Committer.Email != "test@example.com" || tip.Committer.When.Unix() != 1767323045 || tip.Message != "initial" {
		t.Errorf("got %+v %+v %q", tip.Author, tip.Committer, tip.Message)
	}
	if agent := server.Log()[0].UserAgent; agent != "tagbump/1" {
		t.Errorf("user agent %q", agent)
	}
}

func TestTipThatIsNotThere(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	server.NewRepo("k8s", sample())
	server.NewRepo("empty", nil)
	_, err := open(t, server.URL("k8s"), gitrepo.Options{}).Tip(t.Context(), "mian")
	if !errors.Is(err, gitrepo.ErrNoBranch) || problem.ExitStatus(err) != problem.ExitRefused {
		t.Errorf("got %v", err)
	}
	if hint := problem.All(err)[0].Hint; hint != `did you mean "main"?` {
		t.Errorf("hint %q", hint)
	}
	r := open(t, server.URL("empty"), gitrepo.Options{})
	if _, err := r.Tip(t.Context(), "main"); !errors.Is(err, gitrepo.ErrEmptyRepository) {
		t.Errorf("got %v", err)
	}
	if branches, err := r.Branches(t.Context()); err != nil || len(branches) != 0 {
		t.Errorf("got %v, %v", branches, err)
	}
	if _, err := open(t, server.URL("none"), gitrepo.Options{}).Tip(t.Context(), "main"); !errors.Is(err, gitrepo.ErrAccess) {
		t.Errorf("got %v", err)
	}
}

func TestSHA256Repository(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t, nil)
	work := repo.Dir + "/work"
	repo.Git("init", "--quiet", "--object-format=sha256", work)
	repo.Git("-C", work, "commit", "--quiet", "--allow-empty", "-m", "x")
	_, err := open(t, work, gitrepo.Options{}).Tip(t.Context(), "")
	if _, again := gitrepo.Retry(err); err == nil || again || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("got %v", err)
	}
}

func TestBranches(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("k8s", sample())
	repo.MoveBranch("tagbump/prod/api", repo.Tip("main"))
	repo.Git("tag", "v1", "main")
	got, err := open(t, server.URL("k8s"), gitrepo.Options{}).Branches(t.Context())
	if err != nil || len(got) != 2 || got["tagbump/prod/api"].String() != repo.Tip("main") {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestBumpKeepsEverythingElse makes one change on servers of every ability, and
// compares the whole tree before and after. What answers without git does it as git does.
func TestBumpKeepsEverythingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit    func(*gittest.Repo)
		requests int
		direct   bool
	}{
		"tree:0":                 {limit: func(*gittest.Repo) {}, requests: 8},
		"tree:0 without git":     {limit: func(*gittest.Repo) {}, requests: 8, direct: true},
		"blob:none":              {limit: (*gittest.Repo).NoTreeFilter, requests: 6},
		"no filter":              {limit: (*gittest.Repo).NoFilter, requests: 4},
		"no filter, without git": {limit: (*gittest.Repo).NoFilter, requests: 4, direct: true},
		"no wants by hash":       {limit: (*gittest.Repo).NoWants, requests: 4},
		"neither":                {limit: func(r *gittest.Repo) { r.NoFilter(); r.NoWants() }, requests: 4},
		"no filter allowed":      {limit: func(r *gittest.Repo) { r.Config("uploadpackfilter.allow", "false") }, requests: 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := gittest.NewServer(t, gittest.Options{Direct: c.direct})
			repo := server.NewRepo("k8s", sample())
			c.limit(repo)
			before := repo.List("main")
			r := open(t, server.URL("k8s"), gitrepo.Options{})
			if err := bump(t.Context(), r, "", deployment, "image: api:2 # keep\r\n"); err != nil {
				t.Fatal(err)
			}
			if got := repo.Read("main", deployment); got != "image: api:2 # keep\r\n" {
				t.Errorf("got %q", got)
			}
			after := repo.List("main")
			if len(before) != len(after) {
				t.Fatalf("got\n%q\nwant\n%q", after, before)
			}
			for i := range after {
				if after[i] != before[i] && !strings.HasSuffix(after[i], "\t"+deployment) {
					t.Errorf("got %q, want %q", after[i], before[i])
				}
			}
			if got := len(repo.Log("main")); got != 2 {
				t.Errorf("%d commits", got)
			}
			if got := server.Count(); got != c.requests {
				t.Errorf("%d requests, want %d: %+v", got, c.requests, server.Log())
			}
			repo.Fsck()
		})
	}
}

// TestModeIsRemembered counts the requests of a second tip on a server that
// refuses the better filters.
func TestModeIsRemembered(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("k8s", sample())
	repo.Config("uploadpackfilter.allow", "false")
	r := open(t, server.URL("k8s"), gitrepo.Options{})
	tipOf(t, r, "main")
	repo.Commit("main", gittest.Files{"other": "1\n"}, "other")
	server.Reset()
	tipOf(t, r, "main")
	if got := server.Count(); got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
}

// TestReplayWithoutFilters counts what comes down for a second tip from servers
// that send all trees, or everything, for the first.
func TestReplayWithoutFilters(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*gittest.Repo){
		"blob:none": (*gittest.Repo).NoTreeFilter,
		"no filter": (*gittest.Repo).NoFilter,
	} {
		server := gittest.NewServer(t, gittest.Options{Direct: true})
		repo := server.NewRepo("k8s", gittest.Many(40, "dev", "qa"))
		limit(repo)
		r := open(t, server.URL("k8s"), gitrepo.Options{})
		tipOf(t, r, "main")
		first := server.Down()
		path := "dev/manifests/s00007/s00007-dev-deployment.yaml"
		for _, content := range []string{"image: x:1\n", "image: x:2\n"} {
			repo.Commit("main", gittest.Files{path: content}, "other")
			server.Reset()
			tip := tipOf(t, r, "main")
			if got, err := tip.FS(t.Context()).ReadFile(path); err != nil || string(got) != content {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
			if got := server.Down(); got > first/3 {
				t.Errorf("%s: %d bytes came down, and %d at first", name, got, first)
			}
			if entries, err := tip.Below(t.Context(), "."); err != nil || len(entries) != 320 {
				t.Errorf("%s: %d entries, %v", name, len(entries), err)
			}
		}
		// A branch that shares nothing with what is here, and one moved back by force.
		repo.MoveBranch("other", repo.WriteCommit(repo.WriteObject("tree", ""), "other"))
		tipOf(t, r, "other")
		repo.MoveBranch("main", repo.Log("main")[1])
		if got, err := tipOf(t, r, "main").FS(t.Context()).ReadFile(path); err != nil || string(got) != "image: x:1\n" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

// TestReplay is what a lost race costs: the references, the new tip, and the folders
// that are new.
func TestReplay(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", sample())
	r := open(t, server.URL("k8s"), gitrepo.Options{})
	read := func() string {
		tip := tipOf(t, r, "main")
		if err := tip.Fetch(t.Context(), "dev/manifests/api"); err != nil {
			t.Fatal(err)
		}
		content, err := tip.FS(t.Context()).ReadFile(deployment)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	read()
	server.Reset()
	read()
	if got := server.Count(); got != 1 {
		t.Errorf("nothing has moved: %d requests, want 1", got)
	}
	repo.Commit("main", gittest.Files{"dev/manifests/web/web-dev-deployment.yaml": "image: web:2\n"}, "web")
	server.Reset()
	read()
	if got := server.Count(); got != 2 {
		t.Errorf("the neighbour has moved: %d requests, want 2", got)
	}
	repo.Commit("main", gittest.Files{deployment: "image: api:9\n"}, "api")
	if got := read(); got != "image: api:9\n" {
		t.Errorf("got %q", got)
	}
}

// TestOldModesSurvive has a tree with modes that Git does not write any more.
func TestOldModesSurvive(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", sample())
	blob, _, _, _ := repo.Object("refs/heads/main:users.yaml")
	raw := "100664 group.yaml\x00" + bytesOf(t, blob) + "100644 plain.yaml\x00" + bytesOf(t, blob)
	tree := repo.WriteObject("tree", raw)
	repo.MoveBranch("old", repo.WriteCommit(tree, "old"))
	r := open(t, server.URL("k8s"), gitrepo.Options{})
	tip := tipOf(t, r, "old")
	c := commitOn(t, tip, map[string][]byte{"group.yaml": []byte("a: 1\n"), "new.yaml": []byte("b: 2\n")})
	if err := r.Push(t.Context(), "old", tip.Hash, c); err != nil {
		t.Fatal(err)
	}
	got := repo.ReadObject("tree", c.Tree.String())
	for _, want := range []string{"100664 group.yaml\x00", "100644 new.yaml\x00", "100644 plain.yaml\x00" + bytesOf(t, blob)} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}

func bytesOf(t *testing.T, hash string) string {
	t.Helper()
	h, ok := gitrepo.ParseHash(hash)
	if !ok {
		t.Fatalf("%q is not a hash", hash)
	}
	return string(h[:])
}

// TestReplayOfNeighbours reads a branch again and again while others change what was
// never fetched: what comes down must not build on what is not here.
func TestReplayOfNeighbours(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("k8s", gittest.Many(60, "dev"))
	line := []string{repo.Tip("main")}
	for n := range 12 { // before git packs what they change: to read that takes a process each
		name := fmt.Sprintf("s%05d", 1+n)
		files := gittest.Files{"dev/manifests/" + name + "/" + name + "-dev-config.yaml": fmt.Sprint("changed: ", n/3, "\n")}
		line = append(line, repo.WriteCommit(repo.EditTree(repo.Tree(line[n]), files), "neighbour", line[n]))
	}
	first, last := line[0], line[12]
	again := repo.WriteCommit(repo.Tree(first), "as it was", last)
	elsewhere := repo.WriteCommit(repo.EditTree(repo.Tree(first), gittest.Files{"dev/manifests/s00051/new.yaml": "new: 1\n"}), "elsewhere", first)
	repo.Git("repack", "-adfq")
	r := open(t, server.URL("k8s"), gitrepo.Options{})
	for i := range 4 {
		tip := tipOf(t, r, "main")
		if err := tip.Fetch(t.Context(), "dev/manifests/s00000"); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		repo.MoveBranch("main", line[3*i+3])
	}
	tip := tipOf(t, r, "main")
	if entries, err := tip.Below(t.Context(), "."); err != nil || len(entries) != 240 {
		t.Errorf("got %d entries, %v", len(entries), err)
	}
	list := func(what, dir string, want int) {
		t.Helper()
		if entries, err := tipOf(t, r, "main").Below(t.Context(), dir); err != nil || len(entries) != want {
			t.Errorf("%s: got %d entries, %v", what, len(entries), err)
		}
	}
	repo.Git("repack", "-adbq")
	repo.MoveBranch("main", again)
	list("a tree of old, and bitmaps", ".", 240)
	repo.MoveBranch("main", line[8])
	list("moved back by force", "dev/manifests/s00050", 4)
	repo.MoveBranch("main", elsewhere)
	list("moved elsewhere by force", "dev/manifests/s00051", 5)
	list("what others had changed", "dev/manifests/s00001", 4)
	other := gittest.NewRepo(t, gittest.Files{"other/file.yaml": "1\n"})
	repo.Git("fetch", "-q", "-f", other.Dir, "main:main")
	list("another history", ".", 1)
}
