package deploy

import (
	"context"
	"errors"

	"k8srepo/internal/gitrepo"
)

// GitHistory is a History in Git: a clone on disk, or commits that were fetched.
type GitHistory struct{ *gitrepo.History }

// Relation tells how the commit next stands to the running one.
func (h GitHistory) Relation(ctx context.Context, running, next string) (Relation, error) {
	to, err := h.Resolve(next)
	if errors.Is(err, gitrepo.ErrNoCommit) {
		return NewUnknown, nil
	}
	if err != nil {
		return 0, err
	}
	from, err := h.Resolve(running)
	if errors.Is(err, gitrepo.ErrNoCommit) {
		return OldUnknown, nil
	}
	if err != nil {
		return 0, err
	}
	ahead, err := h.Descends(ctx, to, from)
	if ahead || err != nil && !errors.Is(err, gitrepo.ErrShallow) {
		return Ahead, err
	}
	cut := err != nil
	behind, err := h.Descends(ctx, from, to)
	switch {
	case behind:
		return Behind, nil
	case err != nil && !errors.Is(err, gitrepo.ErrShallow):
		return 0, err
	case cut || err != nil:
		return OldUnknown, nil
	}
	return Diverged, nil
}
