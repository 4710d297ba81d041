package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// logEntry is a commit that changed files, and the one before it: both can be read
// as any Commit can.
type logEntry struct {
	commit *Commit  // the files as the commit left them
	before *Commit  // as they were: its first parent; nil where the history begins
	paths  []string // those that were asked about and that it changed
}

// line is the first parents of a tip, as far as they are here.
type line struct {
	tip   *Commit
	depth int // that has been asked for
}

// window is the newest part of a log.
type window struct {
	entries []*logEntry // newest first
	oldest  *Commit     // where it ends
	whole   bool        // the history begins there
	cut     bool        // the server does not know what is before
}

// log returns which of the last depth commits, along first parents, changed any of some
// files or folders. Of the trees only those on the paths are fetched, and no files:
// they are fetched when they are read, or by fetchParts.
func (c *Commit) log(ctx context.Context, depth int, paths ...string) (*window, error) {
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
	w := &window{oldest: commits[len(commits)-1], cut: cut}
	w.whole = len(w.oldest.Parents) == 0
	w.entries, err = compare(ctx, top, commits, w.whole)
	return w, c.remote.fault(ctx, err)
}

// firstParents returns a commit and its ancestors: one more than depth, if the
// history goes on, so that each of depth can be compared with its parent. Where
// the server knows fewer, the error is ErrShallow.
func (c *Commit) firstParents(ctx context.Context, depth int) ([]*Commit, error) {
	l := &line{tip: c, depth: depth}
	commits, err := l.walk(depth)
	if errors.Is(err, ErrShallow) {
		if err := c.deepen(ctx, depth+1); err != nil {
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

// pair is an entry of a folder in a commit and in the one before it.
type pair struct {
	node     *pathNode
	old, new treeEntry // the zero entry where it is not there
	commit   int       // its index
}

// comparison finds which paths each of some commits changed, level by level.
type comparison struct {
	changed [][]string // by commit
	next    []pair     // folders that differ, and have to be looked into
}

func (c *comparison) add(p pair) {
	if p.old.hash == p.new.hash && p.old.mode == p.new.mode {
		return
	}
	if p.node.path != "" {
		c.changed[p.commit] = append(c.changed[p.commit], p.node.path)
	}
	if p.node.below != nil && (p.old.isDir() || p.new.isDir()) {
		c.next = append(c.next, p)
	}
}

// compare returns what each commit changed of the paths below top, against the next one,
// with one request a level of folders. The last commit is here for its tree only, unless
// the history is whole, and begins with it.
func compare(ctx context.Context, top *pathNode, commits []*Commit, whole bool) ([]*logEntry, error) {
	c := &comparison{changed: make([][]string, len(commits))}
	for i, commit := range commits {
		root := pair{node: top, new: treeEntry{mode: modeDir, hash: commit.Tree}, commit: i}
		if i+1 < len(commits) {
			root.old = treeEntry{mode: modeDir, hash: commits[i+1].Tree}
		} else if !whole {
			break
		}
		c.add(root)
	}
	oldest := commits[len(commits)-1]
	for len(c.next) > 0 {
		level := c.next
		c.next = nil
		var wants []Hash
		for _, p := range level {
			for _, e := range []treeEntry{p.old, p.new} {
				if e.isDir() {
					wants = append(wants, e.hash)
				}
			}
		}
		if err := oldest.fetchObjects(ctx, wants, filters[byTree]); err != nil {
			return nil, err
		}
		for _, p := range level {
			old, err := oldest.remote.treeOf(p.old)
			if err != nil {
				return nil, err
			}
			new, err := oldest.remote.treeOf(p.new)
			if err != nil {
				return nil, err
			}
			for name, node := range p.node.below {
				was, _ := old.find(name)
				is, _ := new.find(name)
				c.add(pair{node, was, is, p.commit})
			}
		}
	}
	var entries []*logEntry
	for i, paths := range c.changed {
		if len(paths) == 0 {
			continue
		}
		slices.Sort(paths)
		e := &logEntry{commit: commits[i], paths: paths}
		if i+1 < len(commits) {
			e.before = commits[i+1]
		}
		entries = append(entries, e)
	}
	return entries, nil
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
