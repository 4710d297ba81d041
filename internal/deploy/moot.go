package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/github"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// closeIfMoot closes an open pull request that has nothing left to bring.
func closeIfMoot(ctx context.Context, o *Options, t *task, b *base, p *proposal, plan *Outcome) (*Outcome, error) {
	if p.open == nil {
		return plan, nil
	}
	var why string
	if !p.isPersons(t) {
		var err error
		if why, err = t.whyMoot(ctx, b, p.diff); err != nil {
			return nil, err
		}
	}
	if why == "" {
		if t.kind == releasing { // there is no hold to release, and still the service is held
			plan.notice("%s: merge or close it first", proposedHold{t.env(), t.names[0], p.open.URL})
		}
		return plan, nil
	}
	if err := isStillAt(ctx, o, p.branch, p.head.Hash); err != nil {
		return nil, err
	}
	if err := closePull(ctx, o, p.open, plan, "There is nothing left to deploy here: "+why); err != nil {
		return plan, err
	}
	if deleteBranch(ctx, o, p, plan) {
		return plan, nil
	}
	if moved := isStillAt(ctx, o, p.branch, p.head.Hash); errors.Is(moved, repo.ErrMoved) { // another run proposes something newer
		open := true
		if _, err := o.Pulls.GitHub.EditPullRequest(ctx, o.Pulls.Repo, p.open.Number, github.PullRequestEdit{Open: &open}); err != nil {
			return nil, err
		}
		return nil, moved
	}
	return plan, nil
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

// closePull closes a pull request with a comment.
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
	return nil
}

// deleteBranch deletes the branch of a proposal, unless it has moved since it was read. Where it
// stays, a notice says why.
func deleteBranch(ctx context.Context, o *Options, p *proposal, plan *Outcome) (done bool) {
	err := o.Store.DeleteBranch(ctx, p.branch, p.head.Hash)
	if err != nil {
		plan.notice("the branch %s stays: %s", p.branch, problem.All(err)[0].Message)
	}
	return err == nil
}

// closeDeploys closes the open deployments of a service that is rolled back or held, and of
// those that share its image, and deletes their branches. That of one which a person changed
// stays, and the comment says so. Other tasks close none.
func closeDeploys(ctx context.Context, o *Options, t *task, b *base, plan *Outcome) error {
	what, closes := map[kind]string{rollingBack: "rolled back", holding: "held"}[t.kind]
	if !closes {
		return nil
	}
	moved, refs := slices.Clone(t.names), versions(plan.Images)
	owners := servicesOf(b.FS(ctx), t.envs[0], refs)
	for _, ref := range refs {
		moved = append(moved, inventory.Names(owners[ref.Repository()])...)
	}
	pulls, err := o.Pulls.GitHub.OpenPullRequests(ctx, o.Pulls.Repo, deployPrefix)
	if err != nil {
		return err
	}
	for _, pull := range pulls {
		envs, names, _ := parseBranch(deployPrefix, pull.Branch)
		if pull.Base != b.Branch || !slices.Contains(envs, t.envs[0]) || !haveCommon(names, moved) {
			continue
		}
		p, stays, err := readDeploy(ctx, o, t, b, envs, names)
		if err != nil {
			return err
		}
		if p != nil && p.open == nil {
			continue // somebody closed it meanwhile
		}
		comment := fmt.Sprintf("%s is %s in %s: see %s.", t.names[0], what, t.env(), cmp.Or(plan.PullRequest, plan.Commit))
		if stays != "" {
			comment += fmt.Sprintf(" The branch %s stays: %s.", pull.Branch, stays)
		}
		if err := closePull(ctx, o, &pull, plan, comment); err != nil {
			return err
		}
		if stays == "" && p.head != nil {
			deleteBranch(ctx, o, p, plan)
		}
	}
	return nil
}

// readDeploy reads the proposal of services in environments, beside a task of one of them, and
// why its branch must stay when it is closed; "" where it may be deleted. What it changes may
// never be readable, as where an environment is gone: that does not keep it from being closed,
// and the proposal is nil then.
func readDeploy(ctx context.Context, o *Options, beside *task, b *base, envs, names []string) (p *proposal, stays string, err error) {
	t, err := deployOf(ctx, o, beside.selections[0], b, envs, names)
	if err == nil {
		p, err = readProposal(ctx, o, t, b, false)
	}
	if err == nil && (p.open == nil || p.head == nil || !p.isPersons(t)) {
		return p, "", nil
	}
	hash, author := "", ""
	if err == nil {
		hash, author, err = p.person(ctx, o, t)
	}
	if err != nil {
		if _, again := o.Store.Retry(err); again || ctx.Err() != nil {
			return nil, "", err
		}
		return nil, "what it changes cannot be read", nil
	}
	return p, fmt.Sprintf("the commit %s by %s changes more than the tags of %s in %s", hash, data(author), strings.Join(t.names, ", "), t.env()), nil
}

// deployOf returns the task of what the branch of a deployment is about. Its images are looked
// for where a selection has them; it has no version.
func deployOf(ctx context.Context, o *Options, places bump.Selection, b *base, envs, names []string) (*task, error) {
	var selections []bump.Selection
	for _, env := range envs {
		s := places
		if env != s.Env {
			s = *in(places, env)
		}
		s.Services, s.Images = nil, nil
		for _, name := range names {
			if err := addNamed(ctx, b, &s, name); err != nil {
				return nil, err
			}
		}
		selections = append(selections, s)
	}
	t := deployTask(o, selections)
	t.names = names
	return t, nil
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
