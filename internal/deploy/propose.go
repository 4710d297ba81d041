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

// PullRequests is where a run proposes what it may not push.
type PullRequests struct {
	GitHub    *github.Client // for the k8s repo
	Repo      github.Repo    // the k8s repo
	Sources   *Sources       // the services' own repositories; nil leaves their commits out
	AutoMerge bool           // merge by itself once required checks and reviews pass
}

// proposal is the pull request of a task, as it is: one per environment and set of
// services, on a branch of its own.
type proposal struct {
	branch  string
	targets scope                // whose images may differ
	pulls   []github.PullRequest // of the branch, the newest first
	open    *github.PullRequest  // to the base; nil where there is none
	head    *repo.Commit         // of the branch; nil where there is none
	diff    *difference          // of the head; nil where there is none, or it is unrelated
	edited  bool                 // the text of the pull request was edited
}

// isPersons reports whether the branch changes more than is ours: see isOurs. One that is
// unrelated to the base, or is not there, is a person's.
func (p *proposal) isPersons(t *task) bool {
	return p.diff == nil || !isOurs(t, p.targets, p.diff.changes)
}

// propose opens the pull request of a plan, updates it, or closes it where nothing is left to
// propose.
func propose(ctx context.Context, o *Options, t *task, a *attempts, b *base, plan *Outcome) (*Outcome, error) {
	t, err := joinSet(ctx, o, t, b, plan)
	if err != nil {
		return plan, err
	}
	p, err := readProposal(ctx, o, t, b, a.count == 1 && t.joined == "")
	if err != nil {
		return nil, err
	}
	if p.open != nil {
		plan.PullRequest = p.open.URL
	}
	if plan.Status == Unchanged || plan.Status == Superseded {
		return closeIfMoot(ctx, o, t, b, p, plan)
	}
	if p.open != nil && p.isPersons(t) {
		plan.Pull = Declined
		return plan, stopForPerson(ctx, o, t, p, plan)
	}
	if t.kind == deploying { // a rollback and a hold are asked for by a person, and later
		if declined, err := declinedByPerson(ctx, o, b, p, plan); err != nil || declined {
			return plan, err
		}
	}
	newer, err := proposesNewer(ctx, o, t, b, p)
	if err != nil {
		return nil, err
	}
	if newer != nil && newer.Status == Superseded {
		plan.Status, plan.Pull = Superseded, ""
		where := "the branch " + p.branch
		if p.open != nil {
			where, plan.Pull = p.open.URL, Untouched
		}
		plan.notice("%s proposes something newer", where)
		if p.open != nil && a.outrun {
			return plan, describe(ctx, o, t, b, p, plan, newer)
		}
		return plan, nil
	}
	if plan, err = besideProposed(ctx, t, b, p, plan, newer); err != nil {
		return nil, err
	}
	return putProposal(ctx, o, t, a, b, p, plan)
}

// besideProposed returns a plan with what the open pull request proposes for other
// services of its set, and for those of which it proposes something newer.
func besideProposed(ctx context.Context, t *task, b *base, p *proposal, plan, newer *Outcome) (*Outcome, error) {
	if p.open == nil || p.diff == nil || t.kind != deploying || t.joined == "" && (newer == nil || len(newer.Superseded) == 0) {
		return plan, nil
	}
	var own []string
	for _, s := range t.parts {
		own = append(own, namesOf(s)...)
	}
	t.kept = p.diff.kept(t, p.targets, func(name string) bool {
		return !slices.Contains(own, name) || newer != nil && slices.ContainsFunc(newer.Superseded, func(i bump.ImageChange) bool {
			target := p.targets.of(i.Place.File).Target(i.Old)
			return target != nil && target.Name() == name
		})
	})
	again, err := t.plan(ctx, b)
	if err != nil {
		return nil, err
	}
	again.Branch, again.PullRequest = plan.Branch, plan.PullRequest
	return again, nil
}

// readProposal reads the pull requests of a task's branch, and the branch itself. Where
// there is no pull request, the branch is only looked for after it got in the way.
func readProposal(ctx context.Context, o *Options, t *task, b *base, first bool) (*proposal, error) {
	p := &proposal{branch: t.branch()}
	var err error
	if p.targets, err = t.scope(ctx, b); err != nil {
		return nil, err
	}
	if p.pulls, err = o.Pulls.GitHub.PullRequests(ctx, o.Pulls.Repo, p.branch); err != nil {
		return nil, err
	}
	p.open = openTo(p.pulls, b.Branch)
	if first && len(p.pulls) == 0 {
		return p, nil
	}
	p.head, err = o.Store.Tip(ctx, p.branch, t.likely()...)
	if errors.Is(err, repo.ErrNoBranch) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	p.diff, err = readDifference(ctx, o, b, p.head)
	if errors.Is(err, repo.ErrUnrelated) {
		return p, nil
	}
	return p, err
}

// proposesNewer returns what the task would change of its own branch: the outcome is Superseded
// where the branch proposes a newer tag, and nil where it proposes nothing. The branch of a closed
// pull request proposes nothing, nor does one that a person has changed. A branch that never had a
// pull request counts: another run is about to open it.
func proposesNewer(ctx context.Context, o *Options, t *task, b *base, p *proposal) (*Outcome, error) {
	if p.diff == nil || t.kind != deploying || p.isPersons(t) {
		return nil, nil
	}
	leftOver := func(pull github.PullRequest) bool { return !pull.Open && pull.Head == p.head.Hash }
	if p.open == nil && slices.ContainsFunc(p.pulls, leftOver) {
		return nil, nil
	}
	proposed, err := t.plan(ctx, &base{Commit: p.head, policy: b.policy, home: b.home, open: b.open})
	if errors.Is(err, ErrHeld) {
		return nil, nil
	}
	return proposed, err
}

// putProposal brings the branch and its pull request to what the plan says.
func putProposal(ctx context.Context, o *Options, t *task, a *attempts, b *base, p *proposal, plan *Outcome) (*Outcome, error) {
	exact := false
	var err error
	if p.diff != nil && p.open != nil {
		if exact, err = p.diff.holds(ctx, b, plan, t.reason); err != nil {
			return nil, err
		}
	}
	replaced, err := replacedTag(ctx, o, t, p, plan)
	if err != nil {
		return nil, err
	}
	head := ""
	if exact {
		head, plan.Pull = p.head.Hash, Untouched
	} else if head, err = pushProposal(ctx, o, t, a, b, p, plan); err != nil {
		return nil, err
	}
	text, err := bodyOf(ctx, o, t, b, plan)
	if err != nil {
		return nil, err
	}
	pull, err := putPull(ctx, o, b, p, plan, text)
	if err != nil {
		return nil, err
	}
	if p.edited && t.kind == deploying {
		if err := isStillAt(ctx, o, p.branch, head); err != nil {
			a.outrun = true
			return nil, err
		}
	}
	if replaced != "" {
		if err := o.Pulls.GitHub.Comment(ctx, o.Pulls.Repo, pull.Number, replaced); err != nil {
			return nil, err
		}
	}
	if o.Pulls.AutoMerge && !pull.AutoMerge {
		err := o.Pulls.GitHub.EnableAutoMerge(ctx, o.Pulls.Repo, pull, head, "")
		if errors.Is(err, github.ErrAutoMerge) {
			plan.notice("%s is not set to merge by itself: %v", pull.URL, err)
		} else if err != nil {
			return nil, err
		}
	}
	plan.Status, plan.Commit, plan.PullRequest, plan.Branch = Proposed, head, pull.URL, p.branch
	if exact && t.kind != deploying {
		plan.Status, plan.Note = Unchanged, pull.URL+" proposes it already"
	}
	return plan, closeDeploys(ctx, o, t, b, plan)
}

// isStillAt returns repo.ErrMoved if a proposal's branch is no longer where this run put it, or found
// it: another run has moved it, and may have written its text before this one's, or it is merged and
// gone.
func isStillAt(ctx context.Context, o *Options, branch, head string) error {
	switch tip, err := o.Store.Tip(ctx, branch); {
	case errors.Is(err, repo.ErrNoBranch), err == nil && tip.Hash != head:
		return fmt.Errorf("%s: %w", branch, repo.ErrMoved)
	default:
		return err
	}
}

// describe has the pull request say what its branch proposes: the text of a run that another one
// outran is of what is no longer there. Who asked for the other's, and why, is not known here.
func describe(ctx context.Context, o *Options, t *task, b *base, p *proposal, plan, newer *Outcome) error {
	there, err := besideProposed(ctx, t, b, p, plan, newer)
	if err != nil {
		return err
	}
	text, err := bodyOf(ctx, o, t, b, there)
	if err != nil {
		return err
	}
	text.Reason, text.RequestedBy, text.RunURL = "", "", ""
	if _, err := updatePull(ctx, o, b, p, p.open, there, text); err != nil {
		return err
	}
	return isStillAt(ctx, o, p.branch, p.head.Hash)
}

// replacedTag returns the comment about a tag that somebody else put on the branch, which
// another one replaces; "" where there is none.
func replacedTag(ctx context.Context, o *Options, t *task, p *proposal, plan *Outcome) (string, error) {
	if p.open == nil || p.diff == nil || t.kind != deploying {
		return "", nil
	}
	label := ProposedTag(p.open.Body)
	if label == "" {
		return "", nil
	}
	known := strings.Split(label, ", ")
	for _, ref := range p.diff.proposed(p.targets) {
		if tag := ref.TagOrDigest(); !slices.Contains(known, tag) && tag != plan.NewTag {
			author, err := authorOf(ctx, o, p.head)
			return fmt.Sprintf("`%s`, which %s put on this branch, is replaced by `%s`.", tag, data(author), plan.NewTag), err
		}
	}
	return "", nil
}

// branchAbove returns the branch whose name another one begins with, up to a slash: Git cannot
// have both. It is "" where there is none, or that cannot be read.
func branchAbove(ctx context.Context, o *Options, branch string) string {
	for at, c := range branch {
		if c != '/' {
			continue
		}
		if _, err := o.Store.Tip(ctx, branch[:at]); err == nil {
			return branch[:at]
		}
	}
	return ""
}

// pushProposal puts one fresh commit on the base's tip on the branch, and returns its
// hash.
func pushProposal(ctx context.Context, o *Options, t *task, a *attempts, b *base, p *proposal, plan *Outcome) (string, error) {
	message, err := messageOf(o, t, plan)
	if err != nil {
		return "", err
	}
	old := ""
	if p.head != nil {
		old = p.head.Hash
	}
	hash, err := o.Store.Commit(ctx, repo.PendingCommit{
		Parent: b.Commit, Branch: p.branch, Old: old, Files: plan.contents(), Message: message, When: a.when,
	})
	a.sent(p.branch, old, err)
	if err == nil {
		a.proposed = p.branch
	}
	if err != nil && old == "" && !errors.Is(err, repo.ErrMoved) && !errors.Is(err, repo.ErrOutcomeUnknown) {
		if inTheWay := branchAbove(ctx, o, p.branch); inTheWay != "" {
			return "", problem.Refuse("rename or delete it: Git has no branch below the name of another", "the branch %s cannot be made, because there is a branch %s", p.branch, inTheWay)
		}
	}
	if errors.Is(err, repo.ErrProtected) {
		refusal := *problem.All(err)[0]
		refusal.Hint = fmt.Sprintf("that is the branch of the pull request: let the account of TAGBUMP_TOKEN create, update and delete the branches %s** and %s**, past the rule that protects them", deployPrefix, rollbackPrefix)
		err = &problem.Fault{Problem: &refusal, Kind: repo.ErrProtected, Cause: err}
	}
	return hash, err
}
