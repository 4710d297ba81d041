package tree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
)

// newTag applies before, changes what is written by edit, and returns the image of the
// file that after has at path, with the plan's notices.
func newTag(t *testing.T, o Options, before, after []Want, edit map[string]string, path string) (image string, notices []string) {
	t.Helper()
	dir := t.TempDir()
	apply(t, dir, before)
	for file, tag := range edit {
		file = filepath.Join(dir, file)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(data), ":first", ":"+tag, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	plan, err := Diff(openRoot(t, dir), after, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range plan.Changes {
		if c.Path == path {
			_, image, _ := strings.Cut(string(c.New), "image: ")
			return strings.TrimSpace(image), plan.Notices
		}
	}
	t.Fatalf("%s does not change", path)
	return "", nil
}

func TestRenamedFilesKeepTheirTags(t *testing.T) {
	const own, other = "dev/manifests/users/alice/api-dev-x.yaml", "dev/manifests/users/bob/api-dev-x.yaml"
	before := []Want{deployment(t, own, "alice-api", "first"), deployment(t, other, "bob-api", "first"), deployment(t, "dev/manifests/z.yaml", "z", "first")}
	edit := map[string]string{own: "alices", other: "common", "dev/manifests/z.yaml": "common"}
	renamed := func(file, name string) []Want {
		return []Want{deployment(t, file, name, "first"), before[2]}
	}
	for name, c := range map[string]struct{ file, object string }{
		"a template":         {"dev/manifests/users/alice/api-dev-y.yaml", "alice-api"}, // by the object's identity
		"a template's path":  {"dev/manifests/elsewhere/a.yaml", "alice-api"},
		"a service":          {"dev/manifests/users/alice/backend-dev-x.yaml", "alice-backend"}, // by template and folder
		"an object in place": {own, "alice-new"},
	} {
		image, notices := newTag(t, everything, before, renamed(c.file, c.object), edit, c.file)
		if image != "ecr.example/api:alices" {
			t.Errorf("%s: got %s, %q", name, image, notices)
		}
	}
}

func TestNewEnvironmentRunsWhatItsBaseRuns(t *testing.T) {
	base := deployment(t, "base/manifests/a.yaml", "a", "first")
	added := deployment(t, "new/manifests/a.yaml", "a", "first")
	for _, complete := range []bool{true, false} { // whether the base is rendered in the same run
		o := Options{Environments: []Environment{
			{Name: "base", Dir: "base/manifests", Complete: complete},
			{Name: "new", Dir: "new/manifests", Extends: []string{"between", "base"}, Complete: true},
		}}
		after := []Want{base, added}
		if !complete {
			after = after[1:]
		}
		image, notices := newTag(t, o, []Want{base}, after, map[string]string{base.Path: "moved"}, added.Path)
		if image != "ecr.example/api:moved" || len(notices) != 1 || !strings.Contains(notices[0], "as it runs in base, which new extends") {
			t.Errorf("complete %t: got %s, %q", complete, image, notices)
		}
	}
	// The same service, from another registry.
	mirror := deployment(t, "new/manifests/a.yaml", "a", "first")
	mirror.Text = text(t, strings.Replace(string(mirror.Text.Data), "ecr.example/api", "mirror.example/api", 1))
	o := Options{Environments: []Environment{
		{Name: "base", Dir: "base/manifests", Complete: true, Images: map[string]string{"api": "ecr.example/api"}},
		{Name: "new", Dir: "new/manifests", Extends: []string{"base"}, Complete: true, Images: map[string]string{"api": "mirror.example/api"}},
	}}
	if image, _ := newTag(t, o, []Want{base}, []Want{base, mirror}, map[string]string{base.Path: "moved"}, mirror.Path); image != "mirror.example/api:moved" {
		t.Errorf("got %s", image)
	}
}

// text is a text whose tags are tracked.
func text(t *testing.T, data string) *manifest.Text {
	t.Helper()
	text := parseText("x.yaml", []byte(data))
	if text == nil {
		t.Fatal("this is no YAML")
	}
	for i := range text.Images {
		text.Images[i].Tracked = true
	}
	return text
}

// TestWrittenOutTagIsSetBack: a tag that the template has is the template's.
func TestWrittenOutTagIsSetBack(t *testing.T) {
	w := deployment(t, "dev/manifests/a.yaml", "a", "first")
	w.Text.Images[0].Tracked = false
	image, notices := newTag(t, everything, []Want{w}, []Want{w}, map[string]string{w.Path: "moved"}, w.Path)
	if image != "ecr.example/api:first" || len(notices) != 1 || !strings.Contains(notices[0], "the file had moved") {
		t.Errorf("got %s, %q", image, notices)
	}
}

// TestTemplateGoneNeedsAFlag: all that a template made goes only on request, unless its
// objects are rendered elsewhere or a condition made it render nothing.
func TestTemplateGoneNeedsAFlag(t *testing.T) {
	a, b := deployment(t, "dev/manifests/a.yaml", "a", "1"), deployment(t, "dev/manifests/b.yaml", "b", "1")
	a.Template = "templates/service/a.yaml.tmpl"
	moved := deployment(t, "dev/manifests/c.yaml", "a", "1")
	for name, c := range map[string]struct {
		after   []Want
		renders bool
		want    string
	}{
		"its file is gone":  {[]Want{b}, false, "dev/manifests: this would remove all that templates/service/a.yaml.tmpl made in dev: 1 file"},
		"a condition":       {[]Want{b}, true, ""},
		"its objects moved": {[]Want{b, moved}, false, ""},
	} {
		for _, allowed := range []bool{false, true} {
			dir := t.TempDir()
			apply(t, dir, []Want{a, b})
			o := Options{Environments: environments("dev"), AllowMassPrune: allowed}
			o.Environments[0].Renders = func(string) bool { return c.renders }
			_, err := Diff(openRoot(t, dir), c.after, o)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if want := map[bool]string{false: c.want}[allowed]; got != want {
				t.Errorf("%s, allowed %t: got %q, want %q", name, allowed, got, want)
			}
		}
	}
}

// TestSharedCausesAreOneProblem: 30 files with CRLF are one problem, with a count.
func TestSharedCausesAreOneProblem(t *testing.T) {
	dir := t.TempDir()
	var wants []Want
	for i := range 30 {
		name := string(rune('a'+i/10)) + string(rune('0'+i%10))
		wants = append(wants, deployment(t, "dev/manifests/"+name+".yaml", name, "1"))
	}
	apply(t, dir, wants)
	for path, text := range contents(t, dir) {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(strings.ReplaceAll(text, "\n", "\r\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Diff(openRoot(t, dir), wants, everything)
	if want := "dev/manifests/a0.yaml: the line ends of this rendered file were converted to CRLF, and 29 more files"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestRefusalsSayWhatHappened(t *testing.T) {
	w := deployment(t, "dev/manifests/a.yaml", "a", "1")
	for name, c := range map[string]struct {
		edit   func(string) string
		want   string
		forced bool // --force overwrites it
	}{
		"a BOM":              {func(s string) string { return "\ufeff" + s }, "dev/manifests/a.yaml: a byte order mark is before the header of this rendered file", true},
		"an emptied tag":     {func(s string) string { return strings.Replace(s, "api:1", "api:", 1) }, "dev/manifests/a.yaml:9: the file was edited by hand: this tag is empty or malformed", false},
		"another repository": {func(s string) string { return strings.Replace(s, "api:1", "api-worker:1", 1) }, "dev/manifests/a.yaml:9: the file was edited by hand", true},
		"no tag at all":      {func(s string) string { return strings.Replace(s, "api:1", "api", 1) }, "dev/manifests/a.yaml:9: the file was edited by hand: this tag is empty or malformed", true},
		"a malformed tag":    {func(s string) string { return strings.Replace(s, "api:1", "api:a:b", 1) }, "dev/manifests/a.yaml:9: the file was edited by hand: this tag is empty or malformed", true},
		"a newer rule":       {func(s string) string { return strings.Replace(s, "checksum: 2", "checksum: 3", 1) }, "dev/manifests/a.yaml: a newer manifestgen rendered this file", true},
		"no header":          {func(s string) string { return strings.SplitN(s, "\n", 3)[2] }, "dev/manifests/a.yaml: the file holds what manifestgen renders, without its header", false},
		"half a header":      {func(s string) string { return strings.SplitN(s, "\n", 2)[1] }, "dev/manifests/a.yaml:1: the header of this rendered file is damaged: its two lines must be the first two", false},
		"a line before it":   {func(s string) string { return "# mine\n" + s }, "dev/manifests/a.yaml:2: the header of this rendered file is damaged: its two lines must be the first two", false},
	} {
		dir := t.TempDir()
		apply(t, dir, []Want{w})
		file := filepath.Join(dir, w.Path)
		if err := os.WriteFile(file, []byte(c.edit(contents(t, dir)[w.Path])), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, force := range []bool{false, true} {
			o := everything
			o.Force = force
			_, err := Diff(openRoot(t, dir), []Want{w}, o)
			if refused := err != nil; refused == (force && c.forced) || refused && !force && err.Error() != c.want {
				t.Errorf("%s, force %t: got %v, want %s", name, force, err, c.want)
			}
		}
	}
}

// TestOlderChecksumIsAccepted and written anew.
func TestOlderChecksumIsAccepted(t *testing.T) {
	dir := t.TempDir()
	w := deployment(t, "dev/manifests/a.yaml", "a", "1")
	apply(t, dir, []Want{w})
	file := filepath.Join(dir, w.Path)
	old := strings.Replace(contents(t, dir)[w.Path], "# checksum: 2 ", "# checksum: ", 1)
	if err := os.WriteFile(file, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	plan, err := Diff(openRoot(t, dir), []Want{w}, everything)
	if err != nil || plan.Count(Update) != 1 || !strings.Contains(string(plan.Changes[0].New), "# checksum: 2 ") {
		t.Errorf("got %v, %+v", err, plan)
	}
}
