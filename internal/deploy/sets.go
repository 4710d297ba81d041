package deploy

import (
	"context"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/github"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

// joinSet returns the task that is proposed: the given one or, where one open pull request
// has all its services and others, the task of that whole set. A deployment that overlaps an
// open pull request in part would move a service in two of them: that is refused, and the
// pull request is named in the plan.
func joinSet(ctx context.Context, o *Options, t *task, b *base, plan *Outcome) (*task, error) {
	if t.kind != deploying {
		return t, nil
	}
	open, err := b.openPulls(ctx, o, deployPrefix)
	if err != nil {
		return nil, err
	}
	var set, overlap *github.PullRequest
	for i, pull := range open {
		envs, names, ok := parseBranch(deployPrefix, pull.Branch)
		if !ok || pull.Base != b.Branch || !haveCommon(envs, t.envs) || !haveCommon(names, t.names) {
			continue
		}
		switch hasAll := slices.Equal(sorted(envs), t.envs) && includes(names, t.names); {
		case pull.Branch == t.branch():
			return t, nil
		case hasAll && set == nil:
			set = &open[i]
		case !hasAll && overlap == nil:
			overlap = &open[i]
		}
	}
	if set != nil {
		return t.join(ctx, o, b, set)
	}
	if overlap != nil && plan.Status == Changed {
		plan.PullRequest = overlap.URL
		return nil, problem.Refuse("merge or close it first, or deploy exactly what it proposes",
			"%s proposes some of %s for %s with others, and a service is in one pull request at a time", overlap.URL, strings.Join(t.names, ", "), t.env())
	}
	return t, nil
}

// join returns the task of the set of services of a pull request that a task is a part of.
func (t *task) join(ctx context.Context, o *Options, b *base, set *github.PullRequest) (*task, error) {
	whole := deployTask(o, t.parts)
	whole.from, whole.reason, whole.joined = t.from, t.reason, set.URL
	_, names, _ := parseBranch(deployPrefix, set.Branch)
	for i := range whole.selections {
		s := &whole.selections[i]
		s.Services, s.Images = slices.Clone(s.Services), slices.Clone(s.Images)
		for _, name := range names {
			if slices.Contains(t.names, name) {
				continue
			}
			if err := addNamed(ctx, b, s, name); err != nil {
				return nil, err
			}
		}
	}
	whole.names = names
	return whole, nil
}

// addNamed adds to a selection what a name in a pull request's branch means: a service, else
// the images whose repositories end so.
func addNamed(ctx context.Context, b *base, s *bump.Selection, name string) error {
	tree := b.FS(ctx)
	known, err := inventory.LoadNamed(tree, []string{name})
	if err == nil && bump.FindService(known, name) != nil {
		s.Services = append(s.Services, name)
		return nil
	}
	root, err := s.Root(tree)
	if err != nil {
		return err
	}
	paths, err := manifestsBelow(ctx, b.Commit, root)
	if err != nil {
		return err
	}
	query := &bump.Query{Env: s.Env, Root: root}
	files, err := read(ctx, b.Commit, query, paths, strayLink)
	if err != nil {
		return err
	}
	images, _ := query.Read(files)
	for _, i := range images {
		if i.Ref.Base() == name && !slices.Contains(s.Images, i.Ref.Name) {
			s.Images = append(s.Images, i.Ref.Name)
		}
	}
	return nil
}

// kept returns what a branch proposes for some of a task's services, a selection each.
func (d *difference) kept(t *task, targets scope, wanted func(name string) bool) []bump.Selection {
	var list []bump.Selection
	for _, c := range d.changes {
		query := targets.of(c.Path)
		if query == nil || c.Old == nil || c.New == nil {
			continue
		}
		before, _ := targets.imagesIn(bump.File{Path: c.Path, Data: c.Old})
		after, _ := targets.imagesIn(bump.File{Path: c.Path, Data: c.New})
		if len(before) != len(after) {
			continue
		}
		for n, i := range after {
			target := query.Target(i.Old)
			if before[n].Old.String() == i.Old.String() || !wanted(target.Name()) {
				continue
			}
			s := t.selections[slices.Index(t.envs, query.Env)]
			s.Services, s.Images, s.Renames, s.Expect, s.ResolveDigest = nil, nil, nil, 0, false
			if target.Service != "" {
				s.Services = []string{target.Service}
			} else {
				s.Images = []string{before[n].Old.Name}
			}
			if before[n].Old.Name != i.Old.Name {
				s.Renames = []string{before[n].Old.Name + "=" + i.Old.Name}
			}
			s.Tag, s.Digest = i.Old.Tag, i.Old.Digest
			if !slices.ContainsFunc(list, func(k bump.Selection) bool {
				return k.Env == s.Env && slices.Equal(k.Services, s.Services) && slices.Equal(k.Images, s.Images)
			}) {
				list = append(list, s)
			}
		}
	}
	return list
}

// keepProposed adds to a plan what a pull request proposes beside it. A tag that is refused
// now was proposed with --force or under another policy: it is kept. One that is older than
// what runs is left out.
func keepProposed(ctx context.Context, o *Options, b *base, plan *Outcome, kept []bump.Selection) error {
	for _, s := range kept {
		next, err := planBump(ctx, o, b, s, plan.Files)
		if err != nil && isRefusal(err) {
			forced := *o
			forced.Force = true
			next, err = planBump(ctx, &forced, b, s, plan.Files)
		}
		if err != nil {
			return err
		}
		plan.merge(next)
	}
	plan.settle(o.DryRun)
	return nil
}

func haveCommon(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// includes reports whether a list has all of another's.
func includes(list, all []string) bool {
	return !slices.ContainsFunc(all, func(s string) bool { return !slices.Contains(list, s) })
}
