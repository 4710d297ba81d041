package bump_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/manifest"
)

var update = flag.Bool("update", false, "write the section of shapes in docs/images.md")

const (
	page  = "../../docs/images.md"
	begin = "<!-- shapes: generated from internal/manifest/shapes.go -->\n"
	end   = "<!-- /shapes -->\n"
)

// TestImagesPage holds docs/images.md to the table of shapes: each example is
// edited, and a second edit changes nothing.
func TestImagesPage(t *testing.T) {
	var section strings.Builder
	for _, s := range manifest.Shapes() {
		section.WriteString(shapeSection(t, s))
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, ended := bytes.Cut(rest, []byte(end))
	if !ok || !ended {
		t.Fatalf("%s has no lines %q and %q", page, begin, end)
	}
	want := string(before) + begin + section.String() + end + string(after)
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the section of shapes is not up to date: go test ./internal/bump -run TestImagesPage -update\nwant\n%s", section.String())
	}
}

// shapeSection is what the page says of a shape.
func shapeSection(t *testing.T, s manifest.Shape) string {
	t.Helper()
	target, err := bump.ParseTarget("example.com/api", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &bump.Request{Query: bump.Query{Env: "dev", Targets: []bump.Target{target}}, Tag: "v2"}
	if s.Field != "" {
		path, err := manifest.ParsePath(s.Field)
		if err != nil {
			t.Fatal(err)
		}
		r.Fields = []manifest.Path{path}
	}
	edit := func(data []byte) *bump.Result {
		result, err := bump.Edit(r, []bump.File{{Path: "dev/manifests/" + cmp.Or(s.File, "a.yaml"), Data: data}})
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		return result
	}
	first := edit([]byte(s.Example))
	if len(first.Files) != 1 || len(first.Mentions) > 0 {
		t.Fatalf("%s: %d files change, and %v stays behind", s.Name, len(first.Files), first.Mentions)
	}
	after := first.Files[0].New
	if again := edit(after); again.Changed() {
		t.Errorf("%s: a second edit changes\n%s", s.Name, again.Files[0].New)
	}
	flags := ""
	if s.Field != "" {
		flags = fmt.Sprintf(" With `--field '%s'`:", s.Field)
	}
	return fmt.Sprintf("### %s\n\n%s%s\n\n```diff\n%s```\n\n", s.Name, s.Rule, flags, lineDiff(s.Example, string(after)))
}

// lineDiff shows lines that were replaced or added, in the order of the file.
func lineDiff(before, after string) string {
	var b strings.Builder
	old := strings.SplitAfter(before, "\n")
	for line := range strings.Lines(after) {
		switch {
		case len(old) > 0 && old[0] == line:
			b.WriteString(" " + line)
			old = old[1:]
		case len(old) > 1 && key(old[0]) == key(line):
			b.WriteString("-" + old[0] + "+" + line)
			old = old[1:]
		default:
			b.WriteString("+" + line)
		}
	}
	return b.String()
}

// key is what stands before a line's value.
func key(line string) string {
	before, _, _ := strings.Cut(line, "v1")
	before, _, _ = strings.Cut(before, "v2")
	return before
}
