package deploy

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
)

// maxUnmoved is how many images of the same build a run names in files that it does not
// change.
const maxUnmoved = 10

// noteUnmoved adds notices of what a plan may have missed: files that were not read, and
// other images of the same build.
func noteUnmoved(ctx context.Context, b *base, request *bump.Request, s bump.Selection, plan *Outcome, whole bool) error {
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
	apart, err := unchangedImages(ctx, b, request, s, plan, old, whole)
	if err != nil {
		return err
	}
	for _, i := range apart {
		refs = append(refs, i.Ref)
	}
	if len(refs) == 0 {
		return nil
	}
	services := servicesOf(b.FS(ctx), request.Env, refs) // none without users.yaml: then only the tags count
	for _, i := range others {
		if old[i.Ref.Tag] || slices.ContainsFunc(services[i.Ref.Repository()], func(s *inventory.Service) bool { return builds(request, s.Repository) }) {
			plan.noteUnmoved(i)
		}
	}
	// A service of its own has deployments of its own.
	apart = slices.DeleteFunc(apart, func(i bump.Image) bool { return len(services[i.Ref.Repository()]) > 0 })
	for n, i := range apart {
		if n == maxUnmoved {
			plan.notice("%d more images that seem to come from the same build stay", len(apart)-n)
			break
		}
		plan.noteUnmoved(i)
	}
	return nil
}

// noteUnmoved adds a notice of an image that seems to come from the same build.
func (o *Outcome) noteUnmoved(i bump.Image) {
	o.notice("%s: %s stays: it seems to come from the same build; name it with --image %s to move it too", i.Place, i.Ref, i.Ref.Name)
}

// unchangedImages returns the images with one of some tags, other than a request's, in the
// files that were read and that its plan does not change.
func unchangedImages(ctx context.Context, b *base, request *bump.Request, s bump.Selection, plan *Outcome, tags map[string]bool, whole bool) ([]bump.Image, error) {
	if len(tags) == 0 {
		return nil, nil
	}
	paths, err := pathsOf(ctx, b.Commit, s, request.Dir(), whole)
	if err != nil {
		return nil, err
	}
	all := &bump.Query{Env: request.Env, Root: request.Root}
	files, err := read(ctx, b.Commit, all, paths, strayLink)
	if err != nil {
		return nil, err
	}
	var found []bump.Image
	for _, f := range files {
		mentioned := false
		for tag := range tags {
			mentioned = mentioned || bytes.Contains(f.Data, []byte(tag))
		}
		if !mentioned || slices.ContainsFunc(plan.Files, func(c bump.FileChange) bool { return c.Path == f.Path }) {
			continue
		}
		images, _ := all.Read([]bump.File{f})
		for _, i := range images {
			if tags[i.Ref.Tag] && request.Target(i.Ref) == nil {
				found = append(found, i)
			}
		}
	}
	return found, nil
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
