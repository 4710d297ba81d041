package gitrepo

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/memory"
)

// TestDeclined pins the words of servers: GitHub's, GitLab's, Gitea's,
// Bitbucket's and git's own.
func TestDeclined(t *testing.T) {
	for _, c := range []struct {
		status, remote string
		want           string // the beginning of the hint; "" if a retry may help
	}{
		{"protected branch hook declined", "error: GH006: Protected branch update failed for refs/heads/main.", "the branch is protected"},
		{"push declined due to repository rule violations", "error: GH013: Repository rule violations found for refs/heads/main.", "a ruleset"},
		{"push declined due to repository rule violations", "error: GH013: Repository rule violations found for refs/heads/main.\n\n- Commits must have verified signatures.\n  Found 1 violation:", "the branch takes signed commits only"},
		{"protected branch hook declined", "error: GH006: Protected branch update failed for refs/heads/main.\nerror: Commits must have verified signatures.", "the branch takes signed commits only"},
		{"pre-receive hook declined", "GitLab: You are not allowed to push code to protected branches on this project.", "the branch is protected"},
		{"pre-receive hook declined", "Gitea: Not allowed to push to protected branch main", "the branch is protected"},
		{"pre-receive hook declined", "You are not allowed to push to main", "let this account push"},
		{"pre-receive hook declined", "", "a hook on the server"},
		{"hook declined", "", "a hook on the server"},
		{"branch is currently checked out", "", "push to a bare repository"},
		{"deletion prohibited", "", "the server lets nobody"},
		{"deletion of the current branch prohibited", "", "another branch"},

		{"failed to update ref", "", ""},
		{"fetch first", "", ""},
		{"stale info", "", ""},
		{"non-fast-forward", "", ""},
		{"cannot lock ref 'refs/heads/main': is at 1 but expected 2", "", ""},
		{"unpacker error", "", ""},
		{"internal server error", "", ""},
	} {
		if got, _ := declined(c.status, c.remote); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s, %s: got %q, want %q", c.status, c.remote, got, c.want)
		}
	}
}

func TestParseURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://example.com/a/b.git":        "https://example.com/a/b.git",
		"https://example.com/a/b/":           "https://example.com/a/b",
		"https://example.com:8443/a b.git":   "https://example.com:8443/a%20b.git",
		"ssh://git@example.com:2222/a/b.git": "ssh://git@example.com:2222/a/b.git",
		"ssh://git@example.com/~bob/b.git":   "ssh://git@example.com/~bob/b.git",
		"git@example.com:a/b.git":            "ssh://git@example.com/a/b.git",
		"example.com:/srv/b.git":             "ssh://example.com/srv/b.git",
		"file:///srv/b.git":                  "file:///srv/b.git",
		"/srv/b.git":                         "file:///srv/b.git",
		"/srv/a:b.git":                       "file:///srv/a:b.git",
		"C:/srv/b.git":                       "ssh://C/srv/b.git", // a path on Windows alone
	} {
		u, err := parseURL(raw)
		if err != nil || u.String() != want {
			t.Errorf("%s: got %v, %v, want %s", raw, u, err, want)
		}
	}
	for raw, want := range map[string]string{
		"git@example.com:a/b.git":          "a/b.git", // relative to the home
		"ssh://git@example.com/~bob/b.git": "~bob/b.git",
		"ssh://git@example.com/a/b.git":    "/a/b.git",
	} {
		if u, _ := parseURL(raw); u.Path != want {
			t.Errorf("%s: got path %q, want %q", raw, u.Path, want)
		}
	}
}

func TestSignatureLine(t *testing.T) {
	line := "Zoë Q. <zoe@example.com> 1700000000 +0530"
	s := parseSignature(line)
	if got, err := signatureLine(s); err != nil || got != line {
		t.Errorf("got %q, %v", got, err)
	}
	for _, strange := range []string{"", "nobody", "a <b", "a> <b 1 2", "a <b> x y"} {
		parseSignature(strange) // must not panic
	}
}

func TestParseTree(t *testing.T) {
	hash := strings.Repeat("\x01", 20)
	good := "100644 a\x00" + hash + "40000 b\x00" + hash + "100755 \xff\x00" + hash
	tree, err := parseTree([]byte(good))
	if err != nil || len(tree) != 3 || string(formatTree(tree)) != good {
		t.Errorf("got %v, %v", tree, err)
	}
	for _, bad := range []string{
		"100644 a", "100644 a\x00", "100644 a\x00" + hash[1:], "100644\x00" + hash, "100644 \x00" + hash,
		"40000 ..\x00" + hash, "40000 .\x00" + hash, "100644 a/b\x00" + hash,
	} {
		if _, err := parseTree([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// FuzzParseTree: what is read is written back to the byte, or refused.
func FuzzParseTree(f *testing.F) {
	hash := strings.Repeat("\x01", 20)
	f.Add([]byte("100644 a\x00" + hash + "40000 b\x00" + hash + "100664 \xff\x00" + hash))
	f.Add([]byte("040000 a b\x00" + hash))
	f.Add([]byte("160000 a"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, err := parseTree(raw)
		if err != nil {
			return
		}
		if got := formatTree(entries); string(got) != string(raw) {
			t.Errorf("got %q, want %q", got, raw)
		}
		for _, e := range entries {
			e.fileMode()
		}
	})
}

// TestProof breaks a tree behind the builder's back.
func TestProof(t *testing.T) {
	b := &builder{parent: &Commit{remote: &Remote{store: memory.NewStorage(), trees: map[Hash]*tree{}}}, made: map[Hash]plumbing.EncodedObject{}, parsed: map[Hash][]treeEntry{}}
	one, two := b.add(plumbing.BlobObject, []byte("1")), b.add(plumbing.BlobObject, []byte("2"))
	tree := func(entries ...treeEntry) Hash { return b.add(plumbing.TreeObject, formatTree(entries)) }
	old := tree(treeEntry{"100644", "a", one}, treeEntry{"100644", "b", one}, treeEntry{"120000", "l", one})
	plan := map[string]Hash{"a": two}
	for name, c := range map[string]struct {
		new Hash
		ok  bool
	}{
		"as planned":       {tree(treeEntry{"100644", "a", two}, treeEntry{"100644", "b", one}, treeEntry{"120000", "l", one}), true},
		"not done":         {old, false},
		"one more":         {tree(treeEntry{"100644", "a", two}, treeEntry{"100644", "b", two}, treeEntry{"120000", "l", one}), false},
		"one lost":         {tree(treeEntry{"100644", "a", two}, treeEntry{"120000", "l", one}), false},
		"one added":        {tree(treeEntry{"100644", "a", two}, treeEntry{"100644", "b", one}, treeEntry{"100644", "c", one}, treeEntry{"120000", "l", one}), false},
		"another content":  {tree(treeEntry{"100644", "a", b.add(plumbing.BlobObject, []byte("3"))}, treeEntry{"100644", "b", one}, treeEntry{"120000", "l", one}), false},
		"another mode":     {tree(treeEntry{"100755", "a", two}, treeEntry{"100644", "b", one}, treeEntry{"120000", "l", one}), false},
		"a link no longer": {tree(treeEntry{"100644", "a", two}, treeEntry{"100644", "b", one}, treeEntry{"100644", "l", one}), false},
	} {
		if _, err := b.prove(old, c.new, plan); (err == nil) != c.ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestClean(t *testing.T) {
	r := &Remote{secrets: []string{"s3cret"}}
	if got := r.clean("a\nb\x1b[31m s3cret\t" + strings.Repeat("é", 1000)); !strings.HasPrefix(got, "a b [31m [secret] é") || len(got) > 610 {
		t.Errorf("got %q", got)
	}
}

func TestRetryOfNothing(t *testing.T) {
	for _, err := range []error{nil, errors.New("x"), ErrAccess, ErrNoChange} {
		if _, again := Retry(err); again {
			t.Errorf("%v is to be retried", err)
		}
	}
}
