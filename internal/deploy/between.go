package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

// Between is what lies between the commits of two tags: what a reviewer approves.
type Between struct {
	From, To string  // the commits, in full where that is known
	Added    Commits // that the new tag brings
	Removed  Commits // that it takes away
}

// Commits are the commits on one side of a comparison.
type Commits struct {
	Total  int
	Newest []Commit // the newest first; at most maxCommits
	URL    string   // of the comparison, for people; "" where there is none
}

// Commit is a commit of a service.
type Commit struct {
	Hash, Title, Author string
	Pull                int // the number of its pull request; 0 where unknown
}

// maxCommits is how many commits a pull request's body lists for one service.
const maxCommits = 50

// notKnown is why it is not known what lies between two tags.
type notKnown string

func (e notKnown) Error() string { return string(e) }

// between asks a service's history for the commits between two tags. The error is
// notKnown where it does not say.
func between(ctx context.Context, history History, service, from, to string) (*Between, error) {
	switch {
	case history == nil:
		return nil, notKnown("users.yaml names no repository for " + service + ", and --app-repo no clone")
	case from == to:
		return &Between{From: from, To: to}, nil
	}
	return history.Between(ctx, from, to)
}

// pullInTitle is the number of a pull request in the title of its merge.
var pullInTitle = lazyregexp.New(`\(#(\d+)\)$|^Merge pull request #(\d+) `)

// Between returns what lies between the commits of two tags.
func (h GitHistory) Between(ctx context.Context, from, to string) (*Between, error) {
	var hashes [2]gitrepo.Hash
	for i, tag := range []string{from, to} {
		commit, err := knownCommit(ctx, h, tag, "the service's history")
		if err != nil {
			return nil, err
		}
		hashes[i], _ = gitrepo.ParseHash(commit)
	}
	added, removed, err := h.History.Between(ctx, hashes[0], hashes[1], maxCommits)
	if errors.Is(err, gitrepo.ErrShallow) {
		return nil, notKnown("the clone of the service is shallow: check it out with fetch-depth: 0")
	}
	if err != nil {
		return nil, err
	}
	return &Between{From: hashes[0].String(), To: hashes[1].String(), Added: commitsOf(added), Removed: commitsOf(removed)}, nil
}

// knownCommit returns the commit that a tag names in a repository; the error is notKnown where
// it is none, or two.
func knownCommit(ctx context.Context, repository finder, tag, where string) (string, error) {
	f, err := commitIn(ctx, repository, tag)
	switch {
	case err != nil:
		return "", err
	case f.two:
		return "", notKnown(tag + " names two commits of " + where)
	case f.hash == "" && len(hashesIn(tag)) == 0:
		return "", notKnown(tag + " names no commit")
	case f.hash == "":
		return "", notKnown(where + " has no commit " + tag)
	}
	return f.hash, nil
}

func commitsOf(b gitrepo.Between) Commits {
	list := Commits{Total: b.Total}
	for _, c := range b.Commits {
		one := Commit{Hash: c.Hash, Author: c.Author.String()}
		one.Title, _, _ = strings.Cut(strings.TrimSpace(c.Message), "\n")
		if m := pullInTitle.FindStringSubmatch(one.Title); m != nil {
			one.Pull, _ = strconv.Atoi(m[1] + m[2])
		}
		list.Newest = append(list.Newest, one)
	}
	return list
}

// Between returns what lies between the commits of two tags. It fetches once more for a tag
// that it does not know, which may have been pushed since.
func (h *FetchedHistory) Between(ctx context.Context, from, to string) (*Between, error) {
	unknown, err := h.unknown(ctx, from, to)
	if err != nil {
		return nil, err
	}
	again := func(tag string) bool { return !h.missed[tag] }
	if h.known == nil || slices.ContainsFunc(unknown, again) {
		fetched, err := h.Fetch(ctx)
		if err != nil {
			return nil, err
		}
		h.known = fetched
		if unknown, err = h.unknown(ctx, from, to); err != nil {
			return nil, err
		}
		for _, tag := range unknown {
			if h.missed == nil {
				h.missed = map[string]bool{}
			}
			h.missed[tag] = true
		}
	}
	return GitHistory{h.known}.Between(ctx, from, to)
}

// unknown returns those of tags that name no commit of what was fetched.
func (h *FetchedHistory) unknown(ctx context.Context, tags ...string) ([]string, error) {
	if h.known == nil {
		return tags, nil
	}
	var unknown []string
	for _, tag := range tags {
		f, err := commitIn(ctx, GitHistory{h.known}, tag)
		if err != nil {
			return nil, err
		}
		if f.hash == "" && !f.two {
			unknown = append(unknown, tag)
		}
	}
	return unknown, nil
}

// Between asks each history in turn, until one knows. The error is the last one's: the
// clone is asked first, and what is wrong with it matters less.
func (hs Histories) Between(ctx context.Context, from, to string) (*Between, error) {
	var last error = notKnown("there is no history to ask")
	for _, h := range hs {
		found, err := h.Between(ctx, from, to)
		if err == nil {
			return found, nil
		}
		last = err
	}
	return nil, last
}

// Between returns what lies between the commits of two tags.
func (h githubHistory) Between(ctx context.Context, from, to string) (*Between, error) {
	c, err := h.byHashes(ctx, from, to)
	if err != nil {
		return nil, err
	}
	var base, head string
	if c != nil {
		base, head = c.Base, c.Head()
	} else {
		if base, err = knownCommit(ctx, h, from, h.repo.String()); err != nil {
			return nil, err
		}
		if head, err = knownCommit(ctx, h, to, h.repo.String()); err != nil {
			return nil, err
		}
		if c, err = h.sources.compare(ctx, h.repo, base, head); err != nil {
			return nil, err
		}
	}
	b := &Between{From: base, To: head}
	switch c.Relation {
	case github.BaseUnknown:
		return nil, notKnown(fmt.Sprintf("%s has no commit %s", h.repo, base))
	case github.HeadUnknown:
		return nil, notKnown(fmt.Sprintf("%s has no commit %s", h.repo, head))
	case github.Identical:
		return b, nil
	case github.Ahead, github.Diverged:
		b.Added = commitsIn(c)
	}
	if c.Relation == github.Diverged || c.Relation == github.Behind {
		back, err := h.sources.compare(ctx, h.repo, head, base)
		if err != nil {
			return nil, err
		}
		b.Removed = commitsIn(back)
	}
	if b.Added.Total+b.Removed.Total == 0 {
		return nil, notKnown(fmt.Sprintf("%s and %s have no commit in common", base, head))
	}
	return b, nil
}

func commitsIn(c *github.Comparison) Commits {
	list := Commits{Total: c.Total, URL: c.URL}
	for _, one := range slices.Backward(c.Commits) {
		list.Newest = append(list.Newest, Commit{Hash: one.SHA, Title: one.Title, Author: one.Author.String(), Pull: one.PullRequest})
	}
	return list
}

// whyNotKnown returns why the commits are not known, for people.
func whyNotKnown(err error) string { return problem.All(err)[0].Message }
