package gitrepo

import (
	"context"
	"errors"
	"time"

	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// Store reads and writes a Remote in the terms of package repo. It belongs to one
// goroutine at a time.
type Store struct {
	Remote    *Remote
	Author    Signature // of the commits that it makes; When is ignored, here and below
	Committer Signature // the zero Signature is the author
	Signer    Signer    // nil leaves commits unsigned
	ReadOnly  bool      // nothing will be pushed, so no push is prepared

	commits map[string]*Commit // by hash, all that were handed out
}

// Tip reads the tip of a branch ("" is the default one). Its files are fetched when
// they are asked for: Git needs a request a level of folders, and what is likely to be
// read costs no less beforehand.
func (s *Store) Tip(ctx context.Context, branch string, likely ...string) (*repo.Commit, error) {
	read := s.Remote.TipToPush
	if s.ReadOnly {
		read = s.Remote.Tip
	}
	t, err := read(ctx, branch)
	if err != nil {
		return nil, err
	}
	return s.public(t), nil
}

// public returns a commit as package repo has it.
func (s *Store) public(t *Commit) *repo.Commit {
	c := &repo.Commit{Branch: t.Branch, Default: t.Default, Hash: t.Hash.String(),
		Author: t.Author, Committer: t.Committer, Message: t.Message, Tree: t}
	for _, parent := range t.Parents {
		c.Parents = append(c.Parents, parent.String())
	}
	if s.commits == nil {
		s.commits = map[string]*Commit{}
	}
	s.commits[c.Hash] = t
	return c
}

// commit returns the Commit that a commit of package repo was made from.
func (s *Store) commit(c *repo.Commit) (*Commit, error) {
	t := s.commits[c.Hash]
	if t == nil {
		return nil, problem.New("", "%s: commit %s was not read from here", s.Remote.url, c.Hash)
	}
	return t, nil
}

// Fetch fetches files of several commits at once, in as many requests as of one: see
// Commit.Fetch.
func (s *Store) Fetch(ctx context.Context, parts ...repo.Part) error {
	if len(parts) == 0 {
		return nil
	}
	own := make([]part, len(parts))
	for i, p := range parts {
		t, err := s.commit(p.Commit)
		if err != nil {
			return err
		}
		own[i] = part{t, p.Paths}
	}
	return own[0].commit.fetchParts(ctx, own, "")
}

// Commit makes a commit and pushes it, by compare-and-swap. Its hash is returned
// with every error that comes after it was made: of those, repo.ErrMoved,
// repo.ErrRejected and repo.ErrOutcomeUnknown may be mended by starting over.
func (s *Store) Commit(ctx context.Context, p repo.PendingCommit) (hash string, err error) {
	t, err := s.commit(p.Parent)
	if err != nil {
		return "", err
	}
	old, ok := ParseHash(p.Old)
	if !ok && p.Old != "" {
		return "", problem.New("", "%q is no commit", p.Old)
	}
	meta := CommitMeta{Author: s.Author, Committer: s.Committer, Message: p.Message, Signer: s.Signer}
	if meta.Committer.Name == "" {
		meta.Committer = meta.Author
	}
	meta.Author.When, meta.Committer.When = p.When, p.When
	commit, err := t.Prepare(ctx, p.Files, meta)
	if err != nil {
		return "", err
	}
	return commit.Hash.String(), s.Remote.Push(ctx, p.Branch, old, commit)
}

// deepest is how far back a push without an answer is looked for.
const deepest = 200

// Landed reports whether a commit is the tip or one of its ancestors, not too far
// back.
func (s *Store) Landed(ctx context.Context, tip *repo.Commit, hash string) (bool, error) {
	t, err := s.commit(tip)
	if err != nil {
		return false, err
	}
	h, ok := ParseHash(hash)
	if !ok {
		return false, nil
	}
	return t.Follows(ctx, h, deepest)
}

// DeleteBranch removes a branch that is at a commit. One that is not there is fine.
func (s *Store) DeleteBranch(ctx context.Context, branch, at string) error {
	hash, _ := ParseHash(at)
	return s.Remote.Delete(ctx, branch, hash)
}

// Log returns which of the last depth commits, along first parents, changed any of some
// files or folders: a window for repo.Log.
func (s *Store) Log(ctx context.Context, c *repo.Commit, depth int, paths ...string) (*repo.Window, error) {
	t, err := s.commit(c)
	if err != nil {
		return nil, err
	}
	own, err := t.log(ctx, depth, paths...)
	if err != nil {
		return nil, err
	}
	w := &repo.Window{Oldest: own.oldest.Committer.When, Whole: own.whole, Cut: own.cut}
	for _, e := range own.entries {
		entry := &repo.LogEntry{Commit: s.public(e.commit), Paths: e.paths}
		if e.before != nil {
			entry.Before = s.public(e.before)
		}
		if when := entry.Committer.When; when.Before(w.Oldest) { // by a clock that is off
			w.Oldest = when
		}
		w.Entries = append(w.Entries, entry)
	}
	return w, nil
}

// Retry reports whether what failed with err may succeed if it is done again, and
// how long the server wants to be left alone before that.
func (s *Store) Retry(err error) (after time.Duration, ok bool) { return Retry(err) }

// Close closes the Remote.
func (s *Store) Close() error { return s.Remote.Close() }

// How deep Ancestry looks: first so many commits, then ten times as many, and so on.
const firstDepth, allDepth = 50, 1<<31 - 1

// Ancestry returns what joins two commits. The commits between are fetched without
// their trees where the server can leave them out, in steps that grow.
func (s *Store) Ancestry(ctx context.Context, base, head *repo.Commit) (*repo.Ancestry, error) {
	b, err := s.commit(base)
	if err != nil {
		return nil, err
	}
	h, err := s.commit(head)
	if err != nil {
		return nil, err
	}
	for depth := firstDepth; ; depth *= 10 {
		joined, err := s.Remote.fetched().ancestry(ctx, b.Hash, h.Hash)
		if err != nil && !errors.Is(err, ErrShallow) {
			return nil, s.Remote.fault(ctx, err)
		}
		if err == nil {
			return s.publicAncestry(h, joined)
		}
		if depth > allDepth/10 {
			return nil, &fault{Problem: problem.New("", "%s: %s and %s have no commit in common", s.Remote.url, short(b.Hash), short(h.Hash)), Kind: repo.ErrUnrelated}
		}
		for _, t := range []*Commit{h, b} {
			if err := t.deepen(ctx, depth); err != nil {
				return nil, s.Remote.fault(ctx, err)
			}
		}
	}
}

func (s *Store) publicAncestry(head *Commit, joined *ancestry) (*repo.Ancestry, error) {
	read := func(h Hash) (*repo.Commit, error) {
		if known := s.commits[h.String()]; known != nil {
			return s.public(known), nil
		}
		t := s.Remote.commitAt(head.Branch, h, &line{tip: head, depth: firstDepth})
		if err := t.read(); err != nil {
			return nil, err
		}
		return s.public(t), nil
	}
	a := &repo.Ancestry{}
	var err error
	if a.MergeBase, err = read(joined.mergeBase); err != nil {
		return nil, err
	}
	for _, h := range joined.headOnly {
		c, err := read(h)
		if err != nil {
			return nil, err
		}
		a.Commits = append(a.Commits, c)
	}
	return a, nil
}
