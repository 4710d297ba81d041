package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/github"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// stopForPerson refuses to touch the branch of an open pull request that a person has
// changed, and comments on the pull request, once for each commit.
func stopForPerson(ctx context.Context, o *Options, t *task, p *proposal, plan *Outcome) error {
	hash, author, err := p.person(ctx, o, t)
	if err != nil {
		return err
	}
	comments, err := o.Pulls.GitHub.Comments(ctx, o.Pulls.Repo, p.open.Number)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(comments, func(c github.Comment) bool {
		return strings.Contains(c.Body, stoppedLine) && strings.Contains(c.Body, hash)
	}) {
		text := fmt.Sprintf("%s\nThe commit %s by %s changes more than the tags of %s in %s, so tagbump leaves this branch alone, and `%s` is not proposed here. "+
			"Merge or close this pull request, and the next deployment opens a new one.", stoppedLine, hash, data(author), strings.Join(t.names, ", "), t.env(), plan.NewTag)
		if err := o.Pulls.GitHub.Comment(ctx, o.Pulls.Repo, p.open.Number, text); err != nil {
			return err
		}
	}
	return problem.Refuse("merge or close it, and run this again",
		"%s: the commit %.7s by %s changes more than the tags of %s in %s, so the branch %s is left alone", p.open.URL, hash, author, strings.Join(t.names, ", "), t.env(), p.branch)
}

// person returns the commit that makes the branch of an open pull request a person's, and its
// author.
func (p *proposal) person(ctx context.Context, o *Options, t *task) (hash, author string, err error) {
	who := p.head
	if p.diff != nil {
		if who, err = p.diff.person(ctx, t, p.targets); err != nil {
			return "", "", err
		}
	}
	if who == nil {
		who = &repo.Commit{Hash: p.open.Head}
	}
	author, err = authorOf(ctx, o, who)
	return who.Hash, author, err
}

// authorOf returns who made a commit, which may have been read without that.
func authorOf(ctx context.Context, o *Options, c *repo.Commit) (string, error) {
	if author := c.Author.String(); author != "" {
		return author, nil
	}
	commit, err := o.Pulls.GitHub.Commit(ctx, o.Pulls.Repo, c.Hash)
	if err != nil {
		return "", err
	}
	return commit.Author.String(), nil
}

// stoppedLine is the line that tagbump finds its own comment by. It is a label, and no proof.
const stoppedLine = "<!-- tagbump: stopped -->"

// declinedByPerson reports whether the last pull request to the base proposed the same, and
// a person closed it unmerged: the last closing counts. Then the plan says so, and only a
// person opens it again.
func declinedByPerson(ctx context.Context, o *Options, b *base, p *proposal, plan *Outcome) (bool, error) {
	at := slices.IndexFunc(p.pulls, func(pull github.PullRequest) bool { return pull.Base == b.Branch })
	if at < 0 || p.pulls[at].Open || p.pulls[at].Merged {
		return false, nil
	}
	last := p.pulls[at]
	same, err := proposedSame(ctx, o, &last, p, plan)
	if err != nil || !same {
		return false, err
	}
	by, err := o.Pulls.GitHub.ClosedBy(ctx, o.Pulls.Repo, last.Number)
	if err != nil {
		return false, err
	}
	self, err := o.Pulls.GitHub.Viewer(ctx)
	if err != nil {
		return false, err
	}
	if sameAccount(by.Login, self) {
		return false, nil
	}
	plan.Status, plan.PullRequest, plan.Pull = Unchanged, last.URL, Declined
	plan.notice("%s for %s was closed by %s, so it is not opened again: reopen it there", last.URL, plan.NewTag, by.Login)
	return true, nil
}

// sameAccount reports whether two logins are one account. An App has "[bot]" at the
// end of its login in some answers, and not in others.
func sameAccount(a, b string) bool {
	return a != "" && strings.EqualFold(strings.TrimSuffix(a, "[bot]"), strings.TrimSuffix(b, "[bot]"))
}

// proposedSame reports whether a closed pull request brought the same tags as a plan:
// its head has the images that the plan makes. Where the head is gone, the label in
// its body has to do, whose tags are in the order in which the services were named.
func proposedSame(ctx context.Context, o *Options, pull *github.PullRequest, p *proposal, plan *Outcome) (bool, error) {
	closed, err := o.Pulls.GitHub.At(ctx, o.Pulls.Repo, pull.Head)
	if errors.Is(err, github.ErrNotFound) || errors.Is(err, github.ErrInvalid) {
		return slices.Equal(sorted(strings.Split(ProposedTag(pull.Body), ", ")), sorted(newTags(plan.Images))), nil
	}
	if err != nil {
		return false, err
	}
	var paths []string
	for _, f := range plan.Files {
		paths = append(paths, f.Path)
	}
	if err := closed.Fetch(ctx, paths...); err != nil {
		return false, err
	}
	for _, f := range plan.Files {
		data, err := contentAt(closed.FS(ctx), f.Path)
		if err != nil {
			return false, err
		}
		if data == nil || f.New == nil {
			if (data == nil) != (f.New == nil) {
				return false, nil
			}
			continue
		}
		was, _ := p.targets.imagesIn(bump.File{Path: f.Path, Data: data})
		is, _ := p.targets.imagesIn(bump.File{Path: f.Path, Data: f.New})
		same := func(x, y bump.ImageChange) bool { return x.Old.String() == y.Old.String() }
		if !slices.EqualFunc(was, is, same) {
			return false, nil
		}
	}
	return true, nil
}
