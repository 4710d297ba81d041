package bump

import (
	"errors"
	"io/fs"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Ask is a Request in people's words: the flags of a command, before services are
// looked up.
type Selection struct {
	Env      string
	Services []string
	Images   []string // repositories
	Tag      string
	Digest   string
	Renames  []string // OLD=NEW
	Fields   []string // paths
	Expect   int
}

// version is what is to run, for people.
func (s *Selection) Version() string {
	if s.Tag == "" {
		return s.Digest
	}
	return s.Tag
}

// Validate checks what can be checked before services are looked up.
func (s *Selection) Validate() error {
	named := *s
	if len(s.Services) > 0 {
		named.Services, named.Renames = nil, nil
		named.Images = append([]string{"looked-up.invalid/later"}, s.Images...)
	}
	_, err := named.Request()
	return err
}

// Request is the request that is meant. Services are looked up in the first of
// the sources that has a users.yaml.
func (s *Selection) Request(sources ...fs.FS) (*Request, error) {
	var problems problem.List
	if len(s.Services) == 0 && len(s.Images) == 0 {
		problems.Add(problem.New("say --service NAME, or --image REPOSITORY", "--service or --image is missing"))
	}
	r := &Request{Env: s.Env, Tag: s.Tag, Digest: s.Digest, Expect: s.Expect}
	for _, text := range s.Fields {
		path, err := manifest.ParsePath(text)
		for _, p := range problem.All(err) {
			p.Message = "--field: " + p.Message
			problems.Add(p)
		}
		r.Fields = append(r.Fields, path)
	}
	services, err := s.services(sources)
	problems.Add(err)
	for _, service := range services {
		target, err := ParseTarget(service.Image, s.Renames)
		problems.Add(err)
		target.Service, target.Source = service.Name, service.Repository
		if r.Target(target.Repository) == nil { // services may share an image
			r.Targets = append(r.Targets, target)
		}
	}
	for _, repository := range s.Images {
		target, err := ParseTarget(repository, s.Renames)
		problems.Add(err)
		r.Targets = append(r.Targets, target)
	}
	problems.Add(r.Validate())
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return r, r.checkRenames(s.Renames)
}

// services looks the asked services up.
func (s *Selection) services(sources []fs.FS) ([]*inventory.Service, error) {
	if len(s.Services) == 0 {
		return nil, nil
	}
	var known []*inventory.Service
	err := fs.ErrNotExist
	for _, source := range sources {
		if known, err = inventory.LoadNamed(source, s.Services); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		hint := "name the image's repository with --image"
		if len(sources) > 1 {
			hint = "name its folder with --source, or the repository with --image"
		}
		return nil, problem.New(hint, "there is no users.yaml to look the service up in")
	}
	if err != nil {
		return nil, err
	}
	var found []*inventory.Service
	var problems problem.List
	for _, name := range s.Services {
		service := FindService(known, name)
		if service == nil {
			problems.Add(problem.New(problem.DidYouMean(name, inventory.Names(known)), "unknown service %q", name))
			continue
		}
		found = append(found, service)
	}
	return found, problems.Err()
}

func FindService(services []*inventory.Service, name string) *inventory.Service {
	for _, s := range services {
		if s.Name == name {
			return s
		}
	}
	return nil
}
