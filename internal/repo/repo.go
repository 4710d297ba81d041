// Package repo has the types of what is in a Git repository, however it is reached:
// commits, their files, the changes between them.
//
// Package gitrepo reads and writes a repository over Git's protocol, package github over
// GitHub's API. Both return the types of this package, so that their callers need not
// know which of the two it is.
package repo

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"
)

// What callers branch on, with errors.Is.
var (
	// ErrNoBranch: the repository has no branch of that name.
	ErrNoBranch = errors.New("no such branch")
	// ErrEmptyRepository: the repository has no commit yet.
	ErrEmptyRepository = errors.New("empty repository")
	// ErrMoved: a branch is not at the commit that was expected. Start over.
	ErrMoved = errors.New("the branch has moved")
	// ErrRejected: the server refused a commit in words that name no rule. It may
	// take it later.
	ErrRejected = errors.New("the commit was rejected")
	// ErrProtected: a rule of the branch forbids this account to move it.
	ErrProtected = errors.New("the branch is protected")
	// ErrOutcomeUnknown: a commit was sent and no answer came. Read the branch again
	// to learn whether it is there.
	ErrOutcomeUnknown = errors.New("the outcome is unknown")
	// ErrNoChange: a commit would have the tree of its parent.
	ErrNoChange = errors.New("nothing to commit")
	// ErrShallow: the history is cut off before the question is answered.
	ErrShallow = errors.New("the history is cut off")
	// ErrUnrelated: two commits have no ancestor in common.
	ErrUnrelated = errors.New("no common ancestor")
)

// Signature is who made a commit, and when.
type Signature struct {
	Name, Email string
	Login       string // the account at the forge; "" where it is not known
	When        time.Time
}

// String returns the login, else the name.
func (s Signature) String() string {
	if s.Login != "" {
		return s.Login
	}
	return s.Name
}

// Commit is a commit with its files. It belongs to one goroutine at a time.
type Commit struct {
	Branch    string // whose tip it was when it was read; "" where it was not read as one
	Default   string // the repository's default branch, for a tip; "" where it has none
	Hash      string
	Parents   []string
	Author    Signature
	Committer Signature
	Message   string

	Tree Tree
}

// Tree is the files of one commit. Names are as package fs has them.
type Tree interface {
	// Lookup returns the entry at a path, "." for the top folder. The error is
	// fs.ErrNotExist where there is none, and ErrLink below a symbolic link.
	Lookup(ctx context.Context, name string) (Entry, error)
	// Entries returns what is directly in a folder, sorted by name. The slice must not
	// be changed.
	Entries(ctx context.Context, name string) ([]Entry, error)
	// Content returns the bytes of a file, or the target of a link. They are the
	// caller's.
	Content(ctx context.Context, e Entry) ([]byte, error)
	// Below returns all that is below a folder, without the folders themselves. The
	// error is fs.ErrNotExist where there is no such folder.
	Below(ctx context.Context, dir string) ([]Entry, error)
	// Fetch brings files, and folders with the files in them, so that reading them
	// asks the server nothing. Paths that do not exist are passed over.
	Fetch(ctx context.Context, paths ...string) error
}

// Entry is a file, folder, link or submodule of a Tree.
type Entry struct {
	Path string
	Mode fs.FileMode // fs.ModeSymlink for a link, fs.ModeIrregular for a submodule
	Hash string      // of the content, or of the folder
	Size int64       // of a file, in bytes; negative where it is not known
}

// ErrLink is the error for paths through symbolic links.
var ErrLink = errors.New("is a symbolic link, which is not followed")

// FS returns the commit's files as a file system. Its requests are made under ctx.
func (c *Commit) FS(ctx context.Context) FS { return NewFS(ctx, c.Tree, c.Committer.When) }

// PendingCommit is a commit to be made.
type PendingCommit struct {
	Parent  *Commit
	Branch  string            // that is set to the commit
	Old     string            // where Branch is now; "" where there is none yet
	Files   map[string][]byte // by path, each in whole; nil removes one
	Message string
	When    time.Time
}

// Ancestry is what joins two commits.
type Ancestry struct {
	MergeBase *Commit
	Commits   []*Commit // of the head and not of the base, the newest first; at most MaxAncestry
}

// MaxAncestry is how many commits an Ancestry holds.
const MaxAncestry = 100

// LogEntry is a commit that changed files, and the one before it.
type LogEntry struct {
	*Commit
	Before *Commit  // its first parent; nil where the history begins
	Paths  []string // those that were asked about and that it changed
}

// Window is the newest part of a log.
type Window struct {
	Entries []*LogEntry // newest first
	Oldest  time.Time   // every change since then is among Entries; some older ones may be too
	Whole   bool        // the window has all of the history
	Cut     bool        // the server has no more of it
}

// Part is files and folders of a commit, to be fetched.
type Part struct {
	Commit *Commit
	Paths  []string
}

// Log returns the commits that changed any of some files or folders, the newest
// first, read in windows that grow: depth is how many commits of the history the next one
// has. It ends with ErrShallow where it does not reach the first commit.
func Log(window func(depth int) (*Window, error)) iter.Seq2[*LogEntry, error] {
	const firstDepth, factor, maxDepth = 50, 10, 50_000 // commits
	return func(yield func(*LogEntry, error) bool) {
		shown := 0
		for depth := firstDepth; ; depth = min(depth*factor, maxDepth) {
			w, err := window(depth)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, e := range w.Entries[min(shown, len(w.Entries)):] {
				if !w.Whole && !w.Cut && e.Committer.When.Before(w.Oldest) {
					break // the next window may have others before this one
				}
				if !yield(e, nil) {
					return
				}
				shown++
			}
			switch {
			case w.Whole:
				return
			case w.Cut, depth == maxDepth:
				yield(nil, ErrShallow)
				return
			}
		}
	}
}

// FileChange is a file before and after.
type FileChange struct {
	Path     string
	Old, New []byte // nil where there is no such file
	Kept     bool   // it is a regular file in both commits, with the same mode, or in one of them alone
}

// Diff returns what differs between two commits, sorted by path. Folders that are
// the same are not read. A folder in the place of a file, or a file in that of a folder, is one
// change with Kept false: what is in the folder is not listed.
func Diff(ctx context.Context, before, after *Commit) ([]FileChange, error) {
	d := differ{ctx, before.Tree, after.Tree, nil}
	if before.Hash == after.Hash {
		return nil, nil
	}
	if err := d.folder("."); err != nil {
		return nil, err
	}
	slices.SortFunc(d.changes, func(a, b FileChange) int { return strings.Compare(a.Path, b.Path) })
	return d.changes, nil
}

type differ struct {
	ctx           context.Context
	before, after Tree
	changes       []FileChange
}

// folder compares a folder that is in both trees, or in one of them.
func (d *differ) folder(name string) error {
	pairs := map[string][2]Entry{}
	for side, tree := range []Tree{d.before, d.after} {
		at, err := tree.Lookup(d.ctx, name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !at.Mode.IsDir() {
			continue
		}
		if err != nil {
			return err
		}
		entries, err := tree.Entries(d.ctx, name)
		if err != nil {
			return err
		}
		for _, e := range entries {
			pair := pairs[e.Path]
			pair[side] = e
			pairs[e.Path] = pair
		}
	}
	for _, pair := range pairs {
		if err := d.entry(pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// entry compares an entry of the two trees; the zero Entry is none.
func (d *differ) entry(was, is Entry) error {
	switch {
	case was.Hash == is.Hash && was.Mode == is.Mode:
		return nil
	case was.Mode.IsDir() && is.Mode.IsDir(), was.Mode.IsDir() && is.Path == "", is.Mode.IsDir() && was.Path == "":
		return d.folder(max(was.Path, is.Path))
	}
	c := FileChange{Path: max(was.Path, is.Path)}
	regular := func(e Entry) bool { return e.Path == "" || e.Mode.IsRegular() }
	c.Kept = regular(was) && regular(is) && (was.Path == "" || is.Path == "" || was.Mode == is.Mode)
	var err error
	if was.Path != "" && was.Mode.IsRegular() {
		if c.Old, err = d.before.Content(d.ctx, was); err != nil {
			return err
		}
	}
	if is.Path != "" && is.Mode.IsRegular() {
		c.New, err = d.after.Content(d.ctx, is)
	}
	d.changes = append(d.changes, c)
	return err
}
