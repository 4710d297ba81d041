package status

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/hold"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/limit"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// found is what the files of a k8s repo say.
type found struct {
	names    []string                    // of environments
	policies map[string]inventory.Deploy // of those that have one
	services []*inventory.Service        // sorted by name; one for each image where there is no users.yaml
	images   []runningImage              // sorted by path and place
	notices  []string

	byRepository map[string][]int            // indices of services, which may share an image, by canonical repository
	own          map[string]map[string][]int // the same by environment, for the images that its file sets
}

// runningImage is an image in a file.
type runningImage struct {
	file    string
	env     string
	user    bool // below users/
	ref     image.Ref
	service []int // indices of the services whose image it is
}

// environment is where the manifests of one are: its path, and the folder that is read.
type environment struct{ name, path, dir string }

// fetch brings everything that read reads, in one request a level of folders, and
// one more where an environment's path is set.
func fetch(ctx context.Context, tip *repo.Commit, pattern string) error {
	entries, err := tip.FS(ctx).ReadDir(".")
	if err != nil {
		return err
	}
	paths := []string{inventory.UsersFile, inventory.EnvironmentsDir, hold.Dir}
	for _, e := range entries {
		if e.IsDir() && pattern == "" {
			paths = append(paths, path.Join(e.Name(), "manifests"))
		}
	}
	if err := tip.Tree.Fetch(ctx, paths...); err != nil {
		return err
	}
	envs, err := environments(tip.FS(ctx), pattern)
	if err != nil {
		return err
	}
	var more []string
	for _, e := range envs {
		if !slices.Contains(paths, e.dir) {
			more = append(more, e.dir)
		}
	}
	if more == nil {
		return nil
	}
	return tip.Tree.Fetch(ctx, more...)
}

// environments returns the folders that hold manifests: those of a pattern in which
// {env} stands for the environment's name, else those that environments/ says and
// <name>/manifests. They are sorted by name.
func environments(fsys fs.FS, pattern string) ([]environment, error) {
	dirs := map[string]string{}
	paths, err := inventory.LoadPaths(fsys)
	if err != nil {
		return nil, err
	}
	for name, dir := range paths {
		if pattern == "" || dir != path.Join(name, "manifests") {
			dirs[name] = dir
		}
	}
	glob := "*/manifests"
	if pattern != "" {
		if strings.Count(pattern, "{env}") != 1 {
			return nil, problem.New("write it as in clusters/{env}/apps", "--path %q needs {env} once, for the environment's name", pattern)
		}
		pattern = path.Clean(pattern)
		glob = strings.NewReplacer("{env}", "*", "*", `\*`, "?", `\?`, "[", `\[`).Replace(pattern)
	}
	found, err := fs.Glob(fsys, glob)
	if err != nil {
		return nil, problem.New("write it as in clusters/{env}/apps", "--path %q is not a valid folder", pattern)
	}
	for _, dir := range found {
		name := strings.TrimSuffix(dir, "/manifests")
		if pattern != "" {
			before, after, _ := strings.Cut(pattern, "{env}")
			name = strings.TrimSuffix(strings.TrimPrefix(dir, before), after)
		}
		if _, known := dirs[name]; !known && !inventory.IsInput(dir+"/x") {
			dirs[name] = dir
		}
	}
	var list []environment
	for name, dir := range dirs {
		folder := inventory.Folder(dir)
		if info, err := fs.Stat(fsys, folder); err == nil && info.IsDir() {
			list = append(list, environment{name, dir, folder})
		}
	}
	slices.SortFunc(list, func(a, b environment) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

func read(ctx context.Context, fsys fs.FS, pattern string) (*found, error) {
	f := &found{policies: map[string]inventory.Deploy{}, byRepository: map[string][]int{}, own: map[string]map[string][]int{}}
	envs, err := environments(fsys, pattern)
	if err != nil {
		return nil, err
	}
	if len(envs) == 0 {
		return nil, problem.Refuse("name the k8s repo's folder with --root, or the repository with --repo; or, where manifests are in folders of other names, those with --path", "there is nothing to report: no folder holds manifests")
	}
	if f.services, err = inventory.LoadServices(fsys); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	made := err != nil // none are known: every image is one
	f.index(f.byRepository, func(s *inventory.Service) string { return s.Image })
	for _, env := range envs {
		f.names = append(f.names, env.name)
		f.readPolicy(fsys, env.name)
		images, err := f.readImages(ctx, fsys, env)
		if err != nil {
			return nil, err
		}
		for _, p := range images {
			if made && f.byRepository[p.ref.Repository()] == nil {
				f.byRepository[p.ref.Repository()] = []int{len(f.services)}
				f.services = append(f.services, &inventory.Service{Name: p.ref.Base(), Image: p.ref.Name})
			}
			if p.service = f.serviceOf(p.ref, p.env); p.service != nil {
				f.images = append(f.images, p)
			}
		}
	}
	if made {
		f.distinguish()
	}
	return f, nil
}

// index adds the services by their canonical repositories.
func (f *found) index(to map[string][]int, repository func(*inventory.Service) string) {
	for i, s := range f.services {
		if ref, err := image.ParseRepository(repository(s)); err == nil {
			to[ref.Repository()] = append(to[ref.Repository()], i)
		}
	}
}

// readPolicy reads an environment's file, where it has one: how it is deployed, and
// which images its services have.
func (f *found) readPolicy(fsys fs.FS, name string) {
	switch env, err := inventory.LoadEnvironment(fsys, name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		f.notices = append(f.notices, "how "+name+" is deployed is left out: "+problem.All(err)[0].Error())
	default:
		f.policies[name] = env.Deploy
		f.own[name] = map[string][]int{}
		f.index(f.own[name], env.Image)
	}
}

// readImages reads the images of an environment's manifests. A file that cannot be
// read as YAML is a notice.
func (f *found) readImages(ctx context.Context, fsys fs.FS, env environment) ([]runningImage, error) {
	query := bump.Query{Env: env.name, Root: env.path}
	var files []bump.File
	err := fs.WalkDir(fsys, env.dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil || !e.Type().IsRegular() || !query.Covers(name): // links are not followed
			return err
		}
		data, err := limit.ReadFile(fsys, name)
		if err == nil && mayHoldImage(data) {
			files = append(files, bump.File{Path: name, Data: data})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	images, problems := query.Read(files)
	for _, p := range problems {
		f.notices = append(f.notices, "left out: "+p.Error())
	}
	var list []runningImage
	for _, i := range images {
		user := strings.HasPrefix(i.Place.File, path.Join(env.dir, "users")+"/")
		list = append(list, runningImage{file: i.Place.File, env: env.name, user: user, ref: i.Ref})
	}
	return list, nil
}

// mayHoldImage reports, from the bytes, whether a file is worth parsing: escapes may
// hide the word.
func mayHoldImage(data []byte) bool {
	return bytes.IndexByte(data, '\\') >= 0 || slices.ContainsFunc(manifest.ShapeWords, func(word []byte) bool { return bytes.Contains(data, word) })
}

// serviceOf returns the services of an image, nil where it is none's. Some teams build an
// image for each environment: api-dev, which the service api runs in dev.
func (f *found) serviceOf(ref image.Ref, env string) []int {
	if own := f.own[env][ref.Repository()]; own != nil {
		return own
	}
	if known := f.byRepository[ref.Repository()]; known != nil {
		return known
	}
	return f.byRepository[strings.TrimSuffix(ref.Repository(), "-"+env)]
}

// distinguish names the services that were made from images by the whole repository, where
// two repositories have one last part.
func (f *found) distinguish() {
	count := map[string]int{}
	for _, s := range f.services {
		count[s.Name]++
	}
	for _, s := range f.services {
		if count[s.Name] > 1 {
			s.Name = s.Image
		}
	}
}

// version returns what a reference runs: its tag, else its digest, else latest.
func version(ref image.Ref) string { return cmp.Or(ref.Tag, ref.Digest, "latest") }

// fill makes the report's rows: what each service runs in each environment.
func (f *found) fill(r *Report) {
	column := map[string]int{}
	for i, e := range r.Environments {
		column[e.Name] = i
	}
	type counts struct{ shared, users map[string]int }
	cells := make([][]counts, len(f.services))
	for _, i := range f.images {
		for _, s := range i.service {
			if cells[s] == nil {
				cells[s] = make([]counts, len(r.Environments))
			}
			c := &cells[s][column[i.env]]
			to := &c.shared
			if i.user {
				to = &c.users
			}
			if *to == nil {
				*to = map[string]int{}
			}
			(*to)[version(i.ref)]++
		}
	}
	for s, service := range f.services {
		row := Service{Name: service.Name, Repository: service.Repository}
		for e, env := range r.Environments {
			cell := Cell{Environment: env.Name, Tags: []TagCount{}, PullRequests: []PullRequest{}}
			if cells[s] != nil {
				cell.Tags = append(cell.Tags, common(cells[s][e].shared)...)
				if len(cell.Tags) == 1 {
					cell.Tag = cell.Tags[0].Tag
				}
				if users := common(cells[s][e].users); len(users) > 0 {
					cell.Users = &Spread{Tag: users[0].Tag, On: users[0].Count}
					for _, t := range users {
						cell.Users.Of += t.Count
					}
				}
			}
			row.Environments = append(row.Environments, cell)
		}
		r.Services = append(r.Services, row)
	}
}

// common returns tags by how often they run.
func common(counts map[string]int) []TagCount {
	var list []TagCount
	for tag, n := range counts {
		list = append(list, TagCount{tag, n})
	}
	slices.SortFunc(list, func(a, b TagCount) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), strings.Compare(a.Tag, b.Tag))
	})
	return list
}
