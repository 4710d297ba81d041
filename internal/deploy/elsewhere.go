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
)

// elsewhere is what the other environments of a tip run of the request's targets,
// as far as the folders of their services tell.
func elsewhere(ctx context.Context, tip *base, request *bump.Request) ([]running, error) {
	tree := tip.files(ctx)
	envs, err := otherEnvs(tree, request.Env)
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, env := range envs {
		for _, t := range request.Targets {
			folders = append(folders, path.Join(env, "manifests", t.Name()))
		}
	}
	if err := tip.fetch(ctx, folders...); err != nil {
		return nil, err
	}
	var list []running
	for _, folder := range folders {
		tags, err := tagsIn(tree, folder, request)
		if err != nil {
			return nil, err
		}
		if len(tags) > 0 {
			env, service, _ := strings.Cut(folder, "/manifests/")
			list = append(list, running{env, service, strings.Join(tags, ", "), since(ctx, tip, folder, tags, request)})
		}
	}
	return list, nil
}

// lookBack is how many commits are looked at for when a tag came.
const lookBack = 500

// since is the day on which a folder's tags came: that of the last commit that
// changed them. It is "" where that is not near, or not asked for: over the API
// it would take a request for each commit.
func since(ctx context.Context, tip *base, folder string, tags []string, request *bump.Request) string {
	git, ok := tip.snapshot.(gitSnapshot)
	if !ok {
		return ""
	}
	for e, err := range git.Log(ctx, lookBack, folder) {
		if err != nil {
			return "" // it is nice to know, and no more
		}
		var before []string
		if e.Before != nil {
			if before, err = tagsIn(e.Before.FS(ctx), folder, request); err != nil {
				return ""
			}
		}
		if !slices.Equal(before, tags) {
			return e.Committer.When.Format(time.DateOnly)
		}
	}
	return ""
}

// otherEnvs are the environments by their files, which are here, else by the
// folders at the top.
func otherEnvs(tree files, env string) ([]string, error) {
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
