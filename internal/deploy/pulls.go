package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8srepo/internal/github"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// openTo returns the first of pull requests that is open to a base; nil where none is.
func openTo(pulls []github.PullRequest, base string) *github.PullRequest {
	for i := range pulls {
		if pulls[i].Open && pulls[i].Base == base {
			return &pulls[i]
		}
	}
	return nil
}

// putPull opens the pull request, or brings it up to date. Somebody may have been
// faster at opening it: then it is theirs that is brought up to date. It returns
// github.ErrPullRequestExists where that is closed already, or GitHub does not list it yet.
func putPull(ctx context.Context, o *Options, b *base, p *proposal, plan *Outcome, text *body) (*github.PullRequest, error) {
	if p.open != nil {
		return updatePull(ctx, o, b, p, p.open, plan, text)
	}
	client, at := o.Pulls.GitHub, o.Pulls.Repo
	pull, err := client.CreatePullRequest(ctx, at, github.NewPullRequest{
		Title: text.title(), Body: text.markdown(""), Branch: p.branch, Base: b.Branch, Draft: b.policy.Draft,
	})
	if errors.Is(err, github.ErrPullRequestExists) {
		pulls, listErr := client.PullRequests(ctx, at, p.branch)
		if listErr != nil {
			return nil, listErr
		}
		if open := openTo(pulls, b.Branch); open != nil {
			return updatePull(ctx, o, b, p, open, plan, text)
		}
	}
	if err != nil {
		return nil, err
	}
	plan.Pull = Created
	return pull, finishPull(ctx, o, b, pull, plan)
}

// updatePull brings title and body up to date; what people wrote below the line stays.
// A run that ended before it added labels and reviewers is completed. Where the pull request was
// closed meanwhile, it returns repo.ErrMoved.
func updatePull(ctx context.Context, o *Options, b *base, p *proposal, open *github.PullRequest, plan *Outcome, text *body) (*github.PullRequest, error) {
	if plan.Pull == "" {
		plan.Pull = Updated
	}
	title, markdown := text.title(), text.markdown(open.Body)
	if open.Title != title || strings.ReplaceAll(open.Body, "\r\n", "\n") != markdown {
		edited, err := o.Pulls.GitHub.EditPullRequest(ctx, o.Pulls.Repo, open.Number, github.PullRequestEdit{Title: &title, Body: &markdown})
		if err != nil {
			return nil, err
		}
		if !edited.Open {
			return nil, fmt.Errorf("%s was closed: %w", edited.URL, repo.ErrMoved)
		}
		open, p.edited = edited, true
	}
	return open, finishPull(ctx, o, b, open, plan)
}

// extras returns what a policy puts on a pull request.
func (p *policy) extras() github.Extras {
	return github.Extras{Labels: p.Labels, Assignees: p.Assignees, Reviewers: p.Reviewers, Teams: p.TeamReviewers}
}

// finishPull adds the policy's labels, assignees and reviewers that a pull request was
// never given: one that a person took away stays away. What cannot be added is a notice:
// the pull request is there anyway.
func finishPull(ctx context.Context, o *Options, b *base, pull *github.PullRequest, plan *Outcome) error {
	client, at := o.Pulls.GitHub, o.Pulls.Repo
	missing := b.policy.extras().Without(pull.Extras)
	var warnings problem.List
	if !missing.IsEmpty() && plan.Pull != Created {
		given, hidden, err := client.Given(ctx, at, pull.Number)
		missing = missing.Without(given)
		if hidden {
			missing.Teams = nil
		}
		if err != nil {
			missing = github.Extras{}
			warnings.Add(err)
		}
	}
	if len(missing.Labels) > 0 {
		warnings.Add(client.AddLabels(ctx, at, pull.Number, missing.Labels))
	}
	if len(missing.Assignees) > 0 {
		more, err := client.AddAssignees(ctx, at, pull.Number, missing.Assignees)
		warnings = append(warnings, more...)
		warnings.Add(err)
	}
	if len(missing.Reviewers)+len(missing.Teams) > 0 {
		more, err := client.RequestReviews(ctx, at, pull.Number, missing.Reviewers, missing.Teams)
		warnings = append(warnings, more...)
		warnings.Add(err)
	}
	for _, w := range warnings {
		plan.notice("%s: %s", pull.URL, w.Message)
	}
	return ctx.Err()
}
