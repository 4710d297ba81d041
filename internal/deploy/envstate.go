package deploy

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"k8srepo/internal/bump"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// envState is what an environment runs, as it was read from a tip. It is read only.
type envState struct {
	env      string
	base     *base
	file     *inventory.Environment // nil where the environment has none
	services []*inventory.Service
	query    *bump.Query
	images   map[string][]bump.ImageChange // by canonical repository; none of them changes
}

// readEnv reads what an environment runs of some services; of all that have an image where none
// is named. The tip is that of the branch that the environment is deployed from.
func readEnv(ctx context.Context, o *Options, s bump.Selection) (*envState, error) {
	b, err := readBranch(ctx, o, &task{envs: []string{s.Env}, selections: []bump.Selection{s}})
	if err != nil {
		return nil, err
	}
	return readEnvAt(ctx, b, s)
}

// readEnvAt reads what an environment runs at a commit.
func readEnvAt(ctx context.Context, b *base, s bump.Selection) (*envState, error) {
	state := &envState{env: s.Env, base: b, images: map[string][]bump.ImageChange{}}
	var err error
	if state.services, err = inventory.LoadServices(b.FS(ctx)); errors.Is(err, fs.ErrNotExist) && (len(s.Services) > 0 || len(s.Images) == 0) {
		return nil, problem.New("tagbump deploy takes an image by its repository", "there is no users.yaml to look services up in")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if state.file, err = inventory.LoadEnvironment(b.FS(ctx), s.Env); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all := len(s.Services) == 0
	if all && len(s.Images) == 0 {
		if s.Services = state.withImage(); len(s.Services) == 0 {
			return nil, problem.Refuse("add a line image: … to a service, or pass --image", "no service of users.yaml has an image in %s", s.Env)
		}
	}
	if state.query, err = s.Query(b.FS(ctx)); err != nil {
		return nil, err
	}
	found, err := state.find(ctx, s, all)
	if err == nil && !all && !state.hasAll(found) {
		found, err = state.find(ctx, s, true)
	}
	if err != nil {
		return nil, err
	}
	for _, i := range found {
		repository := state.query.Target(i.Old).Repository.Repository()
		state.images[repository] = append(state.images[repository], i)
	}
	return state, nil
}

// withImage returns the names of the services that have an image. One without runs nowhere.
func (s *envState) withImage() []string {
	var names []string
	for _, service := range s.services {
		if serviceImage(s.file, service) != "" {
			names = append(names, service.Name)
		}
	}
	return names
}

// find reads the images of the query: in the services' files by their paths, or in the
// whole environment.
func (s *envState) find(ctx context.Context, selection bump.Selection, whole bool) ([]bump.ImageChange, error) {
	files, err := filesOf(ctx, s.base.Commit, s.query, selection, whole)
	if err != nil {
		return nil, err
	}
	images, problems := s.query.Read(files)
	return bump.Unchanged(images), problems.Err()
}

// hasAll reports whether each target is among images.
func (s *envState) hasAll(images []bump.ImageChange) bool {
	for _, t := range s.query.Targets {
		if !slices.ContainsFunc(images, func(i bump.ImageChange) bool { return s.query.Target(i.Old).Repository == t.Repository }) {
			return false
		}
	}
	return true
}

// running returns the images of a service. That it does not run is a refusal.
func (s *envState) running(service string) ([]bump.ImageChange, error) {
	images := s.of(service)
	if len(images) == 0 {
		return nil, problem.Refuse("look for another --env or --service", "%s does not run in %s", service, s.env)
	}
	return images, nil
}

// of returns the images of a service, in the order of their places.
func (s *envState) of(service string) []bump.ImageChange { return s.images[s.repository(service)] }

// repository returns the canonical repository of a service; "" where that is not known.
func (s *envState) repository(service string) string {
	for _, t := range s.query.Targets {
		if t.Name() == service {
			return t.Repository.Repository()
		}
	}
	known := bump.FindService(s.services, service)
	if known == nil {
		return ""
	}
	ref, err := repositoryOf(s.file, known) // it shares the image of another service
	if err != nil {
		return ""
	}
	return ref.Repository()
}

// imagesAt returns a query's images at a commit: those in the files and folders that are
// there. A file that cannot be parsed has none, nor has a link.
func imagesAt(ctx context.Context, c *repo.Commit, query *bump.Query, paths []string) ([]bump.Image, error) {
	var there []string
	for _, p := range paths {
		if _, err := c.Tree.Lookup(ctx, p); err == nil {
			there = append(there, p)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	files, err := read(ctx, c, query, there, anyLink)
	if err != nil {
		return nil, err
	}
	images, _ := query.Read(files)
	return images, nil
}

// repositoryOf returns the repository of a service in an environment, whose file may
// replace it. The environment is nil where it has no file.
func repositoryOf(env *inventory.Environment, s *inventory.Service) (image.Ref, error) {
	return image.ParseRepository(serviceImage(env, s))
}

// serviceImage returns a service's image as users.yaml or the environment's file has it; "" where
// neither has one. The environment is nil where it has no file.
func serviceImage(env *inventory.Environment, s *inventory.Service) string {
	if env == nil {
		return s.Image
	}
	return env.Image(s)
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
