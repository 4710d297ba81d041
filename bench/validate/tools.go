package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// validator is a command that exits with another status than 0 if it refuses the manifests in a folder.
type validator struct {
	name    string
	command func(folder string) []string

	refusesStarter              bool // without a mistake: then its exit status says nothing of the mistakes
	caught, missed, falseAlarms int
}

// compareTools counts which validators refuse the mistakes in a folder of cases.
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
	manifestgen := filepath.Join(dir, "manifestgen")
	if out, err := exec.Command("go", "build", "-o", manifestgen, "./cmd/manifestgen").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	tools := installed(manifestgen)
	edits, err := filepath.Glob(filepath.Join(cases, "*", "edit.sh"))
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
	fmt.Fprintln(w, "validator\trefused, as the server\ttaken, against the server\trefused, against the server")
	for _, t := range tools {
		if t.refusesStarter {
			fmt.Fprintf(w, "%s\t(refuses the starter without a mistake too)\n", t.name)
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", t.name, t.caught, t.missed, t.falseAlarms)
	}
	return w.Flush()
}

// installed returns the validators to compare: those that are in PATH.
func installed(manifestgen string) []*validator {
	tools := []*validator{{name: "manifestgen lint", command: func(folder string) []string {
		return []string{manifestgen, "lint", "--kubernetes", "1.34", folder}
	}}}
	for _, t := range []*validator{
		{name: "kubeconform -strict", command: func(f string) []string {
			return []string{"kubeconform", "-strict", "-ignore-missing-schemas", "-kubernetes-version", "1.34.0", f}
		}},
		{name: "kubectl-validate", command: func(f string) []string { return []string{"kubectl-validate", f} }},
		{name: "kube-linter", command: func(f string) []string { return []string{"kube-linter", "lint", f} }},
		{name: "kube-score", command: func(f string) []string {
			files, _ := filepath.Glob(filepath.Join(f, "*", "manifests", "*", "*.yaml"))
			return append([]string{"kube-score", "score"}, files...)
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

// askStarter asks each validator about the starter without a mistake.
func askStarter(dir, cases, manifestgen string, tools []*validator) error {
	out := filepath.Join(dir, "starter")
	if text, err := exec.Command(manifestgen, "render", "--no-validate", "--source", filepath.Join(cases, "starter"), "--out", out).CombinedOutput(); err != nil {
		return fmt.Errorf("the starter: %w\n%s", err, text)
	}
	for _, t := range tools {
		command := t.command(out)
		t.refusesStarter = exec.Command(command[0], command[1:]...).Run() != nil
	}
	return nil
}

// oneCase makes a mistake and asks each validator. A case that does not render for another reason
// than validation has no manifests to ask about, and is not counted.
func oneCase(dir, cases, edit, manifestgen string, tools []*validator) (counted bool, err error) {
	work := filepath.Join(dir, "work")
	if err := os.RemoveAll(work); err != nil {
		return false, err
	}
	if err := os.CopyFS(work, os.DirFS(filepath.Join(cases, "starter"))); err != nil {
		return false, err
	}
	verdict, err := os.ReadFile(filepath.Join(filepath.Dir(edit), "verdict"))
	if err != nil {
		return false, err
	}
	shell := exec.Command("sh", edit)
	shell.Dir = work
	if out, err := shell.CombinedOutput(); err != nil {
		return false, fmt.Errorf("%w\n%s", err, out)
	}
	out := filepath.Join(work, "out")
	if exec.Command(manifestgen, "render", "--no-validate", "--source", work, "--out", out).Run() != nil {
		return false, nil
	}
	refuses := strings.TrimSpace(string(verdict)) == "refuses"
	for _, t := range tools {
		command := t.command(out)
		refused := exec.Command(command[0], command[1:]...).Run() != nil
		switch {
		case refused && refuses:
			t.caught++
		case refuses:
			t.missed++
		case refused:
			t.falseAlarms++
		}
	}
	return true, nil
}
