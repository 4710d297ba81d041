package workflows

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// TestManifestgenAction renders a k8s repo with the action.
func TestManifestgenAction(t *testing.T) {
	repo := t.TempDir()
	if err := os.CopyFS(repo, os.DirFS(filepath.Join("..", "..", "testdata", "small"))); err != nil {
		t.Fatal(err)
	}
	job := newRunner(t, repo)
	job.github["server_url"] = releaseServer(t).URL
	action := filepath.Join(actionsWith(t, snapshotVersion), "manifestgen")

	render := job.use(action, map[string]string{"command": "render"})
	wantOutputs(t, render, false, map[string]string{"result": "changed", "created": "10", "updated": "0", "removed": "0"})
	render = job.use(action, map[string]string{"command": "render", "env": "dev sandbox"})
	wantOutputs(t, render, false, map[string]string{"result": "unchanged", "created": "0", "updated": "0", "removed": "0"})
	render = job.use(action, map[string]string{"command": "render", "env": "dve"})
	wantOutputs(t, render, true, map[string]string{"result": "failed"})

	check := job.use(action, nil)
	wantOutputs(t, check, false, map[string]string{"result": "clean", "created": "0"})

	write(t, filepath.Join(repo, "users.yaml"), strings.ReplaceAll(read(t, filepath.Join(repo, "users.yaml")), "replicas: 2", "replicas: 3"))
	check = job.use(action, nil)
	wantOutputs(t, check, true, map[string]string{"result": "drift", "updated": "1"})
	report := read(t, check.outputs["report"])
	if !strings.Contains(report, "replicas: 3") || !strings.Contains(job.summary, report) {
		t.Errorf("the report is\n%s\nthe page of the run is\n%s", report, job.summary)
	}
	if !strings.Contains(check.log, "::error") || strings.Contains(check.log, "replicas: 3") {
		t.Errorf("the log has no annotation, or the report:\n%s", check.log)
	}
}

// TestComment runs the script that writes the comment of a pull request, with a
// stand-in for gh that notes what it is asked.
func TestComment(t *testing.T) {
	var w workflow
	if err := yaml.Unmarshal([]byte(read(t, "../../.github/workflows/check.yml")), &w); err != nil {
		t.Fatal(err)
	}
	steps := w.Jobs["comment"].Steps
	script := steps[len(steps)-1].Run
	const marker = "<!-- manifestgen check -->\n"
	for _, test := range []struct {
		name, result, existing string
		reports                []string
		want                   string // how gh is called; "" if nothing is written
		body                   string // a part of it
	}{
		{"clean, and no comment so far", "success", "", []string{""}, "", ""},
		{"clean again", "success", "77", []string{""}, "PATCH repos/example/k8s/issues/comments/77", "are what manifestgen renders"},
		{"drift", "failure", "", []string{"report `$(rm)` of dev\n"}, "POST repos/example/k8s/issues/9/comments", "report `$(rm)` of dev\n"},
		{"drift again", "failure", "77", []string{"report of dev\n"}, "PATCH repos/example/k8s/issues/comments/77", "report of dev\n"},
		{"too long together", "failure", "", []string{strings.Repeat("日本語\n", 10000), strings.Repeat("x\n", 20000), "small\n"}, "POST repos/example/k8s/issues/9/comments", "too long for this comment: 1."},
	} {
		t.Run(test.name, func(t *testing.T) {
			work := t.TempDir()
			for i, report := range test.reports {
				write(t, filepath.Join(work, "reports", fmt.Sprint("manifestgen-check-", i), "check.md"), report)
			}
			job := newRunner(t, work)
			job.github["repository"] = "example/k8s"
			gh := filepath.Join(t.TempDir(), "gh")
			write(t, gh, `#!/usr/bin/env bash
case "$*" in
  *--paginate*) echo "$EXISTING" ;;
  *) echo "$4 $5" >called; cp comment.md body ;;
esac
`)
			if err := os.Chmod(gh, 0o755); err != nil {
				t.Fatal(err)
			}
			job.path = filepath.Dir(gh) + string(os.PathListSeparator) + job.path
			if _, failed := job.shell(script, map[string]string{
				"GH_TOKEN": token, "NUMBER": "9", "RESULT": test.result, "RUN": "https://example.com/run", "EXISTING": test.existing,
			}); failed {
				t.Fatal(job.log)
			}
			called, _ := os.ReadFile(filepath.Join(work, "called"))
			if got := strings.TrimSpace(string(called)); got != test.want {
				t.Fatalf("gh is called with %q, want %q", got, test.want)
			}
			if test.want == "" {
				return
			}
			body := read(t, filepath.Join(work, "body"))
			if n := utf8.RuneCountInString(body); n >= 60000 || !strings.HasPrefix(body, marker) || !strings.Contains(body, test.body) {
				t.Errorf("a body of %d characters:\n%.300s", n, body)
			}
		})
	}
}
