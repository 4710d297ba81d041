package deploy

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"k8srepo/internal/bump"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// envState is what an environment runs, as it was read from a tip. Nothing of it is
// changed.
type envState struct {
	env      string
	base     *base // its policy is the zero Deploy where the k8s repo does not say
	services []*inventory.Service
	request  *bump.Request
	images   map[string][]bump.ImageChange // by canonical repository; New means nothing
}

// readEnv reads what an environment runs of some services; of all where none is
// named. The tip is that of the branch that the environment is deployed from.
func readEnv(ctx context.Context, o *Options, env string, services []string) (*envState, error) {
	t := &task{env: env, services: services, names: services}
	tip, err := readTip(ctx, o, t, o.Branch)
	if err != nil {
		return nil, err
	}
	policy, err := inventory.LoadDeploy(tip.FS(ctx), env)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if o.Branch == "" && policy.Branch != "" && policy.Branch != tip.Branch {
		if tip, err = readTip(ctx, o, t, policy.Branch); err != nil {
			return nil, err
		}
	}
	return readEnvAt(ctx, &base{tip, policy}, bump.Selection{Env: env, Services: services})
}

// readEnvAt reads what an environment runs at a commit.
func readEnvAt(ctx context.Context, b *base, s bump.Selection) (*envState, error) {
	state := &envState{env: s.Env, base: b, images: map[string][]bump.ImageChange{}}
	var err error
	if state.services, err = inventory.LoadServices(b.FS(ctx)); errors.Is(err, fs.ErrNotExist) {
		return nil, problem.New("tagbump deploy takes an image by its repository", "there is no users.yaml to look services up in")
	} else if err != nil {
		return nil, err
	}
	all := len(s.Services) == 0
	if all {
		s.Services = inventory.Names(state.services)
	}
	s.Tag = "none" // nothing is written: a request must have one
	if state.request, err = s.Request(b.FS(ctx)); err != nil {
		return nil, err
	}
	files, err := filesOf(ctx, b.Commit, state.request, s.Services, all)
	if err != nil {
		return nil, err
	}
	found, err := state.find(files)
	if err == nil && !all && !state.hasAll(found) {
		if files, err = filesOf(ctx, b.Commit, state.request, nil, true); err == nil {
			found, err = state.find(files)
		}
	}
	if err != nil {
		return nil, err
	}
	for _, i := range found {
		repository := state.request.Target(i.Old).Repository.Repository()
		state.images[repository] = append(state.images[repository], i)
	}
	return state, nil
}

// find returns the images in files that are the request's.
func (s *envState) find(files []bump.File) ([]bump.ImageChange, error) {
	var found []bump.ImageChange
	var problems problem.List
	for _, file := range bump.SortFiles(files) {
		images, err := imagesIn(s.request, file)
		problems.Add(err)
		found = append(found, images...)
	}
	return found, problems.Err()
}

// imagesIn returns the images of a file that are a request's; New is Old. A file that
// is no YAML has none, unless it names one of them: that is a refusal.
func imagesIn(request *bump.Request, file bump.File) ([]bump.ImageChange, error) {
	f, err := manifest.Parse(file.Path, file.Data)
	if err != nil {
		return nil, request.EditFile(file).Err
	}
	var found []bump.ImageChange
	for _, i := range f.Images(request.Fields...) {
		if request.Target(i.Ref) != nil {
			found = append(found, bump.ImageChange{Place: i.Place, Container: i.Container, Old: i.Ref, New: i.Ref})
		}
	}
	return found, nil
}

// hasAll reports whether each target is among images.
func (s *envState) hasAll(images []bump.ImageChange) bool {
	for _, t := range s.request.Targets {
		if !slices.ContainsFunc(images, func(i bump.ImageChange) bool { return s.request.Target(i.Old).Repository == t.Repository }) {
			return false
		}
	}
	return true
}

// of returns the images of a service, in the order of their places.
func (s *envState) of(service string) []bump.ImageChange {
	known := bump.FindService(s.services, service)
	if known == nil {
		return nil
	}
	ref, err := image.ParseRepository(known.Image)
	if err != nil {
		return nil
	}
	return s.images[ref.Repository()]
}

// versions returns what images run, each once, in the order they are found in. Their
// names mean nothing.
func versions(images []bump.ImageChange) []image.Ref {
	var list []image.Ref
	for _, i := range images {
		if !slices.ContainsFunc(list, func(known image.Ref) bool { return known.Suffix() == i.Old.Suffix() }) {
			list = append(list, i.Old)
		}
	}
	return list
}
