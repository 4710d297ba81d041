package gittest

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
)

// Objects and branches are read and written here as Git stores them, loose: a process
// for each commit would be most of what the tests cost.

// WriteObject stores an object as it is, valid or not, and returns its hash.
func (r *Repo) WriteObject(kind, raw string) (hash string) {
	whole := content{kind, raw}.whole()
	sum := sha1.Sum(whole)
	hash = hex.EncodeToString(sum[:])
	if r.batch != nil {
		r.batch[hash] = content{kind, raw}
		return hash
	}
	if r.inMemory(func(m *memory) { m.add(hash, content{kind, raw}) }) {
		return hash
	}
	keep(hash, content{kind, raw})
	file := r.looseFile(hash)
	if _, err := os.Lstat(file); err == nil || r.inPack(hash) {
		return hash
	}
	if err := writeFile(file, stored(whole)); err != nil {
		r.t.Fatal(err)
	}
	return hash
}

// content is what an object is.
type content struct{ kind, raw string }

// contents are the objects that this process has written and read, by hash, whatever the
// repository.
var contents sync.Map

// maxKept is how many bytes an object has that is kept in memory.
const maxKept = 64 << 10

func keep(hash string, c content) {
	if len(c.raw) <= maxKept {
		contents.Store(hash, c)
	}
}

// ReadObject returns an object's bytes. Those in packs are read by git.
func (r *Repo) ReadObject(kind, hash string) string {
	found, raw, ok := r.loose(hash)
	if !ok {
		return r.output("", "cat-file", kind, hash)
	}
	if found != kind {
		r.t.Fatalf("%s is a %s, and no %s", hash, found, kind)
	}
	return raw
}

// loose reads an object that is in memory, has a file of its own, or is in a pack that this
// process wrote.
func (r *Repo) loose(hash string) (kind, raw string, ok bool) {
	if c, ok := r.batch[hash]; ok {
		return c.kind, c.raw, true
	}
	var held content
	if r.inMemory(func(m *memory) { held, ok = m.object(hash) }) {
		return held.kind, held.raw, ok
	}
	if r.cache != nil {
		if known, ok := r.cache.Load(hash); ok {
			c := known.(content)
			return c.kind, c.raw, true
		}
	}
	c, ok := r.readLoose(hash)
	if ok && r.cache != nil {
		r.cache.Store(hash, c)
	}
	return c.kind, c.raw, ok
}

func (r *Repo) readLoose(hash string) (c content, ok bool) {
	file := r.looseFile(hash)
	if known, ok := contents.Load(hash); ok {
		_, err := os.Lstat(file)
		return known.(content), err == nil || r.inPack(hash)
	}
	packed, err := os.ReadFile(file)
	if err != nil {
		return c, false
	}
	if c, err = parseLoose(packed); err != nil {
		r.t.Errorf("%s: %v", hash, err)
		return c, false
	}
	keep(hash, c)
	return c, true
}

// parseLoose reads the file of an object.
func parseLoose(packed []byte) (c content, err error) {
	whole, err := inflate(bytes.NewReader(packed))
	header, raw, _ := strings.Cut(string(whole), "\x00")
	kind, _, ok := strings.Cut(header, " ")
	if !ok {
		err = cmp.Or(err, errors.New("it has no header"))
	}
	return content{kind, raw}, err
}

// Object returns what an expression of Git's names; hash is "" if that is nothing. It reports
// false for known where it takes git to tell: for a tag, a pack, or a short hash of several objects.
func (r *Repo) Object(expression string) (hash, kind, raw string, known bool) {
	rev, name, hasPath := strings.Cut(expression, ":")
	rev, peel, peeled := strings.Cut(rev, "^")
	switch branch, isBranch := strings.CutPrefix(rev, "refs/heads/"); {
	case rev == "HEAD":
		head, err := r.head()
		if err != nil {
			return "", "", "", false
		}
		rev = r.Tip(head)
	case isBranch:
		if rev = r.Tip(branch); rev == "" {
			return "", "", "", true
		}
	}
	if rev, known = r.fullHash(rev); rev == "" {
		return "", "", "", known
	}
	kind, raw, ok := r.loose(rev)
	if !ok { // it may be in a pack of git's
		_, known = r.packed()
		return "", "", "", known
	}
	switch {
	case peeled && (peel != "{commit}" && peel != "{tree}" || kind != "commit"), hasPath && (kind != "commit" || peeled):
		return "", "", "", false
	case !hasPath && peel != "{tree}":
		return rev, kind, raw, true
	}
	e := treeEntry{modeTree, header(raw, "tree")}
	if name != "" {
		if e = r.file(e.hash, name); e.hash == "" {
			return "", "", "", true
		}
	}
	kind, raw, ok = r.loose(e.hash)
	return e.hash, kind, raw, ok
}

// fullHash returns the hash that a short or a full one stands for, "" if there is none. It reports
// false where it takes git to tell.
func (r *Repo) fullHash(rev string) (hash string, known bool) {
	if r.inMemory(func(m *memory) { hash, known = m.fullHash(rev) }) {
		return hash, known
	}
	hash = rev
	if !hashOrPrefix.MatchString(hash) {
		return "", false
	}
	if isHash(hash) {
		return hash, true
	}
	files, _ := filepath.Glob(r.looseFile(hash) + "*")
	found := map[string]bool{}
	for _, file := range files {
		found[hash[:2]+filepath.Base(file)] = true
	}
	sets, known := r.packed()
	for _, set := range sets {
		for one := range set {
			if strings.HasPrefix(one, hash) {
				found[one] = true
			}
		}
	}
	if !known || len(found) != 1 || r.ref("refs/heads/"+hash) != "" || r.ref("refs/tags/"+hash) != "" {
		return "", false
	}
	for one := range found {
		hash = one
	}
	return hash, true
}

func isHash(text string) bool { return len(text) == 40 && hashOrPrefix.MatchString(text) }

var hashOrPrefix = regexp.MustCompile("^[0-9a-f]{4,40}$")

func (r *Repo) looseFile(hash string) string {
	return filepath.Join(r.Folder(), "objects", hash[:2], hash[2:])
}

// writeFile writes a file that others see whole, or not at all.
func writeFile(file string, data []byte) error {
	made := fmt.Sprintf("%s.%d.tmp", filepath.Dir(file), written.Add(1))
	err := os.WriteFile(made, data, 0o644)
	if err == nil {
		err = os.Rename(made, file)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(filepath.Dir(file), 0o755); err == nil || errors.Is(err, fs.ErrExist) {
			err = os.Rename(made, file)
		}
	}
	return err
}

// written counts the files, to give each a name of its own.
var written atomic.Int64

// ErrStale is a branch that is not at the commit that was expected.
var ErrStale = errors.New("the branch is not at the expected commit")

// SetBranch sets a branch to a commit, if it is at another: "" stands for no branch.
func (r *Repo) SetBranch(branch, from, to string) (err error) {
	if r.inMemory(func(m *memory) { err = m.setBranch(branch, from, to) }) {
		return err
	}
	file := filepath.Join(r.Folder(), "refs", "heads", filepath.FromSlash(branch))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(file+".lock", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) // as git does
	if err != nil {
		return err
	}
	defer os.Remove(file + ".lock")
	defer lock.Close()
	if r.Tip(branch) != from {
		return ErrStale
	}
	if to == "" {
		err := os.Remove(file)
		os.Remove(file + ".lock")
		for dir := filepath.Dir(file); filepath.Base(dir) != "heads" && os.Remove(dir) == nil; dir = filepath.Dir(dir) {
		}
		return err
	}
	if _, err := lock.WriteString(to + "\n"); err != nil {
		return err
	}
	return os.Rename(file+".lock", file)
}

// Branches returns the branches, and the commits that they are at.
func (r *Repo) Branches() map[string]string {
	var branches map[string]string
	if r.inMemory(func(m *memory) { branches = maps.Clone(m.branches) }) {
		return branches
	}
	branches = map[string]string{}
	packed, err := os.ReadFile(filepath.Join(r.Folder(), "packed-refs"))
	if err != nil && !os.IsNotExist(err) {
		r.t.Error(err)
	}
	for line := range strings.Lines(string(packed)) {
		hash, ref, _ := strings.Cut(strings.TrimSpace(line), " ")
		if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			branches[branch] = hash
		}
	}
	if err := r.eachRef("refs/heads", func(ref, hash string) {
		if isHash(hash) {
			branches[strings.TrimPrefix(ref, "refs/heads/")] = hash
		}
	}); err != nil {
		r.t.Error(err)
	}
	return branches
}

// eachRef calls a function with the references below a folder that have files of their own, and
// the text of those.
func (r *Repo) eachRef(dir string, f func(ref, text string)) error {
	entries, err := os.ReadDir(filepath.Join(r.Folder(), dir))
	for _, e := range entries {
		switch ref := dir + "/" + e.Name(); {
		case e.IsDir():
			if err := r.eachRef(ref, f); err != nil {
				return err
			}
		case !strings.HasSuffix(ref, ".lock"):
			text, err := os.ReadFile(filepath.Join(r.Folder(), ref))
			if err != nil && !os.IsNotExist(err) {
				return err
			}
			if err == nil {
				f(ref, strings.TrimSpace(string(text)))
			}
		}
	}
	if os.IsNotExist(err) { // it has just been deleted
		return nil
	}
	return err
}
