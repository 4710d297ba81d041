package readme

import (
	"strings"
	"sync"
	"testing"

	"k8srepo/internal/cmdtest"
)

// pkg is a package as the go command lists it.
type pkg struct {
	dir     string
	imports []string
	module  string // path, and "" in the project and the standard library
	root    string // the module's folder
}

var listed sync.Map // by system: a function that lists once

// packagesOn returns the packages of the project, and those that they are built of, by path: as they
// are on a system, such as "linux".
func packagesOn(t *testing.T, system string) map[string]pkg {
	t.Helper()
	once, _ := listed.LoadOrStore(system, sync.OnceValues(func() (map[string]pkg, error) {
		const format = "{{.ImportPath}}\t{{.Dir}}\t{{join .Imports \" \"}}\t{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}"
		list, err := cmdtest.Go([]string{"GOOS=" + system, "GOARCH=amd64"}, "list", "-deps", "-f", format, "k8srepo/...")
		packages := map[string]pkg{}
		for line := range strings.Lines(list) {
			fields := append(strings.Split(strings.TrimSuffix(line, "\n"), "\t"), "", "")
			packages[fields[0]] = pkg{fields[1], strings.Fields(fields[2]), fields[3], fields[4]}
		}
		return packages, err
	}))
	packages, err := once.(func() (map[string]pkg, error))()
	if err != nil {
		t.Fatalf("for %s: %v", system, err)
	}
	return packages
}

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
