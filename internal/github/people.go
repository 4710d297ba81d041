package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v57/github"

	"k8srepo/internal/problem"
)

// Viewer returns the login of the token's owner.
func (c *Client) Viewer(ctx context.Context) (login string, err error) {
	var answer struct{ Viewer struct{ Login string } }
	if err := c.query(repeatable(ctx), "query { viewer { login } }", nil, &answer); err != nil {
		return "", c.fault(ctx, call{Repo{}, "reading the token's owner", ""}, err)
	}
	return answer.Viewer.Login, nil
}

// AddLabels puts labels on a pull request, beside those that it has. Labels that
// the repository does not have are made.
func (c *Client) AddLabels(ctx context.Context, repo Repo, number int, labels []string) error {
	if len(labels) == 0 {
		return nil
	}
	// go-github sends a bare list, which GitHub takes and does not describe.
	path := fmt.Sprintf("repos/%s/issues/%d/labels", repo, number)
	req, err := c.rest.NewRequest(http.MethodPost, path, map[string][]string{"labels": labels})
	if err == nil {
		_, err = c.rest.Do(repeatable(ctx), req, nil)
	}
	return c.fault(ctx, call{repo, fmt.Sprintf("labelling pull request #%d", number), "pull_requests=write"}, err)
}

// AddAssignees assigns people to a pull request, beside those that it has.
// Whoever cannot be assigned is in the warnings, and keeps nobody else away.
func (c *Client) AddAssignees(ctx context.Context, repo Repo, number int, logins []string) (warnings problem.List, err error) {
	if len(logins) == 0 {
		return nil, nil
	}
	at := call{repo, fmt.Sprintf("assigning pull request #%d", number), "pull_requests=write"}
	issue, _, err := c.rest.Issues.AddAssignees(repeatable(ctx), repo.Owner, repo.Name, number, logins)
	if err != nil {
		return nil, c.fault(ctx, at, err)
	}
	// GitHub passes over whom it cannot assign without a word.
	for _, login := range logins {
		if !hasLogin(issue.Assignees, login) {
			warnings.Add(problem.New("it takes an account that can read the repository; check the environment's policy",
				"%s: %s cannot be assigned to pull request #%d", repo, login, number))
		}
	}
	return warnings, nil
}

// RequestReviews asks people and teams (by their slugs) to review a pull request,
// beside those that were asked. Whoever cannot be asked is in the warnings, and
// keeps nobody else from it.
func (c *Client) RequestReviews(ctx context.Context, repo Repo, number int, logins, teams []string) (warnings problem.List, err error) {
	if len(logins)+len(teams) == 0 {
		return nil, nil
	}
	at := call{repo, fmt.Sprintf("requesting reviews of pull request #%d", number), "pull_requests=write"}
	slugs := make([]string, len(teams))
	for i, t := range teams {
		slugs[i] = slug(t)
	}
	ask := func(r gh.ReviewersRequest) error {
		_, _, err := c.rest.PullRequests.RequestReviewers(repeatable(ctx), repo.Owner, repo.Name, number, r)
		return c.fault(ctx, at, err)
	}
	all := ask(gh.ReviewersRequest{Reviewers: logins, TeamReviewers: slugs})
	if all == nil || !isRefusal(all) {
		return nil, all
	}
	// GitHub asks all of them or none, so find out who is in the way.
	one := func(name, hint string, r gh.ReviewersRequest) {
		oneErr := all
		if len(logins)+len(slugs) > 1 {
			oneErr = ask(r)
		}
		if isRefusal(oneErr) {
			warnings.Add(problem.New(hint, "%s: %s cannot be asked to review pull request #%d: %s", repo, name, number, c.clean(reason(oneErr))))
		} else if err == nil {
			err = oneErr
		}
	}
	for _, login := range logins {
		one(login, "a reviewer can read the repository, and is not who opened the pull request", gh.ReviewersRequest{Reviewers: []string{login}})
	}
	for _, slug := range slugs {
		one("the team "+slug, "a team needs access to the repository, and the token to the organization's members: GITHUB_TOKEN cannot ask teams",
			gh.ReviewersRequest{TeamReviewers: []string{slug}})
	}
	return warnings, err
}

// isRefusal reports whether GitHub said no to what it was asked, rather than that
// it could not be asked.
func isRefusal(err error) bool {
	return errors.Is(err, ErrInvalid) || errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound)
}

// reason returns what GitHub itself said.
func reason(err error) string {
	var answer *gh.ErrorResponse
	if errors.As(err, &answer) && answer.Message != "" {
		return strings.TrimSuffix(answer.Message, ".")
	}
	return err.Error()
}

func hasLogin(users []*gh.User, login string) bool {
	for _, u := range users {
		if strings.EqualFold(u.GetLogin(), login) {
			return true
		}
	}
	return false
}
