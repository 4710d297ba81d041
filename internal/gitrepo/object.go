package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"k8srepo/internal/repo"
)

// Signature is who made a commit, and when. A commit does not hold the Login.
type Signature = repo.Signature

// signatureLine returns a signature as a commit holds it.
func signatureLine(s Signature) (string, error) {
	switch {
	case strings.TrimSpace(s.Name) == "" || strings.TrimSpace(s.Email) == "":
		return "", errors.New("a commit needs the name and the e-mail address of its author")
	case strings.ContainsAny(s.Name+s.Email, "<>\n\x00"):
		return "", fmt.Errorf("%q <%q> cannot stand in a commit", s.Name, s.Email)
	case s.When.Unix() < 0:
		return "", errors.New("a commit needs a date")
	}
	return fmt.Sprintf("%s <%s> %d %s", s.Name, s.Email, s.When.Unix(), s.When.Format("-0700")), nil
}

// parseSignature reads "name <email> seconds zone"; what cannot be read stays
// empty, as there are strange commits about.
func parseSignature(line string) Signature {
	var s Signature
	open, shut := strings.IndexByte(line, '<'), strings.LastIndexByte(line, '>')
	if open < 0 || shut < open {
		return s
	}
	s.Name, s.Email = strings.TrimSpace(line[:open]), line[open+1:shut]
	seconds, zone, _ := strings.Cut(strings.TrimSpace(line[shut+1:]), " ")
	if n, err := strconv.ParseInt(seconds, 10, 64); err == nil {
		s.When = time.Unix(n, 0).UTC()
		if at, err := time.Parse("-0700", zone); err == nil {
			s.When = s.When.In(at.Location())
		}
	}
	return s
}

// commitText is the parts of a commit.
type commitText struct {
	tree              Hash
	parents           []Hash
	author, committer Signature
	message           string
}

func parseCommit(raw []byte) (commitText, error) {
	var c commitText
	head, message, _ := strings.Cut(string(raw), "\n\n")
	c.message = message
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "tree":
			c.tree = plumbing.NewHash(value)
		case "parent":
			c.parents = append(c.parents, plumbing.NewHash(value))
		case "author":
			c.author = parseSignature(value)
		case "committer":
			c.committer = parseSignature(value)
		}
	}
	if c.tree.IsZero() {
		return c, errors.New("a commit without a tree")
	}
	return c, nil
}

// treeEntry is one line of a tree object. The mode is kept as it is written:
// trees of old have modes such as 100664, which a new tree must not change.
type treeEntry struct {
	mode, name string
	hash       Hash
}

// The modes that are written for new entries.
const (
	modeFile = "100644"
	modeDir  = "40000"
)

func parseTree(raw []byte) ([]treeEntry, error) {
	var tree []treeEntry
	for len(raw) > 0 {
		head, rest, ok := bytes.Cut(raw, []byte{0})
		mode, name, ok2 := strings.Cut(string(head), " ")
		if !ok || !ok2 || len(rest) < len(Hash{}) {
			return nil, errors.New("the object is damaged")
		}
		if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
			return nil, fmt.Errorf("there is an entry called %q", name) // it would lead elsewhere
		}
		tree = append(tree, treeEntry{mode, name, Hash(rest[:len(Hash{})])})
		raw = rest[len(Hash{}):]
	}
	return tree, nil
}

func formatTree(tree []treeEntry) []byte {
	var b bytes.Buffer
	for _, e := range tree {
		b.WriteString(e.mode + " " + e.name + "\x00")
		b.Write(e.hash[:])
	}
	return b.Bytes()
}

// tree is a tree object that many look into.
type tree struct {
	entries []treeEntry
	byName  map[string]int // nil until something is looked for
}

// find returns the entry called name.
func (t *tree) find(name string) (e treeEntry, ok bool) {
	if t.byName == nil {
		t.byName = make(map[string]int, len(t.entries))
		for i, e := range slices.Backward(t.entries) { // of two, the first, as find has it
			t.byName[e.name] = i
		}
	}
	i, ok := t.byName[name]
	if ok {
		e = t.entries[i]
	}
	return e, ok
}

// find returns the index of the entry called name, or -1.
func find(tree []treeEntry, name string) int {
	for i := range tree {
		if tree[i].name == name {
			return i
		}
	}
	return -1
}

// fileMode returns the entry's kind and permissions, as package fs has them. A
// submodule is irregular.
func (e treeEntry) fileMode() fs.FileMode {
	bits, err := strconv.ParseUint(e.mode, 8, 32)
	switch {
	case err != nil:
		return fs.ModeIrregular
	case bits&0o170000 == 0o040000:
		return fs.ModeDir | 0o755
	case bits&0o170000 == 0o100000 && bits&0o111 != 0:
		return 0o755
	case bits&0o170000 == 0o100000:
		return 0o644
	case bits&0o170000 == 0o120000:
		return fs.ModeSymlink | 0o777
	}
	return fs.ModeIrregular
}

func (e treeEntry) isDir() bool { return e.fileMode().IsDir() }

// hasBlob reports whether the entry's hash is a blob's of this repository.
func (e treeEntry) hasBlob() bool { return e.fileMode()&(fs.ModeDir|fs.ModeIrregular) == 0 }

// sortsBefore is the order of entries in a tree: by name, with a slash behind a
// folder's.
func (e treeEntry) sortsBefore(other treeEntry) bool {
	key := func(e treeEntry) string {
		if e.isDir() {
			return e.name + "/"
		}
		return e.name
	}
	return key(e) < key(other)
}
