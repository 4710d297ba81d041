package deploy

import (
	"context"
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

// compare is the comparison of two commits, with the newest of those between.
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

// History is the history of one of the repositories.
func (s *Sources) History(repo github.Repo) History { return githubHistory{s, repo} }

type githubHistory struct {
	sources *Sources
	repo    github.Repo
}

// Relation tells how the commit next stands to the running one.
func (h githubHistory) Relation(ctx context.Context, running, next string) (Relation, error) {
	c, err := h.sources.compare(ctx, h.repo, running, next)
	if err != nil {
		return NotKnown, &historyError{cause: err}
	}
	if n := len(c.Commits); n > 0 && strings.HasPrefix(c.Commits[n-1].SHA, next) && testMerge.MatchString(c.Commits[n-1].Message) {
		return TestMerge, nil
	}
	return relations[c.Relation], nil
}
