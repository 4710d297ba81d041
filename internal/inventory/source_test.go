package inventory

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// write writes files below a folder, and makes the folders that they are in.
func write(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var smallSource = map[string]string{
	"users.yaml": "services: [{name: api, image: ecr.example/api}]\n", "environments/dev.yaml": "templates: [service]\n", "templates/variables.yaml": "a: 1\n",
}

// TestSourceRefusesLinks makes each input a link in turn, also to what is inside.
func TestSourceRefusesLinks(t *testing.T) {
	for link, to := range map[string]string{
		"users.yaml": "real/users.yaml", "environments": "real/environments", "environments/dev.yaml": "../real/environments/dev.yaml",
		"templates": "real/templates", "templates/variables.yaml": "../../outside.yaml",
	} {
		folder := t.TempDir()
		source := filepath.Join(folder, "repo")
		write(t, source, smallSource)
		write(t, filepath.Join(source, "real"), smallSource)
		write(t, folder, map[string]string{"outside.yaml": "a: 1\n"})
		if err := os.RemoveAll(filepath.Join(source, link)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, filepath.Join(source, link)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
		fsys, err := OpenSource(source)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := loadAll(fsys); err == nil || !strings.HasPrefix(err.Error(), link) || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("%s: got %v", link, err)
		}
		if _, err := fs.ReadFile(fsys, link); !errors.Is(err, ErrLink) {
			t.Errorf("%s: it is read: %v", link, err)
		}
		if err := fsys.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSource(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, smallSource)
	// The folder itself may be reached through a link.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder, link); err != nil {
		link = folder
	}
	fsys, err := OpenSource(link)
	if err != nil {
		t.Fatal(err)
	}
	defer fsys.Close()
	if _, err := loadAll(fsys); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"../x", "/etc/passwd", "a//b"} {
		if _, err := fsys.Open(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := fsys.Open("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	// Errors have the whole path, also in a folder that is open already.
	for _, name := range []string{"templates/none", "templates/none/none", "users.yaml/none", "templates/variables.yaml/none"} {
		for range 2 {
			_, err := fsys.Open(name)
			if of := (*fs.PathError)(nil); !errors.As(err, &of) || of.Path != name && of.Path != path.Dir(name) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

// TestFindSourceThroughLink is in a folder of the repository that is a link to one outside.
func TestFindSourceThroughLink(t *testing.T) {
	repo, outside := t.TempDir(), t.TempDir()
	write(t, repo, smallSource)
	link := filepath.Join(repo, "link")
	if err := os.Symlink(outside, link); err != nil {
		t.Skip(err)
	}
	t.Chdir(link) // sets $PWD to the link
	if got := FindSource("."); got != repo {
		t.Errorf("got %s, want %s", got, repo)
	}
}

func TestFindSource(t *testing.T) {
	top := t.TempDir()
	write(t, top, smallSource)
	repo := filepath.Join(top, "a", "repo")
	write(t, repo, smallSource)
	for _, dir := range []string{".git", "dev/manifests", "other/.git", "half/templates"} {
		if err := os.MkdirAll(filepath.Join(repo, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, repo, map[string]string{"half/users.yaml/x": ""})
	t.Chdir(filepath.Join(repo, "dev", "manifests"))
	for from, want := range map[string]string{
		".": "../..", repo: repo, filepath.Join(repo, "dev"): repo, filepath.Join(repo, "half", "templates"): repo,
		filepath.Join(repo, "other"): filepath.Join(repo, "other"), // a repository of its own
		filepath.Join(top, "a"):      top,                          // no Git root below it
	} {
		if got := filepath.ToSlash(FindSource(from)); got != filepath.ToSlash(want) {
			t.Errorf("%s: got %s, want %s", from, got, want)
		}
	}
}
