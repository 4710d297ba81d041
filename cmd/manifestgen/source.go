package main

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/problem"
)

// placeInSource returns a place in a file of the source folder as people name it who
// are not in that folder.
func (o *renderOptions) placeInSource(p problem.Place) problem.Place {
	if p.File != "" {
		p.File = path.Join(filepath.ToSlash(o.source), p.File)
	}
	return p
}

// inSource returns an error whose places are in files of the source folder.
func (o *renderOptions) inSource(err error) error {
	var list problem.List
	for _, p := range problem.All(err) {
		there := *p
		there.Place = o.placeInSource(p.Place)
		there.Notes = nil
		for _, n := range p.Notes {
			there.Notes = append(there.Notes, problem.Note{Place: o.placeInSource(n.Place), Text: n.Text})
		}
		list.Add(&there)
	}
	return list.Err()
}

// sourceFS is the source folder, whose files are opened by the names that
// placeInSource gives them.
type sourceFS struct {
	folder string
	edits  map[string][]byte // see renderOptions
}

func (f sourceFS) Open(name string) (fs.File, error) {
	below, err := filepath.Rel(f.folder, filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	return inventory.Overlay{FS: os.DirFS(f.folder), Files: f.edits}.Open(filepath.ToSlash(below))
}

// sourceFolder is the source folder, open, with the edits that are not written yet.
type sourceFolder struct {
	inventory.Overlay
	closer io.Closer
}

func (f *sourceFolder) Close() error { return f.closer.Close() }

// openSource opens the source folder, if this version of manifestgen can read it.
// The caller closes it.
func (o *renderOptions) openSource() (*sourceFolder, error) {
	source, err := inventory.OpenSource(o.source)
	if err != nil {
		return nil, err
	}
	if err := inventory.CheckVersion(source, buildVersion()); err != nil {
		source.Close()
		return nil, o.inSource(err)
	}
	return &sourceFolder{inventory.Overlay{FS: source, Files: o.edits}, source}, nil
}

// inventory reads the inventory.
func (o *renderOptions) inventory() (*inventory.Inventory, error) {
	source, err := o.openSource()
	if err != nil {
		return nil, err
	}
	defer source.Close()
	inv, err := inventory.Load(source, schema.Compile)
	return inv, o.inSource(err)
}

// massPruneFlag is one of render and of the commands that change the inventory.
var massPruneFlag = &cli.BoolFlag{Name: "allow-mass-prune", Usage: "allow the removal of many files at once"}

// sourceFlag names the source folder.
var sourceFlag = &cli.StringFlag{
	Name: "source", Usage: "the `folder` of users.yaml, environments/ and templates/", DefaultText: "the nearest one, from here upwards",
}

// findSource fills in the source folder where --source is not given.
func (o *renderOptions) findSource() {
	if o.source == "" {
		o.source = inventory.FindSource(".")
	}
}

// buildVersion returns the release that the program was built from, as far as the
// build knows.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}
