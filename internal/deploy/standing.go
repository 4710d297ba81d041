package deploy

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"k8srepo/internal/bump"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

// standing is what an environment runs, as it was read from the tip of the branch
// that it is deployed from. Nothing of it is changed.
type standing struct {
	env      string
	tip      *gitrepo.Tip
	policy   inventory.Deploy // the zero Deploy where the k8s repo does not say
	services []*inventory.Service
	request  *bump.Request
	images   map[string][]bump.ImageChange // by canonical repository; New means nothing
}

// stand reads what an environment runs of some services; of all where none is named.
func (d *Deployment) stand(ctx context.Context, env string, services []string) (*standing, error) {
	look := *d
	// The tag is not for writing: a request must have one.
	look.Selection = bump.Selection{Env: env, Services: services, Tag: "none", Renames: d.Renames, Fields: d.Fields}
	tip, err := d.Remote.Tip(ctx, d.Branch)
	if err != nil {
		return nil, err
	}
	policy, err := inventory.LoadDeploy(tip.FS(ctx), env)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if d.Branch == "" && policy.Branch != "" && policy.Branch != tip.Branch {
		if tip, err = d.Remote.Tip(ctx, policy.Branch); err != nil {
			return nil, err
		}
	}
	s := &standing{env: env, tip: tip, policy: policy, images: map[string][]bump.ImageChange{}}
	if s.services, err = inventory.LoadServices(tip.FS(ctx)); errors.Is(err, fs.ErrNotExist) {
		return nil, problem.New("tagbump deploy takes an image by its repository", "there is no users.yaml to look services up in")
	} else if err != nil {
		return nil, err
	}
	if len(services) == 0 {
		look.Services = inventory.Names(s.services)
	}
	if s.request, err = look.Request(tip.FS(ctx)); err != nil {
		return nil, err
	}
	var paths []string
	if len(services) == 0 {
		paths, err = gitSnapshot{tip}.below(ctx, s.request.Dir())
	} else {
		paths, err = look.layout(ctx, gitSnapshot{tip}, s.request.Dir())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noEnvironment(tip.FS(ctx), s.request)
	}
	if err != nil {
		return nil, err
	}
	images, err := s.read(ctx, paths)
	if err == nil && len(services) > 0 && !s.hasAll(images) {
		if paths, err = (gitSnapshot{tip}).below(ctx, s.request.Dir()); err != nil {
			return nil, err
		}
		images, err = s.read(ctx, paths)
	}
	if err != nil {
		return nil, err
	}
	for _, i := range images {
		repository := s.request.Target(i.Old).Repository.Repository()
		s.images[repository] = append(s.images[repository], i)
	}
	return s, nil
}

func (s *standing) read(ctx context.Context, paths []string) ([]bump.ImageChange, error) {
	files, err := read(ctx, gitSnapshot{s.tip}, s.request, paths)
	if err != nil {
		return nil, err
	}
	images, problems := s.request.Read(files)
	return bump.Unchanged(images), problems.Err()
}

// hasAll reports whether each of the request's targets is among images.
func (s *standing) hasAll(images []bump.ImageChange) bool {
	for _, t := range s.request.Targets {
		if !slices.ContainsFunc(images, func(i bump.ImageChange) bool { return s.request.Target(i.Old).Repository == t.Repository }) {
			return false
		}
	}
	return true
}

// of are the images of a service, in the order of their places.
func (s *standing) of(service string) []bump.ImageChange {
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

// versions are what images run, each once, in the order they are found in. Their
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
