package github

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	gh "github.com/google/go-github/v57/github"
)

// PullRequest is a pull request.
type PullRequest struct {
	Number int
	NodeID string // GraphQL's name for it
	URL    string // for people
	Title  string
	Body   string
	Open   bool
	Merged bool
	Draft  bool

	Branch string // the head's
	Head   string // the commit that the branch is at; once closed, was at
	Base   string // the branch that it is to be merged into

	Author    Person
	Extras    Extras // reviewers are those who were asked and have not answered
	AutoMerge bool
	Created   time.Time
	Closed    time.Time // zero while it is open
}

func pullOf(p *gh.PullRequest) PullRequest {
	out := PullRequest{
		Number: p.GetNumber(), NodeID: p.GetNodeID(), URL: p.GetHTMLURL(),
		Title: p.GetTitle(), Body: p.GetBody(),
		Open: p.GetState() == "open", Merged: p.GetMerged() || p.MergedAt != nil, Draft: p.GetDraft(),
		Branch: p.GetHead().GetRef(), Head: p.GetHead().GetSHA(), Base: p.GetBase().GetRef(),
		Author: personOf(p.GetUser()), AutoMerge: p.AutoMerge != nil,
		Created: p.GetCreatedAt().Time, Closed: p.GetClosedAt().Time,
	}
	for _, l := range p.Labels {
		out.Extras.Labels = append(out.Extras.Labels, l.GetName())
	}
	for _, u := range p.Assignees {
		out.Extras.Assignees = append(out.Extras.Assignees, u.GetLogin())
	}
	for _, u := range p.RequestedReviewers {
		out.Extras.Reviewers = append(out.Extras.Reviewers, u.GetLogin())
	}
	for _, t := range p.RequestedTeams {
		out.Extras.Teams = append(out.Extras.Teams, t.GetSlug())
	}
	return out
}

// PullRequests returns the pull requests of a branch of the repository, open and
// closed, the newest first.
func (c *Client) PullRequests(ctx context.Context, repo Repo, branch string) ([]PullRequest, error) {
	// Without its owner GitHub ignores the branch and lists everything.
	return c.pulls(ctx, repo, gh.PullRequestListOptions{State: "all", Head: repo.Owner + ":" + branch}, func(p *gh.PullRequest) bool {
		return p.GetHead().GetRef() == branch && isOwn(p)
	})
}

// OpenPullRequests returns the open pull requests of branches of the repository whose
// names begin with prefix, the newest first.
func (c *Client) OpenPullRequests(ctx context.Context, repo Repo, prefix string) ([]PullRequest, error) {
	return c.pulls(ctx, repo, gh.PullRequestListOptions{State: "open"}, func(p *gh.PullRequest) bool {
		return strings.HasPrefix(p.GetHead().GetRef(), prefix) && isOwn(p)
	})
}

// isOwn reports whether a branch is of the repository itself, and not of a fork.
func isOwn(p *gh.PullRequest) bool {
	head, base := p.GetHead().GetRepo(), p.GetBase().GetRepo()
	return head.GetID() == base.GetID()
}

func (c *Client) pulls(ctx context.Context, repo Repo, o gh.PullRequestListOptions, want func(*gh.PullRequest) bool) ([]PullRequest, error) {
	o.Sort, o.Direction = "created", "desc"
	all, err := pages(func(page gh.ListOptions) ([]*gh.PullRequest, *gh.Response, error) {
		o.ListOptions = page
		return c.rest.PullRequests.List(ctx, repo.Owner, repo.Name, &o)
	})
	if err != nil {
		return nil, c.fault(ctx, call{repo, "listing pull requests", "pull_requests=read"}, err)
	}
	var out []PullRequest
	for _, p := range all {
		if want(p) {
			out = append(out, pullOf(p))
		}
	}
	return out, nil
}

// NewPullRequest is a pull request to be opened.
type NewPullRequest struct {
	Title, Body string
	Branch      string // of the same repository
	Base        string
	Draft       bool
}

// A branch that has just been pushed is not known to all of GitHub at once.
const (
	unknownHeadTries = 5
	unknownHeadWait  = 500 * time.Millisecond
)

// CreatePullRequest opens a pull request. The error may be ErrPullRequestExists,
// ErrNoDifference, or, after several attempts over some seconds, ErrUnknownHead.
func (c *Client) CreatePullRequest(ctx context.Context, repo Repo, n NewPullRequest) (*PullRequest, error) {
	at := call{repo, "opening a pull request for " + n.Branch, "pull_requests=write"}
	request := &gh.NewPullRequest{Title: &n.Title, Body: &n.Body, Head: &n.Branch, Base: &n.Base}
	if n.Draft {
		request.Draft = &n.Draft
	}
	sent := false // an attempt got no answer
	for try := 1; ; try++ {
		made, _, err := c.rest.PullRequests.Create(ctx, repo.Owner, repo.Name, request)
		if err == nil && made.GetNumber() == 0 {
			err = errEmpty
		}
		if err == nil {
			pull := pullOf(made)
			return &pull, nil
		}
		unknown := outcomeUnknown(err)
		err = c.fault(ctx, at, err)
		switch sent = sent || unknown; {
		case unknown, sent && errors.Is(err, ErrPullRequestExists):
			found, listErr := c.openPull(ctx, repo, n)
			if listErr != nil || found != nil {
				return found, listErr
			}
		case !errors.Is(err, ErrUnknownHead):
			return nil, err
		}
		wait := unknownHeadWait << (try - 1)
		if unknown {
			wait = pause(err, try)
		}
		if try == unknownHeadTries || !fits(ctx, wait) {
			return nil, err
		}
		if sleepErr := c.sleep(ctx, wait); sleepErr != nil {
			return nil, c.fault(ctx, at, sleepErr)
		}
	}
}

// openPull returns the open pull request that n would be, nil if there is none.
func (c *Client) openPull(ctx context.Context, repo Repo, n NewPullRequest) (*PullRequest, error) {
	all, err := c.PullRequests(ctx, repo, n.Branch)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.Open && p.Base == n.Base {
			return &p, nil
		}
	}
	return nil, nil
}

// PullRequestEdit is what to change of a pull request. Nil leaves it as it is.
type PullRequestEdit struct {
	Title, Body *string
	Open        *bool
}

// EditPullRequest changes a pull request, and returns it as it is then.
func (c *Client) EditPullRequest(ctx context.Context, repo Repo, number int, e PullRequestEdit) (*PullRequest, error) {
	change := &gh.PullRequest{Title: e.Title, Body: e.Body}
	if e.Open != nil {
		state := "closed"
		if *e.Open {
			state = "open"
		}
		change.State = &state
	}
	got, _, err := c.rest.PullRequests.Edit(repeatable(ctx), repo.Owner, repo.Name, number, change)
	if err == nil && got.GetNumber() == 0 {
		err = errEmpty
	}
	if err != nil {
		return nil, c.fault(ctx, call{repo, fmt.Sprintf("editing pull request #%d", number), "pull_requests=write"}, err)
	}
	pull := pullOf(got)
	return &pull, nil
}

// ClosedBy returns who closed a pull request; the zero Person if it is open or GitHub
// does not say.
func (c *Client) ClosedBy(ctx context.Context, repo Repo, number int) (Person, error) {
	issue, _, err := c.rest.Issues.Get(ctx, repo.Owner, repo.Name, number)
	if err != nil {
		return Person{}, c.fault(ctx, call{repo, fmt.Sprintf("reading pull request #%d", number), "pull_requests=read"}, err)
	}
	return personOf(issue.GetClosedBy()), nil
}

// Comment is a comment on a pull request.
type Comment struct {
	Author  Person
	Body    string
	Created time.Time
}

// Comments returns the comments on a pull request, the oldest first.
func (c *Client) Comments(ctx context.Context, repo Repo, number int) ([]Comment, error) {
	all, err := pages(func(page gh.ListOptions) ([]*gh.IssueComment, *gh.Response, error) {
		return c.rest.Issues.ListComments(ctx, repo.Owner, repo.Name, number, &gh.IssueListCommentsOptions{ListOptions: page})
	})
	if err != nil {
		return nil, c.fault(ctx, call{repo, fmt.Sprintf("listing the comments on pull request #%d", number), "pull_requests=read"}, err)
	}
	out := make([]Comment, len(all))
	for i, comment := range all {
		out[i] = Comment{personOf(comment.GetUser()), comment.GetBody(), comment.GetCreatedAt().Time}
	}
	return out, nil
}

// Comment comments on a pull request. Where the answer is lost, a last comment
// with the same text counts as this one.
func (c *Client) Comment(ctx context.Context, repo Repo, number int, body string) error {
	at := call{repo, fmt.Sprintf("commenting on pull request #%d", number), "pull_requests=write"}
	for try := 1; ; try++ {
		_, _, err := c.rest.Issues.CreateComment(ctx, repo.Owner, repo.Name, number, &gh.IssueComment{Body: &body})
		if !outcomeUnknown(err) || try == maxAttempts {
			return c.fault(ctx, at, err)
		}
		there, listErr := c.Comments(ctx, repo, number)
		if listErr != nil {
			return c.fault(ctx, at, err)
		}
		if n := len(there); n > 0 && there[n-1].Body == body {
			return nil
		}
		if sleepErr := c.sleep(ctx, pause(err, try)); sleepErr != nil {
			return c.fault(ctx, at, sleepErr)
		}
	}
}

// MergeMethod is how a pull request becomes part of its base.
type MergeMethod string

// The merge methods; a repository allows some of them.
const (
	Merge  MergeMethod = "MERGE"
	Squash MergeMethod = "SQUASH"
	Rebase MergeMethod = "REBASE"
)

// EnableAutoMerge has GitHub merge a pull request once required checks and reviews pass,
// provided that its head is the commit given. The error may be ErrAutoMerge or
// ErrHeadMoved. A method of "" is GitHub's own choice.
func (c *Client) EnableAutoMerge(ctx context.Context, repo Repo, pull *PullRequest, head string, method MergeMethod) error {
	input := map[string]any{"pullRequestId": pull.NodeID, "expectedHeadOid": head}
	if method != "" {
		input["mergeMethod"] = method
	}
	const document = `mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { pullRequest { number } }
}`
	var ignored any
	err := c.query(repeatable(ctx), document, map[string]any{"input": input}, &ignored)
	return c.fault(ctx, call{repo, fmt.Sprintf("enabling auto-merge of pull request #%d", pull.Number), "pull_requests=write, contents=write"}, err)
}
