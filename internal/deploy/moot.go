package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/github"
	"k8srepo/internal/problem"
)

// closeIfMoot closes an open pull request that has nothing left to bring.
func closeIfMoot(ctx context.Context, o *Options, t *task, b *base, p *proposal, plan *Outcome) (*Outcome, error) {
	if p.open == nil || p.diff == nil || !isOurs(t, p.targets, p.diff.changes) {
		return plan, nil
	}
	why, err := t.whyMoot(ctx, b, p.diff)
	if err != nil {
		return nil, err
	}
	if why == "" {
		return plan, nil
	}
	return plan, closePull(ctx, o, p.open, plan, "There is nothing left to deploy here: "+why)
}

// whyMoot returns why a base has what an open pull request proposes; "" where it has not.
func (t *task) whyMoot(ctx context.Context, b *base, proposed *difference) (string, error) {
	if t.moot != nil {
		return t.moot(ctx, b, proposed)
	}
	done, err := proposed.isThere(ctx, b)
	if err != nil || !done {
		return "", err
	}
	return t.env() + " has it already.", nil
}

// closePull closes a pull request with a comment, and deletes its branch. That the
// branch stays is a notice.
func closePull(ctx context.Context, o *Options, pull *github.PullRequest, plan *Outcome, comment string) error {
	client, at := o.Pulls.GitHub, o.Pulls.Repo
	if err := client.Comment(ctx, at, pull.Number, comment); err != nil {
		return err
	}
	closed := false
	if _, err := client.EditPullRequest(ctx, at, pull.Number, github.PullRequestEdit{Open: &closed}); err != nil {
		return err
	}
	plan.notice("%s was closed: %s", pull.URL, comment)
	if err := o.Store.DeleteBranch(ctx, pull.Branch, pull.Head); err != nil {
		plan.notice("the branch %s stays: %s", pull.Branch, problem.All(err)[0].Message)
	}
	return nil
}

// closeDeploys closes the open deployments of a service that is rolled back or held.
func closeDeploys(ctx context.Context, o *Options, t *task, plan *Outcome) error {
	pulls, err := o.Pulls.GitHub.OpenPullRequests(ctx, o.Pulls.Repo, deployPrefix)
	if err != nil {
		return err
	}
	what := map[kind]string{rollingBack: "rolled back", holding: "held"}[t.kind]
	for _, pull := range pulls {
		envs, names, _ := parseBranch(deployPrefix, pull.Branch)
		if !slices.Contains(envs, t.envs[0]) || !slices.Contains(names, t.names[0]) {
			continue
		}
		if err := closePull(ctx, o, &pull, plan, fmt.Sprintf("%s is %s in %s: see %s.", t.names[0], what, t.env(), plan.PullRequest)); err != nil {
			return err
		}
	}
	return nil
}

// mootDeploy returns why nothing of what is proposed is left to deploy: the environment runs
// it, or something newer. It is "" where something is left.
func mootDeploy(ctx context.Context, o *Options, b *base, selections []bump.Selection, proposed *difference) (string, error) {
	var whys []string
	for _, s := range selections {
		targets, err := s.Query(b.FS(ctx))
		if err != nil {
			return "", err
		}
		for _, ref := range proposed.proposed(scope{targets}) {
			s := s
			if target := targets.Target(ref); target.Service != "" {
				s.Services, s.Images = []string{target.Service}, nil
			} else {
				s.Services, s.Images = nil, []string{target.Repository.Name}
			}
			s.Tag, s.Digest, s.Renames, s.Expect, s.ResolveDigest = ref.Tag, ref.Digest, nil, 0, false
			again := *o
			again.DryRun = false
			still, err := planBump(ctx, &again, b, s, nil)
			var why string
			switch {
			case err != nil && isRefusal(err):
				return "", nil // for people to judge
			case err != nil:
				return "", err
			case still.Status == Unchanged:
				why = fmt.Sprintf("%s runs `%s` already.", s.Env, ref.TagOrDigest())
			case still.Status == Superseded:
				why = fmt.Sprintf("%s runs `%s`, which is newer than `%s`.", s.Env, strings.Join(still.OldTags(), "`, `"), ref.TagOrDigest())
			default:
				return "", nil
			}
			if !slices.Contains(whys, why) {
				whys = append(whys, why)
			}
		}
	}
	return strings.Join(whys, " "), nil
}
