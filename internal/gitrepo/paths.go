package gitrepo

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"k8srepo/internal/limit"
	"k8srepo/internal/repo"
)

// Fetch fetches files, and folders with all that is in them, so that reading
// them asks the server nothing. It takes one request for each level of folders
// that is not here yet and one for everything at the end of the paths. Paths
// that do not exist, and those below a link, are passed over.
func (c *Commit) Fetch(ctx context.Context, paths ...string) error {
	return c.fetchPaths(ctx, paths, "")
}

// Below returns all that is below a folder, in the order of a tree: see repo.Tree. It
// fetches no file's content.
func (c *Commit) Below(ctx context.Context, dir string) ([]repo.Entry, error) {
	if err := c.fetchPaths(ctx, []string{dir}, packp.FilterBlobNone()); err != nil {
		return nil, err
	}
	top, err := c.at(ctx, dir)
	if err != nil {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: err}
	}
	if !top.isDir() {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: errors.New("not a folder")}
	}
	prefix := dir + "/"
	if dir == "." {
		prefix = ""
	}
	var entries []repo.Entry
	err = c.remote.walk(top.hash, prefix, &counter{what: "folder " + dir, max: c.remote.bounds.entries}, func(e repo.Entry) { entries = append(entries, e) })
	return entries, c.remote.fault(ctx, err)
}

// counter counts entries of folders: a few small trees, each many times in the next, can
// make more of them than anybody can list.
type counter struct {
	what   string
	n, max int
}

func (c *counter) add(n int) error {
	if c.n += n; c.n > c.max {
		return &limit.Error{What: c.what, Max: int64(c.max), Unit: "entries"}
	}
	return nil
}

// walk visits what is below a tree that is here.
func (r *Remote) walk(h Hash, prefix string, count *counter, visit func(repo.Entry)) error {
	tree, err := r.tree(h)
	if err != nil {
		return err
	}
	if err := count.add(len(tree.entries)); err != nil {
		return err
	}
	for _, e := range tree.entries {
		if !e.isDir() {
			visit(e.public(prefix + e.name))
		} else if err := r.walk(e.hash, prefix+e.name+"/", count, visit); err != nil {
			return err
		}
	}
	return nil
}

// fetchPaths is fetchParts for one commit.
func (c *Commit) fetchPaths(ctx context.Context, paths []string, filter packp.Filter) error {
	return c.fetchParts(ctx, []part{{c, paths}}, filter)
}

// part is files and folders in the tree of a commit.
type part struct {
	commit *Commit
	paths  []string
}

// fetchParts goes down all paths level by level, with one request a level, and then
// fetches all that was found at their ends, in and below it, but for filter. The
// parts are of one Remote, and of one log if any is.
func (c *Commit) fetchParts(ctx context.Context, parts []part, filter packp.Filter) error {
	type step struct {
		entry treeEntry
		rest  []string
	}
	var steps []step
	for _, part := range parts {
		root := treeEntry{mode: modeDir, hash: part.commit.Tree}
		for _, p := range part.paths {
			if !fs.ValidPath(p) {
				return &fs.PathError{Op: "fetch", Path: p, Err: fs.ErrInvalid}
			}
			if p == "." {
				steps = append(steps, step{root, nil})
			} else {
				steps = append(steps, step{root, strings.Split(p, "/")})
			}
		}
	}
	var ends []Hash
	seen := map[Hash]bool{}
	for len(steps) > 0 {
		var level []Hash
		for _, s := range steps {
			if len(s.rest) > 0 {
				level = append(level, s.entry.hash)
			}
		}
		if err := c.fetchObjects(ctx, level, filters[byTree]); err != nil {
			return c.remote.fault(ctx, err)
		}
		var below []step
		for _, s := range steps {
			if len(s.rest) == 0 {
				missing, err := c.remote.missing(s.entry, filter == "", seen)
				if err != nil {
					return c.remote.fault(ctx, err)
				}
				ends = append(ends, missing...)
				continue
			}
			tree, err := c.remote.tree(s.entry.hash)
			if err != nil {
				return c.remote.fault(ctx, err)
			}
			if e, ok := tree.find(s.rest[0]); ok && (len(s.rest) == 1 || e.isDir()) {
				below = append(below, step{e, s.rest[1:]})
			}
		}
		steps = below
	}
	return c.remote.fault(ctx, c.fetchObjects(ctx, ends, filter))
}

// missing returns what has to be asked for, so that all in and below e is here; trees that are
// in seen have been looked into.
func (r *Remote) missing(e treeEntry, blobs bool, seen map[Hash]bool) ([]Hash, error) {
	switch {
	case e.hasBlob() && !blobs, !e.hasBlob() && !e.isDir():
		return nil, nil
	case !r.has(e.hash):
		return []Hash{e.hash}, nil
	case e.hasBlob(), seen[e.hash]:
		return nil, nil
	}
	seen[e.hash] = true
	tree, err := r.tree(e.hash)
	if err != nil {
		return nil, err
	}
	var all []Hash
	for _, below := range tree.entries {
		missing, err := r.missing(below, blobs, seen)
		if err != nil {
			return nil, err
		}
		all = append(all, missing...)
	}
	return all, nil
}

// at finds what is at path, and fetches the folders above it.
func (c *Commit) at(ctx context.Context, path string) (treeEntry, error) {
	e := treeEntry{mode: modeDir, name: ".", hash: c.Tree}
	if path == "." {
		return e, nil
	}
	for name := range strings.SplitSeq(path, "/") {
		if e.fileMode()&fs.ModeSymlink != 0 {
			return e, repo.ErrLink
		}
		if !e.isDir() {
			return e, fs.ErrNotExist
		}
		if err := c.fetchObjects(ctx, []Hash{e.hash}, filters[byTree]); err != nil {
			return e, c.remote.fault(ctx, err)
		}
		tree, err := c.remote.tree(e.hash)
		if err != nil {
			return e, c.remote.fault(ctx, err)
		}
		var ok bool
		if e, ok = tree.find(name); !ok {
			return e, fs.ErrNotExist
		}
	}
	return e, nil
}
