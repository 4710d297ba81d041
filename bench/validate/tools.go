package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// The minor whose API server gave the verdicts, and a release of it that has its schemas.
const (
	verdictsMinor   = "1.34"
	verdictsRelease = "v1.34.4"
)

// validator is a command that looks at the manifests in a folder.
type validator struct {
	name    string
	command func(folder string) []string
	finding string // the text that marks a finding in its output; "" where only the exit status says so

	inStarter                   int // findings without a mistake
	caught, missed, falseAlarms int
}

// compareTools counts which validators find the mistakes in a folder of cases.
func compareTools(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: go run ./bench/validate tools CASES")
	}
	cases, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-validate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	manifestgen, err := buildManifestgen(dir)
	if err != nil {
		return err
	}
	schemas, err := writeSchemas(dir, verdictsRelease)
	if err != nil {
		return err
	}
	tools := installed(manifestgen, schemas)
	edits, err := findCases(cases)
	if err != nil || len(edits) == 0 {
		return fmt.Errorf("%s holds no cases", cases)
	}
	if err := askStarter(dir, cases, manifestgen, tools); err != nil {
		return err
	}
	counted := 0
	for _, edit := range edits {
		ok, err := oneCase(dir, cases, edit, manifestgen, tools)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(filepath.Dir(edit)), err)
		}
		if ok {
			counted++
		}
	}
	fmt.Printf("%d cases\n", counted)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "validator\tfound, as the server\tmissed\tfound, though the server takes it\tfindings without a mistake")
	for _, t := range tools {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", t.name, t.caught, t.missed, t.falseAlarms, t.inStarter)
	}
	return w.Flush()
}

// installed returns the validators to compare: those that are in PATH.
func installed(manifestgen string, s *schemas) []*validator {
	tools := []*validator{{name: "manifestgen lint", command: func(folder string) []string {
		return []string{manifestgen, "lint", "--kubernetes", verdictsMinor, folder}
	}}}
	for _, t := range []*validator{
		{name: "kubeconform -strict", command: func(f string) []string {
			return []string{"kubeconform", "-strict", "-ignore-missing-schemas", "-schema-location", s.json + "/{{.ResourceKind}}{{.KindSuffix}}.json", f}
		}},
		{name: "kubectl-validate", finding: "ERROR", command: func(f string) []string {
			return []string{"kubectl-validate", "--version", "", "--local-schemas", s.openAPI, f}
		}},
		{name: "kube-linter", finding: "(check: ", command: func(f string) []string { return []string{"kube-linter", "lint", "--format", "plain", f} }},
		{name: "kube-score", finding: "[CRITICAL]", command: func(f string) []string {
			files, _ := filepath.Glob(filepath.Join(f, "*", "manifests", "*", "*.yaml"))
			return append([]string{"kube-score", "score", "-o", "ci"}, files...)
		}},
	} {
		if _, err := exec.LookPath(strings.Fields(t.name)[0]); err == nil {
			tools = append(tools, t)
		} else {
			fmt.Printf("%s is not in PATH: left out\n", strings.Fields(t.name)[0])
		}
	}
	return tools
}

// findings returns how many findings a validator has in a folder: 0 or 1 where only its exit
// status says so.
func (t *validator) findings(folder string) (int, error) {
	command := t.command(folder)
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		return 0, err
	case t.finding != "":
		n := strings.Count(string(out), t.finding)
		if n == 0 && err != nil {
			n = 1 // it gave up before it looked: it cannot be read, say
		}
		return n, nil
	case err != nil:
		return 1, nil
	}
	return 0, nil
}

// askStarter asks each validator about the starter without a mistake.
func askStarter(dir, cases, manifestgen string, tools []*validator) error {
	out := filepath.Join(dir, "starter")
	if err := render(manifestgen, starter(cases), out); err != nil {
		return fmt.Errorf("the starter: %w", err)
	}
	for _, t := range tools {
		n, err := t.findings(out)
		if err != nil {
			return err
		}
		if t.inStarter = n; n > 0 && t.finding == "" {
			return fmt.Errorf("%s refuses the starter without a mistake", t.name)
		}
	}
	return nil
}

// oneCase makes a mistake and asks each validator: it finds the mistake if it has more findings
// than without it. A case that does not render, though nothing is validated, has no manifests to
// ask about, and is not counted.
func oneCase(dir, cases, edit, manifestgen string, tools []*validator) (counted bool, err error) {
	work := filepath.Join(dir, "work")
	verdict, err := os.ReadFile(filepath.Join(filepath.Dir(edit), "verdict"))
	if err != nil {
		return false, err
	}
	if err := makeCase(work, cases, edit); err != nil {
		return false, err
	}
	out := filepath.Join(work, "out")
	if render(manifestgen, work, out) != nil {
		return false, nil
	}
	refuses := strings.TrimSpace(string(verdict)) == "refuses"
	for _, t := range tools {
		n, err := t.findings(out)
		if err != nil {
			return false, err
		}
		switch found := n > t.inStarter; {
		case found && refuses:
			t.caught++
		case refuses:
			t.missed++
		case found:
			t.falseAlarms++
		}
	}
	return true, nil
}
