package gitrepo

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Count is how many commits a has that b has not, and the other way round.
// ErrShallow means that the history ends before that is clear.
//
// As git rev-list does it, it goes back from both, the latest commit first, until
// all that is left to visit is behind both, and older than all that is not: what
// is near costs little.
func (h *History) Count(ctx context.Context, a, b Hash) (onlyA, onlyB int, err error) {
	const fromA, fromB, both = 1, 2, 3
	from := map[Hash]int{}
	cut := map[Hash]bool{}
	var queue byDate
	open := 0            // how many in the queue may still change the answer
	var oldest time.Time // of those that were not behind both when they were found
	visit := func(c Hash, side int) error {
		if from[c]|side == from[c] {
			return nil
		}
		again := from[c] != 0
		from[c] |= side
		text, err := h.commit(c)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			delete(from, c)
			return ErrShallow
		}
		if err != nil {
			return err
		}
		when := text.committer.When
		if from[c] != both && (oldest.IsZero() || when.Before(oldest)) {
			oldest = when
		}
		next := dated{c, text.parents, when, from[c] != both || again} // again: so may be those behind it
		if next.open {
			open++
		}
		heap.Push(&queue, next)
		return nil
	}
	if err := errors.Join(visit(a, fromA), visit(b, fromB)); err != nil {
		return 0, 0, err
	}
	for open > 0 || len(queue) > 0 && !queue[0].when.Before(oldest) {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		next := heap.Pop(&queue).(dated)
		if next.open {
			open--
		}
		if h.shallow[next.hash] {
			cut[next.hash] = true
			continue
		}
		for _, parent := range next.parents {
			switch err := visit(parent, from[next.hash]); {
			case errors.Is(err, ErrShallow):
				cut[next.hash] = true
			case err != nil:
				return 0, 0, err
			}
		}
	}
	for c, side := range from {
		switch {
		case side == both:
		case cut[c]:
			return 0, 0, ErrShallow
		case side == fromA:
			onlyA++
		case side == fromB:
			onlyB++
		}
	}
	return onlyA, onlyB, nil
}

// dated is a commit that is to be visited.
type dated struct {
	hash    Hash
	parents []Hash
	when    time.Time
	open    bool
}

// byDate is a heap with the latest on top.
type byDate []dated

func (q byDate) Len() int           { return len(q) }
func (q byDate) Less(i, j int) bool { return q[i].when.After(q[j].when) }
func (q byDate) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byDate) Push(x any)        { *q = append(*q, x.(dated)) }
func (q *byDate) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func (h *History) commit(hash Hash) (commitText, error) {
	object, err := h.objects.EncodedObject(plumbing.CommitObject, hash)
	if err != nil {
		return commitText{}, err
	}
	reader, err := object.Reader()
	if err != nil {
		return commitText{}, err
	}
	defer reader.Close()
	raw, err := io.ReadAll(reader)
	if err != nil {
		return commitText{}, err
	}
	return parseCommit(raw)
}
