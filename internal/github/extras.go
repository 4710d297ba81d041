package github

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Extras are what a pull request has beside its content: labels, and people by their
// logins and teams by their slugs.
type Extras struct{ Labels, Assignees, Reviewers, Teams []string }

// IsEmpty reports whether there are none.
func (e Extras) IsEmpty() bool {
	return len(e.Labels)+len(e.Assignees)+len(e.Reviewers)+len(e.Teams) == 0
}

// Without returns the extras that others do not have. As on GitHub, case does not count.
func (e Extras) Without(others Extras) Extras {
	return Extras{
		Labels: without(e.Labels, others.Labels), Assignees: without(e.Assignees, others.Assignees),
		Reviewers: without(e.Reviewers, others.Reviewers), Teams: without(e.Teams, others.Teams),
	}
}

func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(others, func(other string) bool { return strings.EqualFold(slug(name), slug(other)) })
	})
}

// slug returns the name of a team without its organization. People write org/team too.
func slug(team string) string { return team[strings.LastIndexByte(team, '/')+1:] }

// givenDocument asks for what put labels and people on a pull request.
const givenDocument = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      timelineItems(first: 100, after: $after, itemTypes: [LABELED_EVENT, ASSIGNED_EVENT, REVIEW_REQUESTED_EVENT]) {
        nodes {
          __typename
          ... on LabeledEvent { label { name } }
          ... on AssignedEvent { assignee { __typename ... on User { login } ... on Bot { login } } }
          ... on ReviewRequestedEvent { requestedReviewer { __typename ... on User { login } ... on Bot { login } ... on Team { slug } } }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}`

// Given returns all that a pull request was ever given, by whomever. A label may have been
// taken off since, and a reviewer who has answered is no longer asked. Teams that the
// token may not see are hidden: then there may be others than those returned.
func (c *Client) Given(ctx context.Context, repo Repo, number int) (given Extras, hidden bool, err error) {
	type actor struct {
		Typename    string `json:"__typename"`
		Login, Slug string
	}
	variables := map[string]any{"owner": repo.Owner, "name": repo.Name, "number": number}
	for {
		var answer struct {
			Repository struct {
				PullRequest struct {
					TimelineItems struct {
						Nodes []struct {
							Typename          string `json:"__typename"`
							Label             struct{ Name string }
							Assignee          actor
							RequestedReviewer *actor
						}
						PageInfo struct {
							HasNextPage bool
							EndCursor   string
						}
					}
				}
			}
		}
		if err := c.query(repeatable(ctx), givenDocument, variables, &answer); err != nil {
			return given, hidden, c.fault(ctx, call{repo, fmt.Sprintf("reading the events of pull request #%d", number), "pull_requests=read"}, err)
		}
		items := answer.Repository.PullRequest.TimelineItems
		for _, n := range items.Nodes {
			switch {
			case n.Typename == "LabeledEvent":
				given.Labels = append(given.Labels, n.Label.Name)
			case n.Typename == "AssignedEvent":
				given.Assignees = append(given.Assignees, n.Assignee.Login)
			case n.Typename != "ReviewRequestedEvent":
			case n.RequestedReviewer == nil:
				hidden = true
			case n.RequestedReviewer.Typename == "Team":
				given.Teams = append(given.Teams, n.RequestedReviewer.Slug)
			default:
				given.Reviewers = append(given.Reviewers, n.RequestedReviewer.Login)
			}
		}
		if !items.PageInfo.HasNextPage {
			return given, hidden, nil
		}
		variables["after"] = items.PageInfo.EndCursor
	}
}
