package gitrepo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// Signer signs a commit: message is the commit without its signature, the
// result what goes into its gpgsig header. go-git's Signer is the same.
type Signer interface {
	Sign(message io.Reader) ([]byte, error)
}

// CommitMeta is what a commit says about itself.
type CommitMeta struct {
	Author    Signature
	Committer Signature // the author if zero
	Message   string    // it is made to end in one newline
	Signer    Signer    // nil leaves the commit unsigned
}

// PendingCommit is a commit that is ready to be pushed.
type PendingCommit struct {
	Hash    Hash
	Tree    Hash
	Parent  Hash
	Changes []Change // against Parent; sorted by path

	objects []plumbing.EncodedObject // that the server does not have
}

// Change is a file before and after.
type Change struct {
	Path     string
	Old, New Hash // of the content; zero if the file is new, or removed
}

// Prepare makes a commit on top of this one, in which the files named in changes have
// the content given, and those that map to nil are gone. (An empty file is
// []byte{}.) New files get mode 0644 and the folders they need; changed files
// keep their mode; everything else keeps every bit. Nothing is written through,
// or over, a symbolic link or a submodule.
//
// Before it is handed out, the new tree is compared with the old one, entry by
// entry: if they differ anywhere but at the files named, there is no commit.
// If they do not differ at all, the error is ErrNoChange.
func (c *Commit) Prepare(ctx context.Context, changes map[string][]byte, meta CommitMeta) (*PendingCommit, error) {
	b := &builder{parent: c, made: map[Hash]plumbing.EncodedObject{}, parsed: map[Hash][]treeEntry{}}
	plan := map[string]Hash{}
	root := &change{}
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		if err := checkPath(path); err != nil {
			return nil, err
		}
		content := changes[path]
		leaf := &change{remove: content == nil}
		if content != nil {
			leaf.blob = b.add(plumbing.BlobObject, content)
		}
		plan[path] = leaf.blob
		if err := root.put(path, leaf); err != nil {
			return nil, err
		}
	}
	tree, err := b.folder(ctx, c.Tree, "", root)
	if err != nil {
		return nil, err
	}
	if tree.IsZero() {
		tree = b.add(plumbing.TreeObject, nil) // the last file is gone
	}
	if tree == c.Tree {
		return nil, &fault{Problem: problem.New("", "the files are as they should be already"), Kind: ErrNoChange}
	}
	made := &PendingCommit{Tree: tree, Parent: c.Hash}
	if made.Changes, err = b.prove(c.Tree, tree, plan); err != nil {
		return nil, err
	}
	text, err := commitBytes(tree, c.Hash, meta)
	if err != nil {
		return nil, err
	}
	made.Hash = b.add(plumbing.CommitObject, text)
	if made.objects, err = b.reachable(made); err != nil {
		return nil, err
	}
	return made, nil
}

// checkPath refuses what cannot be, or must not be, the path of a file.
func checkPath(path string) error {
	for name := range strings.SplitSeq(path, "/") {
		if name == "" || name == "." || name == ".." || strings.EqualFold(name, ".git") || strings.Contains(name, "\x00") {
			return fmt.Errorf("%q cannot be the path of a file", path)
		}
	}
	return nil
}

// change is what becomes of a file, or of the files in a folder.
type change struct {
	below  map[string]*change // of a folder
	blob   Hash
	remove bool
}

// put places leaf at path below c.
func (c *change) put(path string, leaf *change) error {
	at := c
	names := strings.Split(path, "/")
	for i, name := range names {
		if at.below == nil {
			at.below = map[string]*change{}
		}
		next := at.below[name]
		if i == len(names)-1 {
			if next != nil {
				return fmt.Errorf("%s: is to be a file and a folder", path)
			}
			at.below[name] = leaf
			return nil
		}
		switch {
		case next == nil:
			next = &change{}
			at.below[name] = next
		case next.below == nil:
			return fmt.Errorf("%s: is to be a file and a folder", strings.Join(names[:i+1], "/"))
		}
		at = next
	}
	return nil
}

// builder makes objects on top of a tip's.
type builder struct {
	parent *Commit
	made   map[Hash]plumbing.EncodedObject
	parsed map[Hash][]treeEntry // trees among those
}

func (b *builder) add(kind plumbing.ObjectType, content []byte) Hash {
	o := &plumbing.MemoryObject{}
	o.SetType(kind)
	o.Write(content)
	b.made[o.Hash()] = o
	return o.Hash()
}

// folder returns the tree that becomes of the tip's tree old (zero if there is none)
// by the changes in c; zero if nothing is left in it. Old trees on the way down
// are fetched.
func (b *builder) folder(ctx context.Context, old Hash, prefix string, c *change) (Hash, error) {
	var tree []treeEntry
	if !old.IsZero() {
		if err := b.parent.fetchObjects(ctx, []Hash{old}, filters[byTree]); err != nil {
			return Hash{}, b.parent.remote.fault(ctx, err)
		}
		was, err := b.parent.remote.tree(old)
		if err != nil {
			return Hash{}, b.parent.remote.fault(ctx, err)
		}
		tree = slices.Clone(was.entries)
	}
	for _, name := range slices.Sorted(maps.Keys(c.below)) {
		below, path := c.below[name], prefix+name
		i := find(tree, name)
		entry := treeEntry{modeFile, name, below.blob}
		if below.below != nil {
			was := Hash{}
			if i >= 0 {
				if !tree[i].isDir() {
					return Hash{}, &fs.PathError{Op: "write below", Path: path, Err: kindError(tree[i])}
				}
				was = tree[i].hash
			}
			now, err := b.folder(ctx, was, path+"/", below)
			if err != nil {
				return Hash{}, err
			}
			entry.mode, entry.hash = modeDir, now
		} else if i >= 0 && !tree[i].fileMode().IsRegular() {
			return Hash{}, &fs.PathError{Op: "write", Path: path, Err: kindError(tree[i])}
		} else if i < 0 && below.remove {
			return Hash{}, &fs.PathError{Op: "remove", Path: path, Err: fs.ErrNotExist}
		}
		switch {
		case entry.hash.IsZero():
			tree = slices.Delete(tree, i, i+1)
		case i >= 0:
			tree[i].hash = entry.hash
		default:
			at := slices.IndexFunc(tree, entry.sortsBefore)
			if at < 0 {
				at = len(tree)
			}
			tree = slices.Insert(tree, at, entry)
		}
	}
	if len(tree) == 0 {
		return Hash{}, nil
	}
	return b.add(plumbing.TreeObject, formatTree(tree)), nil
}

// kindError says why an entry is not written to.
func kindError(e treeEntry) error {
	switch mode := e.fileMode(); {
	case mode.IsDir():
		return errors.New("is a folder")
	case mode&fs.ModeSymlink != 0:
		return repo.ErrLink
	case mode.IsRegular():
		return errors.New("is a file")
	}
	return errors.New("is a submodule")
}

// reachable returns what the server needs to receive: the commit, its new trees, and
// the blobs that differ.
func (b *builder) reachable(c *PendingCommit) ([]plumbing.EncodedObject, error) {
	objects := []plumbing.EncodedObject{b.made[c.Hash]}
	sent := map[Hash]bool{}
	send := func(h Hash) bool {
		o, made := b.made[h]
		if !made || sent[h] {
			return false
		}
		sent[h] = true
		objects = append(objects, o)
		return true
	}
	var down func(h Hash) error
	down = func(h Hash) error {
		if b.parent.remote.has(h) || !send(h) {
			return nil
		}
		tree, err := b.tree(h)
		if err != nil {
			return err
		}
		for _, e := range tree {
			if e.isDir() {
				if err := down(e.hash); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := down(c.Tree); err != nil {
		return nil, err
	}
	for _, change := range c.Changes {
		if !change.New.IsZero() {
			send(change.New)
		}
	}
	return objects, nil
}

// commitBytes returns the commit object, signed if there is a signer.
func commitBytes(tree, parent Hash, meta CommitMeta) ([]byte, error) {
	author, err := signatureLine(meta.Author)
	if err != nil {
		return nil, err
	}
	committer, err := signatureLine(cmp.Or(meta.Committer, meta.Author))
	if err != nil {
		return nil, err
	}
	message := strings.TrimRight(meta.Message, "\n") + "\n"
	switch {
	case message == "\n":
		return nil, errors.New("a commit needs a message")
	case strings.Contains(message, "\x00"):
		return nil, errors.New("the message of a commit cannot hold a NUL byte")
	}
	head := fmt.Sprintf("tree %s\nparent %s\nauthor %s\ncommitter %s\n", tree, parent, author, committer)
	if meta.Signer == nil {
		return []byte(head + "\n" + message), nil
	}
	signature, err := meta.Signer.Sign(strings.NewReader(head + "\n" + message))
	if err != nil {
		return nil, fmt.Errorf("sign the commit: %w", err)
	}
	indented := strings.ReplaceAll(strings.TrimRight(string(signature), "\n"), "\n", "\n ")
	return []byte(head + "gpgsig " + indented + "\n\n" + message), nil
}
