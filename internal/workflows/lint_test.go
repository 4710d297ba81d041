package workflows

import (
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"sigs.k8s.io/yaml"
)

// source is the text of a workflow, and the name of the file that it is in.
type source struct{ name, text string }

// workflows returns all workflows of the repository and its documents. An action counts as a
// reusable workflow with its inputs and steps.
func workflows(t *testing.T) []source {
	t.Helper()
	top := filepath.Join("..", "..")
	var list []source
	for _, pattern := range []string{".github/workflows/*.yml", ".github/actions/*/action.yml", "internal/scaffold/own/*.yml", "docs/*.md", "*.md"} {
		names, err := filepath.Glob(filepath.Join(top, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no file, %v", pattern, err)
		}
		for _, file := range names {
			text := read(t, file)
			name := filepath.ToSlash(strings.TrimPrefix(file, top+string(filepath.Separator)))
			switch {
			case strings.HasSuffix(name, ".md"):
				list = append(list, documented(t, name, text)...)
			case strings.HasSuffix(name, "action.yml"):
				list = append(list, source{name, actionAsWorkflow(t, text)})
			default:
				list = append(list, source{name, text})
			}
		}
	}
	return list
}

var fence = regexp.MustCompile("(?ms)^```ya?ml\n(.*?)^```$")

// documented returns the workflows in a document: blocks of YAML that have jobs, or are a list of
// steps.
func documented(t *testing.T, name, text string) []source {
	t.Helper()
	var list []source
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		block, place := text[at[2]:at[3]], name+" "+strings.SplitN(text[at[2]:at[3]], "\n", 2)[0]
		var value any
		if err := yaml.Unmarshal([]byte(block), &value); err != nil {
			continue // a template
		}
		switch value := value.(type) {
		case map[string]any:
			if value["jobs"] != nil {
				list = append(list, source{place, block})
			}
		case []any:
			first, _ := value[0].(map[string]any)
			if first["uses"] != nil || first["run"] != nil {
				list = append(list, source{place, "on: push\npermissions: {}\njobs:\n  steps:\n    runs-on: ubuntu-latest\n    steps:\n" + indent(block, "      ")})
			}
		}
	}
	return list
}

func indent(text, by string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + line)
	}
	return b.String()
}

// actionAsWorkflow returns a reusable workflow with the inputs and the steps of an action:
// actionlint reads workflows only.
func actionAsWorkflow(t *testing.T, text string) string {
	t.Helper()
	a := &action{}
	if err := yaml.Unmarshal([]byte(text), a); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("on:\n  workflow_call:\n    inputs:\n")
	for name := range a.Inputs {
		b.WriteString("      " + name + ": {type: string}\n")
	}
	b.WriteString("permissions: {}\njobs:\n  action:\n    runs-on: ubuntu-latest\n    outputs:\n")
	for name, output := range a.Outputs {
		b.WriteString("      " + name + ": " + output.Value + "\n")
	}
	_, steps, ok := strings.Cut(text, "\n  steps:\n")
	if a.Runs.Using != "composite" || !ok {
		t.Fatal("an action without steps")
	}
	return b.String() + "    steps:\n" + indent(steps, "  ")
}

// TestActionlint lints every workflow.
func TestActionlint(t *testing.T) {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	list := workflows(t)
	for _, s := range list {
		problems, err := linter.Lint(s.name, []byte(s.text), nil)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		for _, p := range problems {
			t.Errorf("%s:%d:%d: %s [%s]", s.name, p.Line, p.Column, p.Message, p.Kind)
		}
	}
	for _, name := range []string{".github/workflows/bump.yml", ".github/actions/tagbump/action.yml", "README.md", "docs/deploy.md", "docs/inventory.md", "internal/scaffold/own/check.yml"} {
		if !slices.ContainsFunc(list, func(s source) bool { return strings.HasPrefix(s.name, name) }) {
			t.Errorf("no workflow of %s was read", name)
		}
	}
}

// own are the actions and workflows of this repository. The commit of a release
// sets them to its tag: a commit cannot hold its own hash.
var own = regexp.MustCompile(`^example/k8srepo/\.github/(actions/[a-z]+|workflows/[a-z]+\.yml)@(main|v\d+\.\d+\.\d+)$`)

var (
	usesLine = regexp.MustCompile(`(?m)\buses: *(\S+)(.*)$`)
	pinned   = regexp.MustCompile(`^([^@]+)@[0-9a-f]{40}$`)
	comment  = regexp.MustCompile(`^ # v\d+\.\d+\.\d+$`)
)

// TestPinned: actions of others are pinned to a commit, with the version behind
// it, and to the same one everywhere.
func TestPinned(t *testing.T) {
	pins := map[string]string{}
	for _, s := range workflows(t) {
		for _, m := range usesLine.FindAllStringSubmatch(s.text, -1) {
			if own.MatchString(m[1]) {
				continue
			}
			name := pinned.FindStringSubmatch(m[1])
			if name == nil || !comment.MatchString(m[2]) {
				t.Errorf("%s: %s%s is not pinned as owner/name@COMMIT # vX.Y.Z", s.name, m[1], m[2])
				continue
			}
			if other := pins[name[1]]; other != "" && other != m[0] {
				t.Errorf("%s: %s here, and %s elsewhere", s.name, m[0], other)
			}
			pins[name[1]] = m[0]
		}
	}
}

// workflow is the part of a workflow that TestWorkflowsAreSafe looks at.
type workflow struct {
	Permissions any
	Jobs        map[string]struct {
		Permissions any
		Uses        string
		Steps       []step
	}
}

// TestWorkflowsAreSafe: no expression in a script, where its value would be code;
// permissions are written out; no credentials stay in a checkout.
func TestWorkflowsAreSafe(t *testing.T) {
	for _, s := range workflows(t) {
		var w workflow
		if err := yaml.Unmarshal([]byte(s.text), &w); err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		for job, j := range w.Jobs {
			if w.Permissions == nil && j.Permissions == nil {
				t.Errorf("%s: the job %s has no permissions:", s.name, job)
			}
			for _, step := range j.Steps {
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: an expression in a script: pass it through env:\n%s", s.name, step.Run)
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != "false" {
					t.Errorf("%s: a checkout without persist-credentials: false", s.name)
				}
			}
		}
	}
}

// TestVersions: both actions are of one version, which is dev except in the
// commit of a release.
func TestVersions(t *testing.T) {
	one, other := read(t, "../../.github/actions/manifestgen/version"), read(t, "../../.github/actions/tagbump/version")
	if one != other || !regexp.MustCompile(`^(dev|v\d+\.\d+\.\d+)\n$`).MatchString(one) {
		t.Errorf("the versions are %q and %q", one, other)
	}
}

// TestFlagsAreInputs: every flag of a command is an input of its action. docs/reference has the commands
// and their flags: the tests of the commands hold it to the code.
func TestFlagsAreInputs(t *testing.T) {
	flag := regexp.MustCompile("(?m)^\\| `--([a-z-]+)")
	for command, others := range map[string][]string{
		"tagbump":     {"set", "completion"}, // set has no Git repository: use command: install
		"manifestgen": {"why", "explain", "lint", "user", "team", "service", "env", "adopt", "schema", "completion", "init"},
	} {
		a := readAction(t, filepath.Join("..", "..", ".github", "actions", command))
		script := read(t, filepath.Join("..", "..", ".github", "actions", command, "run.sh"))
		named := regexp.MustCompile(`^` + command + ` ([a-z]+)`)
		sections := strings.Split(read(t, filepath.Join("..", "..", "docs", "reference", command+".md")), "\n## ")[1:]
		if len(sections) < 2 {
			t.Fatalf("the page of %s has no commands", command)
		}
		for _, section := range sections {
			match := named.FindStringSubmatch(section)
			if match == nil {
				t.Fatalf("no command of %s: %.80s", command, section)
			}
			sub := match[1]
			if slices.Contains(others, sub) {
				continue
			}
			if !strings.Contains(a.Inputs["command"].Description, sub) {
				t.Errorf("%s %s is no command of .github/actions/%s: add it there, or to this test's list of others", command, sub, command)
			}
			flags := flag.FindAllStringSubmatch(section, -1)
			if len(flags) < 5 {
				t.Fatalf("%s %s has no flags:\n%s", command, sub, section)
			}
			for _, f := range flags {
				if f[1] == "root" || command == "manifestgen" && f[1] == "output" {
					continue // an action has no folder to read status from, and check always prints Markdown
				}
				if _, ok := a.Inputs[f[1]]; !ok || !strings.Contains(script, "INPUT_"+strings.ToUpper(strings.ReplaceAll(f[1], "-", "_"))) {
					t.Errorf("%s %s --%s is no input of .github/actions/%s", command, sub, f[1], command)
				}
			}
		}
	}
}

// TestInputsAreUsed: every input reaches a step.
func TestInputsAreUsed(t *testing.T) {
	for _, command := range []string{"manifestgen", "tagbump"} {
		dir := filepath.Join("..", "..", ".github", "actions", command)
		a, text, script := readAction(t, dir), read(t, filepath.Join(dir, "action.yml")), read(t, filepath.Join(dir, "run.sh"))
		for name := range a.Inputs {
			if !strings.Contains(text, "${{ inputs."+name+" }}") {
				t.Errorf("%s: the input %s is not used", command, name)
			}
		}
		for _, s := range a.Runs.Steps {
			for name := range s.Env {
				if strings.HasPrefix(name, "INPUT_") && !strings.Contains(script, "$"+name) && !strings.Contains(script, "${"+name) {
					t.Errorf("%s: run.sh does not read %s", command, name)
				}
			}
		}
	}
}
