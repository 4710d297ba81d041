package github

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// Store reads and writes a repository over GitHub's API in the terms of package
// repo. Commits are GitHub's: it signs them, as the token's owner. It belongs to
// one goroutine at a time.
type Store struct {
	Client *Client
	Repo   Repo
	// Own is what the names of branches begin with that the program makes itself. One of
	// them that is not there is nothing unusual; for another, the name that was meant is
	// looked for. "" looks for none.
	Own string

	tips map[string]*Tip // by hash, all that were handed out
	seen map[string]seen // folders of theirs, by hash
}

// Tip reads the tip of a branch ("" is the default one) with the files at and below
// paths, and the folders that these are in.
func (s *Store) Tip(ctx context.Context, branch string, paths ...string) (*repo.Commit, error) {
	var all []string
	for _, p := range paths {
		if dir := path.Dir(p); dir != "." && !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	if s.seen == nil {
		s.seen = map[string]seen{}
	}
	t, err := s.Client.tip(ctx, s.Repo, branch, s.seen, append(all, paths...))
	if errors.Is(err, repo.ErrNoBranch) && branch != "" && !strings.HasPrefix(branch, s.Own) {
		if known, listErr := s.Client.Branches(ctx, s.Repo); listErr == nil {
			return nil, noBranch(s.Repo, branch, problem.DidYouMean(branch, known))
		}
	}
	if err != nil {
		return nil, err
	}
	return s.public(t), t.Fetch(ctx, paths...)
}

// public returns a tip as package repo has it.
func (s *Store) public(t *Tip) *repo.Commit {
	if s.tips == nil {
		s.tips = map[string]*Tip{}
	}
	s.tips[t.OID] = t
	return &repo.Commit{Branch: t.Branch, Default: t.Default, Hash: t.OID, Message: t.Message, Parents: t.Parents, Tree: t,
		Author: t.author, Committer: repo.Signature{When: t.Time}}
}

// commit returns a commit that is no branch's tip, with none of its files read. What was
// only known by its hash is filled in.
func (s *Store) commit(c *Commit) *repo.Commit {
	t := s.tips[c.SHA]
	if t == nil {
		t = &Tip{Repo: s.Repo, OID: c.SHA, client: s.Client, nodes: map[string]*node{}, seen: s.seen}
	}
	if t.Time.IsZero() {
		t.Message, t.Parents, t.Time = c.Message, c.Parents, c.Time
	}
	if t.author == (repo.Signature{}) {
		t.author = repo.Signature{Name: c.Author.Name, Email: c.Author.Email, Login: c.Author.Login}
	}
	return s.public(t)
}

func (s *Store) tip(c *repo.Commit) (*Tip, error) {
	t := s.tips[c.Hash]
	if t == nil {
		return nil, problem.New("", "%s: commit %s was not read from here", s.Repo, c.Hash)
	}
	return t, nil
}

// Fetch brings files of several commits at once.
func (s *Store) Fetch(ctx context.Context, parts ...repo.Part) error {
	own := make([]tipPaths, len(parts))
	for i, part := range parts {
		t, err := s.tip(part.Commit)
		if err != nil {
			return err
		}
		own[i] = tipPaths{t, part.Paths}
	}
	return s.Client.fetchEach(ctx, s.Repo, own)
}

// Commit makes a commit on a branch, which must be at p.Old: repo.ErrMoved where it
// is not. An answer that was lost is looked up.
func (s *Store) Commit(ctx context.Context, p repo.PendingCommit) (hash string, err error) {
	t, err := s.tip(p.Parent)
	if err != nil {
		return "", err
	}
	n := PendingCommit{Files: p.Files, Message: p.Message}
	if p.Old == t.OID && p.Branch == t.Branch {
		return t.Commit(ctx, n)
	}
	return t.Propose(ctx, p.Branch, p.Old, n)
}

// Landed reports whether a commit is the tip or one of its ancestors.
func (s *Store) Landed(ctx context.Context, tip *repo.Commit, hash string) (bool, error) {
	if hash == "" || hash == tip.Hash {
		return hash != "", nil
	}
	c, err := s.Client.Compare(ctx, s.Repo, hash, tip.Hash, 0)
	if err != nil {
		return false, err
	}
	return c.Relation == Ahead || c.Relation == Identical, nil
}

// DeleteBranch removes a branch that is at a commit. One that is not there is fine.
func (s *Store) DeleteBranch(ctx context.Context, branch, at string) error {
	return s.Client.DeleteBranch(ctx, s.Repo, branch, at)
}

// Ancestry returns what joins two commits, as GitHub compares them.
func (s *Store) Ancestry(ctx context.Context, base, head *repo.Commit) (*repo.Ancestry, error) {
	c, err := s.Client.CompareNewest(ctx, s.Repo, base.Hash, head.Hash, repo.MaxAncestry)
	if err != nil {
		return nil, err
	}
	if c.MergeBase == nil {
		return nil, &fault{Problem: problem.New("", "%s: %.10s and %.10s have no commit in common", s.Repo, base.Hash, head.Hash), Kind: repo.ErrUnrelated}
	}
	a := &repo.Ancestry{MergeBase: s.commit(c.MergeBase)}
	for i := range slices.Backward(c.Commits) { // GitHub lists the oldest first
		a.Commits = append(a.Commits, s.commit(&c.Commits[i]))
	}
	return a, s.prefetch(ctx, c.Files, a.MergeBase, head)
}

// prefetch reads files of commits, and the names of what is in the folders above them: all
// that repo.Diff reads of commits that differ in these files.
func (s *Store) prefetch(ctx context.Context, files []string, commits ...*repo.Commit) error {
	var wants []pathOf
	for _, c := range commits {
		t, err := s.tip(c)
		if err != nil {
			return err
		}
		for _, file := range files {
			if n, known := t.known(file); !known || n != nil && !n.exact {
				wants = append(wants, pathOf{t, file})
			}
			for dir := path.Dir(file); ; dir = path.Dir(dir) {
				if n, known := t.known(dir); (!known || n != nil && !n.read) && !slices.Contains(wants, pathOf{t, dir}) {
					wants = append(wants, pathOf{t, dir})
				}
				if dir == "." {
					break
				}
			}
		}
	}
	for some := range slices.Chunk(wants, maxPaths) {
		if err := s.Client.askPaths(ctx, s.Repo, "__typename oid ...content ... on Tree { entries { name mode oid } }", blobFields+"\n", some); err != nil {
			return err
		}
	}
	return nil
}

// Retry reports whether what failed with err may succeed if it is done again. Waits
// that GitHub asks for are over by then.
func (s *Store) Retry(err error) (after time.Duration, ok bool) {
	return 0, errors.Is(err, repo.ErrMoved)
}

// Close does nothing: a Client keeps no connection of its own.
func (s *Store) Close() error { return nil }
