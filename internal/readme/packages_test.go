package readme

import (
	"go/build"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"k8srepo/internal/cmdtest"
)

// pkg is a package as the go command lists it for linux.
type pkg struct {
	dir     string
	imports []string
	module  string // path, and "" in the project and the standard library
	root    string // the module's folder
	varies  bool   // other systems may have other files of it, and so other imports
}

// packages returns the packages of the project, and those that they are built of, by path: as they
// are on linux.
func packages(t *testing.T) map[string]pkg {
	t.Helper()
	packages, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

var listed = sync.OnceValues(func() (map[string]pkg, error) {
	const format = "{{.ImportPath}}\t{{.Dir}}\t{{join .Imports \" \"}}\t{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}\t{{with .Module}}{{if not .Main}}{{.Dir}}{{end}}{{end}}" +
		"\t{{if or .IgnoredGoFiles .CgoFiles}}varies{{end}}"
	list, err := cmdtest.Go([]string{"GOOS=linux", "GOARCH=amd64"}, "list", "-deps", "-f", format, "k8srepo/...")
	packages := map[string]pkg{}
	for line := range strings.Lines(list) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		packages[fields[0]] = pkg{fields[1], strings.Fields(fields[2]), fields[3], fields[4], fields[5] != ""}
	}
	return packages, err
})

// linked returns those of all that are linked into commands.
func linked(all map[string]pkg, commands ...string) map[string]pkg {
	found := map[string]pkg{}
	for next := commands; len(next) > 0; {
		path := next[len(next)-1]
		next = next[:len(next)-1]
		if _, known := found[path]; !known {
			found[path] = all[path]
			next = append(next, all[path].imports...)
		}
	}
	return found
}

// linkedOn is linked for a system, without the standard library. It reads what the go command would
// read: to have that list the packages of each system takes longer than all tests here.
func linkedOn(t *testing.T, goos string, commands ...string) map[string]pkg {
	t.Helper()
	all, found := packages(t), map[string]pkg{}
	system := build.Default
	system.GOOS, system.GOARCH, system.CgoEnabled = goos, "amd64", false
	for next := commands; len(next) > 0; {
		path := next[len(next)-1]
		next = next[:len(next)-1]
		if _, known := found[path]; known || isStandard(path) {
			continue
		}
		p, ok := all[path]
		if !ok {
			p = elsewhere(t, path)
		}
		if p.varies && goos != "linux" {
			read, err := system.ImportDir(p.dir, 0)
			if err != nil {
				t.Fatalf("%s on %s: %v", path, goos, err)
			}
			p.imports = read.Imports
		}
		found[path] = p
		next = append(next, p.imports...)
	}
	return found
}

// isStandard reports whether a package is of the standard library, which alone has no dot in the first
// part of its path, but for the project's.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && first != "k8srepo"
}

// elsewhere returns a package that is not built on linux.
func elsewhere(t *testing.T, path string) pkg {
	t.Helper()
	roots, err := modules()
	if err != nil {
		t.Fatal(err)
	}
	for module := path; module != "."; module = filepath.ToSlash(filepath.Dir(module)) {
		root, required := roots[module]
		if !required {
			continue
		}
		if root == "" { // it is not on this machine yet
			if root, err = download(module); err != nil {
				t.Fatal(err)
			}
		}
		return pkg{dir: filepath.Join(root, strings.TrimPrefix(path, module)), module: module, root: root, varies: true}
	}
	t.Fatalf("no module has the package %s", path)
	return pkg{}
}

// download downloads a module, and returns its folder.
func download(module string) (string, error) {
	if _, err := cmdtest.Go(nil, "mod", "download", module); err != nil {
		return "", err
	}
	root, err := cmdtest.Go(nil, "list", "-m", "-f", "{{.Dir}}", module)
	return strings.TrimSpace(root), err
}

// modules returns the folders of the modules that go.mod requires, which are all that any system needs;
// "" for those that are not on this machine.
var modules = sync.OnceValues(func() (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		return nil, err
	}
	args := []string{"list", "-m", "-f", "{{.Path}}\t{{.Dir}}"}
	for _, m := range regexp.MustCompile(`(?m)^(?:\t|require )(\S+) v`).FindAllStringSubmatch(string(text), -1) {
		args = append(args, m[1])
	}
	list, err := cmdtest.Go(nil, args...)
	roots := map[string]string{}
	for line := range strings.Lines(list) {
		module, root, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		roots[module] = root
	}
	return roots, err
})
