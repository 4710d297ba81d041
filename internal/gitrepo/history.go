package gitrepo

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"k8srepo/internal/problem"
)

// What History's questions may end in, with errors.Is.
var (
	// ErrNoCommit: no commit has that hash.
	ErrNoCommit = errors.New("no such commit")
)

// History is the commits of a repository, to ask which descends from which.
type History struct {
	objects storer.EncodedObjectStorer
	all     func(prefix []byte) ([]Hash, error) // objects whose names begin so
	shallow map[Hash]bool                       // commits whose parents were cut off
}

// OpenHistory opens the clone that a folder is in, with or without a working tree.
func OpenHistory(path string) (*History, error) {
	repo, err := git.PlainOpenWithOptions(path, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		repo, err = git.PlainOpen(path) // a bare one, which looking for .git does not find
	}
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, problem.New("name the folder that the service is checked out in", "%s is no Git repository", path)
	}
	if err != nil {
		return nil, problem.New("", "%s cannot be opened as a Git repository: %v", path, err)
	}
	h := &History{objects: repo.Storer, shallow: map[Hash]bool{}}
	cut, err := repo.Storer.Shallow()
	if err != nil {
		return nil, err
	}
	for _, hash := range cut {
		h.shallow[hash] = true
	}
	store, ok := repo.Storer.(interface {
		HashesWithPrefix(prefix []byte) ([]plumbing.Hash, error)
	})
	if !ok {
		return nil, fmt.Errorf("%s: a Git storage without an index", path)
	}
	h.all = store.HashesWithPrefix
	return h, nil
}

// History fetches the commits of all branches and tags, without their trees. A
// server that cannot leave the trees out is not asked for them: that is an error.
func (r *Remote) History(ctx context.Context) (*History, error) {
	refs, err := r.advertised(ctx, uploadPack)
	if err != nil {
		return nil, err
	}
	t := &Tip{remote: r, offer: refs.Capabilities}
	wanted := map[Hash]bool{}
	for name, hash := range refs.References {
		switch {
		case strings.HasPrefix(name, branchPrefix):
			wanted[hash] = true
		case strings.HasPrefix(name, tagPrefix):
			if commit, annotated := refs.Peeled[name]; annotated {
				hash = commit
			}
			wanted[hash] = true
		}
	}
	tips := slices.SortedFunc(maps.Keys(wanted), func(a, b Hash) int { return bytes.Compare(a[:], b[:]) })
	if len(tips) == 0 {
		return nil, &fault{Problem: problem.Refuse("", "%s: the repository is empty", r.url), Kind: ErrEmptyRepository}
	}
	if !t.offer.Supports("filter") {
		return nil, problem.New("give a clone of it on disk", "%s: the server cannot send commits alone", r.url)
	}
	if err := t.request(ctx, tips, nil, 0, packp.FilterTreeDepth(0)); err != nil {
		return nil, r.fault(ctx, err)
	}
	return &History{objects: r.store, all: func(prefix []byte) ([]Hash, error) {
		var hashes []Hash
		for hash := range r.store.Commits {
			if strings.HasPrefix(string(hash[:]), string(prefix)) {
				hashes = append(hashes, hash)
			}
		}
		return hashes, nil
	}}, nil
}

// Resolve is the commit whose hash begins with prefix. That there is none is
// ErrNoCommit; that there are several, an error.
func (h *History) Resolve(prefix string) (Hash, error) {
	raw, err := hex.DecodeString(prefix[:len(prefix)&^1])
	if err != nil {
		return Hash{}, fmt.Errorf("%s: %w", prefix, ErrNoCommit)
	}
	candidates, err := h.all(raw)
	if err != nil {
		return Hash{}, err
	}
	var found []Hash
	for _, hash := range candidates {
		if !strings.HasPrefix(hash.String(), prefix) || slices.Contains(found, hash) {
			continue
		}
		if _, err := h.objects.EncodedObject(plumbing.CommitObject, hash); err == nil {
			found = append(found, hash)
		}
	}
	switch len(found) {
	case 0:
		return Hash{}, fmt.Errorf("%s: %w", prefix, ErrNoCommit)
	case 1:
		return found[0], nil
	}
	return Hash{}, problem.New("write more of the hash", "%s is the beginning of %d commits", prefix, len(found))
}

// Message returns the message of a commit.
func (h *History) Message(commit Hash) (string, error) {
	c, err := h.commit(commit)
	return c.message, err
}

// Shallow tells whether some of the history is known to be cut off.
func (h *History) Shallow() bool { return len(h.shallow) > 0 }

// Compare tells whether a descends from b, and b from a: both where they are the
// same, neither where they have parted. ErrShallow means that the history ends
// before that is clear.
func (h *History) Compare(ctx context.Context, a, b Hash) (ahead, behind bool, err error) {
	if a == b {
		return true, true, nil
	}
	// Step by step in turn, so that a short way is found before the long one back
	// to the first commit has been gone.
	fromA, fromB := h.walk(a), h.walk(b)
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return false, false, err
		}
		more = false
		for _, w := range []*walk{fromA, fromB} {
			went, err := w.step()
			if err != nil {
				return false, false, err
			}
			more = more || went
		}
		if ahead, behind = fromA.seen[b], fromB.seen[a]; ahead || behind {
			return ahead, behind, nil
		}
	}
	if fromA.cut || fromB.cut {
		return false, false, ErrShallow
	}
	return false, false, nil
}

// walk goes from a commit to all that are behind it, the nearest first.
type walk struct {
	history *History
	queue   []Hash
	seen    map[Hash]bool
	cut     bool // the history is cut off somewhere
}

func (h *History) walk(from Hash) *walk {
	return &walk{history: h, queue: []Hash{from}, seen: map[Hash]bool{from: true}}
}

// step visits one commit; it is false where none is left.
func (w *walk) step() (bool, error) {
	if len(w.queue) == 0 {
		return false, nil
	}
	commit := w.queue[0]
	w.queue = w.queue[1:]
	if w.history.shallow[commit] {
		w.cut = true
		return true, nil
	}
	parents, err := w.history.parents(commit)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		w.cut = true
		return true, nil
	}
	for _, parent := range parents {
		if !w.seen[parent] {
			w.seen[parent] = true
			w.queue = append(w.queue, parent)
		}
	}
	return true, err
}

func (h *History) parents(commit Hash) ([]Hash, error) {
	text, err := h.commit(commit)
	return text.parents, err
}
