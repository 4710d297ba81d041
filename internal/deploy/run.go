package deploy

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/hold"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// Options are what all commands that write to a k8s repo share.
type Options struct {
	Store  Store
	URL    string // the k8s repo's, for people
	Branch string // "" is the policy's, else the repository's default
	Push   bool   // push where the k8s repo has no policy for the environment; with Force, past one
	Force  bool   // deploy an older tag, or one whose history has diverged or is not known
	DryRun bool

	// Pulls is where pull requests are opened; nil refuses an environment whose policy
	// wants them.
	Pulls *PullRequests

	// Verify returns an error where an image is not in its registry. It is called before
	// anything is written; nil checks nothing.
	Verify func(ctx context.Context, image string) error

	// LookupDigest asks a registry for the digest of a reference.
	LookupDigest func(ctx context.Context, ref string) (string, error)

	// History returns the commits that a target is built from; nil, or nil for a target,
	// where they are not known.
	History func(t bump.Target) History

	Message     string // a template over Message; "" is the default one
	RunURL      string // of the CI run, for the message; may be empty
	RequestedBy string // who asks, for holds; may be empty

	Now      func() time.Time                                 // nil is time.Now
	Sleep    func(ctx context.Context, d time.Duration) error // nil waits in real time
	Progress func(line string)                                // nil is silence
}

func (o *Options) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

func (o *Options) progress(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// task is one change of one environment, or of several that move together: what a
// command does to the files of a tip. It is made again, from the start, when the branch
// has moved.
type task struct {
	kind    kind
	envs    []string // sorted
	from    string   // the environment whose tags are promoted; may be empty
	names   []string // of the services, as people call them
	version string   // what is to run, as far as it is known beforehand
	// selections are whose images may be moved, and where they are: one for each of envs.
	selections []bump.Selection
	reason     string // why, in a commit's message; may be empty

	parts  []bump.Selection // what a deployment was asked for
	joined string           // the pull request of the set that it is a part of; "" where it is of none
	kept   []bump.Selection // what is proposed beside it, and stays so

	// plan decides what is to be written, in memory.
	plan func(ctx context.Context, b *base) (*Outcome, error)
	// moot returns why a base has what an open pull request proposes, "" where it has not;
	// nil compares the files: see whyMoot.
	moot func(ctx context.Context, b *base, proposed *difference) (why string, err error)
}

// kind is what sort of change a task makes.
type kind int

const (
	deploying kind = iota
	rollingBack
	holding
	releasing
)

// branch returns the branch that a task is proposed on. A rollback, a hold and a
// release never share one with a deployment, which may have approvals.
func (t *task) branch() string {
	prefix := deployPrefix
	if t.kind != deploying {
		prefix = rollbackPrefix
	}
	return prefix + t.env() + "/" + strings.Join(sorted(t.names), "+")
}

// env returns the environments of a task in one word: prod, or prod+prod-next.
func (t *task) env() string { return strings.Join(t.envs, "+") }

// parseBranch returns what a branch with a prefix is about: see branch.
func parseBranch(prefix, branch string) (envs, names []string, ok bool) {
	rest, ok := strings.CutPrefix(branch, prefix)
	env, name, both := strings.Cut(rest, "/")
	if !ok || !both || env == "" || name == "" {
		return nil, nil, false
	}
	return strings.Split(env, "+"), strings.Split(name, "+"), true
}

// ProposalOf returns what a pull request is about, by the name of its branch: environments
// and the names of targets; ok is false where the branch is not tagbump's.
func ProposalOf(branch string) (envs, names []string, ok bool) {
	if envs, names, ok = parseBranch(deployPrefix, branch); ok {
		return envs, names, true
	}
	return parseBranch(rollbackPrefix, branch)
}

// Branches is what the names of all branches of pull requests begin with.
const Branches = "tagbump"

const (
	deployPrefix   = Branches + "/"
	rollbackPrefix = Branches + "-rollback/"
)

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }

// likely returns the paths that a task reads of a tip, where the environments' folders
// are the usual ones.
func (t *task) likely() []string {
	paths := t.inputs()
	for _, s := range t.selections {
		for _, service := range s.Services {
			paths = append(paths, path.Join(s.Env, "manifests", service))
		}
	}
	return paths
}

// inputs returns the files and folders that are read of a tip beside the manifests.
func (t *task) inputs() []string {
	paths := []string{inventory.UsersFile, inventory.EnvironmentsDir}
	for _, env := range t.envs {
		paths = append(paths, path.Join(hold.Dir, env))
	}
	return paths
}

// run reads the tip, plans the change, and pushes or proposes it. Where the branch
// has moved in between, or the server was overloaded, it starts over from the new
// tip: the change is a function of the files, so no push of anybody's is ever lost.
//
// The outcome is never nil. With an error it is Failed or Held, and says how often
// it was tried.
func run(ctx context.Context, o *Options, t *task) (*Outcome, error) {
	a := &attempts{when: o.now(), verified: map[string]bool{}}
	outcome, err := untilDone(ctx, o, t, a)
	if err != nil {
		failed := &Outcome{Result: &bump.Result{}, Status: Failed, NewTag: t.version}
		if errors.Is(err, ErrHeld) {
			failed.Status = Held
		}
		if outcome != nil { // a pull request that stands in the way
			failed.PullRequest, failed.Pull, failed.Notices = outcome.PullRequest, outcome.Pull, outcome.Notices
		}
		outcome = failed
	}
	outcome.Attempts, outcome.Waited = a.count, a.waited
	return outcome, err
}

func untilDone(ctx context.Context, o *Options, t *task, a *attempts) (*Outcome, error) {
	if err := checkMessage(o.Message); err != nil {
		return nil, err
	}
	for {
		a.begin()
		outcome, err := attempt(ctx, o, t, a)
		if err == nil {
			return outcome, nil
		}
		if err := a.wait(ctx, o, err); err != nil {
			return outcome, err
		}
	}
}

// attempt does a task once, from the tip of the branch.
func attempt(ctx context.Context, o *Options, t *task, a *attempts) (*Outcome, error) {
	t.kept = nil // what was proposed may have changed
	b, err := readBase(ctx, o, t)
	if err != nil {
		return nil, err
	}
	landed, err := a.landed(ctx, o, b)
	if err != nil {
		return nil, err
	}
	if landed != nil {
		closeBeside(ctx, o, t, b, landed)
		return landed, nil
	}
	plan, err := t.plan(ctx, b)
	if err != nil {
		return nil, err
	}
	plan.Branch = b.Branch
	if err := checkAfter(ctx, o, t, b, plan); err != nil {
		return nil, err
	}
	if err := verify(ctx, o, a, plan); err != nil {
		return nil, err
	}
	switch {
	case plan.Status == Planned:
		foresee(ctx, o, t, b, plan)
		return plan, nil
	case b.policy.Strategy == inventory.PullRequest && !pastPolicy(o):
		return propose(ctx, o, t, a, b, plan)
	case plan.Status != Changed:
		return plan, nil
	}
	if plan, err = push(ctx, o, t, a, b, plan); err == nil {
		closeBeside(ctx, o, t, b, plan)
	}
	return plan, err
}

// closeBeside closes what a commit that was pushed past the policy leaves open: see
// closeDeploys. The commit is there anyway, so an error is a notice.
func closeBeside(ctx context.Context, o *Options, t *task, b *base, plan *Outcome) {
	if b.policy.Strategy != inventory.PullRequest || o.Pulls == nil {
		return
	}
	if err := closeDeploys(ctx, o, t, b, plan); err != nil {
		plan.notice("open pull requests that deploy %s to %s may stay open: %s", t.names[0], t.env(), problem.All(err)[0].Message)
	}
}

// foresee notes in the plan of a dry run what would become of it.
func foresee(ctx context.Context, o *Options, t *task, b *base, plan *Outcome) {
	if err := b.policy.check(ctx, o, b, t.envs); err != nil {
		plan.notice("without --dry-run this is refused: %s", problem.All(err)[0].Error())
	} else if b.policy.Strategy == inventory.PullRequest && !pastPolicy(o) {
		plan.PullBranch = t.branch()
	}
}

// push puts the commit of a plan on the branch.
func push(ctx context.Context, o *Options, t *task, a *attempts, b *base, plan *Outcome) (*Outcome, error) {
	if b.policy.Strategy == inventory.PullRequest {
		plan.past = append(plan.past, fmt.Sprintf("strategy: %s (%s)", b.policy.Strategy, b.policy.decides))
	}
	message, err := messageOf(o, t, plan)
	if err != nil {
		return nil, err
	}
	plan.Commit, err = o.Store.Commit(ctx, repo.PendingCommit{
		Parent: b.Commit, Branch: b.Branch, Old: b.Hash, Files: plan.contents(), Message: message, When: a.when,
	})
	a.sent(b.Branch, b.Hash, err)
	if errors.Is(err, repo.ErrOutcomeUnknown) {
		a.unanswered = append(a.unanswered, plan)
	}
	return plan, err
}
