package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// buildManifestgen builds manifestgen into a folder, and returns where it is.
func buildManifestgen(dir string) (string, error) {
	binary := filepath.Join(dir, "manifestgen")
	if out, err := exec.Command("go", "build", "-o", binary, "k8srepo/cmd/manifestgen").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

// render renders a source folder without validation.
func render(manifestgen, source, out string) error {
	if text, err := exec.Command(manifestgen, "render", "--no-validate", "--source", source, "--out", out).CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

// starter returns the source folder, among cases, that holds no mistake.
func starter(cases string) string { return filepath.Join(cases, "starter") }

// findCases returns the edit.sh of each case.
func findCases(cases string) ([]string, error) {
	return filepath.Glob(filepath.Join(cases, "*", "edit.sh"))
}

// makeCase makes work a copy of the starter with the mistake of a case in it.
func makeCase(work, cases, edit string) error {
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	if err := os.CopyFS(work, os.DirFS(starter(cases))); err != nil {
		return err
	}
	shell := exec.Command("sh", edit)
	shell.Dir = work
	if out, err := shell.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}
