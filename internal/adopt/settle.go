package adopt

import (
	"maps"
	"slices"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
)

// newSettings returns the services and environments of the files.
func (s *state) newSettings() *settings {
	list := &settings{inventory: s.inventory}
	byCell := map[cell]bool{}
	scopes := map[string]map[string]bool{}
	for _, f := range s.files {
		byCell[f.cell] = true
		if scopes[f.env] == nil {
			scopes[f.env] = map[string]bool{}
		}
		scopes[f.env][scopeOf(f.cell)] = true
	}
	for _, name := range s.survey.services {
		list.services = append(list.services, &serviceSettings{name: name, image: usedImage(s.survey.images[name])})
	}
	for _, name := range s.survey.envs {
		e := &envSettings{name: name, keys: s.keysOf(name, scopes[name])}
		list.envs = append(list.envs, e)
		for _, service := range list.services {
			image := s.survey.images[service.name][name]
			if c := (cell{name, service.name}); !byCell[c] && !s.folders[c] && s.mayBeAbsent(c) {
				e.service(service.name).absent = true
			} else if image != "" && image != service.image {
				e.service(service.name).image = image
			}
		}
		if s.inventory.Environment(name) != nil {
			continue
		}
		for _, service := range s.inventory.Services { // those that have nothing to do with a new environment
			if !slices.Contains(s.survey.services, service.Name) {
				e.service(service.Name).absent = true
			}
		}
	}
	return list
}

// mayBeAbsent reports whether adopt may say that a service is not rendered in an
// environment: for one that the inventory knows there, that is for people to say.
func (s *state) mayBeAbsent(c cell) bool {
	env, service := s.inventory.Environment(c.env), s.inventory.Service(c.service)
	return env == nil || service == nil || env.Overrides[c.service].Absent
}

func scopeOf(c cell) string {
	if c.service != "" {
		return "service"
	}
	return "environment"
}

// keysOf returns the keys at the top of a new environment's file.
func (s *state) keysOf(env string, scopes map[string]bool) []manifest.Field {
	var keys []manifest.Field
	if path := s.options.Layout.path(env); path != env+"/manifests" {
		keys = append(keys, field("path", manifest.NewString(path)))
	}
	if ns := s.survey.namespace[env]; ns != "" && ns != env {
		keys = append(keys, field("namespace", manifest.NewString(ns)))
	}
	if domain := s.survey.domain[env]; domain != "" {
		keys = append(keys, field("domain", manifest.NewString(domain)))
	}
	return append(keys, field("templates", manifest.NewList(slices.Sorted(maps.Keys(scopes))...)))
}

func usedImage(images map[string]string) string {
	counts := map[string]int{}
	for _, image := range images {
		counts[image]++
	}
	return commonest(counts)
}

// universe returns the cells that a scope's templates are rendered for.
func (s *state) universe(scope string) []cell {
	var list []cell
	names := slices.Clone(s.survey.envs)
	for _, e := range s.inventory.Environments {
		if !e.Abstract && slices.Contains(e.Templates, scope) && !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	}
	services := inventory.Names(s.inventory.Services)
	for _, service := range s.survey.services {
		if !slices.Contains(services, service) {
			services = append(services, service)
		}
	}
	for _, env := range names {
		if scope == "environment" {
			list = append(list, cell{env: env})
			continue
		}
		absent := s.absent(env)
		for _, service := range services {
			if !absent[service] {
				list = append(list, cell{env, service})
			}
		}
	}
	return list
}

// absent returns the services that are not rendered in an environment.
func (s *state) absent(env string) map[string]bool {
	absent := map[string]bool{}
	if e := s.inventory.Environment(env); e != nil {
		for service, o := range e.Overrides {
			absent[service] = o.Absent
		}
	}
	for _, e := range s.settings.envs {
		for _, o := range e.services {
			if e.name == env && o.absent {
				absent[o.name] = true
			}
		}
	}
	return absent
}
