package deploy

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/hold"
	"k8srepo/internal/image"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// Rollback takes one service in one environment back to what it ran before, and
// holds it there. What it ran is in the history of its files.
type Rollback struct {
	Options
	Env     string
	Service string
	To      string // a tag that ran there; "" is the last other one that did
	Reason  string // "" is what was done

	Places bump.Selection // where images are looked for: its Path and Narrowing
}

// Run finds the tag to go back to, and writes it and the hold in one commit. Asked
// again for what is done, it is unchanged.
func (r *Rollback) Run(ctx context.Context) (*Outcome, error) {
	if r.To != "" && !image.ValidTag(r.To) {
		return &Outcome{Result: &bump.Result{}, Status: Failed, NewTag: r.To}, invalidTag("--to", r.To)
	}
	t := serviceTask(rollingBack, r.selection())
	t.version, t.reason = r.To, r.Reason
	t.plan = r.plan
	return run(ctx, &r.Options, t)
}

func (r *Rollback) selection() bump.Selection {
	s := r.Places
	s.Env, s.Services = r.Env, []string{r.Service}
	return s
}

func (r *Rollback) plan(ctx context.Context, b *base) (*Outcome, error) {
	now, err := readEnvAt(ctx, b, r.selection())
	if err != nil {
		return nil, err
	}
	images, err := now.running(r.Service)
	if err != nil {
		return nil, err
	}
	running := versions(images)
	held, err := hold.Read(b.FS(ctx), r.Env, r.Service)
	if err != nil {
		return nil, err
	}
	tag := tagList(running)
	if done := held != nil && held.Tag == tag; done && (r.To == tag || r.To == "" && held.From != "") {
		plan := &Outcome{Result: &bump.Result{Images: images}, NewTag: tag}
		plan.settle(r.DryRun)
		return plan, nil
	}
	if len(running) > 1 && r.To == "" {
		return nil, problem.Refuse("pass --to TAG with one of them", "%s runs %s in %s: which one is to go back is not clear", r.Service, tag, r.Env)
	}
	to, err := r.target(ctx, now, running[0])
	if err != nil {
		return nil, err
	}
	return r.edit(ctx, b, tag, to)
}

// edit returns the plan that goes back to a tag, and the hold.
func (r *Rollback) edit(ctx context.Context, b *base, from string, to image.Ref) (*Outcome, error) {
	back := r.Options
	back.Force = true // an older tag is what a rollback is for
	s := r.selection()
	s.Tag, s.Digest = to.Tag, to.Digest
	plan, err := planBump(ctx, &back, b, s, nil)
	if err != nil {
		return nil, err
	}
	reason := r.Reason
	if reason == "" {
		reason = fmt.Sprintf("rolled back from %s to %s", from, to.TagOrDigest())
	}
	next := newHold(&r.Options, r.Env, r.Service, to.TagOrDigest(), from, reason)
	if err := plan.putHold(b.FS(ctx), r.Env, r.Service, next.Encode()); err != nil {
		return nil, err
	}
	plan.settle(r.DryRun)
	return plan, nil
}

// target returns the tag to go back to.
func (r *Rollback) target(ctx context.Context, now *envState, from image.Ref) (image.Ref, error) {
	p := &past{store: r.Store, now: now, service: r.Service, back: map[string]bool{}}
	to, err := p.find(ctx, from, r.To)
	switch {
	case err != nil:
		return to, err
	case r.To != "" && p.ran(r.To):
		if to.Name == "" {
			to = from.With(r.To, "")
		}
		return to, nil
	case r.To != "":
		return to, problem.Refuse(p.hint()+"to deploy it anyway, use tagbump deploy --force", "%s has not run in %s: %s", r.To, r.Env, p.extent())
	case to.Name == "":
		return to, problem.Refuse(p.hint()+"pass --to TAG, or use tagbump deploy", "there is no tag of %s to go back to in %s: %s", r.Service, r.Env, p.extent())
	}
	return to, nil
}

func tagList(refs []image.Ref) string {
	var tags []string
	for _, ref := range refs {
		tags = append(tags, ref.TagOrDigest())
	}
	if len(tags) < 2 {
		return strings.Join(tags, "")
	}
	return strings.Join(tags[:len(tags)-1], ", ") + " and " + tags[len(tags)-1]
}

// past is what a service ran in an environment, read backward.
type past struct {
	store   Store
	now     *envState
	service string
	tags    []image.Ref     // that ran, the newest first, each once
	back    map[string]bool // tags that were rolled back, as the holds of that time say
	cut     bool            // the history goes on, and the server does not have it
}

// find looks for the last tag that ran before from and was not rolled back; for a
// certain one where want names it. It is the zero Ref where there is none.
func (p *past) find(ctx context.Context, from image.Ref, want string) (image.Ref, error) {
	file := hold.File(p.now.env, p.service)
	paths := p.paths()
	p.add(versions(p.now.of(p.service)))
	entries := repo.Log(func(depth int) (*repo.Window, error) {
		return p.store.Log(ctx, p.now.base.Commit, depth, append([]string{file}, paths...)...)
	})
	for e, err := range entries {
		if errors.Is(err, repo.ErrShallow) {
			p.cut = true
			break
		}
		if err != nil {
			return image.Ref{}, err
		}
		if slices.Contains(e.Paths, file) {
			held, err := hold.Read(e.FS(ctx), p.now.env, p.service)
			if err != nil {
				return image.Ref{}, err
			}
			if held != nil && held.From != "" {
				p.back[held.From] = true
			}
		}
		if e.Before == nil {
			break
		}
		before, err := p.at(ctx, e.Before, paths)
		if err != nil {
			return image.Ref{}, err
		}
		p.add(before)
		for _, ref := range before {
			switch {
			case want != "" && ref.Tag == want:
				return ref, nil
			case want == "" && len(before) == 1 && !sameVersion(ref, from) && !p.back[ref.TagOrDigest()]:
				return ref, nil
			}
		}
	}
	return image.Ref{}, nil
}

// sameVersion reports whether two references run the same: their tags are equal, or
// short and long forms of one commit's hash.
func sameVersion(a, b image.Ref) bool {
	if a.Suffix() == b.Suffix() {
		return true
	}
	x, y := hashOf(a.Tag), hashOf(b.Tag)
	return x != "" && y != "" && a.Digest == b.Digest && (strings.HasPrefix(x, y) || strings.HasPrefix(y, x))
}

func (p *past) add(refs []image.Ref) {
	for _, ref := range refs {
		if !slices.ContainsFunc(p.tags, func(known image.Ref) bool { return known.Suffix() == ref.Suffix() }) {
			p.tags = append(p.tags, ref)
		}
	}
}

func (p *past) ran(tag string) bool {
	return slices.ContainsFunc(p.tags, func(ref image.Ref) bool { return ref.Tag == tag })
}

// paths returns what has to be followed: the service's folder, and files elsewhere
// that hold its image.
func (p *past) paths() []string {
	var paths []string
	folder := path.Join(p.now.query.Dir(), p.service)
	for _, i := range p.now.of(p.service) {
		file := i.Place.File
		if strings.HasPrefix(file, folder+"/") {
			file = folder
		}
		if !slices.Contains(paths, file) {
			paths = append(paths, file)
		}
	}
	return paths
}

// at returns what the service ran at a commit.
func (p *past) at(ctx context.Context, c *repo.Commit, paths []string) ([]image.Ref, error) {
	if err := c.Tree.Fetch(ctx, paths...); err != nil {
		return nil, err
	}
	images, err := imagesAt(ctx, c, p.now.query, paths)
	if err != nil {
		return nil, err
	}
	return versions(bump.Unchanged(images)), nil
}

// extent returns how far the past was read, for a message.
func (p *past) extent() string {
	if p.cut {
		return "the history of the k8s repo is cut off before"
	}
	return "its files' history has no other"
}

func (p *past) hint() string {
	const maxTags = 8
	if len(p.tags) == 0 {
		return ""
	}
	return "tags that ran there: " + tagList(p.tags[:min(maxTags, len(p.tags))]) + "; "
}
