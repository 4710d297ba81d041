package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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

// TestStoppedApplyIsCompleted stops Apply at each of its writes, before its first
// byte and in the middle of it, and lets the next one complete it.
func TestStoppedApplyIsCompleted(t *testing.T) {
	old := []Want{
		deployment(t, "dev/manifests/a/a.yaml", "a", "1"),
		deployment(t, "dev/manifests/b/b.yaml", "b", "1"),
		deployment(t, "dev/manifests/c/c.yaml", "c", "1"),
	}
	wants := []Want{
		deployment(t, "dev/manifests/a/a.yaml", "a2", "2"),
		deployment(t, "dev/manifests/b/b.yaml", "b", "1"),
		deployment(t, "dev/manifests/d/d.yaml", "d", "1"),
		deployment(t, "dev/manifests/e/e.yaml", "e", "1"),
	}
	whole := t.TempDir()
	apply(t, whole, old)
	before := contents(t, whole)
	apply(t, whole, wants)
	after := contents(t, whole)

	for _, stopAt := range []string{"dev/manifests/a/a.yaml", "dev/manifests/d/d.yaml", "dev/manifests/e/e.yaml"} {
		t.Run(stopAt, func(t *testing.T) {
			dir := t.TempDir()
			apply(t, dir, old)
			root := openRoot(t, dir)
			plan, err := Diff(root, wants, everything)
			if err != nil {
				t.Fatal(err)
			}
			// Nothing can be written where a folder with something in it is.
			file, temp := filepath.Join(dir, stopAt), filepath.Join(dir, path.Dir(stopAt), temporary+"x")
			text, wasThere := before[stopAt]
			_ = os.Remove(file)
			if err := os.MkdirAll(filepath.Join(file, "x"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := plan.Apply(t.Context(), root); err == nil {
				t.Fatal("nothing stopped it")
			}
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
			if wasThere {
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for file, text := range contents(t, dir) {
				if text != before[file] && text != after[file] {
					t.Errorf("%s is neither old nor new:\n%s", file, text)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "dev/manifests/c/c.yaml")); err != nil {
				t.Error("c.yaml was removed before everything was written")
			}
			// As much as a process that is killed in the middle leaves.
			if err := os.WriteFile(temp, []byte("apiVersion: ap"), 0o644); err != nil {
				t.Fatal(err)
			}
			apply(t, dir, wants)
			if got := contents(t, dir); !maps.Equal(got, after) {
				t.Errorf("got %q, want %q", got, after)
			}
		})
	}
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

func TestApplyKeepsModes(t *testing.T) {
	dir := t.TempDir()
	apply(t, dir, []Want{deployment(t, "dev/manifests/a.yaml", "a", "1")})
	file := filepath.Join(dir, "dev/manifests/a.yaml")
	if err := os.Chmod(file, 0o664); err != nil {
		t.Fatal(err)
	}
	apply(t, dir, []Want{deployment(t, "dev/manifests/a.yaml", "b", "1")})
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o664 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
}

// runs tells what each file of a folder runs.
func runs(t *testing.T, dir string) map[string]string {
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
	got, want := runs(t, dir)[file], "ecr.example/api:2@sha256:"+strings.Repeat("a", 64)+"  # since Monday"
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

func TestWriteStaysInTheRoot(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "dev")); err != nil {
		t.Fatal(err)
	}
	if err := (&Plan{Changes: []Change{{Action: Create, Path: "dev/x.yaml", New: []byte("x"), Mode: 0o644}}}).Apply(t.Context(), openRoot(t, dir)); err == nil {
		t.Error("it wrote through a link")
	}
	if _, err := os.Stat(filepath.Join(outside, "x.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
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

// TestApplyKeepsWhatOthersChanged changes each file between Diff and Apply, as
// tagbump does: nothing of theirs is lost.
func TestApplyKeepsWhatOthersChanged(t *testing.T) {
	old := []Want{deployment(t, "dev/manifests/a.yaml", "a", "1"), deployment(t, "dev/manifests/b.yaml", "b", "1")}
	wants := []Want{deployment(t, "dev/manifests/a.yaml", "a2", "1"), deployment(t, "dev/manifests/c.yaml", "c", "1")}
	for _, file := range []string{"dev/manifests/a.yaml", "dev/manifests/b.yaml", "dev/manifests/c.yaml"} {
		dir := t.TempDir()
		apply(t, dir, old)
		root := openRoot(t, dir)
		plan, err := Diff(root, wants, everything)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte("theirs"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := plan.Apply(t.Context(), root); problem.ExitStatus(err) != problem.ExitRefused {
			t.Errorf("%s: got %v", file, err)
		}
		if got := contents(t, dir)[file]; got != "theirs" {
			t.Errorf("%s is now %q", file, got)
		}
	}
}

// TestAppliesAtOnce applies one plan many times at once: each is done, and every
// file is whole at all times.
func TestAppliesAtOnce(t *testing.T) {
	var wants []Want
	for i := range 40 {
		wants = append(wants, deployment(t, fmt.Sprintf("dev/manifests/%02d.yaml", i), fmt.Sprint("n", i), "1"))
	}
	dir := t.TempDir()
	root := openRoot(t, dir)
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			plan, err := Diff(root, wants, everything)
			if err == nil {
				err = plan.Apply(t.Context(), root)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	plan, err := Diff(root, wants, everything)
	if err != nil || plan.Unchanged != len(wants) || len(plan.leftovers) > 0 {
		t.Errorf("got %+v, %v", plan, err)
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
