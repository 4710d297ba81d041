package gitrepo

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"k8srepo/internal/repo"
)

var _ repo.Tree = (*Commit)(nil)

// FS returns the tip's files. Its requests are made under ctx.
func (c *Commit) FS(ctx context.Context) repo.FS { return repo.NewFS(ctx, c, c.Committer.When) }

// Lookup returns the entry at a path: see repo.Tree.
func (c *Commit) Lookup(ctx context.Context, name string) (repo.Entry, error) {
	e, err := c.at(ctx, name)
	found := e.public(name)
	if o, err := c.remote.store.EncodedObject(plumbing.BlobObject, e.hash); err == nil && e.hasBlob() {
		found.Size = o.Size()
	}
	return found, err
}

// Entries returns what is directly in a folder: see repo.Tree. A folder is listed once.
func (c *Commit) Entries(ctx context.Context, name string) ([]repo.Entry, error) {
	if entries, known := c.folders[name]; known {
		return entries, nil
	}
	e, err := c.at(ctx, name)
	if err != nil {
		return nil, err
	}
	if !e.isDir() {
		return nil, errors.New("is not a folder")
	}
	if err := c.fetchObjects(ctx, []Hash{e.hash}, filters[byTree]); err != nil {
		return nil, c.remote.fault(ctx, err)
	}
	dir, err := c.remote.tree(e.hash)
	if err != nil {
		return nil, c.remote.fault(ctx, err)
	}
	if err := c.listed.add(len(dir.entries)); err != nil {
		return nil, c.remote.fault(ctx, err)
	}
	entries := make([]repo.Entry, len(dir.entries))
	for i, below := range dir.entries {
		entries[i] = below.public(path.Join(name, below.name))
	}
	slices.SortFunc(entries, func(a, b repo.Entry) int { return strings.Compare(a.Path, b.Path) })
	if c.folders == nil {
		c.folders = map[string][]repo.Entry{}
	}
	c.folders[name] = entries
	return entries, nil
}

// Content returns the bytes of a file, or the target of a link: see repo.Tree.
func (c *Commit) Content(ctx context.Context, e repo.Entry) ([]byte, error) {
	hash, ok := ParseHash(e.Hash)
	if !ok || e.Mode&(fs.ModeDir|fs.ModeIrregular) != 0 {
		return nil, errors.New("is not a file")
	}
	if err := c.fetchObjects(ctx, []Hash{hash}, ""); err != nil {
		return nil, c.remote.fault(ctx, err)
	}
	content, err := c.remote.object(plumbing.BlobObject, hash)
	return content, c.remote.fault(ctx, err)
}

// public returns the entry as package repo has it.
func (e treeEntry) public(name string) repo.Entry {
	return repo.Entry{Path: name, Mode: e.fileMode(), Hash: e.hash.String(), Size: -1}
}
