package gittest

import (
	"errors"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A repository may be in memory: its objects and branches are then written to a folder only
// where git, or a test, has to see one. Making, reading and removing the small files of a
// repository takes longer than what most tests do with it.

// memory is such a repository. Once it has a folder, all is there and nothing here.
type memory struct {
	t     testing.TB
	place func() string // where the folder is to be

	mu       sync.Mutex
	dir      string             // the folder; "" while there is none
	built    map[string]content // the objects that it was made with, shared by all that were made so
	objects  map[string]content // those that came later
	branches map[string]string
	logs     bool   // see LogPushes
	pushes   []byte // that log
}

// NewInMemory is NewRepo for a repository in memory.
func NewInMemory(t testing.TB, files Files) *Repo {
	t.Helper()
	return NewBuiltInMemory(t, "", files, func(*Repo) {})
}

// NewBuiltInMemory is NewBuilt for a repository in memory.
func NewBuiltInMemory(t testing.TB, name string, files Files, build func(*Repo)) *Repo {
	t.Helper()
	dir := lateDir(t)
	return newInMemory(t, func() string { return filepath.Join(dir(), "repo.git") }, name, files, build)
}

// lateDir returns a function that makes a temporary folder when it is first called. It goes when
// the test ends, after what is cleaned up then.
func lateDir(t testing.TB) func() string {
	dir := ""
	var once sync.Once
	t.Cleanup(func() {
		once.Do(func() {})
		if dir == "" {
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return func() string {
		once.Do(func() {
			var err error
			if dir, err = os.MkdirTemp("", "gittest-"); err != nil {
				t.Fatal(err)
			}
		})
		return dir
	}
}

func newInMemory(t testing.TB, place func() string, name string, files Files, build func(*Repo)) *Repo {
	t.Helper()
	m := &memory{t: t, place: place, objects: map[string]content{}, branches: map[string]string{}}
	r := &Repo{t: t, memory: m}
	key := filesKey(name, files)
	if made, known := memories.Load(key); known {
		from := made.(*memory)
		m.built, m.branches = from.built, maps.Clone(from.branches)
		return r
	}
	if files != nil {
		r.Commit("main", files, "initial")
	}
	build(r)
	r.inMemory(func(m *memory) {
		m.built, m.objects = m.objects, map[string]content{}
		memories.Store(key, &memory{built: m.built, branches: maps.Clone(m.branches)})
	})
	return r
}

// memories are the repositories that this process has made in memory, as snapshots are those on
// disk.
var memories sync.Map

// inMemory calls a function with the repository as it is in memory. It reports false, and does
// not call it, if the repository has a folder.
func (r *Repo) inMemory(f func(m *memory)) bool {
	if r.memory == nil {
		return false
	}
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	if r.memory.dir != "" {
		return false
	}
	f(r.memory)
	return true
}

// Folder returns the repository's folder. One in memory is written there, and stays there.
func (r *Repo) Folder() string {
	m := r.memory
	if m == nil {
		return r.Dir
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dir == "" {
		dir := m.place()
		if err := m.write(dir); err != nil {
			m.t.Fatal(err)
		}
		m.dir, m.built, m.objects, m.branches = dir, nil, nil, nil
	}
	return m.dir
}

// write writes it as it would be had it never been in memory: what it was made with is in a pack,
// what came later is loose.
func (m *memory) write(dir string) error {
	r := newRepoAt(m.t, dir, nil)
	if len(m.built) > 0 {
		if err := r.writePack(m.built); err != nil {
			return err
		}
	}
	for _, c := range m.objects {
		r.WriteObject(c.kind, c.raw)
	}
	for branch, hash := range m.branches {
		file := filepath.Join(dir, "refs", "heads", filepath.FromSlash(branch))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(hash+"\n"), 0o644); err != nil {
			return err
		}
	}
	if !m.logs {
		return nil
	}
	r.LogPushes()
	return os.WriteFile(filepath.Join(dir, PushLog), m.pushes, 0o644)
}

// setBranch is SetBranch.
func (m *memory) setBranch(branch, from, to string) error {
	switch at := m.branches[branch]; {
	case at != from:
		return ErrStale
	case to == "" && at == "":
		return os.ErrNotExist
	case to == "":
		delete(m.branches, branch)
		return nil
	}
	for other := range m.branches { // one cannot be a folder of another
		if strings.HasPrefix(other, branch+"/") || strings.HasPrefix(branch, other+"/") {
			return errors.New(branch + ": there is a branch " + other)
		}
	}
	m.branches[branch] = to
	return nil
}

// fullHash returns the hash that a revision stands for, "" if there is none. It reports false
// where it takes git to tell.
func (m *memory) fullHash(rev string) (hash string, known bool) {
	switch at := m.branches[rev]; {
	case isHash(rev):
		return rev, true
	case at != "":
		return at, true
	case !plainRevision.MatchString(rev) || strings.Contains(rev, "-g"): // v1-2-g0123456 is what git describe prints
		return "", false
	case !hashOrPrefix.MatchString(rev):
		return "", true
	}
	for one := range m.hashes() {
		if strings.HasPrefix(one, rev) {
			if hash != "" {
				return "", false
			}
			hash = one
		}
	}
	return hash, true
}

// hashes are those of all objects.
func (m *memory) hashes() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, set := range []map[string]content{m.built, m.objects} {
			for hash := range set {
				if !yield(hash) {
					return
				}
			}
		}
	}
}

func (m *memory) object(hash string) (c content, ok bool) {
	if c, ok = m.objects[hash]; !ok {
		c, ok = m.built[hash]
	}
	return c, ok
}

func (m *memory) add(hash string, c content) {
	if _, known := m.built[hash]; !known {
		m.objects[hash] = c
	}
}

var plainRevision = regexp.MustCompile(`^[0-9A-Za-z]+([.-]?[0-9A-Za-z]+)*$`)

// head returns the branch that HEAD is.
func (r *Repo) head() (branch string, err error) {
	if r.inMemory(func(*memory) {}) {
		return "main", nil
	}
	head, err := os.ReadFile(filepath.Join(r.Folder(), "HEAD"))
	return strings.TrimPrefix(strings.TrimSpace(string(head)), "ref: refs/heads/"), err
}

// DefaultBranch returns the branch that HEAD is.
func (r *Repo) DefaultBranch() string {
	branch, err := r.head()
	if err != nil {
		r.t.Error(err)
	}
	return branch
}

// Pushes returns what LogPushes has had written.
func (r *Repo) Pushes() (log []byte) {
	if r.inMemory(func(m *memory) { log = slices.Clip(m.pushes) }) {
		return log
	}
	log, err := os.ReadFile(filepath.Join(r.Folder(), PushLog))
	if err != nil && !os.IsNotExist(err) {
		r.t.Error(err)
	}
	return log
}
