package gittest

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8srepo/internal/testmain"
)

// Fsck ends the test if the repository is not whole. Where a package's tests run with Checked,
// git itself has its say once, after the tests.
func (r *Repo) Fsck() {
	r.t.Helper()
	if later := fsckLater; later != nil {
		if known, err := later.Add(r, r.t.Name()); err != nil {
			r.t.Errorf("fsck: %v", err)
		} else if known {
			return
		}
	}
	if out := r.Git(fsck...); out != "" {
		r.t.Errorf("git fsck: %s", out)
	}
}

var fsck = []string{"fsck", "--full", "--strict", "--no-dangling"}

// Fscks are repositories that git checks all at once, since a process for each takes longer than
// most tests. Whether a repository has all objects that it needs is checked at once, without git;
// what git finds in an object it finds after the tests.
type Fscks struct {
	mu     sync.Mutex
	dir    string              // a repository that has the objects of all
	files  map[string]sum      // of these objects' files, by hash
	packed map[string]content  // those that have none
	kinds  map[string]string   // of all
	buffer bytes.Buffer        // for a file
	links  map[string][]link   // what each refers to
	owners map[string][]string // the tests that have it
}

type sum = [sha1.Size]byte

// link is an object that another one, or a branch, needs.
type link struct{ kind, hash string }

// NewFscks returns one that works in an empty folder.
func NewFscks(dir string) (*Fscks, error) {
	for _, name := range []string{"objects", "refs"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/main\n"), 0o644); err != nil {
		return nil, err
	}
	return &Fscks{dir: dir, files: map[string]sum{}, packed: map[string]content{}, kinds: map[string]string{}, links: map[string][]link{}, owners: map[string][]string{}}, nil
}

// Add adds the repository of a test. It reports false if the repository is one that git has to
// check alone: it has packs, tags, or a history that is cut. The error says that an object is
// missing or damaged.
func (f *Fscks) Add(r *Repo, test string) (known bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hashes, plain, err := r.hashes()
	if err != nil || !plain {
		return false, err
	}
	for hash, loose := range hashes {
		f.owners[hash] = append(f.owners[hash], test)
		var err error
		if loose {
			err = f.addLoose(hash, r.looseFile(hash))
		} else {
			err = f.addPacked(r, hash)
		}
		if err != nil {
			return false, err
		}
	}
	var errs []error
	needs := func(who string, l link) {
		switch _, has := hashes[l.hash]; {
		case !has:
			errs = append(errs, fmt.Errorf("%s needs the %s %s, which is not there", who, l.kind, l.hash))
		case f.kinds[l.hash] != l.kind:
			errs = append(errs, fmt.Errorf("%s has %s for a %s", who, l.hash, l.kind))
		}
	}
	for branch, tip := range r.Branches() {
		needs(branch, link{"commit", tip})
	}
	for hash := range hashes {
		for _, l := range f.links[hash] {
			needs(hash, l)
		}
	}
	return true, errors.Join(errs...)
}

// hashes returns the objects of a repository, true for those with a file of their own; plain is
// false if there may be others, or other references than branches.
func (r *Repo) hashes() (hashes map[string]bool, plain bool, err error) {
	hashes = map[string]bool{}
	if r.inMemory(func(m *memory) {
		for hash := range m.hashes() {
			hashes[hash] = false
		}
	}) {
		return hashes, true, nil
	}
	if _, err := os.Lstat(filepath.Join(r.Folder(), "shallow")); !os.IsNotExist(err) {
		return nil, false, err
	}
	if _, err := os.Lstat(filepath.Join(r.Folder(), "packed-refs")); !os.IsNotExist(err) {
		return nil, false, err
	}
	plain = true
	if err := r.eachRef("refs", func(ref, text string) {
		plain = plain && strings.HasPrefix(ref, "refs/heads/") && isHash(text)
	}); err != nil || !plain {
		return nil, false, err
	}
	sets, known := r.packed()
	if !known {
		return nil, false, nil
	}
	for _, set := range sets {
		for hash := range set {
			hashes[hash] = false
		}
	}
	dirs, err := os.ReadDir(filepath.Join(r.Folder(), "objects"))
	if err != nil {
		return nil, false, err
	}
	for _, dir := range dirs {
		if dir.Name() == "pack" {
			continue
		}
		files, err := os.ReadDir(filepath.Join(r.Folder(), "objects", dir.Name()))
		if err != nil {
			return nil, false, err
		}
		for _, file := range files {
			hash := dir.Name() + file.Name()
			if !isHash(hash) {
				return nil, false, nil
			}
			hashes[hash] = true
		}
	}
	return hashes, true, nil
}

// addPacked has git check an object that is in memory, or in a pack of this process, after the
// tests, unless it does already. What git makes of such packs is a test of package gitrepo.
func (f *Fscks) addPacked(r *Repo, hash string) error {
	if _, known := f.kinds[hash]; known {
		return nil
	}
	kind, raw, ok := r.loose(hash)
	if !ok {
		return fmt.Errorf("%s cannot be read", hash)
	}
	c := content{kind, raw}
	f.packed[hash], f.kinds[hash], f.links[hash] = c, kind, c.links()
	return nil
}

// addLoose has git check an object after the tests, unless it does already.
func (f *Fscks) addLoose(hash, name string) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	f.buffer.Reset()
	if _, err := f.buffer.ReadFrom(in); err != nil {
		return err
	}
	packed := f.buffer.Bytes()
	file := sha1.Sum(packed)
	if f.files[hash] == file {
		return nil
	}
	c, err := parseLoose(packed)
	if err != nil {
		return fmt.Errorf("%s: %w", hash, err)
	}
	if sum := sha1.Sum(c.whole()); hex.EncodeToString(sum[:]) != hash {
		return fmt.Errorf("%s has the content of another object", hash)
	}
	keep(hash, c)
	f.files[hash], f.kinds[hash], f.links[hash] = file, c.kind, c.links()
	return writeFile((&Repo{Dir: f.dir}).looseFile(hash), packed)
}

// whole returns an object as Git stores it.
func (c content) whole() []byte {
	out := make([]byte, 0, len(c.kind)+len(c.raw)+len(" 12345678\x00"))
	return append(fmt.Appendf(out, "%s %d\x00", c.kind, len(c.raw)), c.raw...)
}

// links returns what an object refers to.
func (c content) links() (all []link) {
	switch c.kind {
	case "commit":
		all = append(all, link{"tree", header(c.raw, "tree")})
		for _, parent := range parents(c.raw) {
			all = append(all, link{"commit", parent})
		}
	case "tree":
		for _, e := range parseTree(c.raw) {
			switch e.mode {
			case modeTree:
				all = append(all, link{"tree", e.hash})
			case "160000": // of another repository
			default:
				all = append(all, link{"blob", e.hash})
			}
		}
	}
	return all
}

// Check has git check the objects of all repositories. It returns what git finds, and in which
// tests; "" if that is nothing.
func (f *Fscks) Check() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.kinds) == 0 {
		return ""
	}
	if len(f.packed) > 0 {
		if err := (&Repo{Dir: f.dir}).writePack(f.packed); err != nil {
			return err.Error()
		}
	}
	cmd := exec.Command("git", fsck...)
	cmd.Dir, cmd.Env = f.dir, gitEnv()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil && stdout.Len() == 0 {
		return ""
	}
	tests := map[string]bool{}
	for _, hash := range fullHashes.FindAllString(stdout.String()+stderr.String(), -1) {
		for _, test := range f.owners[hash] {
			tests[test] = true
		}
	}
	return fmt.Sprintf("git fsck: %v\n%s%sin %s", err, stdout.Bytes(), stderr.Bytes(), strings.Join(slices.Sorted(maps.Keys(tests)), ", "))
}

var fullHashes = regexp.MustCompile("[0-9a-f]{40}")

// fsckLater are the repositories that Fsck was called for, nil where git checks each at once.
var fsckLater *Fscks

// Checked returns the tests of a package after which git checks the repositories that they called
// Fsck for.
func Checked(m *testing.M) testmain.Tests { return checked{m} }

type checked struct{ testmain.Tests }

func (c checked) Run() int {
	dir, err := os.MkdirTemp("", "fsck-")
	if err == nil {
		defer os.RemoveAll(dir)
		fsckLater, err = NewFscks(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := c.Tests.Run()
	if found := fsckLater.Check(); found != "" {
		fmt.Fprintln(os.Stderr, found)
		return max(status, 1)
	}
	return status
}
