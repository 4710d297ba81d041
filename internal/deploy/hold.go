package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/hold"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// newHold returns the hold that a run makes.
func newHold(o *Options, env, service, tag, from, reason string) *hold.Hold {
	return &hold.Hold{Env: env, Service: service, Tag: tag, From: from, Reason: reason, By: o.RequestedBy, Date: o.now().UTC().Format(time.RFC3339)}
}

// checkHolds refuses to move a service that is held on the branch, or whose rollback,
// hold or release is proposed. One held service keeps all of the plan from being done.
func checkHolds(ctx context.Context, o *Options, b *base, t *task, plan *Outcome) error {
	var refusals problem.List
	tree := b.FS(ctx)
	targets, err := t.scope(ctx, b)
	if err != nil {
		return err
	}
	for _, query := range targets {
		holds, err := hold.All(tree, query.Env)
		if err != nil {
			return err
		}
		for _, h := range holds {
			moved, err := moves(tree, query, plan, h.Service)
			if err != nil {
				return err
			}
			if moved {
				p := problem.Refuse(fmt.Sprintf("tagbump release --env %s --service %s lets it go again", h.Env, h.Service), "%s", h)
				if t.joined != "" && !slices.ContainsFunc(t.parts, func(s bump.Selection) bool { return slices.Contains(namesOf(s), h.Service) }) {
					p.Hint += fmt.Sprintf("; or close %s, which moves it too, and run this again", t.joined)
				}
				p.Place = h.Place
				refusals.Add(p)
			}
		}
	}
	if len(refusals) == 0 {
		proposed, err := proposedHolds(ctx, o, b, t.envs)
		if err != nil {
			return err
		}
		for _, h := range proposed {
			moved, err := moves(tree, targets.in(h.env), plan, h.service)
			if err != nil {
				return err
			}
			if moved {
				refusals.Add(problem.Refuse("merge or close it first", "%s", h))
			}
		}
	}
	if len(refusals) == 0 {
		return nil
	}
	return heldError(refusals)
}

// proposedHold is a service whose rollback, hold or release is proposed: it is held while
// the pull request is open.
type proposedHold struct{ env, service, url string }

// String says which service is held where, and until when.
func (h proposedHold) String() string {
	return fmt.Sprintf("%s is held in %s while %s is open", h.service, h.env, h.url)
}

// proposedHolds returns the services of environments whose rollback, hold or release is
// proposed. Where the policy is to push there are none.
func proposedHolds(ctx context.Context, o *Options, b *base, envs []string) ([]proposedHold, error) {
	if o.Pulls == nil || b.policy.Strategy != inventory.PullRequest {
		return nil, nil
	}
	open, err := b.openPulls(ctx, o, rollbackPrefix)
	if err != nil {
		return nil, err
	}
	var held []proposedHold
	for _, pull := range open {
		if of, services, ok := parseBranch(rollbackPrefix, pull.Branch); ok && slices.Contains(envs, of[0]) {
			held = append(held, proposedHold{of[0], services[0], pull.URL})
		}
	}
	return held, nil
}

// heldError returns a refusal of the kind ErrHeld.
func heldError(refusals problem.List) error {
	p := *refusals[0]
	for _, more := range refusals[1:] {
		p.Message += "; " + more.Message
	}
	return refuseAs(ErrHeld, &p)
}

// movedIn returns the images that a plan moves in the environment of a query. Where it moves
// none in any, they are those that it leaves because something newer runs: a service that is
// held is held, whatever the order says.
func movedIn(query *bump.Query, plan *Outcome) []bump.ImageChange {
	images := plan.Images
	if len(plan.Files) == 0 {
		images = plan.Superseded
	}
	return slices.DeleteFunc(slices.Clone(images), func(i bump.ImageChange) bool {
		return !i.Changed() || !query.Covers(i.Place.File) || query.Target(i.Old) == nil
	})
}

// moves reports whether a plan moves a service in the environment of a query: whether images
// move there that are called so, or are the service's. Where the services cannot be read, that
// is not known, and an error: a held service must not move because of it.
func moves(tree fs.FS, query *bump.Query, plan *Outcome, service string) (bool, error) {
	images := movedIn(query, plan)
	if len(images) == 0 {
		return false, nil
	}
	if slices.ContainsFunc(images, func(i bump.ImageChange) bool { return query.Target(i.Old).Name() == service }) {
		return true, nil
	}
	known, err := inventory.LoadNamed(tree, []string{service})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	found := bump.FindService(known, service)
	if found == nil {
		return false, err // a hold of a name that no image has, or one in what cannot be read
	}
	file, wrong := inventory.LoadEnvironment(tree, query.Env)
	if wrong != nil && !errors.Is(wrong, fs.ErrNotExist) {
		return false, wrong
	}
	ref, wrong := repositoryOf(file, found)
	if wrong != nil && found.Image == "" {
		return false, err // it has no image, or one that cannot be read
	}
	return wrong == nil && slices.ContainsFunc(images, func(i bump.ImageChange) bool { return i.Old.Repository() == ref.Repository() }), wrong
}

// Hold keeps a service where it is.
type Hold struct {
	Options
	Env     string
	Service string
	Reason  string
}

// Run writes the hold: see run.
func (h *Hold) Run(ctx context.Context) (*Outcome, error) {
	t := serviceTask(holding, bump.Selection{Env: h.Env, Services: []string{h.Service}})
	t.reason = h.Reason
	t.plan = func(ctx context.Context, b *base) (*Outcome, error) {
		images, err := imagesOf(ctx, b, h.Env, h.Service)
		if err != nil {
			return nil, err
		}
		plan := &Outcome{Result: &bump.Result{Images: images}, NewTag: tagList(versions(images))}
		held, err := hold.Read(b.FS(ctx), h.Env, h.Service)
		if err != nil {
			return nil, err
		}
		if held != nil && (h.Reason == "" || h.Reason == held.Reason) {
			plan.Note = fmt.Sprintf("%s is held in %s already", h.Service, h.Env)
			plan.settle(h.DryRun)
			return plan, nil
		}
		reason := h.Reason
		if reason == "" {
			reason = fmt.Sprintf("held at %s", plan.NewTag)
		}
		next := newHold(&h.Options, h.Env, h.Service, plan.NewTag, "", reason)
		if held != nil {
			next.From = held.From
		}
		if err := plan.putHold(b.FS(ctx), h.Env, h.Service, next.Encode()); err != nil {
			return nil, err
		}
		plan.settle(h.DryRun)
		return plan, nil
	}
	return run(ctx, &h.Options, t)
}

// Release lets a service go again, and moves it in the same commit where a tag is
// given.
type Release struct {
	Options
	Env     string
	Service string
	Tag     string // may be empty
	Reason  string
}

// Run removes the hold: see run.
func (r *Release) Run(ctx context.Context) (*Outcome, error) {
	t := serviceTask(releasing, bump.Selection{Env: r.Env, Services: []string{r.Service}})
	t.reason, t.version = r.Reason, r.Tag
	if r.Tag != "" && !image.ValidTag(r.Tag) {
		return &Outcome{Result: &bump.Result{}, Status: Failed, NewTag: r.Tag}, invalidTag("--tag", r.Tag)
	}
	t.plan = func(ctx context.Context, b *base) (*Outcome, error) {
		plan, err := r.edit(ctx, b)
		if err != nil {
			return nil, err
		}
		held, err := hold.Read(b.FS(ctx), r.Env, r.Service)
		if err != nil {
			return nil, err
		}
		if held == nil && r.Tag == "" {
			plan.Note = fmt.Sprintf("%s is not held in %s", r.Service, r.Env)
		}
		if len(plan.Superseded) == 0 { // a release that moves is all or nothing
			if err := plan.putHold(b.FS(ctx), r.Env, r.Service, nil); err != nil {
				return nil, err
			}
		}
		plan.settle(r.DryRun)
		return plan, nil
	}
	return run(ctx, &r.Options, t)
}

// edit moves the service where a tag is given.
func (r *Release) edit(ctx context.Context, b *base) (*Outcome, error) {
	if r.Tag != "" {
		return planBump(ctx, &r.Options, b, bump.Selection{Env: r.Env, Services: []string{r.Service}, Tag: r.Tag}, nil)
	}
	images, err := imagesOf(ctx, b, r.Env, r.Service)
	if err != nil {
		return nil, err
	}
	return &Outcome{Result: &bump.Result{Images: images}, NewTag: tagList(versions(images))}, nil
}

// serviceTask returns a task of one service.
func serviceTask(kind kind, s bump.Selection) *task {
	return &task{kind: kind, envs: []string{s.Env}, names: s.Services, selections: []bump.Selection{s}}
}

// imagesOf returns what a service runs. That it does not run is a refusal.
func imagesOf(ctx context.Context, b *base, env, service string) ([]bump.ImageChange, error) {
	now, err := readEnvAt(ctx, b, bump.Selection{Env: env, Services: []string{service}})
	if err != nil {
		return nil, err
	}
	return now.running(service)
}

// putHold adds the file of a hold to a plan, and takes away others that hold the service; nil takes
// away all of them.
func (o *Outcome) putHold(tree repo.FS, env, service string, content []byte) error {
	for _, file := range hold.Files(env, service) {
		old, err := contentAt(tree, file)
		if err != nil {
			return err
		}
		if file == hold.File(env, service) {
			o.put(file, old, content)
		} else {
			o.put(file, old, nil)
		}
	}
	return nil
}

// contentAt returns a file of a commit, nil where there is none.
func contentAt(tree repo.FS, name string) ([]byte, error) {
	data, err := tree.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && data == nil {
		data = []byte{}
	}
	return data, err
}

func invalidTag(flag, tag string) error {
	return problem.New("letters, digits, _, . and -, at most 128, and no . or - first", "%s %q is an invalid tag", flag, tag)
}
