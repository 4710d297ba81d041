package gittest

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Files is the content of a repository by path. A path may carry a mode before
// its name: "100755 run.sh", "120000 link" with the link's target for content,
// "160000 module" with a commit's hash. Without one it is 100644.
type Files map[string]string

// Repo is a bare repository.
type Repo struct {
	t      testing.TB
	Dir    string             // "" if it is, or was, in memory: see Folder
	memory *memory            // nil if it is on disk
	cache  *sync.Map          // of loose objects by hash; nil reads them each time
	batch  map[string]content // see Packed; nil has objects be written
}

// NewRepo makes a bare repository whose branch main has one commit with files;
// none at all if files is nil.
func NewRepo(t testing.TB, files Files) *Repo {
	t.Helper()
	return newRepoAt(t, filepath.Join(t.TempDir(), "repo.git"), files)
}

func newRepoAt(t testing.TB, dir string, files Files) *Repo {
	t.Helper()
	return built(t, dir, filesKey("", files), func(r *Repo) {
		if files == nil {
			r.init()
			return
		}
		newRepoAt(t, dir, nil)
		r.Packed(func() { r.Commit("main", files, "initial") })
	})
}

// NewBuilt returns a repository that build makes of one with files: once in this process, for
// each name. After that it is copied.
func NewBuilt(t testing.TB, name string, files Files, build func(*Repo)) *Repo {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo.git")
	return built(t, dir, filesKey(name, files), func(*Repo) { build(newRepoAt(t, dir, files)) })
}

// filesKey names a repository that was built of files.
func filesKey(name string, files Files) string { return fmt.Sprint(name, files == nil, files) }

// built returns the repository of a key in a folder: copied if this process has made it, else
// made now.
func built(t testing.TB, dir, key string, build func(*Repo)) *Repo {
	t.Helper()
	r := &Repo{t: t, Dir: dir}
	if made, known := snapshots.Load(key); known {
		if err := made.(snapshot).write(dir); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	build(r)
	snapshots.Store(key, readSnapshot(t, dir))
	return r
}

// init makes the repository an empty one.
func (r *Repo) init() {
	r.t.Helper()
	r.Git("init", "--quiet", "--bare", "--initial-branch=main", "--template=", ".")
	r.configure(repoConfig)
}

// snapshots are the repositories that this process has made, by their files: to make
// one again is to copy it.
var snapshots sync.Map

// snapshot is what is in a folder, each folder before what is in it.
type snapshot []file

// file is one, or a folder.
type file struct {
	name string
	mode fs.FileMode
	data []byte
}

func readSnapshot(t testing.TB, dir string) (all snapshot) {
	t.Helper()
	fsys := os.DirFS(dir)
	if err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := file{name: name, mode: info.Mode()}
		if !d.IsDir() {
			if f.data, err = fs.ReadFile(fsys, name); err != nil {
				return err
			}
		}
		all = append(all, f)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// write makes a folder that has the same in it.
func (s snapshot) write(dir string) (err error) {
	for _, f := range s {
		name := filepath.Join(dir, f.name)
		switch {
		case f.name == ".":
			err = os.MkdirAll(dir, 0o755)
		case f.mode.IsDir():
			err = os.Mkdir(name, f.mode.Perm())
		default:
			err = os.WriteFile(name, f.data, f.mode.Perm())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// repoConfig makes a repository one that can do what the big hosts' can.
const repoConfig = `
[http]
	receivepack = true
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[gc]
	auto = 0
[receive]
	autogc = false
	unpackLimit = 1000
[core]
	fsync = none
	commitGraph = false
	multiPackIndex = false
`

// Config sets a value in the repository's configuration, such as "receive.denyDeletes".
func (r *Repo) Config(key, value string) {
	r.t.Helper()
	section, name, _ := strings.Cut(key, ".")
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		section, name = fmt.Sprintf("%s %q", section, name[:i]), name[i+1:]
	}
	r.configure(fmt.Sprintf("[%s]\n\t%s = %q\n", section, name, value))
	note := ownConfig
	if key == "uploadpack.allowFilter" && value == "false" {
		note = noFilter
	}
	if err := os.WriteFile(filepath.Join(r.Folder(), note), nil, 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// configure adds lines to the repository's configuration. Of two values of a key the
// last one counts.
func (r *Repo) configure(lines string) {
	r.t.Helper()
	config, err := os.OpenFile(filepath.Join(r.Folder(), "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	defer config.Close()
	if _, err := config.WriteString(lines); err != nil {
		r.t.Fatal(err)
	}
}

// NoFilter makes the repository's server one that cannot filter.
func (r *Repo) NoFilter() { r.Config("uploadpack.allowFilter", "false") }

// NoWants makes the repository's server one that serves tips only.
func (r *Repo) NoWants() { r.Config("uploadpack.allowAnySHA1InWant", "false") }

// NoTreeFilter makes the repository's server refuse the filter tree:0.
func (r *Repo) NoTreeFilter() { r.Config("uploadpackfilter.tree.allow", "false") }

// URL returns the repository's file URL.
func (r *Repo) URL() string { return "file://" + r.Folder() }

// Git runs git in the repository, and returns what it printed, without the whitespace at
// the ends. The test ends if git fails.
func (r *Repo) Git(args ...string) string {
	r.t.Helper()
	return strings.TrimSpace(r.output("", args...))
}

// output returns what git printed, to the byte.
func (r *Repo) output(stdin string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.Folder(), gitEnv(), strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return stdout.String()
}

// gitEnv keeps the settings of the machine and of the person out of the tests.
func gitEnv() []string {
	return append(os.Environ(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "HOME="+os.TempDir(), "LC_ALL=C", "GIT_PROTOCOL=",
		"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
}

// Commit puts a commit with files on a branch, which is made if it is not
// there. What files does not name stays.
func (r *Repo) Commit(branch string, files Files, message string) (hash string) {
	r.t.Helper()
	tree, parents := "", []string(nil)
	if tip := r.Tip(branch); tip != "" {
		tree, parents = r.Tree(tip), []string{tip}
	}
	hash = r.WriteCommit(r.EditTree(tree, files), message, parents...)
	r.MoveBranch(branch, hash)
	return hash
}

// WriteCommit stores a commit, which is on no branch.
func (r *Repo) WriteCommit(tree, message string, parents ...string) (hash string) {
	r.t.Helper()
	const who = "Test <test@example.com> 1767323045 +0000"
	var commit strings.Builder
	fmt.Fprintf(&commit, "tree %s\n", tree)
	for _, parent := range parents {
		fmt.Fprintf(&commit, "parent %s\n", parent)
	}
	fmt.Fprintf(&commit, "author %s\ncommitter %s\n\n%s", who, who, message)
	return r.WriteObject("commit", commit.String())
}

// MoveBranch sets a branch to a commit, wherever it was, and makes it if it is not there.
// "" deletes it.
func (r *Repo) MoveBranch(branch, commit string) {
	r.t.Helper()
	if err := r.SetBranch(branch, r.Tip(branch), commit); err != nil {
		r.t.Fatal(err)
	}
}

// Tip returns the commit that a branch is at, "" if there is no such branch.
func (r *Repo) Tip(branch string) string { return r.ref("refs/heads/" + branch) }

// ref returns the hash that a reference has, "" if there is none, or if it is symbolic.
func (r *Repo) ref(ref string) (hash string) {
	if r.inMemory(func(m *memory) {
		if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			hash = m.branches[branch]
		}
	}) {
		return hash
	}
	loose, err := os.ReadFile(filepath.Join(r.Folder(), ref))
	if err == nil && !bytes.HasPrefix(loose, []byte("ref:")) {
		return string(bytes.TrimSpace(loose))
	}
	packed, _ := os.ReadFile(filepath.Join(r.Folder(), "packed-refs"))
	for line := range strings.Lines(string(packed)) {
		if hash, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
			return hash
		}
	}
	return ""
}

// Read returns a file's content on a branch.
func (r *Repo) Read(branch, path string) string {
	r.t.Helper()
	tip := r.Tip(branch)
	if tip == "" {
		return r.output("", "cat-file", "blob", branch+":"+path)
	}
	e := r.file(r.Tree(tip), path)
	if e.hash == "" {
		r.t.Fatalf("%s has no %s", branch, path)
	}
	return r.ReadObject("blob", e.hash)
}

// List returns every entry of a branch, as git ls-tree -r prints it: mode, type,
// hash, tab, path.
func (r *Repo) List(branch string) (lines []string) {
	r.t.Helper()
	var list func(tree, dir string)
	list = func(tree, dir string) {
		for name, e := range parseTree(r.ReadObject("tree", tree)) {
			switch e.mode {
			case modeTree:
				list(e.hash, dir+name+"/")
			case "160000":
				lines = append(lines, e.mode+" commit "+e.hash+"\t"+dir+name)
			default:
				lines = append(lines, e.mode+" blob "+e.hash+"\t"+dir+name)
			}
		}
	}
	list(r.Tree(r.Tip(branch)), "")
	return lines
}

// Log returns the hashes of a branch's commits along first parents, newest first.
func (r *Repo) Log(branch string) (hashes []string) {
	r.t.Helper()
	for at := r.Tip(branch); at != ""; {
		_, raw, loose := r.loose(at)
		if !loose { // git reads the rest at once
			return append(hashes, strings.Fields(r.Git("rev-list", "--first-parent", at))...)
		}
		hashes, at = append(hashes, at), header(raw, "parent")
	}
	return hashes
}

// Hook installs a shell script as one of the server's hooks, such as
// "pre-receive".
func (r *Repo) Hook(name, script string) {
	r.t.Helper()
	path := filepath.Join(r.Folder(), "hooks", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		r.t.Fatal(err)
	}
}
