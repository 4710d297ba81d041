package gitrepo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// LogEntry is a commit that changed files, and the one before it: both can be read
// as any Commit can.
type LogEntry struct {
	*Commit          // the files as the commit left them
	Before  *Commit  // as they were: its first parent; nil where the history begins
	Paths   []string // those that were asked about and that it changed
}

// line is the first parents of a tip, as far as they are here.
type line struct {
	tip   *Commit
	depth int           // that has been asked for
	known map[Hash]bool // the commits on it
}

// How deep a log looks: first so many commits, then ten times as many, and so on.
const firstDepth, allDepth = 50, 1<<31 - 1

// Log returns the ancestors of a commit, along first parents, that changed any of some
// files or folders: newest first. It fetches commits in steps that grow, and of
// the trees only those on the paths, so what is near costs little. Files are
// fetched when they are read: see FetchEach.
//
// Limit is how many commits are looked at; 0 is all. Where the log ends before
// the history does, its last error is ErrShallow.
func (c *Commit) Log(ctx context.Context, limit int, paths ...string) iter.Seq2[*LogEntry, error] {
	return func(yield func(*LogEntry, error) bool) {
		limit := cmp.Or(limit, allDepth)
		told := 0
		for depth := min(firstDepth, limit); ; depth = min(depth*10, limit) {
			w, err := c.LogWithin(ctx, depth, paths...)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, e := range w.Entries[told:] {
				if !yield(e, nil) {
					return
				}
			}
			told = len(w.Entries)
			switch {
			case w.Whole:
				return
			case w.Cut, depth == limit:
				yield(nil, ErrShallow)
				return
			}
		}
	}
}

// Window is what of a Log is within so many commits.
type Window struct {
	Entries []*LogEntry // newest first
	Oldest  *Commit     // where it ends
	Whole   bool        // there the history begins
	Cut     bool        // nor does the server know what is before
}

// LogWithin returns what of a Log is within the last so many commits.
func (c *Commit) LogWithin(ctx context.Context, depth int, paths ...string) (*Window, error) {
	top := &pathNode{}
	for _, p := range paths {
		if !fs.ValidPath(p) {
			return nil, &fs.PathError{Op: "log", Path: p, Err: fs.ErrInvalid}
		}
		top.add(p)
	}
	commits, err := c.firstParents(ctx, depth)
	cut := errors.Is(err, ErrShallow)
	if err != nil && !cut {
		return nil, c.remote.fault(ctx, err)
	}
	w := &Window{Oldest: commits[len(commits)-1], Cut: cut}
	w.Whole = len(w.Oldest.Parents) == 0
	w.Entries, err = compare(ctx, c.remote, top, commits, w.Whole)
	return w, c.remote.fault(ctx, err)
}

// firstParents returns a commit and its ancestors: one more than depth, if the
// history goes on, so that each of depth can be compared with its parent. Where
// the server knows fewer, the error is ErrShallow.
func (c *Commit) firstParents(ctx context.Context, depth int) ([]*Commit, error) {
	l := &line{tip: c, depth: depth, known: map[Hash]bool{}}
	commits, err := l.walk(depth)
	if errors.Is(err, ErrShallow) {
		if err := c.deepen(ctx, min(depth, allDepth-1)+1); err != nil {
			return nil, err
		}
		commits, err = l.walk(depth)
	}
	return commits, err
}

// walk returns the line as far as it is wanted, or here: then the error is ErrShallow.
func (l *line) walk(depth int) ([]*Commit, error) {
	commits := []*Commit{l.tip}
	for len(commits) <= depth {
		last := commits[len(commits)-1]
		l.known[last.Hash] = true
		if len(last.Parents) == 0 {
			return commits, nil
		}
		if !l.tip.remote.has(last.Parents[0]) {
			return commits, ErrShallow
		}
		past, err := l.past(last.Parents[0])
		if err != nil {
			return nil, err
		}
		commits = append(commits, past)
	}
	return commits, nil
}

// past returns an ancestor of the tip that is here.
func (l *line) past(h Hash) (*Commit, error) {
	t := l.tip.remote.commitAt(l.tip.Branch, h, l)
	return t, t.read()
}

// deepen fetches the ancestors of a commit, in the remote's mode. What is in a commit
// that is here whole is not sent again.
func (c *Commit) deepen(ctx context.Context, depth int) error {
	r := c.remote
	for m := r.mode; ; m++ {
		var have, shallow []Hash
		if m != byTree && m == r.mode && r.base == c.Hash {
			ends, err := r.fetched().ends(ctx, c.Hash)
			if err != nil {
				return err
			}
			have, shallow = []Hash{c.Hash}, ends
		}
		err := r.fetch(ctx, fetchRequest{[]Hash{c.Hash}, have, shallow, depth, filters[m]})
		var refused *refusedError
		if errors.As(err, &refused) && m < whole {
			continue
		}
		if err == nil {
			r.mode = m
			if m != byTree {
				r.base = c.Hash
			}
		}
		return c.moved(ctx, err)
	}
}

// pathNode is a folder or file on the way to those that are asked about.
type pathNode struct {
	below map[string]*pathNode
	path  string // what was asked about; "" where it is only on the way
}

func (n *pathNode) add(p string) {
	if p != "." {
		for name := range strings.SplitSeq(p, "/") {
			if n.below == nil {
				n.below = map[string]*pathNode{}
			}
			if n.below[name] == nil {
				n.below[name] = &pathNode{}
			}
			n = n.below[name]
		}
	}
	n.path = p
}

// pair is the same folder in two commits, where it is not the same.
type pair struct {
	node     *pathNode
	old, new treeEntry // the zero entry where it is not there
	commit   int
}

// compare finds what each commit changed of the paths below top, against the
// next: level by level, with one request a level.
func compare(ctx context.Context, r *Remote, top *pathNode, commits []*Commit, whole bool) ([]*LogEntry, error) {
	changed := make([][]string, len(commits))
	var level []pair
	// see tells one entry of a folder in two commits.
	see := func(below []pair, p pair) []pair {
		if p.old.hash == p.new.hash && p.old.mode == p.new.mode {
			return below
		}
		if p.node.path != "" {
			changed[p.commit] = append(changed[p.commit], p.node.path)
		}
		if p.node.below != nil && (p.old.isDir() || p.new.isDir()) {
			below = append(below, p)
		}
		return below
	}
	for i, c := range commits {
		root := pair{node: top, new: treeEntry{mode: modeDir, hash: c.Tree}, commit: i}
		switch {
		case i+1 < len(commits):
			root.old = treeEntry{mode: modeDir, hash: commits[i+1].Tree}
		case !whole:
			continue // it is here for its tree only
		}
		level = see(level, root)
	}
	for len(level) > 0 {
		var wants []Hash
		for _, p := range level {
			for _, e := range []treeEntry{p.old, p.new} {
				if e.isDir() {
					wants = append(wants, e.hash)
				}
			}
		}
		if err := commits[len(commits)-1].fetchObjects(ctx, wants, filters[byTree]); err != nil {
			return nil, err
		}
		var below []pair
		for _, p := range level {
			old, err := r.treeOf(p.old)
			if err != nil {
				return nil, err
			}
			new, err := r.treeOf(p.new)
			if err != nil {
				return nil, err
			}
			for name, node := range p.node.below {
				a, _ := old.find(name)
				b, _ := new.find(name)
				below = see(below, pair{node, a, b, p.commit})
			}
		}
		level = below
	}
	var changes []*LogEntry
	for i, paths := range changed {
		if len(paths) == 0 {
			continue
		}
		slices.Sort(paths)
		c := &LogEntry{Commit: commits[i], Paths: paths}
		if i+1 < len(commits) {
			c.Before = commits[i+1]
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// Part is files and folders in the tree of a tip.
type Part struct {
	Commit *Commit
	Paths  []string
}

// FetchEach is Commit.Fetch for several commits of one Remote at once, in as many
// requests as for one.
func FetchEach(ctx context.Context, parts ...Part) error {
	if len(parts) == 0 {
		return nil
	}
	return parts[0].Commit.fetchParts(ctx, parts, "")
}

// read fills in what the commit says, which is here.
func (c *Commit) read() error {
	raw, err := c.remote.object(plumbing.CommitObject, c.Hash)
	if err != nil {
		return err
	}
	text, err := parseCommit(raw)
	if err != nil {
		return fmt.Errorf("commit %s: %w", c.Hash, err)
	}
	c.Tree, c.Parents, c.Author, c.Committer, c.Message = text.tree, text.parents, text.author, text.committer, text.message
	return nil
}
