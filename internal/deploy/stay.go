package deploy

import (
	"context"
	"slices"
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
	old := map[string]bool{} // tags that name the build that ran
	for _, i := range plan.Images {
		if i.Changed() && hashOf(i.Old.Tag) != "" {
			old[i.Old.Tag] = true
		}
	}
	var others []bump.Image
	var refs []image.Ref
	all := &bump.Query{Env: request.Env, Root: request.Root}
	for _, f := range plan.Files {
		images, _ := all.Read([]bump.File{{Path: f.Path, Data: f.Old}})
		for _, i := range images {
			if request.Target(i.Ref) == nil {
				others, refs = append(others, i), append(refs, i.Ref)
			}
		}
	}
	if len(others) == 0 {
		return nil
	}
	services := servicesOf(b.FS(ctx), request.Env, refs) // without users.yaml the tags alone tell
	for _, i := range others {
		if old[i.Ref.Tag] || slices.ContainsFunc(services[i.Ref.Repository()], func(s *inventory.Service) bool { return builds(request, s.Repository) }) {
			plan.notice("%s: %s stays: it seems to come from the same build; name it with --image %s to move it too", i.Place, i.Ref, i.Ref.Name)
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

// builds reports whether one of a request's services is built from a repository.
func builds(request *bump.Request, source string) bool {
	for _, t := range request.Targets {
		if source != "" && strings.EqualFold(t.Source, source) {
			return true
		}
	}
	return false
}
