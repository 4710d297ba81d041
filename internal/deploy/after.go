package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"k8srepo/internal/bump"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

// checkAfter refuses a plan that moves an image to a tag that does not run in an environment
// that comes before. A condition that is pushed past instead is noted in the plan. A rollback
// is not bound by conditions: its tag has run there.
func checkAfter(ctx context.Context, o *Options, t *task, b *base, plan *Outcome) error {
	if t.kind != deploying && t.kind != releasing || !slices.ContainsFunc(plan.Images, bump.ImageChange.Changed) {
		return nil
	}
	var refusals problem.List
	for _, c := range b.policy.after {
		if c.unmet == nil && (c.env == t.from || slices.Contains(t.envs, c.env)) {
			continue
		}
		switch err := c.check(ctx, o, t, b, plan); {
		case err == nil:
		case !isRefusal(err):
			return err
		case pastPolicy(o):
			plan.past = append(plan.past, fmt.Sprintf("after: %s (%s)", c.env, c.place))
		default:
			refusals.Add(err)
		}
	}
	return refusals.Err()
}

// check refuses a plan that moves an image to a tag that the condition's environment does
// not run.
func (c *condition) check(ctx context.Context, o *Options, t *task, b *base, plan *Outcome) error {
	if c.unmet != nil {
		return c.unmet
	}
	targets, err := t.scope(ctx, b)
	if err != nil {
		return err
	}
	there, err := c.read(ctx, o, t, b)
	if err != nil {
		return err
	}
	var refusals problem.List
	for _, i := range plan.Images {
		if i.Changed() {
			name := targets.of(i.Place.File).Target(i.Old).Name()
			refusals.Add(c.refuse(name, i.New, versions(there[name])))
		}
	}
	return refusals.Err()
}

// read returns what the condition's environment runs of a task's targets and services, by
// their names, on the branch that it is deployed from itself.
func (c *condition) read(ctx context.Context, o *Options, t *task, b *base) (map[string][]bump.ImageChange, error) {
	own, err := inventory.LoadPolicy(c.at.FS(ctx), c.env)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	s := *in(t.selections[0], c.env)
	s.Narrowing = bump.Narrowing{}
	tip := c.at
	switch branch := cmp.Or(own.Branch, tip.Branch); branch {
	case b.Branch:
		tip = b.Commit
	case tip.Branch:
	default:
		if tip, err = readTip(ctx, o, &task{envs: []string{c.env}, selections: []bump.Selection{s}}, branch); err != nil {
			return nil, err
		}
	}
	query, err := s.Query(tip.FS(ctx))
	if err != nil {
		return nil, err
	}
	there := map[string][]bump.ImageChange{}
	for _, whole := range []bool{len(s.Images) > 0, true} { // first where the layout has it
		files, err := filesOf(ctx, tip, query, s, whole)
		if err != nil {
			return nil, err
		}
		images, problems := query.Read(files)
		if len(problems) > 0 {
			return nil, problems.Err()
		}
		clear(there)
		for _, i := range bump.Unchanged(images) {
			name := query.Target(i.Old).Name()
			there[name] = append(there[name], i)
		}
		if whole || len(there) == len(query.Targets) {
			break
		}
	}
	return there, addSharing(there, tip.FS(ctx), query, s)
}

// addSharing adds to what a selection's targets run the services that share the image of one:
// their query has that one alone.
func addSharing(there map[string][]bump.ImageChange, tree fs.FS, query *bump.Query, s bump.Selection) error {
	for _, service := range s.Services {
		if slices.ContainsFunc(query.Targets, func(t bump.Target) bool { return t.Service == service }) {
			continue
		}
		own := s
		own.Services, own.Images = []string{service}, nil
		alone, err := own.Query(tree)
		if err != nil {
			return err
		}
		there[service] = there[query.Target(alone.Targets[0].Repository).Name()]
	}
	return nil
}

// refuse refuses to deploy a service at a version, unless that is what the condition's
// environment runs.
func (c *condition) refuse(service string, next image.Ref, there []image.Ref) error {
	if len(there) == 1 && sameImage(next, there[0]) {
		return nil
	}
	what := "it does not run there"
	if len(there) > 0 {
		what = "there it is " + tagList(there)
	}
	p := problem.Refuse(fmt.Sprintf("deploy it to %s first, and then to %s: tagbump promote --from %[1]s --to %[2]s --service %s", c.env, c.of, service),
		"%s: %s does not run in %s, which comes before %s: %s", service, next.TagOrDigest(), c.env, c.of, what)
	p.Place = c.place
	return p
}

// sameImage reports whether two references of a service run the same, as far as they
// tell: the tag, or the digest where there is no tag.
func sameImage(a, b image.Ref) bool {
	if a.Digest != "" && b.Digest != "" && a.Digest != b.Digest {
		return false
	}
	return a.Tag == b.Tag && (a.Tag != "" || a.Digest == b.Digest)
}
