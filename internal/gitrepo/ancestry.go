package gitrepo

import (
	"context"
	"slices"

	"k8srepo/internal/repo"
)

// Compare reports whether a descends from b, and b from a: both where they are the
// same, neither where they have parted. ErrShallow means that the history ends
// before that is clear.
func (h *History) Compare(ctx context.Context, a, b Hash) (ahead, behind bool, err error) {
	if err := ctx.Err(); err != nil || a == b {
		return a == b, a == b, err
	}
	w, err := h.walk(a, b)
	if err != nil {
		return false, false, err
	}
	// A commit of both sides is no descendant of a or b, so what is not open need not
	// be visited.
	for w.open > 0 {
		if err := w.step(ctx); err != nil {
			return false, false, err
		}
		if ahead, behind = w.sides[b] == bothSides, w.sides[a] == bothSides; ahead || behind {
			return ahead, behind, nil
		}
	}
	if w.isCut(bothSides) {
		return false, false, ErrShallow
	}
	return false, false, nil
}

// Count returns how many commits a has that b has not, and the other way round.
// ErrShallow means that the history ends before that is clear.
func (h *History) Count(ctx context.Context, a, b Hash) (onlyA, onlyB int, err error) {
	w, err := h.walk(a, b)
	if err != nil {
		return 0, 0, err
	}
	if err := w.settle(ctx); err != nil {
		return 0, 0, err
	}
	if w.isCut(bothSides) {
		return 0, 0, ErrShallow
	}
	return len(w.only(sideA)), len(w.only(sideB)), nil
}

// descends reports whether the commits that are here lead from a commit back to
// ancestor.
func (h *History) descends(ctx context.Context, c, ancestor Hash) (bool, error) {
	w, err := h.walk(c, Hash{})
	if err != nil {
		return false, err
	}
	for len(w.queue) > 0 && w.sides[ancestor] == 0 {
		if err := w.step(ctx); err != nil {
			return false, err
		}
	}
	return w.sides[ancestor] != 0, nil
}

// ends returns the ancestors of a commit whose parents are not all here.
func (h *History) ends(ctx context.Context, c Hash) ([]Hash, error) {
	w, err := h.walk(c, Hash{})
	if err != nil {
		return nil, err
	}
	for len(w.queue) > 0 {
		if err := w.step(ctx); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(w.order, func(c Hash) bool { return !w.cut[c] }), nil
}

// ancestry is what joins two commits.
type ancestry struct {
	mergeBase Hash
	headOnly  []Hash // that the head has and the base has not, the latest first
}

// ancestry finds the best common ancestor of two commits, and the head's commits
// that are not the base's. The error is ErrShallow where the commits that are here
// do not show it, and repo.ErrUnrelated where there is none.
func (h *History) ancestry(ctx context.Context, base, head Hash) (*ancestry, error) {
	w, err := h.walk(head, base)
	if err != nil {
		return nil, err
	}
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	headOnly := w.only(sideA)
	found := &ancestry{headOnly: headOnly[:min(len(headOnly), repo.MaxAncestry)]}
	switch {
	case slices.Contains(w.meets, base):
		found.mergeBase = base
		return found, nil
	case w.isCut(sideA), len(w.meets) == 0 && len(w.cut) > 0:
		return nil, ErrShallow
	case len(w.meets) == 0:
		return nil, repo.ErrUnrelated
	}
	found.mergeBase = w.meets[0]
	for _, c := range w.meets[1:] {
		ahead, _, err := h.Compare(ctx, c, found.mergeBase)
		if err == nil && ahead {
			found.mergeBase = c
		}
	}
	return found, nil
}
