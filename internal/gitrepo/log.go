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
// as a Tip can.
type LogEntry struct {
	*Tip            // the files as the commit left them
	Before *Tip     // as they were: its first parent; nil where the history begins
	Paths  []string // those that were asked about and that it changed
}

// line is the first parents behind a tip, as far as they are here.
type line struct {
	tip   *Tip
	depth int           // that has been asked for
	known map[Hash]bool // the commits on it
}

// How deep a log looks: first so many commits, then ten times as many, and so on.
const firstDepth, allDepth = 50, 1<<31 - 1

// Log is the commits behind a tip, along first parents, that changed any of some
// files or folders: newest first. It fetches commits in steps that grow, and of
// the trees only those on the paths, so what is near costs little. Files are
// fetched when they are read: see FetchEach.
//
// Limit is how many commits are looked at; 0 is all. Where the log ends before
// the history does, its last error is ErrShallow.
func (t *Tip) Log(ctx context.Context, limit int, paths ...string) iter.Seq2[*LogEntry, error] {
	return func(yield func(*LogEntry, error) bool) {
		limit := cmp.Or(limit, allDepth)
		told := 0
		for depth := min(firstDepth, limit); ; depth = min(depth*10, limit) {
			w, err := t.LogWithin(ctx, depth, paths...)
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
	Oldest  *Tip        // where it ends
	Whole   bool        // there the history begins
	Cut     bool        // nor does the server know what is behind
}

// LogWithin is what of a Log is within the last so many commits.
func (t *Tip) LogWithin(ctx context.Context, depth int, paths ...string) (*Window, error) {
	top := &pathNode{}
	for _, p := range paths {
		if !fs.ValidPath(p) {
			return nil, &fs.PathError{Op: "log", Path: p, Err: fs.ErrInvalid}
		}
		top.add(p)
	}
	commits, err := t.firstParents(ctx, depth)
	cut := errors.Is(err, ErrShallow)
	if err != nil && !cut {
		return nil, t.remote.fault(ctx, err)
	}
	w := &Window{Oldest: commits[len(commits)-1], Cut: cut}
	w.Whole = len(w.Oldest.Parents) == 0
	w.Entries, err = compare(ctx, t.remote, top, commits, w.Whole)
	return w, t.remote.fault(ctx, err)
}

// firstParents are a tip and the commits behind it: one more than depth, if the
// history goes on, so that each of depth can be compared with its parent. Where
// the server knows fewer, the error is ErrShallow.
func (t *Tip) firstParents(ctx context.Context, depth int) ([]*Tip, error) {
	l := &line{tip: t, depth: depth, known: map[Hash]bool{}}
	commits, err := l.walk(depth)
	if errors.Is(err, ErrShallow) {
		if err := t.deepen(ctx, min(depth, allDepth-1)+1); err != nil {
			return nil, err
		}
		commits, err = l.walk(depth)
	}
	return commits, err
}

// walk is the line as far as it is wanted, or here: then the error is ErrShallow.
func (l *line) walk(depth int) ([]*Tip, error) {
	commits := []*Tip{l.tip}
	for len(commits) <= depth {
		last := commits[len(commits)-1]
		l.known[last.Hash] = true
		if len(last.Parents) == 0 {
			return commits, nil
		}
		if !l.tip.has(last.Parents[0]) {
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

// past is a commit behind the tip that is here.
func (l *line) past(h Hash) (*Tip, error) {
	t := l.tip.remote.commitAt(l.tip.Branch, h, l.tip.offer, l)
	return t, t.read()
}

// deepen brings the commits behind a tip, in the remote's mode. What is in a tip
// that is here whole is not sent again.
func (t *Tip) deepen(ctx context.Context, depth int) error {
	r := t.remote
	for m := r.mode; ; m++ {
		var have, shallow []Hash
		if m != byTree && m == r.mode && r.base == t.Hash {
			ends, err := t.history().ends(ctx, t.Hash)
			if err != nil {
				return err
			}
			have, shallow = []Hash{t.Hash}, ends
		}
		err := t.requestBehind(ctx, []Hash{t.Hash}, have, shallow, depth, filters[m])
		var refused *refusedError
		if errors.As(err, &refused) && m < whole {
			continue
		}
		if err == nil {
			r.mode = m
			if m != byTree {
				r.base = t.Hash
			}
		}
		return t.moved(ctx, err)
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
func compare(ctx context.Context, r *Remote, top *pathNode, commits []*Tip, whole bool) ([]*LogEntry, error) {
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
		if err := commits[len(commits)-1].want(ctx, wants, filters[byTree]); err != nil {
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
		c := &LogEntry{Tip: commits[i], Paths: paths}
		if i+1 < len(commits) {
			c.Before = commits[i+1]
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// treeOf is a folder that is here; one without entries where there is none.
func (r *Remote) treeOf(e treeEntry) (*tree, error) {
	if !e.isDir() {
		return &tree{}, nil
	}
	return r.commitAt("", Hash{}, nil, nil).tree(e.hash)
}

// Part is files and folders in the tree of a tip.
type Part struct {
	Tip   *Tip
	Paths []string
}

// FetchEach is Tip.Fetch for several tips of one Remote at once, in as many
// requests as for one.
func FetchEach(ctx context.Context, parts ...Part) error {
	if len(parts) == 0 {
		return nil
	}
	return parts[0].Tip.bringEach(ctx, parts, "")
}

// read fills in what the commit says, which is here.
func (t *Tip) read() error {
	raw, err := t.object(plumbing.CommitObject, t.Hash)
	if err != nil {
		return err
	}
	c, err := parseCommit(raw)
	if err != nil {
		return fmt.Errorf("commit %s: %w", t.Hash, err)
	}
	t.Tree, t.Parents, t.Author, t.Committer, t.Message = c.tree, c.parents, c.author, c.committer, c.message
	return nil
}
