package bump

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Selection is what the flags of a command say, before services are looked up. Request
// resolves it.
type Selection struct {
	Env           string
	Path          string // the folder of the environment's manifests; {env} is its name
	Services      []string
	Images        []string // repositories
	Tag           string
	Digest        string
	ResolveDigest bool     // the registry is asked for the tag's digest
	Renames       []string // OLD=NEW
	Fields        []string // paths
	Expect        int
	Narrowing
}

// Version returns what is to run, for people: the tag, or else the digest.
func (s *Selection) Version() string {
	return cmp.Or(s.Tag, s.Digest)
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

// Request returns the request that is meant. Services are looked up in the first of
// the sources that has a users.yaml; the environment's folder and images in the
// first that has a file of it.
func (s *Selection) Request(sources ...fs.FS) (*Request, error) {
	r := &Request{Tag: s.Tag, Digest: s.Digest, Expect: s.Expect}
	query, err := s.Query(sources...)
	if query != nil {
		r.Query = *query
	}
	var problems problem.List
	problems.Add(err)
	problems.Add(r.Validate())
	if s.ResolveDigest && (s.Digest != "" || s.Tag == "") {
		problems.Add(problem.New("pass --tag alone", "--resolve-digest looks up the digest of --tag"))
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return r, r.checkRenames(s.Renames)
}

// Query returns which images are meant, and where. It is returned with an error
// too, as far as it goes.
func (s *Selection) Query(sources ...fs.FS) (*Query, error) {
	var problems problem.List
	if len(s.Services) == 0 && len(s.Images) == 0 {
		problems.Add(problem.New("pass --service NAME, or --image REPOSITORY", "--service or --image is missing"))
	}
	q := &Query{Env: s.Env, Narrowing: s.Narrowing}
	for _, text := range s.Fields {
		path, err := manifest.ParsePath(text)
		for _, p := range problem.All(err) {
			p.Message = "--field: " + p.Message
			problems.Add(p)
		}
		q.Fields = append(q.Fields, path)
	}
	env, err := s.environment(sources)
	problems.Add(err)
	root, err := s.root(env, sources)
	problems.Add(err)
	q.Root = root
	services, err := s.services(sources)
	problems.Add(err)
	for _, service := range services {
		repository := service.Image
		if env != nil {
			repository = env.Image(service)
		}
		if repository == "" {
			problems.Add(problem.At(service.Place, "add a line image: … with the repository that it is pushed to; or pass --image", "the service %s has no image", service.Name))
			continue
		}
		target, err := ParseTarget(repository, s.Renames)
		if err != nil {
			problems.Add(err)
			continue
		}
		target.Service, target.Source = service.Name, service.Repository
		if q.Target(target.Repository) == nil { // services may share an image
			q.Targets = append(q.Targets, target)
		}
	}
	for _, repository := range s.Images {
		target, err := ParseTarget(repository, s.Renames)
		if err != nil {
			problems.Add(err)
			continue
		}
		q.Targets = append(q.Targets, target)
	}
	return q, problems.Err()
}

// Root returns the folder of the environment's manifests, below the k8s repo's
// root: that of --path, else of environments/<env>.yaml, else <env>/manifests.
func (s *Selection) Root(sources ...fs.FS) (string, error) {
	env, err := s.environment(sources)
	if err != nil {
		return "", err
	}
	root, err := s.root(env, sources)
	if root == "" {
		root = path.Join(s.Env, "manifests")
	}
	return inventory.Folder(root), err
}

// environment returns the environment's file, nil where no source has one.
func (s *Selection) environment(sources []fs.FS) (*inventory.Environment, error) {
	if s.Env == "" || !fs.ValidPath(s.Env) {
		return nil, nil
	}
	for _, source := range sources {
		env, err := inventory.LoadEnvironment(source, s.Env)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return env, err
	}
	return nil, nil
}

// root returns the folder of the environment's manifests, "" where nothing says it.
func (s *Selection) root(env *inventory.Environment, sources []fs.FS) (string, error) {
	if s.Path == "" {
		if env == nil {
			return "", nil
		}
		return env.Path, nil
	}
	dir := path.Clean(strings.ReplaceAll(s.Path, "{env}", s.Env))
	if !fs.ValidPath(dir) || strings.ContainsRune(dir, '\\') || inventory.IsInput(dir+"/x") {
		return "", problem.New("it is a folder below the k8s repo's root, such as clusters/{env}/apps", "--path %q is not a valid folder", s.Path)
	}
	file := path.Join(inventory.EnvironmentsDir, s.Env+".yaml")
	if env != nil && env.Path != dir && env.Path != path.Join(s.Env, "manifests") {
		return "", problem.Refuse("leave --path out", "--path %s: %s says path: %s", dir, file, env.Path)
	}
	for i, source := range sources {
		paths, err := inventory.LoadPaths(source)
		if err != nil {
			return "", err
		}
		for _, other := range slices.Sorted(maps.Keys(paths)) {
			// An inventory beside the k8s repo may be of another repo: its environments count where they are.
			_, err := fs.Stat(sources[0], inventory.Folder(paths[other]))
			if other != s.Env && inventory.Overlap(dir, paths[other]) && (i == 0 || err == nil) {
				return "", problem.Refuse("name a folder outside of "+paths[other], "--path %s overlaps with %s, the path of the environment %s", dir, paths[other], other)
			}
		}
	}
	return dir, nil
}

// services looks the selected services up.
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

// FindService returns the service of a name, nil where there is none.
func FindService(services []*inventory.Service, name string) *inventory.Service {
	for _, s := range services {
		if s.Name == name {
			return s
		}
	}
	return nil
}
