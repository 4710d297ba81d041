package gitrepo

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// clockSkew is how much later than its child a commit may say it was made. Clocks
// differ; by more than a day, Count and ancestry may take a few common ancestors for
// commits of one side.
const clockSkew = 24 * time.Hour

// side is which of the two starts of a walk have a commit: that it is one of them, or
// an ancestor.
type side int

const (
	sideA side = 1 << iota
	sideB
	bothSides = sideA | sideB
)

// walk goes back from one or two commits through their ancestors, the latest first.
// All that asks which commits descend from which goes by it.
type walk struct {
	history *History
	sides   map[Hash]side
	order   []Hash        // that were visited, the latest first
	cut     map[Hash]bool // visited, and not all of their parents are here
	meets   []Hash        // where the two sides met: the best common ancestors are among them
	queue   byDate
	open    int       // how many in the queue may still change what is known
	oldest  time.Time // of those that only one side had when they were found
}

// walk begins at a, which must be here, and at b unless it is zero.
func (h *History) walk(a, b Hash) (*walk, error) {
	w := &walk{history: h, sides: map[Hash]side{}, cut: map[Hash]bool{}}
	if err := w.reach(a, sideA); err != nil || b.IsZero() {
		return w, missingIsShallow(err)
	}
	return w, missingIsShallow(w.reach(b, sideB))
}

func missingIsShallow(err error) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return ErrShallow
	}
	return err
}

// reach notes that a commit is an ancestor of side, and queues it where that is new.
func (w *walk) reach(c Hash, from side) error {
	before := w.sides[c]
	if before|from == before {
		return nil
	}
	w.sides[c] = before | from
	if before != 0 && before != bothSides && before|from == bothSides && from != bothSides {
		w.meets = append(w.meets, c)
	}
	text, err := w.history.commit(c)
	if err != nil {
		return err
	}
	when := text.committer.When
	if w.sides[c] != bothSides && (w.oldest.IsZero() || when.Before(w.oldest)) {
		w.oldest = when
	}
	// Ancestors of both sides add nothing, unless they were visited as one side's.
	next := queued{c, text.parents, when, w.sides[c] != bothSides || before != 0}
	if next.open {
		w.open++
	}
	heap.Push(&w.queue, next)
	return nil
}

// step visits the latest commit of those that are to be visited.
func (w *walk) step(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	next := heap.Pop(&w.queue).(queued)
	if next.open {
		w.open--
	}
	w.order = append(w.order, next.hash)
	if w.history.shallow[next.hash] {
		w.cut[next.hash] = true
		return nil
	}
	for _, parent := range next.parents {
		switch err := w.reach(parent, w.sides[next.hash]); {
		case errors.Is(err, plumbing.ErrObjectNotFound):
			w.cut[next.hash] = true
		case err != nil:
			return err
		}
	}
	return nil
}

// settle goes on until it is clear which side has what: all that is left to visit is
// of both sides, and older than all that is not. What is near costs little.
func (w *walk) settle(ctx context.Context) error {
	for w.open > 0 || len(w.queue) > 0 && !w.queue[0].when.Before(w.oldest.Add(-clockSkew)) {
		if err := w.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// isCut reports whether the history that is here ends before it is clear what one of
// the sides alone has.
func (w *walk) isCut(of side) bool {
	for c := range w.cut {
		if s := w.sides[c]; s != bothSides && s&of != 0 {
			return true
		}
	}
	return false
}

// only returns the commits that one side has and the other has not, the latest first.
func (w *walk) only(of side) []Hash {
	var hashes []Hash
	seen := map[Hash]bool{}
	for _, c := range w.order {
		if w.sides[c] == of && !seen[c] {
			seen[c] = true
			hashes = append(hashes, c)
		}
	}
	return hashes
}

// queued is a commit that is to be visited.
type queued struct {
	hash    Hash
	parents []Hash
	when    time.Time
	open    bool
}

// byDate is a heap with the latest on top.
type byDate []queued

func (q byDate) Len() int           { return len(q) }
func (q byDate) Less(i, j int) bool { return q[i].when.After(q[j].when) }
func (q byDate) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byDate) Push(x any)        { *q = append(*q, x.(queued)) }
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
