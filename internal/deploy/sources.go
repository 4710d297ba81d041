package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"k8srepo/internal/github"
)

// Sources are the repositories on GitHub that services are built from. A
// comparison is asked for once: the order of two tags and the body of a pull
// request both need it. It may be used by several goroutines at once.
type Sources struct {
	Client *github.Client

	lock  sync.Mutex
	known map[compared]*github.Comparison
}

type compared struct {
	repo          github.Repo
	running, next string
}

// compare returns the comparison of two commits, with the newest of those between.
func (s *Sources) compare(ctx context.Context, repo github.Repo, running, next string) (*github.Comparison, error) {
	key := compared{repo, running, next}
	s.lock.Lock()
	c := s.known[key]
	s.lock.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := s.Client.CompareNewest(ctx, repo, running, next, maxCommits)
	if err != nil {
		return nil, err
	}
	if relations[c.Relation].settled() { // what is not known may be pushed yet
		s.lock.Lock()
		defer s.lock.Unlock()
		if s.known == nil {
			s.known = map[compared]*github.Comparison{}
		}
		s.known[key] = c
	}
	return c, nil
}

var relations = map[github.Relation]Relation{
	github.Ahead:       Ahead,
	github.Identical:   Ahead,
	github.Behind:      Behind,
	github.Diverged:    Diverged,
	github.BaseUnknown: OldUnknown,
	github.HeadUnknown: NewUnknown,
}

// History returns the history of one of the repositories.
func (s *Sources) History(repo github.Repo) History { return githubHistory{s, repo} }

type githubHistory struct {
	sources *Sources
	repo    github.Repo
}

// Relation returns how the commit of next stands to the running one. Two tags that are
// hashes take one request; others are looked up first.
func (h githubHistory) Relation(ctx context.Context, running, next string) (Relation, error) {
	relation, err := h.relation(ctx, running, next)
	if err != nil {
		return NotKnown, &historyError{cause: err}
	}
	return relation, nil
}

func (h githubHistory) relation(ctx context.Context, running, next string) (Relation, error) {
	c, err := h.byHashes(ctx, running, next)
	if err != nil {
		return NotKnown, err
	}
	if c == nil {
		to, err := commitIn(ctx, h, next)
		if err != nil || !to.isOne() {
			return to.unknown(NewUnknown, NewAmbiguous), err
		}
		from, err := commitIn(ctx, h, running)
		if err != nil || !from.isOne() {
			return from.unknown(OldUnknown, OldAmbiguous), err
		}
		next = to.hash
		if c, err = h.sources.compare(ctx, h.repo, from.hash, next); err != nil {
			return NotKnown, err
		}
	}
	return h.relationOf(ctx, c, strings.TrimPrefix(next, "sha-"))
}

// byHashes compares the commits of two tags that are hashes in one request. It is nil
// where they are more, or where GitHub took one for something else: for the branch or
// the Git tag of that name.
func (h githubHistory) byHashes(ctx context.Context, running, next string) (*github.Comparison, error) {
	from, to := hashOf(running), hashOf(next)
	if from == "" || to == "" {
		return nil, nil
	}
	c, err := h.sources.compare(ctx, h.repo, from, to)
	if err != nil || !strings.HasPrefix(c.Base, from) || !strings.HasPrefix(c.Head(), to) {
		return nil, err
	}
	return c, nil
}

// relationOf returns how a commit stands to the running one, by their comparison.
func (h githubHistory) relationOf(ctx context.Context, c *github.Comparison, next string) (Relation, error) {
	relation := relations[c.Relation]
	if relation != Ahead && relation != Diverged || c.Relation == github.Identical {
		return relation, nil
	}
	at := slices.IndexFunc(c.Commits, func(one github.Commit) bool { return strings.HasPrefix(one.SHA, next) })
	if at >= 0 {
		return asTestMerge(relation, c.Commits[at].Message), nil
	}
	head, err := h.sources.Client.Commit(ctx, h.repo, next) // beyond those that the comparison lists
	if err != nil {
		return NotKnown, err
	}
	return asTestMerge(relation, head.Message), nil
}

// asTestMerge returns the relation of a commit, as its message has it.
func asTestMerge(relation Relation, message string) Relation {
	if testMerge.MatchString(message) {
		return TestMerge
	}
	return relation
}

func (h githubHistory) byHash(ctx context.Context, hash string) (string, error) {
	sha, err := h.find(ctx, hash)
	if !strings.HasPrefix(sha, hash) {
		sha = "" // a branch or a tag of that name
	}
	return sha, err
}

func (h githubHistory) byTag(ctx context.Context, name string) (string, error) {
	return h.find(ctx, "tags/"+name)
}

// find returns the commit of a revision, "" where the repository has none. That there is
// no such repository is an error.
func (h githubHistory) find(ctx context.Context, revision string) (string, error) {
	c, err := h.sources.Client.Commit(ctx, h.repo, revision)
	switch {
	case err == nil:
		return c.SHA, nil
	case !errors.Is(err, github.ErrNotFound) && !errors.Is(err, github.ErrInvalid):
		return "", err
	}
	if reachable := h.sources.Client.Reachable(ctx, h.repo); reachable != nil {
		return "", reachable
	}
	return "", nil
}
