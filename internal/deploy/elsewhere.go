package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/inventory"
	"k8srepo/internal/repo"
)

// running is what an environment runs of a service.
type running struct {
	Env, Service string
	Tags         []string // or digests, each once
	Since        string   // the day on which they came, in words

	tip   *repo.Commit
	query *bump.Query
	paths []string // the files that say so, or the folder of all of them
}

// elsewhere returns what the environments that a task does not change run of its
// services, and since when. An environment whose files have mistakes is left out: this pull
// request cannot mend them.
func elsewhere(ctx context.Context, o *Options, t *task, b *base) ([]*running, error) {
	envs, err := otherEnvs(b.FS(ctx), t.envs)
	if err != nil {
		return nil, err
	}
	tips := map[string]*repo.Commit{b.Branch: b.Commit}
	var rows []*running
	folders := map[*repo.Commit][]string{}
	for _, env := range envs {
		tip, err := tipOf(ctx, o, b, env, tips)
		if err != nil {
			return nil, err
		}
		if tip == nil {
			continue
		}
		query, err := in(t.selections[0], env).Query(tip.FS(ctx))
		if err != nil {
			continue
		}
		for _, target := range query.Targets {
			folder := path.Join(query.Dir(), target.Name())
			folders[tip] = append(folders[tip], folder)
			rows = append(rows, &running{Env: env, Service: target.Name(), tip: tip, query: query, paths: []string{folder}})
		}
	}
	for tip, paths := range folders {
		if err := tip.Tree.Fetch(ctx, paths...); err != nil {
			return nil, err
		}
	}
	whole := map[*bump.Query][]bump.Image{}
	for _, r := range rows {
		if err := r.read(ctx, whole); err != nil {
			if _, again := o.Store.Retry(err); again || ctx.Err() != nil {
				return nil, err
			}
			r.Tags = nil
		}
	}
	rows = slices.DeleteFunc(rows, func(r *running) bool { return len(r.Tags) == 0 })
	for tip := range folders {
		since(ctx, o, tip, slices.DeleteFunc(slices.Clone(rows), func(r *running) bool { return r.tip != tip }))
	}
	return rows, nil
}

// read sets the row's tags: those of its folder, else those of the whole environment. What whole
// environments hold is kept in whole: an environment may have many services without a folder.
func (r *running) read(ctx context.Context, whole map[*bump.Query][]bump.Image) error {
	var err error
	if r.Tags, err = r.at(ctx, r.tip); err != nil || len(r.Tags) > 0 {
		return err
	}
	images, known := whole[r.query]
	if !known {
		paths, err := manifestsBelow(ctx, r.tip, r.query.Dir())
		if err == nil {
			images, err = imagesAt(ctx, r.tip, r.query, paths)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		whole[r.query] = images
	}
	r.Tags, r.paths = r.tagsIn(images), nil
	for _, i := range images {
		if r.owns(i) && !slices.Contains(r.paths, i.Place.File) {
			r.paths = append(r.paths, i.Place.File)
		}
	}
	return nil
}

// in returns a selection in another environment.
func in(s bump.Selection, env string) *bump.Selection {
	if !strings.Contains(s.Path, "{env}") {
		s.Path = ""
	}
	s.Env = env
	return &s
}

// tipOf returns the tip of the branch that an environment is deployed from, nil where
// that is not known.
func tipOf(ctx context.Context, o *Options, b *base, env string, tips map[string]*repo.Commit) (*repo.Commit, error) {
	policy, err := inventory.LoadPolicy(b.FS(ctx), env)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && policy.Branch == "":
		return b.Commit, nil
	case err != nil:
		return nil, nil
	}
	if tip, known := tips[policy.Branch]; known {
		return tip, nil
	}
	tip, err := o.Store.Tip(ctx, policy.Branch, inventory.UsersFile, inventory.EnvironmentsDir)
	if errors.Is(err, repo.ErrNoBranch) {
		tip, err = nil, nil
	}
	tips[policy.Branch] = tip
	return tip, err
}

// at returns the tags that the row's files run at a commit, each once.
func (r *running) at(ctx context.Context, c *repo.Commit) ([]string, error) {
	images, err := imagesAt(ctx, c, r.query, r.paths)
	return r.tagsIn(images), err
}

// tagsIn returns the tags of those of images that are the row's service's, each once.
func (r *running) tagsIn(images []bump.Image) []string {
	var tags []string
	for _, i := range images {
		if tag := i.Ref.TagOrDigest(); r.owns(i) && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// owns reports whether an image is the row's service's.
func (r *running) owns(i bump.Image) bool { return r.query.Target(i.Ref).Name() == r.Service }

// lookBack is how many commits are looked at for when a tag came.
const lookBack = 100

// since sets the day on which each row's tags came: that of the last commit that changed
// them. The pull request does without it: after an error the day is "not known".
func since(ctx context.Context, o *Options, tip *repo.Commit, rows []*running) {
	if len(rows) == 0 {
		return
	}
	byPath := map[string][]*running{}
	var paths []string
	for _, r := range rows {
		r.Since = "not known"
		for _, p := range r.paths {
			if byPath[p] == nil {
				paths = append(paths, p)
			}
			byPath[p] = append(byPath[p], r)
		}
	}
	w, err := o.Store.Log(ctx, tip, lookBack, paths...)
	if err != nil {
		return
	}
	var parts []repo.Part
	for _, e := range w.Entries {
		if e.Before != nil {
			parts = append(parts, repo.Part{Commit: e.Before, Paths: e.Paths})
		}
	}
	if err := o.Store.Fetch(ctx, parts...); err != nil {
		return
	}
	open := map[*running]bool{}
	for _, r := range rows {
		open[r] = true
	}
	for _, e := range w.Entries {
		for _, p := range e.Paths {
			for _, r := range byPath[p] {
				if !open[r] {
					continue
				}
				var before []string
				if e.Before != nil {
					if before, err = r.at(ctx, e.Before); err != nil {
						return
					}
				}
				if !slices.Equal(before, r.Tags) {
					r.Since, open[r] = e.Committer.When.UTC().Format(time.DateOnly), false
				}
			}
		}
	}
	for _, r := range rows {
		if open[r] && !w.Oldest.IsZero() {
			r.Since = fmt.Sprintf("before %s", w.Oldest.UTC().Format(time.DateOnly))
		}
	}
}

// otherEnvs returns the environments but some: by their files, which are here, else by
// the folders at the top.
func otherEnvs(tree fs.ReadDirFS, but []string) ([]string, error) {
	var envs []string
	entries, err := tree.ReadDir(inventory.EnvironmentsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".yaml"); ok && !slices.Contains(but, name) {
			envs = append(envs, name)
		}
	}
	if err == nil {
		return envs, nil
	}
	entries, err = tree.ReadDir(".")
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(but, e.Name()) {
			envs = append(envs, e.Name())
		}
	}
	return envs, err
}
