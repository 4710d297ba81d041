package gitrepo

import (
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"

	"k8srepo/internal/limit"
)

// has reports whether an object is here, or is known to be too large.
func (r *Remote) has(h Hash) bool {
	return r.large[h] || r.store.HasEncodedObject(h) == nil
}

// object returns a copy of an object that is here.
func (r *Remote) object(kind plumbing.ObjectType, h Hash) ([]byte, error) {
	if r.large[h] && kind == plumbing.BlobObject {
		return nil, limit.FileError("the file")
	}
	if r.large[h] {
		return nil, limit.FileError("the " + kind.String() + " " + h.String())
	}
	o, err := r.store.EncodedObject(kind, h)
	if err != nil {
		return nil, fmt.Errorf("%s %s is not here", kind, h)
	}
	reader, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	raw := make([]byte, o.Size())
	_, err = io.ReadFull(reader, raw)
	return raw, err
}

// tree returns a tree that is here. It must not be changed.
func (r *Remote) tree(h Hash) (*tree, error) {
	if known, ok := r.trees[h]; ok {
		return known, nil
	}
	raw, err := r.object(plumbing.TreeObject, h)
	if err != nil {
		return nil, err
	}
	entries, err := parseTree(raw)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", h, err)
	}
	read := &tree{entries: entries}
	r.trees[h] = read
	return read, nil
}

// treeOf returns a folder that is here; one without entries where there is none.
func (r *Remote) treeOf(e treeEntry) (*tree, error) {
	if !e.isDir() {
		return &tree{}, nil
	}
	return r.tree(e.hash)
}

// tooLarge notes that an object came down and was left out.
func (r *Remote) tooLarge(h Hash) {
	if r.large == nil {
		r.large = map[Hash]bool{}
	}
	r.large[h] = true
}
