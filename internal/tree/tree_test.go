package tree

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// deployment is a wanted file: a Deployment of a name that runs ecr.example/api.
func deployment(t *testing.T, file, name, tag string) Want {
	t.Helper()
	text, err := manifest.Parse(file, []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: "+name+"}\n"+
		"spec:\n  containers:\n    - name: main\n      image: ecr.example/api:"+tag+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := text.Text()
	if err != nil {
		t.Fatal(err)
	}
	for i := range body.Images {
		body.Images[i].Tracked = true // as by .Tag
	}
	env, _, _ := strings.Cut(file, "/")
	return Want{Env: env, Path: file, Template: "templates/x.yaml.tmpl", Text: body}
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

var everything = Options{Environments: environments("dev"), Others: true, AllowMassPrune: true}

// environments are complete ones of these names.
func environments(names ...string) []Environment {
	var envs []Environment
	for _, name := range names {
		envs = append(envs, Environment{Name: name, Dir: name + "/manifests", Complete: true})
	}
	return envs
}

// apply makes a folder what is wanted.
func apply(t *testing.T, dir string, wants []Want) {
	t.Helper()
	root := openRoot(t, dir)
	plan, err := Diff(root, wants, everything)
	if err == nil {
		err = plan.Apply(t.Context(), root)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// contents are the files below a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, file))
		files[file] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDiffOfWhatWasAppliedIsEmpty(t *testing.T) {
	dir := t.TempDir()
	wants := []Want{deployment(t, "dev/manifests/a/a.yaml", "a", "1"), deployment(t, "dev/manifests/b.yaml", "b", "2")}
	apply(t, dir, wants)
	plan, err := Diff(openRoot(t, dir), wants, everything)
	if err != nil || len(plan.Changes) != 0 || plan.Unchanged != 2 {
		t.Errorf("got %v, %+v", err, plan)
	}
}

// tagsOf is what each file of a folder runs.
func tagsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for file, text := range contents(t, dir) {
		_, image, _ := strings.Cut(text, "image: ")
		found[file] = strings.TrimSpace(image)
	}
	return found
}

func TestNewFileRunsWhatItsSiblingsRun(t *testing.T) {
	type files map[string]string // the tag that each runs
	for name, c := range map[string]struct {
		have files
		want string
	}{
		"the most common":               {files{"dev/manifests/a.yaml": "1", "dev/manifests/b.yaml": "2", "dev/manifests/c.yaml": "2"}, "2"},
		"of two as common, by path":     {files{"dev/manifests/b.yaml": "2", "dev/manifests/a.yaml": "3", "dev/manifests/c.yaml": "2", "dev/manifests/d.yaml": "3"}, "3"},
		"in its own environment only":   {files{"qa/manifests/a.yaml": "7", "qa/manifests/b.yaml": "7"}, "first"},
		"with its digest":               {files{"dev/manifests/a.yaml": "1@sha256:" + strings.Repeat("0", 64)}, "1@sha256:" + strings.Repeat("0", 64)},
		"without its comment":           {files{"dev/manifests/a.yaml": "1 # held back"}, "1"},
		"the first tag where none runs": {files{}, "first"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var wants []Want
			for _, file := range slices.Sorted(maps.Keys(c.have)) {
				wants = append(wants, deployment(t, file, strings.ReplaceAll(path.Base(file), ".", "-"), "first"))
			}
			apply(t, dir, wants)
			for file, tag := range c.have {
				file = filepath.Join(dir, file)
				data, err := os.ReadFile(file)
				if err == nil {
					err = os.WriteFile(file, []byte(strings.Replace(string(data), ":first", ":"+tag, 1)), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, changed := range []bool{false, true} { // whether the siblings' files are as wanted makes no difference
				if changed {
					for i, w := range wants {
						wants[i] = deployment(t, w.Path, strings.ReplaceAll(path.Base(w.Path), ".", "-")+"-2", "first")
					}
				}
				file := "dev/manifests/new.yaml"
				added := append(slices.Clone(wants), deployment(t, file, "new", "first"))
				plan, err := Diff(openRoot(t, dir), added, Options{Environments: environments("dev", "qa")})
				if err != nil {
					t.Fatal(err)
				}
				at := slices.IndexFunc(plan.Changes, func(c Change) bool { return c.Path == file })
				_, image, _ := strings.Cut(string(plan.Changes[at].New), "image: ")
				if got, want := strings.TrimSpace(image), "ecr.example/api:"+c.want; got != want {
					t.Errorf("changed %t: got %s, want %s", changed, got, want)
				}
			}
		})
	}
}

func TestKeptRuns(t *testing.T) {
	dir := t.TempDir()
	file := "dev/manifests/a.yaml"
	apply(t, dir, []Want{deployment(t, file, "a", "1")})
	data, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	bumped := strings.Replace(string(data), "api:1", "api:2@sha256:"+strings.Repeat("a", 64)+"  # since Monday", 1)
	if err := os.WriteFile(filepath.Join(dir, file), []byte(bumped), 0o644); err != nil {
		t.Fatal(err)
	}
	apply(t, dir, []Want{deployment(t, file, "b", "1")})
	got, want := tagsOf(t, dir)[file], "ecr.example/api:2@sha256:"+strings.Repeat("a", 64)+"  # since Monday"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNoTagIsAProblemAtTheService(t *testing.T) {
	w := deployment(t, "dev/manifests/a.yaml", "a", "1")
	w.Text.Images[0].Tagged = false
	w.FirstTag = problem.Place{File: "users.yaml", Line: 3, Col: 5}
	_, err := Diff(nil, []Want{w}, everything)
	want := "users.yaml:3:5: no tag for ecr.example/api in dev: no file there runs one, and the service names none"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOwner(t *testing.T) {
	dir := t.TempDir()
	file := "dev/manifests/a.yaml"
	apply(t, dir, []Want{deployment(t, file, "a", "1")})
	rendered := contents(t, dir)[file]
	for name, c := range map[string]struct {
		text string
		want ownership
	}{
		"as rendered":            {rendered, owned},
		"another tag":            {strings.Replace(rendered, "api:1", "api:2", 1), owned},
		"a digest":               {strings.Replace(rendered, "api:1", "api@sha256:"+strings.Repeat("0", 64), 1), owned},
		"a comment behind a tag": {strings.Replace(rendered, "api:1", "api:2 # by tagbump", 1), owned},
		"another repository":     {strings.Replace(rendered, "example/api", "example/api-worker", 1), edited},
		"another value":          {strings.Replace(rendered, "name: a", "name: b", 1), edited},
		"a comment of its own":   {rendered + "# x\n", edited},
		"an empty line":          {rendered + "\n", edited},
		"no YAML any more":       {rendered + "]\n", edited},
		"an unknown rule":        {strings.Replace(rendered, "checksum: 2 ", "checksum: 3 ", 1), edited},
		"no header":              {rendered[strings.Index(rendered, "apiVersion"):], foreign},
		"something before it":    {"\n" + rendered, foreign},
		"nothing":                {"", foreign},
		"CRLF":                   {strings.ReplaceAll(rendered, "\n", "\r\n"), foreign},
	} {
		if v := judge(file, []byte(c.text), Stages{}); v.whose != c.want {
			t.Errorf("%s: got %d, want %d", name, v.whose, c.want)
		}
	}
}

func TestDiffTellsAllThatIsInTheWay(t *testing.T) {
	dir := t.TempDir()
	wants := []Want{
		deployment(t, "dev/manifests/a.yaml", "a", "1"),
		deployment(t, "dev/manifests/b.yaml", "b", "1"),
		deployment(t, "dev/manifests/c.yaml", "c", "1"),
	}
	apply(t, dir, wants)
	for file, text := range map[string]string{"a.yaml": "# mine\n", "b.yaml": contents(t, dir)["dev/manifests/b.yaml"] + "# edit\n"} {
		if err := os.WriteFile(filepath.Join(dir, "dev/manifests", file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wants[2] = deployment(t, "dev/manifests/c.yaml", "c2", "1")
	plan, err := Diff(openRoot(t, dir), wants, everything)
	want := "dev/manifests/a.yaml: the file is there and was not rendered by manifestgen\ndev/manifests/b.yaml:10: the file was edited by hand"
	if err == nil || err.Error() != want || problem.ExitStatus(err) != problem.ExitRefused {
		t.Errorf("got %v, want %s", err, want)
	}
	var changed []string
	for _, c := range plan.Changes {
		changed = append(changed, c.Path)
	}
	if want := []string{"dev/manifests/b.yaml", "dev/manifests/c.yaml"}; !slices.Equal(changed, want) {
		t.Errorf("the plan to show has %q, want %q", changed, want)
	}
}

// TestMassPrune is at the limits: more than ten files, and more than a quarter.
func TestMassPrune(t *testing.T) {
	for _, c := range []struct {
		files, removed int
		refused        bool
	}{{10, 10, false}, {11, 11, true}, {43, 11, true}, {44, 11, false}, {44, 12, true}, {11, 10, false}} {
		dir := t.TempDir()
		var wants []Want
		for i := range c.files {
			name := fmt.Sprintf("n%02d", i)
			wants = append(wants, deployment(t, "dev/manifests/"+name+".yaml", name, "1"))
		}
		apply(t, dir, wants)
		for _, allowed := range []bool{false, true} {
			plan, err := Diff(openRoot(t, dir), wants[c.removed:], Options{Environments: environments("dev"), AllowMassPrune: allowed})
			want := ""
			if c.refused && !allowed {
				want = fmt.Sprintf("dev/manifests: this would remove %d of %d files", c.removed, c.files)
			}
			if got := problem.List(problem.All(err)).Error(); got != want || plan.Count(Remove) != c.removed {
				t.Errorf("%d of %d, allowed %t: got %q and %d removed, want %q", c.removed, c.files, allowed, got, plan.Count(Remove), want)
			}
		}
	}
}

// TestForceLosesNoTag: what a file runs that is broken cannot be read, and must
// not be taken for nothing.
func TestForceLosesNoTag(t *testing.T) {
	dir := t.TempDir()
	wants := []Want{deployment(t, "dev/manifests/a.yaml", "a", "1")}
	apply(t, dir, wants)
	file := filepath.Join(dir, "dev/manifests/a.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(data, "]\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	forced := everything
	forced.Force = true
	if _, err := Diff(openRoot(t, dir), wants, forced); err == nil || !strings.Contains(err.Error(), "the tags in this file cannot be read") {
		t.Errorf("got %v", err)
	}
}

func TestTooLongANameIsToldBeforeAnythingIsWritten(t *testing.T) {
	long := deployment(t, "dev/manifests/"+strings.Repeat("z", 251)+".yaml", "z", "1")
	_, err := Diff(nil, []Want{deployment(t, "dev/manifests/a.yaml", "a", "1"), long}, everything)
	if problem.ExitStatus(err) != problem.ExitTrouble || !strings.Contains(err.Error(), "a name of 256 bytes") {
		t.Errorf("got %v", err)
	}
	apply(t, t.TempDir(), []Want{deployment(t, "dev/manifests/"+strings.Repeat("z", 250)+".yaml", "z", "1")})
}

// TestFileThatIsRemovedMeanwhile: a file or folder that another run removes while the folders are
// read is not there, and everything else is read.
func TestFileThatIsRemovedMeanwhile(t *testing.T) {
	for _, gone := range []string{"dev/manifests/a.yaml", "dev/manifests/a"} {
		dir := t.TempDir()
		wants := []Want{deployment(t, "dev/manifests/a.yaml", "a", "1"), deployment(t, "dev/manifests/a/x.yaml", "x", "1"), deployment(t, "dev/manifests/b/b.yaml", "b", "1")}
		apply(t, dir, wants)
		o := Options{Environments: environments("dev"), AllowMassPrune: true}
		o.Environments[0].Contains = func(string) bool { return os.RemoveAll(filepath.Join(dir, gone)) == nil }
		plan, err := Diff(openRoot(t, dir), wants, o)
		if err != nil || plan.Unchanged != 2 || plan.Count(Create) != 1 {
			t.Errorf("without %s: got %v, %+v", gone, err, plan)
		}
	}
}

// TestFolderThatIsRemovedBeforeItIsRead has nothing in it: an error would end the walk of all others.
func TestFolderThatIsRemovedBeforeItIsRead(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(gone, 0o755); err != nil {
		t.Fatal(err)
	}
	here := openRoot(t, gone)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	w := &walker{visit: func(Entry) error { return nil }}
	if folders, err := w.folder(here, "gone"); err != nil || len(folders) > 0 {
		t.Errorf("got %v, %v", folders, err)
	}
}

// TestBaseThatCannotBeRead is a problem: what runs there is not known.
func TestBaseThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "elsewhere"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("elsewhere", filepath.Join(dir, "base")); err != nil {
		t.Fatal(err)
	}
	o := Options{Environments: []Environment{
		{Name: "base", Dir: "base/manifests"},
		{Name: "new", Dir: "new/manifests", Extends: []string{"base"}, Complete: true},
	}}
	_, err := Diff(openRoot(t, dir), []Want{deployment(t, "new/manifests/a.yaml", "a", "first")}, o)
	if err == nil || err.Error() != "base: a symbolic link is in the way" {
		t.Errorf("got %v", err)
	}
}
