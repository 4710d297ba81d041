package status

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"k8srepo/internal/bump"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// found is what the files of a k8s repo say.
type found struct {
	names    []string                    // of environments
	policies map[string]inventory.Deploy // of those that have one
	services []*inventory.Service        // sorted by name; made up from the images where there is no users.yaml
	images   []runs                      // sorted by path and place
	notices  []string

	byRepository map[string][]int // canonical → indices of services, which may share an image
}

// runs is an image in a file.
type runs struct {
	file    string
	env     string
	user    bool // below users/
	ref     image.Ref
	service []int
}

// fetch brings everything that read reads, in one request a level of folders.
func fetch(ctx context.Context, tip *gitrepo.Tip) error {
	entries, err := tip.FS(ctx).ReadDir(".")
	if err != nil {
		return err
	}
	paths := []string{inventory.UsersFile, inventory.EnvironmentsDir}
	for _, e := range entries {
		if e.IsDir() {
			paths = append(paths, path.Join(e.Name(), "manifests"))
		}
	}
	return tip.Fetch(ctx, paths...)
}

func read(ctx context.Context, fsys fs.FS) (*found, error) {
	f := &found{policies: map[string]inventory.Deploy{}, byRepository: map[string][]int{}}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range entries {
		dir := path.Join(e.Name(), "manifests")
		if !e.IsDir() {
			continue
		}
		info, err := fs.Stat(fsys, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil || !info.IsDir() {
			continue
		}
		f.names = append(f.names, e.Name())
		if err := walk(ctx, fsys, e.Name(), dir, &files); err != nil {
			return nil, err
		}
		switch policy, err := inventory.LoadDeploy(fsys, e.Name()); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			f.notices = append(f.notices, "how "+e.Name()+" is deployed is left out: "+problem.All(err)[0].Error())
		default:
			f.policies[e.Name()] = policy
		}
	}
	if len(f.names) == 0 {
		return nil, problem.Refuse("name the k8s repo's folder with --root, or the repository with --repo", "there is nothing to report: no folder holds manifests")
	}
	f.services, err = inventory.LoadServices(fsys)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	made := err != nil // none are known: every image is one
	for i, s := range f.services {
		if ref, err := image.ParseRepository(s.Image); err == nil {
			f.byRepository[ref.Repository()] = append(f.byRepository[ref.Repository()], i)
		}
	}
	for _, p := range parse(files, &f.notices) {
		if made && f.byRepository[p.ref.Repository()] == nil {
			f.byRepository[p.ref.Repository()] = []int{len(f.services)}
			f.services = append(f.services, &inventory.Service{Name: p.ref.Base(), Image: p.ref.Name})
		}
		if p.service = f.serviceOf(p.ref, p.env); p.service != nil {
			f.images = append(f.images, p)
		}
	}
	if made {
		f.distinguish()
	}
	return f, nil
}

// serviceOf are the services of an image. Some shops build an image of its own for
// an environment: api-dev, which the service api runs in dev.
func (f *found) serviceOf(ref image.Ref, env string) []int {
	if known := f.byRepository[ref.Repository()]; known != nil {
		return known
	}
	return f.byRepository[strings.TrimSuffix(ref.Repository(), "-"+env)]
}

// distinguish gives services that were made up the whole repository for a name
// where the last part of it is another's too.
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

type file struct {
	env, path string
	data      []byte
}

// walk reads the manifests below a folder that may hold an image. Links are not
// followed.
func walk(ctx context.Context, fsys fs.FS, env, dir string, files *[]file) error {
	return fs.WalkDir(fsys, dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil || !e.Type().IsRegular() || !bump.IsManifest(name):
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err == nil && mayHoldImage(data) {
			*files = append(*files, file{env, name, data})
		}
		return err
	})
}

// mayHoldImage tells, from the bytes, whether a file is worth parsing: escapes may
// hide the word.
func mayHoldImage(data []byte) bool {
	return bytes.Contains(data, []byte("image")) || bytes.IndexByte(data, '\\') >= 0
}

// parse finds the images in files. A file that is no YAML is a notice.
func parse(files []file, notices *[]string) []runs {
	perFile, failed := make([][]runs, len(files)), make([]error, len(files))
	next := make(chan int, len(files))
	for i := range files {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				perFile[i], failed[i] = imagesOf(files[i])
			}
		})
	}
	workers.Wait()
	for _, err := range failed {
		if err != nil {
			*notices = append(*notices, "left out: "+problem.All(err)[0].Error())
		}
	}
	return slices.Concat(perFile...)
}

func imagesOf(f file) ([]runs, error) {
	parsed, err := manifest.Parse(f.path, f.data)
	if err != nil {
		return nil, err
	}
	user := strings.HasPrefix(f.path, path.Join(f.env, "manifests", "users")+"/")
	var list []runs
	for _, i := range parsed.Images() {
		list = append(list, runs{file: f.path, env: f.env, user: user, ref: i.Ref})
	}
	return list, nil
}

// version is what of a reference tells one from another.
func version(ref image.Ref) string { return cmp.Or(ref.Tag, ref.Digest, "latest") }

// fill makes the rows and counts what runs.
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

// common are tags by how often they run.
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
