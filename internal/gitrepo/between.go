package gitrepo

import (
	"context"

	"k8srepo/internal/repo"
)

// Between is the newest of some commits, and how many there are.
type Between struct {
	Total   int
	Commits []*repo.Commit // hash, message and author alone; the newest first
}

// Between returns the commits that to has and from has not, and the other way round, at
// most limit of each. ErrShallow means that the history ends before that is clear.
func (h *History) Between(ctx context.Context, from, to Hash, limit int) (added, removed Between, err error) {
	w, err := h.walk(to, from)
	if err != nil {
		return added, removed, err
	}
	if err := w.settle(ctx); err != nil {
		return added, removed, err
	}
	if w.isCut(bothSides) {
		return added, removed, ErrShallow
	}
	if added, err = h.newest(w.only(sideA), limit); err != nil {
		return added, removed, err
	}
	removed, err = h.newest(w.only(sideB), limit)
	return added, removed, err
}

func (h *History) newest(hashes []Hash, limit int) (Between, error) {
	b := Between{Total: len(hashes)}
	for _, hash := range hashes[:min(limit, len(hashes))] {
		text, err := h.commit(hash)
		if err != nil {
			return b, err
		}
		b.Commits = append(b.Commits, &repo.Commit{Hash: hash.String(), Message: text.message, Author: text.author})
	}
	return b, nil
}
