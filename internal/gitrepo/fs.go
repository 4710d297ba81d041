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

var _ repo.Tree = (*Tip)(nil)

// FS returns the tip's files. Its requests are made under ctx.
func (t *Tip) FS(ctx context.Context) repo.FS { return repo.NewFS(ctx, t, t.Committer.When) }

// Lookup returns the entry at a path: see repo.Tree.
func (t *Tip) Lookup(ctx context.Context, name string) (repo.Entry, error) {
	e, err := t.at(ctx, name)
	return e.public(name), err
}

// Entries returns what is directly in a folder: see repo.Tree. A folder is listed once.
func (t *Tip) Entries(ctx context.Context, name string) ([]repo.Entry, error) {
	if entries, known := t.folders[name]; known {
		return entries, nil
	}
	e, err := t.at(ctx, name)
	if err != nil {
		return nil, err
	}
	if !e.isDir() {
		return nil, errors.New("is not a folder")
	}
	if err := t.want(ctx, []Hash{e.hash}, filters[byTree]); err != nil {
		return nil, t.remote.fault(ctx, err)
	}
	dir, err := t.tree(e.hash)
	if err != nil {
		return nil, t.remote.fault(ctx, err)
	}
	if err := t.listed.add(len(dir.entries)); err != nil {
		return nil, t.remote.fault(ctx, err)
	}
	entries := make([]repo.Entry, len(dir.entries))
	for i, below := range dir.entries {
		entries[i] = below.public(path.Join(name, below.name))
	}
	slices.SortFunc(entries, func(a, b repo.Entry) int { return strings.Compare(a.Path, b.Path) })
	if t.folders == nil {
		t.folders = map[string][]repo.Entry{}
	}
	t.folders[name] = entries
	return entries, nil
}

// Content returns the bytes of a file, or the target of a link: see repo.Tree.
func (t *Tip) Content(ctx context.Context, e repo.Entry) ([]byte, error) {
	hash, ok := ParseHash(e.Hash)
	if !ok || e.Mode&(fs.ModeDir|fs.ModeIrregular) != 0 {
		return nil, errors.New("is not a file")
	}
	if err := t.want(ctx, []Hash{hash}, ""); err != nil {
		return nil, t.remote.fault(ctx, err)
	}
	content, err := t.object(plumbing.BlobObject, hash)
	return content, t.remote.fault(ctx, err)
}

// Below returns all that is below a folder: see repo.Tree.
func (t *Tip) Below(ctx context.Context, dir string) ([]repo.Entry, error) {
	list, err := t.List(ctx, dir)
	if err != nil {
		return nil, err
	}
	entries := make([]repo.Entry, len(list))
	for i, e := range list {
		entries[i] = repo.Entry{Path: e.Path, Mode: e.Mode, Hash: e.Hash.String(), Size: -1}
	}
	return entries, nil
}

// public is the entry as package repo has it.
func (e treeEntry) public(name string) repo.Entry {
	return repo.Entry{Path: name, Mode: e.fileMode(), Hash: e.hash.String(), Size: -1}
}
