package gitrepo

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

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
	line   *line   // nil unless it is a commit of a log
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

// Follows reports whether a commit is this one, or one of its ancestors. It looks depth
// commits back, and further where more of the history is here.
func (c *Commit) Follows(ctx context.Context, commit Hash, depth int) (bool, error) {
	if commit == c.Hash || slices.Contains(c.Parents, commit) {
		return true, nil
	}
	if err := c.deepen(ctx, depth); err != nil {
		return false, c.remote.fault(ctx, err)
	}
	return c.remote.fetched().descends(ctx, c.Hash, commit)
}
