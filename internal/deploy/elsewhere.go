package deploy

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/repo"
)

// elsewhere returns what the environments of a base run of the request's targets, but
// for some, as far as the folders of their services tell.
func elsewhere(ctx context.Context, o *Options, b *base, but []string, query *bump.Query) ([]running, error) {
	tree := b.FS(ctx)
	envs, err := otherEnvs(tree, but)
	if err != nil {
		return nil, err
	}
	var folders []string
	where := map[string]running{}
	for _, env := range envs {
		root, err := (&bump.Selection{Env: env}).Root(tree)
		if err != nil {
			continue // what is wrong with its file is no matter of this environment
		}
		for _, t := range query.Targets {
			folder := path.Join(root, t.Name())
			folders, where[folder] = append(folders, folder), running{Env: env, Service: t.Name()}
		}
	}
	if err := b.Tree.Fetch(ctx, folders...); err != nil {
		return nil, err
	}
	runs := map[string][]string{}
	for _, folder := range folders {
		if runs[folder], err = tagsIn(tree, folder, query); err != nil {
			return nil, err
		}
	}
	folders = slices.DeleteFunc(folders, func(folder string) bool { return len(runs[folder]) == 0 })
	days := since(ctx, o, b, folders, runs, query)
	var list []running
	for _, folder := range folders {
		r := where[folder]
		r.Tags, r.Since = strings.Join(runs[folder], ", "), days[folder]
		list = append(list, r)
	}
	return list, nil
}

// lookBack is how many commits are looked at for when a tag came.
const lookBack = 100

// since returns the day on which each folder's tags came: that of the last commit that
// changed them. A folder has none where that is not near.
func since(ctx context.Context, o *Options, b *base, folders []string, runs map[string][]string, query *bump.Query) map[string]string {
	days := map[string]string{}
	if len(folders) == 0 {
		return days
	}
	w, err := o.Store.Log(ctx, b.Commit, lookBack, folders...)
	if err != nil {
		return days // it is nice to know, and no more
	}
	var parts []repo.Part
	for _, e := range w.Entries {
		if e.Before != nil {
			parts = append(parts, repo.Part{Commit: e.Before, Paths: e.Paths})
		}
	}
	if err := o.Store.Fetch(ctx, parts...); err != nil {
		return days
	}
	for _, e := range w.Entries {
		for _, folder := range e.Paths {
			if days[folder] != "" {
				continue
			}
			var before []string
			if e.Before != nil {
				if before, err = tagsIn(e.Before.FS(ctx), folder, query); err != nil {
					return days
				}
			}
			if !slices.Equal(before, runs[folder]) {
				days[folder] = e.Committer.When.UTC().Format(time.DateOnly)
			}
		}
	}
	return days
}

// otherEnvs returns the environments, but for some: by their files, which are here,
// else by the folders at the top.
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

// tagsIn are the tags that a folder's files run of the targets, each once. A file
// that cannot be parsed says nothing.
func tagsIn(tree fs.FS, folder string, query *bump.Query) ([]string, error) {
	entries, err := fs.ReadDir(tree, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the environment does not have the service
	}
	if err != nil {
		return nil, err
	}
	var tags []string
	for _, e := range entries {
		file := path.Join(folder, e.Name())
		if !e.Type().IsRegular() || !bump.IsManifest(file) {
			continue
		}
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			return nil, err
		}
		f, err := manifest.Parse(file, data)
		if err != nil || !query.Mentions(data) {
			continue
		}
		for _, i := range f.Images(query.Fields...) {
			if query.Target(i.Ref) != nil && !slices.Contains(tags, i.Ref.TagOrDigest()) {
				tags = append(tags, i.Ref.TagOrDigest())
			}
		}
	}
	return tags, nil
}
