package readme

import (
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8srepo/internal/cmdtest"
)

// TestOtherSystems checks the types of the packages that have files of their own for some
// systems, on each of the systems that a release has. What these packages import is taken
// from this system.
func TestOtherSystems(t *testing.T) {
	exports, dirs := map[string]string{}, packagesOfSystems(t)
	list, err := cmdtest.Go(nil, append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}, dirs...)...)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(list) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[path] = file
	}
	fset := token.NewFileSet()
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		system := build.Default
		system.GOOS, system.CgoEnabled = goos, false
		for _, dir := range dirs {
			pkg, err := system.ImportDir(dir, 0)
			if err != nil {
				t.Fatal(err)
			}
			var files []*ast.File
			for _, name := range pkg.GoFiles {
				file, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, file)
			}
			if _, err := config.Check(pkg.Name, fset, files, nil); err != nil {
				t.Errorf("GOOS=%s: %v", goos, err)
			}
		}
	}
}

// packagesOfSystems returns the folders of the packages that have files for some systems only.
func packagesOfSystems(t *testing.T) (dirs []string) {
	t.Helper()
	all, err := filepath.Glob("../*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range all {
		linux, windows := build.Default, build.Default
		linux.GOOS, windows.GOOS = "linux", "windows"
		a, errA := linux.ImportDir(dir, 0)
		b, errB := windows.ImportDir(dir, 0)
		if errA == nil && errB == nil && strings.Join(a.GoFiles, " ") != strings.Join(b.GoFiles, " ") {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) < 2 {
		t.Fatalf("packages with files for some systems: %v", dirs)
	}
	return dirs
}
