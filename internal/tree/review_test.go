package tree

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
)

// configMap is a wanted file of a user: lines that her template has, with her name in some.
func configMap(t *testing.T, user string, lines ...string) Want {
	t.Helper()
	path := "dev/manifests/users/" + user + "/" + user + "-dev-x.yaml"
	file, err := manifest.Parse(path, []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "+user+"\ndata:\n  "+strings.Join(lines, "\n  ")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := file.Text()
	if err != nil {
		t.Fatal(err)
	}
	return Want{Env: "dev", Path: path, Template: "templates/user/x.yaml.tmpl", Subject: []string{"dev", user}, Text: text}
}

// TestReviewOfThreeHundredUsers changes one template line for all, and a value of one of
// them: the whole review is short, and what differs from the crowd is at its head.
func TestReviewOfThreeHundredUsers(t *testing.T) {
	var before, after []Want
	for i := range 300 {
		user := fmt.Sprintf("u%03d", i)
		lines := func(level, memory string) []string {
			return []string{"level: " + level, "host: " + user + ".example.com", "port: 8080", "a: x", "b: x", "c: x", "memory: " + memory, "owner: " + user}
		}
		memory := "1Gi"
		before = append(before, configMap(t, user, lines("info", memory)...))
		if i == 217 {
			memory = "64Gi"
		}
		after = append(after, configMap(t, user, lines("debug", memory)...))
	}
	var lines []string
	for _, h := range reviewed(t, before, after).Hunks {
		lines = append(append(lines, "", fmt.Sprintf("%d files, %s:%d", h.Files, h.Path, h.Line)), h.Lines...)
	}
	text := strings.Join(lines, "\n")
	if len(lines) >= 50 || strings.Count(text, "level: debug") != 1 || !strings.Contains(text, "300 files") {
		t.Errorf("got %d lines:\n%s", len(lines), text)
	}
	if head := strings.Join(lines[:min(len(lines), 15)], "\n"); !strings.Contains(head, "memory: 64Gi") || !strings.Contains(head, "u217") {
		t.Errorf("the one that differs is not in the first lines:\n%s", text)
	}
}

// reviewed is the review of what changes one list of files into another.
func reviewed(t *testing.T, before, after []Want) Review {
	t.Helper()
	dir := t.TempDir()
	apply(t, dir, before)
	plan, err := Diff(openRoot(t, dir), after, everything)
	if err != nil {
		t.Fatal(err)
	}
	return plan.Review()
}

func TestReviewShowsEachDifferenceOnce(t *testing.T) {
	var before, after []Want
	for i := range 30 {
		user := fmt.Sprintf("u%02d", i)
		memory := "memory: 1Gi"
		before = append(before, configMap(t, user, "level: info", "a: x", "b: x", "c: x", memory))
		if i == 17 {
			memory = "memory: 64Gi"
		}
		// Each file has its own name, and its own checksum, in the new line.
		after = append(after, configMap(t, user, "level: debug", "host: "+user+".example.com", "sum: "+strings.Repeat(fmt.Sprintf("%02x", i), 32), "a: x", "b: x", "c: x", memory))
	}
	r := reviewed(t, before, after)
	var got []string
	for _, h := range r.Hunks {
		got = append(got, fmt.Sprintf("%d %s:%d %s", h.Files, h.Path, h.Line, strings.Join(h.Lines, "|")))
	}
	want := []string{
		"1 dev/manifests/users/u17/u17-dev-x.yaml:14    b: x|   c: x|-  memory: 1Gi|+  memory: 64Gi",
		"30 dev/manifests/users/u00/u00-dev-x.yaml:8    name: u00| data:|-  level: info|+  level: debug|+  host: u00.example.com|+  sum: " + strings.Repeat("0", 64) + "|   a: x|   b: x",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r.Total.Counts[Update] != 30 || len(r.Environments) != 1 || len(r.Templates) != 1 {
		t.Errorf("got counts %+v", r)
	}
}

func TestReviewFoldsValuesThatAllDiffer(t *testing.T) {
	var before, after []Want
	for i := range 40 {
		user := fmt.Sprintf("u%02d", i)
		before = append(before, configMap(t, user, "a: x"))
		after = append(after, configMap(t, user, "a: x", fmt.Sprintf("port: %d", 8000+i)))
	}
	r := reviewed(t, before, after)
	folded := r.Folded()
	if len(r.Hunks) != 40 || len(folded) != maxAlike/2 || folded[len(folded)-1].Others != 37 {
		t.Errorf("got %d hunks, folded %+v", len(r.Hunks), folded)
	}
	for i := range 30 { // most agree: the ten others are shown
		after[i] = configMap(t, fmt.Sprintf("u%02d", i), "a: x", "port: 8000")
	}
	r = reviewed(t, before, after)
	if folded := r.Folded(); len(folded) != 11 || folded[10].Files != 30 {
		t.Errorf("got %d hunks", len(folded))
	}
}

func TestReviewOfRenamesRemovalsAndHeaders(t *testing.T) {
	var before, after []Want
	for i := range 3 {
		user := fmt.Sprintf("u%02d", i)
		before = append(before, configMap(t, user, "a: x"))
		w := configMap(t, user, "a: x")
		w.Template, w.Path = "templates/user/y.yaml.tmpl", strings.Replace(w.Path, "-x.yaml", "-y.yaml", 1)
		after = append(after, w)
	}
	gone := configMap(t, "v", "a: x")
	r := reviewed(t, append(before, gone), after)
	if len(r.Hunks) != 0 || len(r.Renames) != 1 || r.Renames[0] != (Moved{before[0].Path, after[0].Path, 3}) || !slices.Equal(r.Removals, []string{gone.Path}) {
		t.Errorf("got %+v", r)
	}
	if r.Total.Counts[Rename] != 3 || r.Total.Counts[Remove] != 1 || r.Total.Counts[Create] != 0 {
		t.Errorf("got %+v", r.Total)
	}
	other := slices.Clone(before)
	for i := range other {
		other[i].Template = "templates/user/z.yaml.tmpl" // at the same path, as by a path: line
	}
	if r := reviewed(t, before, other); len(r.Hunks) != 1 || r.Hunks[0].Files != 3 || r.Hunks[0].Lines != nil {
		t.Errorf("only the header changes: got %+v", r.Hunks)
	}
}

func TestMaskReplacesWholeWords(t *testing.T) {
	m := newMask([]string{"dev", "api", "api-worker"})
	for text, want := range map[string]string{
		"apiVersion: v1":                    "apiVersion: v1",
		"name: api":                         "name: \x00",
		"name: api-worker.dev":              "name: \x00.\x00",
		"api":                               "\x00",
		"developer":                         "developer",
		"sum: " + strings.Repeat("0f", 32):  "sum: \x01",
		"sum: g" + strings.Repeat("0f", 32): "sum: g" + strings.Repeat("0f", 32),
		"api api,api/apis":                  "\x00 \x00,\x00/apis",
	} {
		if got := m.apply(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestUnifiedRename is a diff as git has it.
func TestUnifiedRename(t *testing.T) {
	c := Change{Action: Rename, From: "a/x", Path: "a/y", Old: []byte("1\n"), New: []byte("2\n")}
	const want = "diff --git a/a/x b/a/y\nrename from a/x\nrename to a/y\n--- a/a/x\n+++ b/a/y\n@@ -1,1 +1,1 @@\n-1\n+2\n"
	if got := string(c.Unified()); got != want {
		t.Errorf("got\n%s", got)
	}
}
