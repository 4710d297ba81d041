// Package deploy takes one bump from the tip of a branch to a push or a pull
// request. The edit itself is package bump's, a function of the files: it is made
// again, from the start, when the branch has moved.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/inventory"
)

// Deployment is a bump of a k8s repo: from its branch's tip to a commit on it.
type Deployment struct {
	bump.Selection
	Remote *gitrepo.Remote
	Branch string // "" is the policy's, else the repository's default
	Push   bool   // push where the k8s repo has no policy for the environment; with Force, past one
	Force  bool   // deploy an older tag, or one whose history has parted
	DryRun bool

	// Pulls is where pull requests are opened, where the policy wants them; nil
	// cannot.
	Pulls *PullRequests

	// ViaAPI reads and commits over GitHub's API instead of Git, with Pulls' client:
	// GitHub makes and signs the commits, as the token's owner.
	ViaAPI bool

	// Verify tells whether an image is in its registry, before anything is
	// written; nil believes it.
	Verify func(ctx context.Context, image string) error

	// History is what is known of the commits that a target is built from, asked
	// for once a target; nil, or nil for a target, is nothing.
	History func(t bump.Target) History

	Author    gitrepo.Signature // When is ignored, here and below
	Committer gitrepo.Signature // the zero Signature is the author
	Signer    gitrepo.Signer    // nil leaves commits unsigned
	Message   string            // a template over Message; "" is the default one
	RunURL    string            // of the CI run, for the message; may be empty

	Now   func() time.Time                                 // nil is time.Now
	Sleep func(ctx context.Context, d time.Duration) error // waits between attempts, or returns the context's error; nil is real time
	Tell  func(progress string)                            // nil is silence
}

// What a Deployment comes to.
const (
	Changed    = "changed"    // the branch runs the tag, by a commit of ours
	Unchanged  = "unchanged"  // it did so before
	Superseded = "superseded" // something newer runs: nothing was done
	Planned    = "planned"    // a dry run would have changed it
	Failed     = "failed"     // an error tells why
)

// Outcome is what a Deployment came to.
type Outcome struct {
	*bump.Result
	Status      string
	Branch      string
	Commit      string             // the hash, where Status is Changed or Proposed
	PullRequest string             // its URL, where one is concerned
	NewTag      string             // or digest
	Superseded  []bump.ImageChange // images that run something newer, and stay
	Notices     []string

	Attempts int
	Waited   time.Duration // between the attempts
}

// OldTags are the tags and digests that ran before, each once: those of the images
// that change, or of all where none does.
func (o *Outcome) OldTags() []string {
	var tags []string
	for _, i := range o.Images {
		if tag := i.Old.TagOrDigest(); (i.Changed() || !o.Result.Changed()) && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// Run reads the tip, makes the edit, and pushes it. Where the branch has moved in
// between, or the server was out of breath, it starts over from the new tip: the
// edit is a function of the tree, so no push of anybody's is ever lost.
//
// The outcome is never nil. With an error it is Failed, and says how often it was
// tried.
func (d *Deployment) Run(ctx context.Context) (*Outcome, error) {
	r := &run{Deployment: d}
	outcome, err := r.untilDone(ctx)
	if err != nil {
		outcome = &Outcome{Result: &bump.Result{}, Status: Failed, NewTag: d.Version()}
	}
	outcome.Attempts, outcome.Waited = r.attempts, r.waited
	return outcome, err
}

func (r *run) untilDone(ctx context.Context) (*Outcome, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	if err := CheckMessage(r.Message); err != nil {
		return nil, err
	}
	for {
		r.attempts, r.started = r.attempts+1, time.Now()
		outcome, err := r.attempt(ctx)
		if err == nil {
			return outcome, nil
		}
		if err := r.pause(ctx, err); err != nil {
			return nil, err
		}
	}
}

// attempt is one go at it.
func (r *run) attempt(ctx context.Context) (*Outcome, error) {
	if !r.DryRun && !r.ViaAPI {
		r.Remote.PreparePush(ctx)
	}
	base, err := r.tip(ctx)
	if errors.Is(err, errTooWide) {
		r.tell("%s has more folders than the API reads well: Git is used instead", r.Env)
		r.ViaAPI = false
		base, err = r.tip(ctx)
	}
	if err != nil {
		return nil, err
	}
	if git, ok := base.snapshot.(gitSnapshot); ok {
		if landed, err := r.landed(ctx, git.Tip); landed != nil || err != nil {
			return landed, err
		}
	}
	plan, err := r.plan(ctx, base)
	if err == nil {
		err = r.verify(ctx, plan)
	}
	switch {
	case err != nil || plan.Status == Planned:
		return plan, err
	case base.policy.Strategy == inventory.PullRequest && !r.pastPolicy():
		return r.propose(ctx, base, plan)
	case plan.Status != Changed:
		return plan, nil
	}
	return r.push(ctx, base, plan)
}

// pastPolicy tells whether a push is meant where the policy wants a pull request.
// Force alone is for the order of tags, and still proposes, where that can be done.
func (d *Deployment) pastPolicy() bool { return d.Force && (d.Push || d.Pulls == nil) }

// plan is the bump of a tip's files: what is to be written, in memory.
func (d *Deployment) plan(ctx context.Context, base *base) (*Outcome, error) {
	request, err := d.Request(base.files(ctx))
	if err != nil {
		return nil, err
	}
	if base.paths == nil {
		return nil, noEnvironment(base.files(ctx), request)
	}
	files, err := read(ctx, base, request, base.paths)
	if err != nil {
		return nil, err
	}
	result, err := bump.Edit(request, files)
	if errors.Is(err, bump.ErrNoMatch) && len(d.Images) == 0 {
		// Not where the layout has it: look in the whole environment.
		if base.paths, err = base.below(ctx, request.Dir()); err != nil {
			return nil, err
		}
		if files, err = read(ctx, base, request, base.paths); err != nil {
			return nil, err
		}
		result, err = bump.Edit(request, files)
	}
	if errors.Is(err, bump.ErrNoMatch) {
		return nil, request.NoMatch(result, files)
	}
	if err != nil {
		return nil, err
	}
	return d.ordered(ctx, base, request, files, result)
}

// ordered is the outcome of a result, less what would go back in history.
func (d *Deployment) ordered(ctx context.Context, tip snapshot, request *bump.Request, files []bump.File, result *bump.Result) (*Outcome, error) {
	if err := d.held(ctx, tip, request, result); err != nil {
		return nil, err
	}
	o := order{request: request, history: d.History, force: d.Force}
	newer, err := o.newer(ctx, result)
	if err != nil {
		return nil, err
	}
	outcome := &Outcome{Branch: tip.branch(), NewTag: request.Version(), Notices: o.notices}
	for _, i := range result.Images {
		if i.Changed() && !newer[i.Old.String()] {
			outcome.Superseded = append(outcome.Superseded, i)
			request.Keep(i.Old)
		}
	}
	if len(outcome.Superseded) > 0 {
		if result, err = bump.Edit(request, files); err != nil {
			return nil, err
		}
	}
	outcome.Result = result
	switch {
	case result.Changed() && d.DryRun:
		outcome.Status = Planned
	case result.Changed():
		outcome.Status = Changed
	case len(outcome.Superseded) > 0:
		outcome.Status = Superseded
	default:
		outcome.Status = Unchanged
	}
	return outcome, nil
}

// push makes the commit of a plan, and puts it on the branch.
func (r *run) push(ctx context.Context, base *base, plan *Outcome) (*Outcome, error) {
	if hub, ok := base.snapshot.(hubSnapshot); ok {
		return r.commitOverAPI(ctx, hub, plan)
	}
	tip := base.snapshot.(gitSnapshot).Tip
	commit := r.unansweredOn(tip)
	if commit == nil {
		var err error
		if commit, err = r.commit(ctx, tip, plan); err != nil {
			return nil, err
		}
	}
	plan.Commit = commit.Hash.String()
	err := r.Remote.Push(ctx, tip.Branch, tip.Hash, commit)
	if refused := (*gitrepo.PushError)(nil); errors.As(err, &refused) {
		switch refused.Kind {
		case gitrepo.Unknown:
			r.unanswered = append(r.unanswered, sent{plan, commit})
		case gitrepo.Rejected:
			r.rejected(tip)
		}
	}
	return plan, err
}

// commitOverAPI has GitHub make the commit of a plan. It looks itself for one
// whose answer was lost.
func (r *run) commitOverAPI(ctx context.Context, tip hubSnapshot, plan *Outcome) (*Outcome, error) {
	message, err := r.messageWith(plan)
	if err != nil {
		return nil, err
	}
	plan.Commit, err = tip.Commit(ctx, github.NewCommit{Files: plan.contents(), Message: message})
	return plan, err
}

// messageWith is a plan's commit message with trailers at its end, a line each.
func (d *Deployment) messageWith(plan *Outcome, trailers ...string) (string, error) {
	message, err := d.message(plan)
	if err == nil && len(trailers) > 0 {
		message += "\n" + strings.Join(trailers, "\n") + "\n"
	}
	return message, err
}

// contents are the files of a plan as they are to be.
func (o *Outcome) contents() map[string][]byte {
	contents := make(map[string][]byte, len(o.Files))
	for _, f := range o.Files {
		contents[f.Path] = f.New
	}
	return contents
}

// commit makes the commit of a plan in Git.
func (d *Deployment) commit(ctx context.Context, tip *gitrepo.Tip, plan *Outcome, trailers ...string) (*gitrepo.Commit, error) {
	message, err := d.messageWith(plan, trailers...)
	if err != nil {
		return nil, err
	}
	meta := gitrepo.CommitMeta{Author: d.Author, Committer: d.Committer, Message: message, Signer: d.Signer}
	if meta.Committer.Name == "" {
		meta.Committer = meta.Author
	}
	meta.Author.When = time.Now()
	if d.Now != nil {
		meta.Author.When = d.Now()
	}
	meta.Committer.When = meta.Author.When
	return tip.Commit(ctx, plan.contents(), meta)
}

func (d *Deployment) tell(format string, args ...any) {
	if d.Tell != nil {
		d.Tell(fmt.Sprintf(format, args...))
	}
}
