package gitrepo_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
)

func TestCommit(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", sample())
	cases := map[string]struct {
		changes map[string][]byte
		want    []string // lines of git log --raw, without hashes
	}{
		"change":         {map[string][]byte{deployment: []byte("x")}, []string{":100644 100644 M\t" + deployment}},
		"keeps the mode": {map[string][]byte{"scripts/run.sh": []byte("x")}, []string{":100755 100755 M\tscripts/run.sh"}},
		"empty file":     {map[string][]byte{deployment: {}}, []string{":100644 100644 M\t" + deployment}},
		"new file": {map[string][]byte{"dev/manifests/api.yaml": []byte("x")},
			[]string{":000000 100644 A\tdev/manifests/api.yaml"}},
		"new folders": {map[string][]byte{"qa/manifests/api/x.yaml": []byte("x"), "qa/manifests/web/x.yaml": []byte("y")},
			[]string{":000000 100644 A\tqa/manifests/api/x.yaml", ":000000 100644 A\tqa/manifests/web/x.yaml"}},
		"sorts as folders": {map[string][]byte{"dev-.yaml": []byte("x"), "dev.yaml": []byte("x"), "dev0.yaml": []byte("x")},
			[]string{":000000 100644 A\tdev-.yaml", ":000000 100644 A\tdev.yaml", ":000000 100644 A\tdev0.yaml"}},
		"removed":             {map[string][]byte{"binary": nil}, []string{":100644 000000 D\tbinary"}},
		"removed with folder": {map[string][]byte{"environments/dev.yaml": nil}, []string{":100644 000000 D\tenvironments/dev.yaml"}},
		"moved":               {map[string][]byte{"binary": nil, "b/inary": []byte("\x00\xff")}, []string{":000000 100644 A\tb/inary", ":100644 000000 D\tbinary"}},
		"one of two is new":   {map[string][]byte{"users.yaml": []byte("services: []\n"), "binary": []byte("x")}, []string{":100644 100644 M\tbinary"}},
	}
	pushed := map[string]*gitrepo.PendingCommit{} // by the names of their branches
	names := map[string]string{}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := open(t, server.URL("k8s"), gitrepo.Options{})
			tip := tipOf(t, r, "main")
			c2 := commitOn(t, tip, c.changes)
			branch := strings.ReplaceAll(name, " ", "-")
			if err := r.Push(t.Context(), branch, gitrepo.Hash{}, c2); err != nil {
				t.Fatal(err)
			}
			pushed[branch], names[branch] = c2, name
			if c2.Parent.String() != repo.Tip("main") {
				t.Errorf("its parent is %s", c2.Parent)
			}
		})
	}
	branches := slices.Sorted(maps.Keys(pushed))
	diffs := repo.Git(append([]string{"log", "--no-walk=unsorted", "--raw", "--no-renames", "--format=tformat:@"}, branches...)...)
	for i, diff := range strings.Split(strings.TrimPrefix(diffs, "@"), "@") {
		name, c := names[branches[i]], pushed[branches[i]]
		var got, paths []string
		for line := range strings.SplitSeq(strings.TrimSpace(diff), "\n") {
			fields, path, _ := strings.Cut(line, "\t")
			f := strings.Fields(fields)
			got = append(got, f[0]+" "+f[1]+" "+f[4]+"\t"+path)
			paths = append(paths, path)
		}
		if want := cases[name].want; !slices.Equal(got, want) {
			t.Errorf("%s: got\n%q\nwant\n%q", name, got, want)
		}
		var changed []string
		for _, change := range c.Changes {
			changed = append(changed, change.Path)
		}
		if !slices.Equal(changed, paths) {
			t.Errorf("%s: the commit changes %q, the diff is %q", name, changed, paths)
		}
	}
	repo.Fsck()
}

func TestCommitRefuses(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	server.NewRepo("k8s", sample())
	tip := tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{}), "main")
	x := []byte("x")
	for name, c := range map[string]struct {
		changes map[string][]byte
		is      error
		text    string
	}{
		"no change":           {map[string][]byte{"users.yaml": []byte("services: []\n")}, gitrepo.ErrNoChange, "as they should be"},
		"nothing at all":      {nil, gitrepo.ErrNoChange, ""},
		"a link":              {map[string][]byte{"dev/manifests/link": x}, nil, "write dev/manifests/link: is a symbolic link, which is not followed"},
		"through a link":      {map[string][]byte{"dev/outside/passwd": x}, nil, "dev/outside: is a symbolic link, which is not followed"},
		"remove a link":       {map[string][]byte{"dev/manifests/link": nil}, nil, "is a symbolic link"},
		"a submodule":         {map[string][]byte{"vendor/module": x}, nil, "is a submodule"},
		"into a submodule":    {map[string][]byte{"vendor/module/x": x}, nil, "is a submodule"},
		"a folder":            {map[string][]byte{"dev": x}, nil, "is a folder"},
		"below a file":        {map[string][]byte{"users.yaml/x": x}, nil, "is a file"},
		"remove what is gone": {map[string][]byte{"dev/none": nil}, fs.ErrNotExist, "remove dev/none"},
		"remove below none":   {map[string][]byte{"none/none": nil}, fs.ErrNotExist, ""},
		"file and folder":     {map[string][]byte{"new": x, "new/x": x}, nil, "is to be a file and a folder"},
		"dots":                {map[string][]byte{"dev/../x": x}, nil, "cannot be the path of a file"},
		"rooted":              {map[string][]byte{"/x": x}, nil, "cannot be the path of a file"},
		"empty name":          {map[string][]byte{"": x}, nil, "cannot be the path of a file"},
		"git's own":           {map[string][]byte{"dev/.GIT/config": x}, nil, "cannot be the path of a file"},
	} {
		_, err := tip.Prepare(t.Context(), c.changes, meta)
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		meta gitrepo.CommitMeta
		want string
	}{
		"no author":  {gitrepo.CommitMeta{Message: "x"}, "needs the name and the e-mail address"},
		"no message": {gitrepo.CommitMeta{Author: meta.Author, Message: "\n"}, "needs a message"},
		"NUL byte":   {gitrepo.CommitMeta{Author: meta.Author, Message: "a\x00b"}, "NUL byte"},
		"no date":    {gitrepo.CommitMeta{Author: gitrepo.Signature{Name: "a", Email: "b"}, Message: "x"}, "needs a date"},
		"two lines":  {gitrepo.CommitMeta{Author: gitrepo.Signature{Name: "a\nparent x", Email: "b", When: time.Now()}, Message: "x"}, "cannot stand in a commit"},
		"brackets":   {gitrepo.CommitMeta{Author: gitrepo.Signature{Name: "a", Email: "b> <c", When: time.Now()}, Message: "x"}, "cannot stand in a commit"},
	} {
		if _, err := tip.Prepare(t.Context(), map[string][]byte{"users.yaml": x}, c.meta); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestLastFileRemoved leaves a commit with the empty tree.
func TestLastFileRemoved(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", gittest.Files{"a/b": "x"})
	r := open(t, server.URL("k8s"), gitrepo.Options{})
	tip := tipOf(t, r, "main")
	if err := r.Push(t.Context(), "main", tip.Hash, commitOn(t, tip, map[string][]byte{"a/b": nil})); err != nil {
		t.Fatal(err)
	}
	if got := repo.Tree(repo.Tip("main")); got != "4b825dc642cb6eb9a060e54bf8d69288fbee4904" {
		t.Errorf("got %s", got)
	}
	repo.Fsck()
}

// TestPushIsSmall counts what goes up for one changed line.
func TestPushIsSmall(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("k8s", sample())
	r := open(t, server.URL("k8s"), gitrepo.Options{})
	tip := tipOf(t, r, "main")
	c := commitOn(t, tip, map[string][]byte{deployment: []byte("image: api:2\n"), "users.yaml": []byte("services: []\n")})
	repo.Config("receive.unpackLimit", "1") // keep the pack as it is sent
	repo.Config("transfer.unpackLimit", "1")
	inPacks := func() (n int) {
		_, rest, _ := strings.Cut(repo.Git("count-objects", "-v"), "in-pack: ")
		fmt.Sscan(rest, &n)
		return n
	}
	before := inPacks()
	if err := r.Push(t.Context(), "main", tip.Hash, c); err != nil {
		t.Fatal(err)
	}
	// The commit, the trees of four folders and one blob; users.yaml is as it was.
	if got := inPacks() - before; got != 6 {
		t.Errorf("got %d objects", got)
	}
	if got, want := server.Log()[server.Count()-1].Up, 2<<10; got > want {
		t.Errorf("%d bytes went up, want at most %d", got, want)
	}
	repo.Fsck()
}
