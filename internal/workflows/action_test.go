// Package workflows tests what .github, .goreleaser.yaml and the documents' workflows
// say: the composite actions are run as GitHub runs them, step by step in a shell,
// and everything passes actionlint.
package workflows

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// action is a composite action as action.yml has it.
type action struct {
	Inputs  map[string]struct{ Description, Default string }
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []step
	}
}

// step is a step of an action or a workflow.
type step struct {
	ID, Name, If, Uses, Shell, Run string
	Env, With                      map[string]string
}

func readAction(t *testing.T, dir string) *action {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	a := &action{}
	if err := yaml.UnmarshalStrict(data, &struct {
		Name, Description string
		*action           `json:",inline"`
	}{action: a}); err != nil {
		t.Fatal(err)
	}
	return a
}

// runner is one job of GitHub Actions.
type runner struct {
	t         *testing.T
	workspace string            // where the job's checkout is
	temp      string            // RUNNER_TEMP
	github    map[string]string // the github context, and GITHUB_… of the environment
	path      string            // PATH, with what steps added to it
	summary   string            // the page of the run so far
	log       string            // what all steps printed
}

func newRunner(t *testing.T, workspace string) *runner {
	t.Helper()
	for _, program := range []string{"bash", "curl", "tar", "awk"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("a GitHub runner has %s, and this machine does not", program)
		}
	}
	return &runner{t: t, workspace: workspace, temp: t.TempDir(), path: os.Getenv("PATH"), github: map[string]string{
		"action_repository": "example/k8srepo",
		"actor":             "alice",
		"repository":        "example/api",
		"run_id":            "42",
		"server_url":        "https://github.com",
		"token":             "job-token",
	}}
}

// result is what a step that uses an action has to show.
type result struct {
	outputs map[string]string
	failed  bool
	log     string
}

// use runs the action in dir, as "uses:" and "with:" do.
func (r *runner) use(dir string, with map[string]string) result {
	r.t.Helper()
	a := readAction(r.t, dir)
	inputs := map[string]string{}
	for name, input := range a.Inputs {
		inputs[name] = r.expand(input.Default, nil, nil)
	}
	for name, value := range with {
		if _, ok := inputs[name]; !ok {
			r.t.Fatalf("%s has no input %s", dir, name)
		}
		inputs[name] = value
	}
	r.github["action_path"] = dir
	steps := map[string]map[string]string{} // the outputs of each step
	before, failed := len(r.log), false
	for _, s := range a.Runs.Steps {
		if failed || !r.holds(s.If, inputs, steps) || s.Uses != "" {
			continue // other actions set up what this machine has
		}
		env := map[string]string{}
		for name, value := range s.Env {
			env[name] = r.expand(value, inputs, steps)
		}
		if s.Shell != "bash" {
			r.t.Fatalf("the step %s has the shell %q", s.ID, s.Shell)
		}
		steps[s.ID], failed = r.shell(s.Run, env)
	}
	res := result{outputs: map[string]string{}, failed: failed, log: r.log[before:]}
	for name, output := range a.Outputs {
		res.outputs[name] = r.expand(output.Value, inputs, steps)
	}
	return res
}

// shell runs a script as a step does, and returns its outputs.
func (r *runner) shell(script string, env map[string]string) (outputs map[string]string, failed bool) {
	r.t.Helper()
	files := r.t.TempDir()
	file := func(name string) string { return filepath.Join(files, name) }
	if strings.Contains(script, "${{") {
		r.t.Errorf("an expression in a script: %s", script)
	}
	if err := os.WriteFile(file("script.sh"), []byte(script), 0o644); err != nil {
		r.t.Fatal(err)
	}
	for _, name := range []string{"output", "path", "summary", "env"} {
		if err := os.WriteFile(file(name), nil, 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	cmd := exec.Command("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", file("script.sh"))
	cmd.Dir = r.workspace
	cmd.Env = []string{
		"PATH=" + r.path, "HOME=" + os.Getenv("HOME"), "CI=true", "GITHUB_ACTIONS=true",
		"GITHUB_OUTPUT=" + file("output"), "GITHUB_PATH=" + file("path"), "GITHUB_STEP_SUMMARY=" + file("summary"), "GITHUB_ENV=" + file("env"),
		"RUNNER_TEMP=" + r.temp, "RUNNER_OS=" + runnerOS[runtime.GOOS], "RUNNER_ARCH=" + runnerArch[runtime.GOARCH],
	}
	for _, name := range []string{"GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOROOT", "TMPDIR"} { // of this machine's Go
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	for name, value := range r.github {
		if name != "token" { // it is in no environment unless a workflow puts it there
			cmd.Env = append(cmd.Env, "GITHUB_"+strings.ToUpper(name)+"="+value)
		}
	}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	r.log += string(out)
	r.summary += read(r.t, file("summary"))
	for line := range strings.Lines(read(r.t, file("path"))) {
		r.path = strings.TrimSpace(line) + string(os.PathListSeparator) + r.path
	}
	return parseOutputs(r.t, read(r.t, file("output"))), err != nil
}

var (
	runnerOS   = map[string]string{"linux": "Linux", "darwin": "macOS", "windows": "Windows"}
	runnerArch = map[string]string{"amd64": "X64", "arm64": "ARM64"}
)

// parseOutputs reads a file of outputs: NAME=VALUE, or NAME<<END, lines, END.
func parseOutputs(t *testing.T, text string) map[string]string {
	t.Helper()
	outputs := map[string]string{}
	for lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n"); len(lines) > 0; lines = lines[1:] {
		name, value, ok := strings.Cut(lines[0], "=")
		if head, end, block := strings.Cut(lines[0], "<<"); block && (!ok || len(head) < len(name)) {
			at := slices.Index(lines, end)
			if at < 0 {
				t.Fatalf("the output %s has no end", head)
			}
			outputs[head] = strings.Join(lines[1:at], "\n")
			lines = lines[at:]
		} else if ok {
			outputs[name] = value
		} else if lines[0] != "" {
			t.Fatalf("no output: %q", lines[0])
		}
	}
	return outputs
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// expand replaces the expressions in a text. They may name an input, an output of
// a step, or a property of github.
func (r *runner) expand(text string, inputs map[string]string, steps map[string]map[string]string) string {
	r.t.Helper()
	return expression.ReplaceAllStringFunc(text, func(whole string) string {
		return r.value(expression.FindStringSubmatch(whole)[1], inputs, steps)
	})
}

func (r *runner) value(name string, inputs map[string]string, steps map[string]map[string]string) string {
	r.t.Helper()
	switch parts := strings.Split(name, "."); {
	case len(parts) == 2 && parts[0] == "inputs":
		value, ok := inputs[parts[1]]
		if !ok {
			r.t.Fatalf("no input %s", name)
		}
		return value
	case len(parts) == 4 && parts[0] == "steps" && parts[2] == "outputs":
		return steps[parts[1]][parts[3]] // as on GitHub, what is not there is empty
	case len(parts) == 2 && parts[0] == "github":
		value, ok := r.github[parts[1]]
		if !ok {
			r.t.Fatalf("no %s", name)
		}
		return value
	}
	r.t.Fatalf("the test does not know the expression %s", name)
	return ""
}

// holds evaluates the condition of a step: nothing, or NAME == 'TEXT'.
func (r *runner) holds(condition string, inputs map[string]string, steps map[string]map[string]string) bool {
	r.t.Helper()
	if condition == "" {
		return true
	}
	name, text, ok := strings.Cut(condition, " == ")
	if !ok {
		r.t.Fatalf("the test does not know the condition %s", condition)
	}
	return r.value(name, inputs, steps) == strings.Trim(text, "'")
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// actionsWith returns a copy of the folder of the actions with a version in their files.
func actionsWith(t *testing.T, version string) string {
	t.Helper()
	actions := filepath.Join(t.TempDir(), ".github", "actions")
	if err := os.CopyFS(actions, os.DirFS(filepath.Join("..", "..", ".github", "actions"))); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"manifestgen", "tagbump"} {
		write(t, filepath.Join(actions, command, "version"), version+"\n")
	}
	return actions
}

// sourcesOf puts the sources of a command beside the actions, which the version dev is built from:
// those of a small program that starts the command, because to link the command takes seconds.
func sourcesOf(t *testing.T, command, actions string) {
	t.Helper()
	file, err := program("cmd/" + command)
	if err != nil {
		t.Fatal(err)
	}
	top := filepath.Join(actions, "..", "..")
	write(t, filepath.Join(top, "go.mod"), "module k8srepo\n")
	write(t, filepath.Join(top, "cmd", command, "main.go"), fmt.Sprintf(`package main

import (
	"os"
	"os/exec"
)

func main() {
	cmd := exec.Command(%q, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		os.Exit(cmd.ProcessState.ExitCode())
	}
}
`, file))
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// wantOutputs compares some of a step's outputs.
func wantOutputs(t *testing.T, got result, failed bool, want map[string]string) {
	t.Helper()
	if got.failed != failed {
		t.Fatalf("failed: %v, want %v\n%s", got.failed, failed, got.log)
	}
	var differ bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if value, ok := got.outputs[name]; !ok || value != want[name] {
			fmt.Fprintf(&differ, "%s: got %q, want %q\n", name, value, want[name])
		}
	}
	if differ.Len() > 0 {
		t.Errorf("outputs:\n%slog:\n%s", differ.Bytes(), got.log)
	}
}
