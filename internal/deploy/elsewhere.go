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

// elsewhere returns what the other environments of a base run of the request's targets,
// as far as the folders of their services tell.
func elsewhere(ctx context.Context, o *Options, b *base, request *bump.Request) ([]running, error) {
	tree := b.FS(ctx)
	envs, err := otherEnvs(tree, request.Env)
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, env := range envs {
		for _, t := range request.Targets {
			folders = append(folders, path.Join(dirOf(env), t.Name()))
		}
	}
	if err := b.Tree.Fetch(ctx, folders...); err != nil {
		return nil, err
	}
	runs := map[string][]string{}
	for _, folder := range folders {
		if runs[folder], err = tagsIn(tree, folder, request); err != nil {
			return nil, err
		}
	}
	folders = slices.DeleteFunc(folders, func(folder string) bool { return len(runs[folder]) == 0 })
	days := since(ctx, o, b, folders, runs, request)
	var list []running
	for _, folder := range folders {
		env, service, _ := strings.Cut(folder, "/manifests/")
		list = append(list, running{env, service, strings.Join(runs[folder], ", "), days[folder]})
	}
	return list, nil
}

// lookBack is how many commits are looked at for when a tag came.
const lookBack = 100

// since returns the day on which each folder's tags came: that of the last commit that
// changed them. A folder has none where that is not near.
func since(ctx context.Context, o *Options, b *base, folders []string, runs map[string][]string, request *bump.Request) map[string]string {
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
				if before, err = tagsIn(e.Before.FS(ctx), folder, request); err != nil {
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

// otherEnvs are the environments by their files, which are here, else by the
// folders at the top.
func otherEnvs(tree fs.ReadDirFS, env string) ([]string, error) {
	var envs []string
	entries, err := tree.ReadDir(inventory.EnvironmentsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".yaml"); ok && name != env {
			envs = append(envs, name)
		}
	}
	if err == nil {
		return envs, nil
	}
	entries, err = tree.ReadDir(".")
	for _, e := range entries {
		if e.IsDir() && e.Name() != env {
			envs = append(envs, e.Name())
		}
	}
	return envs, err
}

// tagsIn are the tags that a folder's files run of the targets, each once. A file
// that cannot be parsed says nothing.
func tagsIn(tree fs.FS, folder string, request *bump.Request) ([]string, error) {
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
		if err != nil || !request.Mentions(data) {
			continue
		}
		for _, i := range f.Images(request.Fields...) {
			if request.Target(i.Ref) != nil && !slices.Contains(tags, i.Ref.TagOrDigest()) {
				tags = append(tags, i.Ref.TagOrDigest())
			}
		}
	}
	return tags, nil
}
