package gitrepo

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"k8srepo/internal/limit"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// Commit is a commit with its files: the tip of a branch when it was read, or one of
// its ancestors.
type Commit struct {
	Branch    string // without refs/heads/
	Default   string // the repository's default branch; "" where it has none
	Hash      Hash   // of the commit
	Tree      Hash   // of the root folder
	Parents   []Hash
	Author    Signature
	Committer Signature
	Message   string

	remote *Remote
	line   *line   // nil unless it is a commit of a Log
	listed counter // the entries that FS has listed

	folders map[string][]repo.Entry // that have been listed
}

// Tip reads the tip of a branch; "" is the repository's default branch.
func (r *Remote) Tip(ctx context.Context, branch string) (*Commit, error) {
	refs, err := r.readable(ctx)
	if err != nil {
		return nil, err
	}
	branch, at, err := r.pick(refs, branch)
	if err != nil {
		return nil, err
	}
	return r.tipAt(ctx, branch, at)
}

// readable returns the references that can be read. What the server can do is remembered.
func (r *Remote) readable(ctx context.Context) (*packp.AdvRefs, error) {
	refs, err := r.advertised(ctx, uploadPack)
	if err == nil {
		r.offer, r.home = refs.Capabilities, defaultBranch(refs)
	}
	return refs, err
}

// tipAt reads the tip of a branch that is at a commit.
func (r *Remote) tipAt(ctx context.Context, branch string, at Hash) (*Commit, error) {
	t := r.commitAt(branch, at, nil)
	t.Default = r.home
	if err := t.fetchCommit(ctx); err != nil {
		return nil, r.fault(ctx, err)
	}
	if err := t.read(); err != nil {
		return nil, r.fault(ctx, err)
	}
	return t, nil
}

// commitAt returns a commit that is not read yet.
func (r *Remote) commitAt(branch string, hash Hash, l *line) *Commit {
	return &Commit{Branch: branch, Hash: hash, remote: r, line: l,
		listed: counter{what: "what the commit's folders list", max: r.bounds.entries}}
}

// pick finds a branch among the references.
func (r *Remote) pick(refs *packp.AdvRefs, branch string) (string, Hash, error) {
	fail := func(kind error, hint, format string, args ...any) (string, Hash, error) {
		return "", Hash{}, &fault{Problem: problem.Refuse(hint, "%s: "+format, append([]any{r.url}, args...)...), Kind: kind}
	}
	if len(refs.References) == 0 && refs.Head == nil {
		return fail(ErrEmptyRepository, "push a first commit to it", "the repository is empty")
	}
	if branch == "" {
		if branch = defaultBranch(refs); branch == "" {
			return fail(ErrNoBranch, "name the branch", "the repository has no default branch")
		}
	}
	if hash, ok := refs.References[branchPrefix+branch]; ok {
		return branch, hash, nil
	}
	var known []string
	for _, name := range slices.Sorted(maps.Keys(refs.References)) {
		if b, ok := strings.CutPrefix(name, branchPrefix); ok {
			known = append(known, b)
		}
	}
	return fail(ErrNoBranch, problem.DidYouMean(branch, known), "there is no branch %q", branch)
}

// defaultBranch returns the branch that HEAD points to. Servers too old to say so
// get the branch that is at the same commit, main and master first.
func defaultBranch(refs *packp.AdvRefs) string {
	for _, link := range refs.Capabilities.Get(capability.SymRef) {
		if branch, ok := strings.CutPrefix(link, "HEAD:"+branchPrefix); ok {
			return branch
		}
	}
	if refs.Head == nil {
		return ""
	}
	names := slices.Sorted(maps.Keys(refs.References))
	for _, name := range append([]string{branchPrefix + "main", branchPrefix + "master"}, names...) {
		if branch, ok := strings.CutPrefix(name, branchPrefix); ok && refs.References[name] == *refs.Head {
			return branch
		}
	}
	return ""
}

// Follows reports whether a commit is the tip itself, or one of the commits before
// it, no more than depth steps back.
func (c *Commit) Follows(ctx context.Context, commit Hash, depth int) (bool, error) {
	if commit == c.Hash || slices.Contains(c.Parents, commit) {
		return true, nil
	}
	if err := c.request(ctx, []Hash{c.Hash}, nil, depth, filters[c.remote.mode]); err != nil {
		return false, c.remote.fault(ctx, c.moved(ctx, err))
	}
	return c.history().descends(ctx, c.Hash, commit)
}

// has reports whether an object is here, or is known to be too large.
func (c *Commit) has(h Hash) bool {
	return c.remote.large[h] || c.remote.store.HasEncodedObject(h) == nil
}

// object returns a copy of an object that is here.
func (c *Commit) object(kind plumbing.ObjectType, h Hash) ([]byte, error) {
	if c.remote.large[h] && kind == plumbing.BlobObject {
		return nil, limit.FileError("the file")
	}
	if c.remote.large[h] {
		return nil, limit.FileError("the " + kind.String() + " " + h.String())
	}
	o, err := c.remote.store.EncodedObject(kind, h)
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
func (c *Commit) tree(h Hash) (*tree, error) {
	if known, ok := c.remote.trees[h]; ok {
		return known, nil
	}
	raw, err := c.object(plumbing.TreeObject, h)
	if err != nil {
		return nil, err
	}
	entries, err := parseTree(raw)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", h, err)
	}
	read := &tree{entries: entries}
	c.remote.trees[h] = read
	return read, nil
}
