package adopt

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/problem"
)

// load reads the inventory and the templates, if there are any.
func (r *run) load() error {
	_, users := fs.Stat(r.fsys, inventory.UsersFile)
	_, environments := fs.Stat(r.fsys, inventory.EnvironmentsDir)
	r.inventory = &inventory.Inventory{}
	if !errors.Is(users, fs.ErrNotExist) || !errors.Is(environments, fs.ErrNotExist) {
		var err error
		if r.inventory, err = inventory.Load(r.fsys, schema.Compile); err != nil {
			return err
		}
	}
	files, err := fs.Glob(r.fsys, "templates/*/*.tmpl")
	if err != nil {
		return err
	}
	for _, file := range files {
		data, err := r.readFile(file)
		if err != nil {
			return err
		}
		r.disk[file] = string(data)
	}
	return nil
}

// read reads the copies: those to be adopted, and those that were.
func (r *run) read() error {
	envs := r.environments()
	if r.options.Layout.isOpen() && envs == nil {
		return problem.New("pass --env for each", "--path %q: which part of a folder's name is the environment's can only be told by their names", r.options.Layout.text)
	}
	folders, err := r.options.Layout.folders(r.fsys, envs)
	if err == nil && len(folders) == 0 {
		err = problem.New("it is below the k8s repo's root: --source names that folder", "--path %q leads to no folder", r.options.Layout.text)
	}
	if err != nil {
		return err
	}
	for _, env := range r.inventory.Environments {
		used := slices.ContainsFunc(folders, func(f folder) bool { return f.env == env.Name })
		if path := r.options.Layout.path(env.Name); used && !env.Abstract && env.Path != path {
			return problem.At(env.Place, "pass a --path that leads there, or change path:", "the manifests of %s are in %s, not in %s", env.Name, env.Path, path)
		}
	}
	files, left, err := r.options.Layout.readFiles(r.fsys, folders)
	if err != nil {
		return err
	}
	if len(r.options.Envs) == 0 {
		files, left = r.sharing(files, left)
	}
	for _, f := range folders {
		r.folders[f.cell] = true
	}
	if !r.options.Layout.hasService() {
		service := serviceOf(files)
		if len(r.options.Services) == 1 {
			service = r.options.Services[0]
		}
		for _, f := range files {
			f.service = service
			r.folders[f.cell] = true
		}
		for i := range left {
			left[i].cell.service = service
		}
	}
	files, left = r.validNames(files, left)
	files, left = unique(files, left)
	files, left = together(files, left)
	for _, f := range files {
		switch {
		case f.template != "":
			r.old = append(r.old, f)
		case r.wants(f.cell):
			r.files = append(r.files, f)
		}
	}
	r.result.Left = slices.DeleteFunc(left, func(l Left) bool { return !r.wants(l.cell) })
	return nil
}

// environments returns the names that {env} may stand for; nil for any.
func (r *run) environments() []string {
	if len(r.options.Envs) == 0 && !r.options.Layout.isOpen() {
		return nil
	}
	names := slices.Clone(r.options.Envs)
	for _, e := range r.inventory.Environments {
		if !e.Abstract && !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	}
	return names
}

// wants reports whether the files of a cell are to be adopted.
func (r *run) wants(c cell) bool {
	return (len(r.options.Envs) == 0 || slices.Contains(r.options.Envs, c.env)) && (len(r.options.Services) == 0 || !r.options.Layout.hasService() || slices.Contains(r.options.Services, c.service))
}

// sharing leaves out what is no environment: folders that have no file in common with
// another.
func (r *run) sharing(files []*file, left []Left) ([]*file, []Left) {
	envs := map[string]map[string]bool{} // by path below the environment's folder
	for _, f := range files {
		pattern := outputPattern(f.below, f.cell)
		if envs[pattern] == nil {
			envs[pattern] = map[string]bool{}
		}
		envs[pattern][f.env] = true
	}
	shares := map[string]bool{}
	for _, in := range envs {
		if len(in) > 1 {
			maps.Copy(shares, in)
		}
	}
	kept := slices.DeleteFunc(files, func(f *file) bool {
		if !shares[f.env] && r.inventory.Environment(f.env) == nil {
			left = append(left, f.leave(f.env+" has no file in common with another environment; pass --env "+f.env+" if it is one"))
			return true
		}
		return false
	})
	return kept, left
}

// validNames leaves the files whose environment or service has a name that the inventory does
// not take. A service that has no folder may be given another.
func (r *run) validNames(files []*file, left []Left) ([]*file, []Left) {
	files = slices.DeleteFunc(files, func(f *file) bool {
		reason := ""
		switch {
		case !inventory.IsEnvironmentName(f.env):
			reason = f.env + " is no name of an environment: the inventory does not take it"
		case f.service != "" && !inventory.IsServiceName(f.service) && r.options.Layout.hasService():
			reason = f.service + " is no name of a service: the inventory does not take it"
		case f.service != "" && !inventory.IsServiceName(f.service):
			reason = f.service + " is no name of a service: pass another one with --service"
		default:
			return false
		}
		left = append(left, f.leave(reason))
		return true
	})
	return files, left
}

// unique leaves the files that hold an object which another file of the environment
// holds too.
func unique(files []*file, left []Left) ([]*file, []Left) {
	owners := map[string][]*file{}
	for _, f := range files {
		for _, o := range f.text.Objects {
			key := f.env + "|" + o.Identity()
			owners[key] = append(owners[key], f)
		}
	}
	twice := map[*file]string{}
	for _, key := range slices.Sorted(maps.Keys(owners)) {
		list := owners[key]
		for i, f := range list {
			if len(list) > 1 {
				twice[f] = list[(i+1)%len(list)].path
			}
		}
	}
	files = slices.DeleteFunc(files, func(f *file) bool {
		if other := twice[f]; other != "" {
			reason := "it holds an object that is in " + other + " too"
			if other == f.path {
				reason = "it holds an object twice"
			}
			left = append(left, f.leave(reason))
		}
		return twice[f] != ""
	})
	return files, left
}

// together leaves the copies of what is left in another environment: a file is adopted in
// all of them or in none. A folder that no environment can have the name of does not count.
func together(files []*file, left []Left) ([]*file, []Left) {
	in := map[string]string{} // by service and pattern, an environment where it is left
	key := func(c cell, below string) string { return c.service + " " + outputPattern(below, c) }
	for _, l := range left {
		if inventory.IsEnvironmentName(l.cell.env) {
			in[key(l.cell, l.below)] = l.cell.env
		}
	}
	files = slices.DeleteFunc(files, func(f *file) bool {
		env := in[key(f.cell, f.below)]
		if env == "" || f.template != "" {
			return false
		}
		left = append(left, f.leave("its copy in "+env+" cannot be adopted"))
		return true
	})
	return files, left
}

// serviceOf returns the service that files without folders of services belong to: what its
// workload is called, where all that have images of their own run one.
func serviceOf(files []*file) string {
	stems, names := map[string]bool{}, map[string]int{}
	for _, f := range files {
		for _, i := range f.text.Images {
			if !ownImage(i) {
				continue
			}
			stems[imageStem(i.Ref.Name, f.cell)] = true
			for _, o := range f.text.Objects {
				if o.Kind == "Deployment" || o.Kind == "StatefulSet" || o.Kind == "DaemonSet" {
					names[strings.Trim(replaceWhole(o.Name, f.env, ""), "-")]++
				}
			}
		}
	}
	if len(stems) != 1 {
		return ""
	}
	best := commonest(names)
	for name := range names { // track-a-query, of track-a-query-jobs
		if strings.HasPrefix(best, name+"-") {
			best = name
		}
	}
	return best
}
