// Package deploy takes one change of a k8s repo from the tip of a branch to a push or
// a pull request: a deployment, a promotion, a rollback, a hold.
//
// Each of them is a function of the files: it is made again, from the start, when the
// branch has moved. The edit of the images is package bump's.
package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"k8srepo/internal/bump"
)

// Deployment moves the images of a selection to a tag.
type Deployment struct {
	Options
	bump.Selection
	Envs []string // environments that move together; none is the Selection's Env
}

// Run deploys: see run.
func (d *Deployment) Run(ctx context.Context) (*Outcome, error) {
	if err := d.Selection.Validate(); err != nil {
		return &Outcome{Result: &bump.Result{}, Status: Failed, NewTag: d.Version()}, err
	}
	selections := []bump.Selection{d.Selection}
	if len(d.Envs) > 0 {
		selections = nil
	}
	for _, env := range slices.Compact(sorted(d.Envs)) {
		s := d.Selection
		s.Env = env
		selections = append(selections, s)
	}
	return run(ctx, &d.Options, deployTask(&d.Options, selections))
}

// deployTask returns the task of selections in one or several environments. They are one
// commit, or one pull request.
func deployTask(o *Options, selections []bump.Selection) *task {
	t := &task{kind: deploying, version: versionsOf(selections), parts: selections}
	for _, s := range selections {
		at := slices.Index(t.envs, s.Env)
		if at < 0 {
			t.envs, t.selections = append(t.envs, s.Env), append(t.selections, s)
		} else {
			whole := &t.selections[at]
			whole.Services = append(slices.Clip(whole.Services), s.Services...)
			whole.Images = append(slices.Clip(whole.Images), s.Images...)
		}
		for _, name := range namesOf(s) {
			if !slices.Contains(t.names, name) {
				t.names = append(t.names, name)
			}
		}
	}
	slices.Sort(t.envs)
	slices.SortFunc(t.selections, func(a, b bump.Selection) int { return strings.Compare(a.Env, b.Env) })
	t.plan = func(ctx context.Context, b *base) (*Outcome, error) {
		plan, err := planBumps(ctx, o, b, selections)
		if err != nil || len(plan.Files) == 0 && len(plan.Superseded) == 0 {
			return plan, err
		}
		if err := keepProposed(ctx, o, b, plan, t.kept); err != nil {
			return nil, err
		}
		return plan, checkHolds(ctx, o, b, t, plan)
	}
	t.moot = func(ctx context.Context, b *base, proposed *difference) (string, error) {
		return mootDeploy(ctx, o, b, t.selections, proposed)
	}
	return t
}

// namesOf returns what a selection is about, as people call it.
func namesOf(s bump.Selection) []string {
	names := slices.Clone(s.Services)
	for _, image := range s.Images {
		names = append(names, image[strings.LastIndexByte(image, '/')+1:])
	}
	return names
}

// planBumps is planBump of several selections, one on top of the other.
func planBumps(ctx context.Context, o *Options, b *base, selections []bump.Selection) (*Outcome, error) {
	whole := &Outcome{Result: &bump.Result{}}
	for _, s := range selections {
		plan, err := planBump(ctx, o, b, s, whole.Files)
		if err != nil {
			return nil, err
		}
		whole.merge(plan)
	}
	whole.NewTag = versionsOf(selections)
	whole.settle(o.DryRun)
	return whole, nil
}

// versionsOf returns the tags of selections, each once, with commas between them.
func versionsOf(selections []bump.Selection) string {
	var tags []string
	for _, s := range selections {
		if !slices.Contains(tags, s.Version()) {
			tags = append(tags, s.Version())
		}
	}
	return strings.Join(tags, ", ")
}

// merge adds a plan that was made on top of this one.
func (o *Outcome) merge(next *Outcome) {
	for _, f := range next.Files {
		at := slices.IndexFunc(o.Files, func(known bump.FileChange) bool { return known.Path == f.Path })
		if at < 0 {
			o.Files = append(o.Files, f)
		} else {
			o.Files[at].New = f.New
		}
	}
	slices.SortFunc(o.Files, func(a, b bump.FileChange) int { return strings.Compare(a.Path, b.Path) })
	for _, i := range next.Images {
		at := slices.IndexFunc(o.Images, func(known bump.ImageChange) bool { return known.Place == i.Place })
		if at < 0 {
			o.Images = append(o.Images, i)
		} else {
			o.Images[at].New = i.New
		}
	}
	o.Mentions = append(o.Mentions, next.Mentions...)
	o.Superseded = append(o.Superseded, next.Superseded...)
	for _, n := range next.Notices {
		o.notice("%s", n)
	}
}

// planBump decides what a selection changes of a tip's files, on top of changes that
// were made already: what is to be written, in memory.
func planBump(ctx context.Context, o *Options, b *base, s bump.Selection, before []bump.FileChange) (*Outcome, error) {
	request, err := s.Request(b.FS(ctx))
	if err != nil {
		return nil, err
	}
	if s.ResolveDigest && o.LookupDigest != nil {
		if err := request.ResolveDigests(ctx, o.LookupDigest); err != nil {
			return nil, err
		}
	}
	var files []bump.File
	edit := func(whole bool) (result *bump.Result, err error) {
		if files, err = filesOf(ctx, b.Commit, &request.Query, s, whole); err != nil {
			return nil, err
		}
		files = overlaid(files, before)
		return bump.Edit(request, files)
	}
	whole := len(s.Images) > 0
	result, err := edit(whole)
	if errors.Is(err, bump.ErrNoMatch) && !whole {
		whole = true
		result, err = edit(whole) // not where the layout has it: look in the whole environment
	}
	if errors.Is(err, bump.ErrNoMatch) && len(result.Unreached) > 0 {
		request.Unscreened = true // a field may lead to a value in a file that does not mention the image
		result, err = edit(true)
		request.Unscreened = false
	}
	if errors.Is(err, bump.ErrNoMatch) {
		return nil, request.NoMatch(result, files, func(all *bump.Query) []bump.File {
			files, _ := filesOf(ctx, b.Commit, all, s, true) // for the hint alone
			return files
		})
	}
	if err != nil {
		return nil, err
	}
	outcome, err := keepNewer(ctx, o, b, request, files, result)
	if err == nil {
		err = noteUnmoved(ctx, b, request, s, outcome, whole)
	}
	return outcome, err
}

// overlaid returns files as changes leave them.
func overlaid(files []bump.File, changes []bump.FileChange) []bump.File {
	files = slices.Clone(files)
	for i, f := range files {
		for _, c := range changes {
			if c.Path == f.Path {
				files[i].Data = c.New
			}
		}
	}
	return files
}

// keepNewer returns the outcome of a result, less what would go back in history.
func keepNewer(ctx context.Context, o *Options, b *base, request *bump.Request, files []bump.File, result *bump.Result) (*Outcome, error) {
	outcome := &Outcome{NewTag: request.Version()}
	ordered := order{request: request, kind: b.policy.order(request.Env), history: o.History, owners: ownersIn(b.FS(ctx), request), force: o.Force, notice: outcome.notice}
	newer, err := ordered.newer(ctx, result)
	if err != nil {
		return nil, err
	}
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
	outcome.settle(o.DryRun)
	return outcome, nil
}
