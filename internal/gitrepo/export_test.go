package gitrepo

import "context"

// SetBounds gives a Remote other bounds than package limit's, so that reaching them
// costs a test little.
func (r *Remote) SetBounds(pack, answer int64, entries int) {
	r.bounds = bounds{pack, answer, entries}
}

// Bounds returns what SetBounds sets.
func (r *Remote) Bounds() (pack, answer int64, entries int) {
	return r.bounds.pack, r.bounds.answer, r.bounds.entries
}

// Ancestry returns what ancestry finds.
func (h *History) Ancestry(ctx context.Context, base, head Hash) (mergeBase Hash, headOnly []Hash, err error) {
	found, err := h.ancestry(ctx, base, head)
	if err != nil {
		return Hash{}, nil, err
	}
	return found.mergeBase, found.headOnly, nil
}
