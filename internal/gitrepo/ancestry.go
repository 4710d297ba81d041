package gitrepo

import (
	"context"
	"slices"

	"k8srepo/internal/repo"
)

// ancestry is what joins two commits.
type ancestry struct {
	mergeBase Hash
	headOnly  []Hash // that the head has and the base has not, the nearest first
}

// ancestry finds the best common ancestor of two commits, and the head's commits
// that are not the base's. The error is ErrShallow where the commits that are here
// do not tell, and repo.ErrUnrelated where there is none.
func (h *History) ancestry(ctx context.Context, base, head Hash) (*ancestry, error) {
	ofBase := h.walk(base)
	if err := ofBase.toTheEnd(ctx, nil); err != nil {
		return nil, err
	}
	found := &ancestry{}
	var candidates []Hash // of the base too, and reached from the head's own commits
	if ofBase.seen[head] {
		candidates = []Hash{head}
	}
	ofHead := h.walk(head)
	if err := ofHead.toTheEnd(ctx, func(c Hash) bool {
		if ofBase.seen[c] {
			if !slices.Contains(candidates, c) {
				candidates = append(candidates, c)
			}
			return false
		}
		if len(found.headOnly) < repo.MaxAncestry {
			found.headOnly = append(found.headOnly, c)
		}
		return true
	}); err != nil {
		return nil, err
	}
	switch {
	case slices.Contains(candidates, base):
		found.mergeBase = base
		return found, nil
	case ofHead.cut, len(candidates) == 0 && ofBase.cut:
		return nil, ErrShallow
	case len(candidates) == 0:
		return nil, repo.ErrUnrelated
	}
	found.mergeBase = candidates[0]
	for _, c := range candidates[1:] {
		ahead, _, err := h.Compare(ctx, c, found.mergeBase)
		if err == nil && ahead {
			found.mergeBase = c
		}
	}
	return found, nil
}

// toTheEnd visits all ancestors; those of commits that follow says no to are left
// out. A nil follow follows all.
func (w *walk) toTheEnd(ctx context.Context, follow func(Hash) bool) error {
	for len(w.queue) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if follow != nil && !follow(w.queue[0]) {
			w.queue = w.queue[1:]
			continue
		}
		if _, err := w.step(); err != nil {
			return err
		}
	}
	return nil
}
