package deploy

import (
	"context"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
)

// stayBehind says what a plan may leave behind: files that were not looked at, and other
// images of the same build in the files that change.
func stayBehind(ctx context.Context, b *base, request *bump.Request, plan *Outcome, whole bool) error {
	if !plan.Result.Changed() {
		return nil
	}
	if !whole {
		large, err := isLarge(ctx, b.Commit, request.Dir())
		if err != nil {
			return err
		}
		if large {
			plan.notice("%s has more than %d folders, so only the files of %s by their names were read; --image REPOSITORY looks in all of it", request.Dir(), maxWholeFolders, strings.Join(targetNames(request), ", "))
		}
	}
	services, err := inventory.LoadServices(b.FS(ctx))
	if err != nil {
		services = nil // without users.yaml the tags alone tell
	}
	old := map[string]bool{} // tags that name the build that ran
	for _, i := range plan.Images {
		if i.Changed() && hashOf(i.Old.Tag) != "" {
			old[i.Old.Tag] = true
		}
	}
	all := &bump.Query{Env: request.Env, Root: request.Root}
	for _, f := range plan.Files {
		images, _ := all.Read([]bump.File{{Path: f.Path, Data: f.Old}})
		for _, i := range images {
			if request.Target(i.Ref) != nil {
				continue
			}
			if source := sourceOf(services, i.Ref); old[i.Ref.Tag] || source != "" && builds(request, source) {
				plan.notice("%s: %s stays: it seems to come from the same build; name it with --image %s to move it too", i.Place, i.Ref, i.Ref.Name)
			}
		}
	}
	return nil
}

func targetNames(request *bump.Request) []string {
	var names []string
	for _, t := range request.Targets {
		names = append(names, t.Name())
	}
	return names
}

// sourceOf returns the repository that an image is built from, "" where it is not known.
func sourceOf(services []*inventory.Service, ref image.Ref) string {
	for _, s := range services {
		if own, err := image.ParseRepository(s.Image); err == nil && own.Repository() == ref.Repository() {
			return s.Repository
		}
	}
	return ""
}

// builds reports whether one of a request's services is built from a repository.
func builds(request *bump.Request, source string) bool {
	for _, t := range request.Targets {
		if strings.EqualFold(t.Source, source) {
			return true
		}
	}
	return false
}
