package adopt

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/render"
)

// repo is a k8s repo in memory.
func repo(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return fsys
}

func adoptAll(t *testing.T, fsys fs.FS, layout string, o Options) *Result {
	t.Helper()
	var err error
	if o.Layout, err = ParseLayout(layout); err != nil {
		t.Fatal(err)
	}
	result, err := Run(fsys, o)
	if err != nil {
		t.Fatal(err)
	}
	checkRendered(t, fsys, result)
	return result
}

// checkRendered renders what was inferred: each adopted manifest must be what it was, tags
// aside, and nothing else may be rendered.
func checkRendered(t *testing.T, fsys fs.FS, result *Result) {
	t.Helper()
	source := inventory.Overlay{FS: fsys, Files: result.Files}
	inv, err := inventory.Load(source, schema.Compile)
	if err != nil {
		t.Fatal(err)
	}
	templates, err := render.ParseTemplates(source, inv)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := render.Render(templates, inv, inv.Environments)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, m := range manifests {
		paths = append(paths, m.Path)
		data, err := fs.ReadFile(fsys, m.Path)
		if err != nil {
			t.Errorf("%s is rendered, and was not there", m.Path)
			continue
		}
		if _, same := m.Text.Match(data); !same {
			t.Errorf("%s differs:\n%s\nfrom %s", m.Path, m.Text.Data, data)
		}
	}
	if !slices.Equal(paths, result.Adopted) {
		t.Errorf("rendered: %v\nadopted: %v", paths, result.Adopted)
	}
}

// TestGenerated adopts a k8s repo of 17 services and 3 environments: every file is adopted
// or named, and the templates with their values take at most 40 % of the lines.
func TestGenerated(t *testing.T) {
	files := generate(1)
	result := adoptAll(t, repo(files), "{env}/manifests/{service}", Options{})
	var seen []string
	seen = append(seen, result.Adopted...)
	for _, l := range result.Left {
		seen = append(seen, l.Path)
		if !strings.Contains(l.Path, "-windows.") && !strings.Contains(l.Path, "-latin.") {
			t.Errorf("left: %s: %s", l.Path, l.Reason)
		}
	}
	slices.Sort(seen)
	if all := slices.Sorted(maps.Keys(files)); !slices.Equal(seen, all) {
		t.Errorf("%d files are adopted or left, of %d", len(seen), len(all))
	}
	before, after := 0, 0
	for _, path := range result.Adopted {
		before += strings.Count(files[path], "\n")
	}
	for _, data := range result.Files {
		after += bytes.Count(data, []byte("\n"))
		if bytes.Contains(data, []byte("tag:")) {
			t.Errorf("a tag stands in a value:\n%s", data)
		}
	}
	if 100*after > 40*before {
		t.Errorf("templates and values take %d lines, of %d", after, before)
	}
	t.Logf("%d lines instead of %d: %d %%", after, before, 100*after/before)
}
