package inventory

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// manifestsDir is the last element of an environment's path where none is set.
const manifestsDir = "manifests"

// InputFolders are the folders at the root of a k8s repo that are never
// manifests, even where an environment's path is the root itself.
var InputFolders = []string{EnvironmentsDir, "templates", "schemas", "holds", ".github", ".git"}

// IsInput reports whether a file, by its path below the k8s repo's root, is one
// that people write for manifestgen and tagbump, and so never a manifest.
func IsInput(file string) bool {
	first, _, below := strings.Cut(file, "/")
	return file == UsersFile || below && slices.Contains(InputFolders, first)
}

// pathTo reads the folder of an environment's manifests, below the k8s repo's root.
func (l *loader) pathTo(to *string) func(manifest.Value) {
	return func(v manifest.Value) {
		text := l.text(v, "path")
		if text == "" {
			return
		}
		clean := path.Clean(text)
		first, _, _ := strings.Cut(clean, "/")
		switch plain := ServiceFolder(clean, "x"); {
		case strings.Count(clean, serviceName) > 1 || strings.ContainsAny(plain, "{}"):
			l.report(problem.NotValid, v.Place, "write {service} once, in the place of a service's name, as in apps/{service}/dev", "path %q is not valid", text)
		case !fs.ValidPath(plain) || strings.ContainsAny(text, "\\\x00"):
			l.report(problem.NotValid, v.Place, "write a folder below the k8s repo's root, such as clusters/dev/apps", "path %q is not valid", text)
		case slices.Contains(InputFolders, first):
			l.report(problem.NotValid, v.Place, "write another folder, such as clusters/dev/apps", "path %q is not valid: manifests cannot be in %s/", text, first)
		default:
			*to = clean
		}
	}
}

// checkPaths reports environments whose folders lie in or around each other: each
// would edit and prune what is the other's.
func (l *loader) checkPaths() {
	var concrete []*Environment
	for _, e := range l.inventory.Environments {
		if e.Abstract {
			continue
		}
		for _, other := range concrete {
			if !Overlap(e.Path, other.Path) {
				continue
			}
			// The file that sets its path is the one to change; of two, the second.
			at, beside := e, other
			if _, set := e.ownPath(); !set {
				at, beside = other, e
			}
			place := at.Place
			if v, set := at.ownPath(); set {
				place = v.Place
			}
			l.report(problem.SamePlace, place, "write another path:, outside of "+beside.Path, "the path %s of the environment %s overlaps with %s, the path of %s", at.Path, at.Name, beside.Path, beside.Name)
		}
		l.checkRootNames(e)
		concrete = append(concrete, e)
	}
}

// checkRootNames reports the services whose folders would be input folders, where
// an environment's path has the folder of each service at the k8s repo's root.
func (l *loader) checkRootNames(e *Environment) {
	folder, _, _ := strings.Cut(e.Path, "/")
	if folder == "." {
		folder = serviceName
	}
	if !HasService(folder) {
		return
	}
	for _, s := range l.inventory.Services {
		if slices.Contains(InputFolders, ServiceFolder(folder, s.Name)) {
			l.report(problem.NotAName, s.Place, "rename the service, or give the environment another path", "the name %q is reserved where the folder of a service is at the k8s repo's root, as in %s", s.Name, e.Place)
		}
	}
}

// ownPath returns the path that the environment's own file sets.
func (e *Environment) ownPath() (manifest.Value, bool) {
	return e.Chain[len(e.Chain)-1].Source.Get("path")
}

// serviceName stands for the name of a service in a path: each service has a folder of
// its own, such as apps/{service}-dev.
const serviceName = "{service}"

// HasService reports whether a path leads to a folder for each service.
func HasService(dir string) bool { return strings.Contains(dir, serviceName) }

// ServiceFolder returns the folder of a service in a path.
func ServiceFolder(dir, service string) string { return strings.ReplaceAll(dir, serviceName, service) }

// Folder returns the folder that a path is in whatever the service: the path itself where
// it has no service's name in it.
func Folder(dir string) string {
	before, _, found := strings.Cut(dir, serviceName)
	if !found {
		return dir
	}
	if i := strings.LastIndexByte(before, '/'); i >= 0 {
		return before[:i]
	}
	return "."
}

// InFolder reports whether a file is below a path.
func InFolder(dir, file string) bool {
	if !HasService(dir) {
		return dir == "." || strings.HasPrefix(file, dir+"/")
	}
	steps, names := strings.Split(dir, "/"), strings.Split(file, "/")
	if len(names) <= len(steps) {
		return false
	}
	for i, step := range steps {
		if !mayBeOne(step, names[i]) {
			return false
		}
	}
	return true
}

// Overlap reports whether two folders are one, or one lies in the other. Where they are
// of services, it is whether those of some service are.
func Overlap(a, b string) bool {
	if a == "." || b == "." {
		return true
	}
	steps, others := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(steps), len(others)) {
		if !mayBeOne(steps[i], others[i]) {
			return false
		}
	}
	return true
}

// mayBeOne reports whether two elements of paths can be the same name.
func mayBeOne(a, b string) bool {
	before, after, isOpen := strings.Cut(a, serviceName)
	start, end, other := strings.Cut(b, serviceName)
	switch {
	case !isOpen && !other:
		return a == b
	case !isOpen:
		return mayBeOne(b, a)
	case !other:
		return len(b) > len(before)+len(after) && strings.HasPrefix(b, before) && strings.HasSuffix(b, after)
	}
	return (strings.HasPrefix(before, start) || strings.HasPrefix(start, before)) && (strings.HasSuffix(after, end) || strings.HasSuffix(end, after))
}

// LoadPaths reads the path of each environment's manifests, by environment;
// abstract environments have none. Nothing else in the files is looked at. There
// are none where there is no folder environments/.
func LoadPaths(fsys fs.FS) (map[string]string, error) {
	l := &loader{fsys: fsys}
	entries, err := fs.ReadDir(fsys, EnvironmentsDir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	for _, name := range environmentFiles(entries) {
		doc := l.document(path.Join(EnvironmentsDir, name+".yaml"), true, "")
		e := newEnvironment(name, doc, []Link{{name, doc}})
		l.some(doc, map[string]func(manifest.Value){"abstract": l.boolean(&e.Abstract, "abstract"), "path": l.pathTo(&e.Path)})
		l.inventory.Environments = append(l.inventory.Environments, e)
	}
	l.checkPaths()
	paths := map[string]string{}
	for _, e := range l.inventory.Environments {
		if !e.Abstract {
			paths[e.Name] = e.Path
		}
	}
	return paths, l.problems.Err()
}
