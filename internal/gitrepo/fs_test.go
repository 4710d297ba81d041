package gitrepo_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
)

func TestFS(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	server.NewRepo("k8s", gittest.Files{"a/b/c.yaml": "c\n", "a/b/d.yaml": "", "a.yaml": "a\n", "100755 x/run.sh": "x"})
	fsys := tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{}), "main").FS(t.Context())
	if err := fstest.TestFS(fsys, "a/b/c.yaml", "a/b/d.yaml", "a.yaml", "x/run.sh"); err != nil {
		t.Error(err)
	}
}

func TestFSFollowsNothing(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	server.NewRepo("k8s", sample())
	fsys := tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{}), "main").FS(t.Context())
	for _, name := range []string{"dev/manifests/link", "dev/outside", "dev/outside/passwd", "vendor/module", "vendor/module/x", "users.yaml/x", "dev"} {
		if content, err := fsys.ReadFile(name); err == nil {
			t.Errorf("%s was read: %q", name, content)
		}
		if name == "dev" {
			continue
		}
		if _, err := fsys.Open(name); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	for name, want := range map[string]fs.FileMode{
		"dev/manifests/link": fs.ModeSymlink | 0o777,
		"vendor/module":      fs.ModeIrregular,
		"scripts/run.sh":     0o755,
		"binary":             0o644,
		"dev":                fs.ModeDir | 0o755,
	} {
		if info, err := fs.Lstat(fsys, name); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, %v, want %v", name, info, err, want)
		}
	}
	if target, err := fs.ReadLink(fsys, "dev/manifests/link"); err != nil || target != "../../users.yaml" {
		t.Errorf("got %q, %v", target, err)
	}
	if content, err := fsys.ReadFile("binary"); err != nil || string(content) != "\x00\xff\xfe\r\n\x80" {
		t.Errorf("got %q, %v", content, err)
	}
	if _, err := fsys.ReadFile("dev/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestReadFileIsACopy changes what it was given.
func TestReadFileIsACopy(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	server.NewRepo("k8s", sample())
	fsys := tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{}), "main").FS(t.Context())
	first, err := fsys.ReadFile("users.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first[0] = 'X'
	if again, _ := fsys.ReadFile("users.yaml"); string(again) != "services: []\n" {
		t.Errorf("got %q", again)
	}
}

// TestFetchIsOneRequestALevel reads what a deploy reads: files of three depths,
// and a folder.
func TestFetchIsOneRequestALevel(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	server.NewRepo("k8s", sample())
	tip := tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{}), "main")
	server.Reset()
	paths := []string{"users.yaml", "environments/dev.yaml", "dev/manifests/api", "none/at/all", "dev/outside/x", "vendor/module"}
	if err := tip.Fetch(t.Context(), paths...); err != nil {
		t.Fatal(err)
	}
	if got := server.Count(gittest.Fetch); got != 4 {
		t.Errorf("%d requests, want 4", got)
	}
	fsys := tip.FS(t.Context())
	for _, name := range []string{"users.yaml", "environments/dev.yaml", deployment} {
		if _, err := fsys.ReadFile(name); err != nil {
			t.Error(err)
		}
	}
	if err := tip.Fetch(t.Context(), paths...); err != nil {
		t.Error(err)
	}
	if got := server.Count(); got != 4 {
		t.Errorf("%d requests, want no more than 4", got)
	}
	if err := tip.Fetch(t.Context(), "../x"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestFetchBringsNothingElse looks at what a second reader of a neighbouring
// folder has to ask for.
func TestFetchBringsNothingElse(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	files := gittest.Files{}
	for i := range 400 {
		files[fmt.Sprintf("dev/manifests/s%03d/file.yaml", i)] = strings.Repeat(fmt.Sprintf("line %d\n", i), 20)
	}
	server.NewRepo("k8s", files)
	tip := tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{}), "main")
	if err := tip.Fetch(t.Context(), "dev/manifests/s007"); err != nil {
		t.Fatal(err)
	}
	if got, most := server.Down(), 30<<10; got > most { // a tree of 400 entries is 16 KB
		t.Errorf("%d bytes came down, want at most %d", got, most)
	}
	server.Reset()
	if _, err := tip.FS(t.Context()).ReadFile("dev/manifests/s008/file.yaml"); err != nil {
		t.Error(err)
	}
	if server.Count() == 0 {
		t.Error("the neighbour was here already")
	}
}

func TestBelow(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", sample())
	tip := tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{}), "main")
	for _, dir := range []string{"dev/manifests", "."} {
		server.Reset()
		entries, err := tip.Below(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, e := range entries {
			got = append(got, e.Hash+" "+e.Path)
		}
		for _, line := range repo.List("main") {
			fields, path, _ := strings.Cut(line, "\t")
			if dir == "." || strings.HasPrefix(path, dir+"/") {
				want = append(want, strings.Fields(fields)[2]+" "+path)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got\n%q\nwant\n%q", dir, got, want)
		}
		if got := server.Count(); got > 3 {
			t.Errorf("%s: %d requests", dir, got)
		}
	}
	server.Reset()
	if _, err := tip.FS(t.Context()).ReadFile("users.yaml"); err != nil || server.Count() != 1 {
		t.Errorf("the list brought the files' content: %v", err)
	}
	if _, err := tip.Below(t.Context(), "dev/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := tip.Below(t.Context(), "users.yaml"); err == nil {
		t.Error("a file is listed")
	}
}
