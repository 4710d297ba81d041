package inventory

import (
	"strings"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Image returns the repository that a service runs from in the environment. Of
// the files that the environment is made of, from the weakest on, a registry:
// replaces the host of the repository so far, and services.<name>.image replaces
// the whole; an image keeps its host where the same file has both.
func (e *Environment) Image(s *Service) string { return e.ImageSource(s).Text }

// ImageSource returns the service's Image, with the place that has the last word on it.
func (e *Environment) ImageSource(s *Service) manifest.Value {
	source, _ := s.Source.Get("image")
	source.Text = s.Image
	for _, link := range e.Chain {
		if registry, set := link.Source.Get("registry"); set && source.Text != "" {
			registry.Text = image.WithRegistry(source.Text, registry.Text)
			source = registry
		}
		if own, set := link.image(s.Name); set {
			source = own
		}
	}
	return source
}

// image returns what a file sets as the image of a service.
func (k Link) image(service string) (manifest.Value, bool) {
	services, _ := k.Source.Get("services")
	override, _ := services.Get(service)
	return override.Get("image")
}

// imageTo reads a repository.
func (l *loader) imageTo(to *string) func(manifest.Value) {
	return func(v manifest.Value) {
		text := l.text(v, "image")
		if text == "" {
			return
		}
		ref, err := image.Parse(text)
		switch {
		case strings.Contains(text, "://"):
			_, bare, _ := strings.Cut(text, "://")
			l.report(problem.NotAnImage, v.Place, "write image: "+bare, "image is a repository, not a URL")
		case err != nil:
			l.report(problem.NotAnImage, v.Place, "", "%v", err)
		case ref.Tag != "" && ref.Digest == "":
			l.report(problem.NotAnImage, v.Place, "write image: "+ref.Name+" and, on a line of its own, tag: "+ref.Tag, "image is a repository, without a tag")
		case ref.Digest != "":
			l.report(problem.NotAnImage, v.Place, "write image: "+ref.Name, "image is a repository, without a digest")
		default:
			*to = text
		}
	}
}

// checkRegistry checks a registry host. ImageSource reads it from the files that an environment
// is made of.
func (l *loader) checkRegistry(v manifest.Value) {
	text := l.text(v, "registry")
	if text == "" {
		return
	}
	ref, err := image.Parse(text + "/x")
	host, _, _ := strings.Cut(text, "/")
	switch {
	case strings.Contains(text, "://"):
		_, bare, _ := strings.Cut(text, "://")
		l.report(problem.NotAnImage, v.Place, "write registry: "+bare, "registry is a host, not a URL")
	case host != text:
		l.report(problem.NotAnImage, v.Place, "write registry: "+host+"; for another repository, services: {name: {image: …}}", "registry is a host, without a path")
	case err != nil || ref.Repository() != text+"/x":
		l.report(problem.NotAnImage, v.Place, "write a host, such as 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com or localhost:5000", "registry %q is not valid", text)
	}
}
