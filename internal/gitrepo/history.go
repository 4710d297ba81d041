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
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"k8srepo/internal/problem"
)

// What History's questions may end in, with errors.Is.
var (
	// ErrNoCommit: no commit has that hash.
	ErrNoCommit = errors.New("no such commit")
	// ErrAmbiguous: several commits have hashes that begin so.
	ErrAmbiguous = errors.New("write more of the hash")
)

// History is the commits of a repository, to ask which descends from which.
type History struct {
	objects storer.EncodedObjectStorer
	all     func(prefix []byte) ([]Hash, error) // objects whose names begin so
	tag     func(name string) (Hash, error)     // what a tag points to; plumbing.ErrReferenceNotFound
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
	h.tag = func(name string) (Hash, error) {
		ref, err := repo.Storer.Reference(plumbing.NewTagReferenceName(name))
		if err != nil {
			return Hash{}, err
		}
		return ref.Hash(), nil
	}
	return h, nil
}

// History fetches the commits of all branches and tags, without their trees. A
// server that cannot leave the trees out is not asked for them: that is an error.
func (r *Remote) History(ctx context.Context) (*History, error) {
	refs, err := r.readable(ctx)
	if err != nil {
		return nil, err
	}
	wanted, tags := map[Hash]bool{}, map[string]Hash{}
	for name, hash := range refs.References {
		switch {
		case strings.HasPrefix(name, branchPrefix):
			wanted[hash] = true
		case strings.HasPrefix(name, tagPrefix):
			if commit, annotated := refs.Peeled[name]; annotated {
				hash = commit
			}
			wanted[hash], tags[strings.TrimPrefix(name, tagPrefix)] = true, hash
		}
	}
	tips := slices.SortedFunc(maps.Keys(wanted), func(a, b Hash) int { return bytes.Compare(a[:], b[:]) })
	if len(tips) == 0 {
		return nil, &fault{Problem: problem.Refuse("", "%s: the repository is empty", r.url), Kind: ErrEmptyRepository}
	}
	if !r.offer.Supports(capability.Filter) {
		return nil, problem.New("give a clone of it on disk", "%s: the server cannot send commits alone", r.url)
	}
	if err := r.fetch(ctx, fetchRequest{wants: tips, filter: packp.FilterTreeDepth(0)}); err != nil {
		return nil, r.fault(ctx, err)
	}
	tag := func(name string) (Hash, error) {
		if hash, known := tags[name]; known {
			return hash, nil
		}
		return Hash{}, plumbing.ErrReferenceNotFound
	}
	return &History{objects: r.store, tag: tag, all: func(prefix []byte) ([]Hash, error) {
		var hashes []Hash
		for hash := range r.store.Commits {
			if strings.HasPrefix(string(hash[:]), string(prefix)) {
				hashes = append(hashes, hash)
			}
		}
		return hashes, nil
	}}, nil
}

// fetched returns the commits that are here, to ask which descends from which.
func (r *Remote) fetched() *History { return &History{objects: r.store} }

// Resolve returns the commit whose hash begins with prefix. That there is none is
// ErrNoCommit; that there are several, ErrAmbiguous.
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
	return Hash{}, fmt.Errorf("%s is the beginning of %d commits: %w", prefix, len(found), ErrAmbiguous)
}

// Tag returns the commit that a tag points to, an annotated one too; ErrNoCommit where
// there is none.
func (h *History) Tag(name string) (Hash, error) {
	hash, err := h.tag(name)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return Hash{}, fmt.Errorf("%s: %w", name, ErrNoCommit)
	}
	if err != nil {
		return Hash{}, err
	}
	for {
		if _, err := h.objects.EncodedObject(plumbing.CommitObject, hash); err == nil {
			return hash, nil
		}
		tag, err := gitobject.GetTag(h.objects, hash)
		if err != nil {
			return Hash{}, fmt.Errorf("%s: %w", name, ErrNoCommit) // of a file, a folder, or cut off
		}
		hash = tag.Target
	}
}

// Message returns the message of a commit.
func (h *History) Message(commit Hash) (string, error) {
	c, err := h.commit(commit)
	return c.message, err
}

// Shallow reports whether some of the history is known to be cut off.
func (h *History) Shallow() bool { return len(h.shallow) > 0 }
