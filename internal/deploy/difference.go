package deploy

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/hold"
	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
	"k8srepo/internal/repo"
)

// difference is what a proposal's branch changes, from its merge base with the branch
// that it is to be merged into. It decides whose branch it is, whoever pushed it and
// whatever commit messages say: commits that GitHub made to bring the branch up to
// date count for nothing.
type difference struct {
	*repo.Ancestry
	head    *repo.Commit
	changes []repo.FileChange
}

// readDifference compares a branch's head with a base.
func readDifference(ctx context.Context, o *Options, b *base, head *repo.Commit) (*difference, error) {
	joined, err := o.Store.Ancestry(ctx, b.Commit, head)
	if err != nil {
		return nil, err
	}
	d := &difference{Ancestry: joined, head: head}
	d.changes, err = repo.Diff(ctx, joined.MergeBase, head)
	return d, err
}

// isOurs reports whether changes move nothing but tags, digests and renamed
// repositories of a task's services, below the environment's path, and their holds.
func isOurs(t *task, targets scope, changes []repo.FileChange) bool {
	for _, c := range changes {
		switch {
		case !c.Kept:
			return false
		case t.isHold(c.Path):
		case c.Old == nil || c.New == nil || targets.of(c.Path) == nil:
			return false
		case !onlyMoves(targets.of(c.Path), c):
			return false
		}
	}
	return true
}

// isHold reports whether a file is the hold of one of a task's services.
func (t *task) isHold(file string) bool {
	for _, env := range t.envs {
		if slices.ContainsFunc(t.names, func(service string) bool { return slices.Contains(hold.Files(env, service), file) }) {
			return true
		}
	}
	return false
}

// scope is whose images a task may move: a query for each environment.
type scope []*bump.Query

// scope returns whose images a task may move in a base.
func (t *task) scope(ctx context.Context, b *base) (scope, error) {
	var all scope
	for _, s := range t.selections {
		query, err := s.Query(b.FS(ctx))
		if err != nil {
			return nil, err
		}
		all = append(all, query)
	}
	return all, nil
}

// of returns the query of the environment that a file belongs to, nil where it belongs
// to none of them.
func (s scope) of(file string) *bump.Query {
	for _, query := range s {
		if query.Covers(file) {
			return query
		}
	}
	return nil
}

// in returns the query of an environment; nil where it is none of them.
func (s scope) in(env string) *bump.Query {
	for _, query := range s {
		if query.Env == env {
			return query
		}
	}
	return nil
}

// imagesIn returns the images of a file that a task may move. That a file is not valid YAML,
// and names one of them, is a refusal.
func (s scope) imagesIn(file bump.File) ([]bump.ImageChange, error) {
	query := s.of(file.Path)
	if query == nil {
		return nil, nil
	}
	images, problems := query.Read([]bump.File{file})
	return bump.Unchanged(images), problems.Err()
}

// onlyMoves reports whether a file's change is one that an edit of the targets'
// images makes: the images of the new file, set in the old one, make the new one.
func onlyMoves(targets *bump.Query, c repo.FileChange) bool {
	before, err := manifest.Parse(c.Path, c.Old)
	if err != nil {
		return false
	}
	after, err := manifest.Parse(c.Path, c.New)
	if err != nil {
		return false
	}
	own := func(f *manifest.File) []manifest.Image {
		return slices.DeleteFunc(f.Images(targets.Fields...), func(i manifest.Image) bool { return targets.Target(i.Ref) == nil })
	}
	was, is := own(before), own(after)
	if len(was) != len(is) {
		return false
	}
	// References that become the same are set together, one such group at a time.
	data := c.Old
	for n := range was {
		f, err := manifest.Parse(c.Path, data)
		if err != nil {
			return false
		}
		now := own(f)
		if len(now) != len(is) || n >= len(now) {
			return false
		}
		if now[n].Ref.String() == is[n].Ref.String() {
			continue
		}
		var group []manifest.Image
		for i := range now {
			if now[i].Ref.String() == now[n].Ref.String() && is[i].Ref.String() == is[n].Ref.String() {
				group = append(group, now[i])
			}
		}
		if data, err = f.SetImages(group, func(image.Ref) image.Ref { return is[n].Ref }); err != nil {
			return false
		}
	}
	return bytes.Equal(data, c.New)
}

// person returns the commit that makes a branch a person's: the first, going forward,
// that by itself changes more than is ours, else the head.
func (d *difference) person(ctx context.Context, t *task, targets scope) (*repo.Commit, error) {
	byHash := map[string]*repo.Commit{d.MergeBase.Hash: d.MergeBase}
	for _, c := range d.Commits {
		byHash[c.Hash] = c
	}
	for _, c := range slices.Backward(d.Commits) {
		if len(c.Parents) != 1 || byHash[c.Parents[0]] == nil {
			continue
		}
		changes, err := repo.Diff(ctx, byHash[c.Parents[0]], c)
		if err != nil {
			return nil, err
		}
		if !isOurs(t, targets, changes) {
			return c, nil
		}
	}
	return d.head, nil
}

// proposed returns the references of the targets that the changes bring, each once.
func (d *difference) proposed(targets scope) []image.Ref {
	var refs []image.Ref
	for _, c := range d.changes {
		if c.New == nil {
			continue
		}
		images, err := targets.imagesIn(bump.File{Path: c.Path, Data: c.New})
		if err != nil {
			continue
		}
		old := map[string]bool{}
		if c.Old != nil {
			before, _ := targets.imagesIn(bump.File{Path: c.Path, Data: c.Old})
			for _, i := range before {
				old[i.Old.String()] = true
			}
		}
		for _, i := range images {
			if !old[i.Old.String()] && !slices.ContainsFunc(refs, func(known image.Ref) bool { return known.String() == i.Old.String() }) {
				refs = append(refs, i.Old)
			}
		}
	}
	return refs
}

// isThere reports whether the base has all that the changes bring.
func (d *difference) isThere(ctx context.Context, b *base) (bool, error) {
	tree := b.FS(ctx)
	for _, c := range d.changes {
		now, err := contentAt(tree, c.Path)
		if err != nil {
			return false, err
		}
		if (now == nil) != (c.New == nil) || !sameFile(c.Path, now, c.New, "") {
			return false, nil
		}
	}
	return true, nil
}

// holds reports whether merging the branch into the base gives exactly what a plan writes,
// and cannot conflict: then the branch is left alone, and approvals and checks stay.
func (d *difference) holds(ctx context.Context, b *base, plan *Outcome, reason string) (bool, error) {
	if len(d.changes) != len(plan.Files) {
		return false, nil
	}
	for _, f := range plan.Files {
		at := slices.IndexFunc(d.changes, func(c repo.FileChange) bool { return c.Path == f.Path })
		if at < 0 {
			return false, nil
		}
		c := d.changes[at]
		merged, clean := merge(c.Old, c.New, f.Old)
		if !clean || (merged == nil) != (f.New == nil) || !sameFile(f.Path, merged, f.New, reason) {
			return false, nil
		}
	}
	return true, nil
}

// sameFile reports whether two files are the same. Of holds, who made them and when
// does not count; nor does the reason, unless one is asked for.
func sameFile(name string, a, b []byte, reason string) bool {
	if !strings.HasPrefix(name, hold.Dir+"/") || a == nil || b == nil {
		return bytes.Equal(a, b)
	}
	x, y := hold.Parse(name, a), hold.Parse(name, b)
	return x.Tag == y.Tag && x.From == y.From && (reason == "" || x.Reason == y.Reason)
}

// merge puts the change from before to ours on top of theirs, a file that also comes
// from before. Clean is false where Git might see a conflict: where lines that ours
// changes are near lines that theirs changes. Ours changes lines in place.
func merge(before, ours, theirs []byte) (merged []byte, clean bool) {
	if (before == nil) == (theirs == nil) && bytes.Equal(before, theirs) {
		return ours, true
	}
	if before == nil || ours == nil || theirs == nil {
		return nil, false
	}
	was, is, other := bytes.SplitAfter(before, []byte("\n")), bytes.SplitAfter(ours, []byte("\n")), bytes.SplitAfter(theirs, []byte("\n"))
	if len(was) != len(is) {
		return nil, false
	}
	first := 0
	for first < len(was) && first < len(other) && bytes.Equal(was[first], other[first]) {
		first++
	}
	last := 0
	for last < len(was)-first && last < len(other)-first && bytes.Equal(was[len(was)-1-last], other[len(other)-1-last]) {
		last++
	}
	for i := range was {
		switch {
		case bytes.Equal(was[i], is[i]):
		case i < first-1:
			other[i] = is[i]
		case i > len(was)-last:
			other[len(other)-len(was)+i] = is[i]
		default:
			return nil, false
		}
	}
	return bytes.Join(other, nil), true
}
