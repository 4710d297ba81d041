package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8srepo/internal/scaffold"
)

// inProcess runs the command in this process.
func inProcess(args ...string) (stdout, stderr string, status int) {
	var out, err bytes.Buffer
	status = run(append([]string{"manifestgen"}, args...), &out, &err, func(string) string { return "" })
	return out.String(), err.String(), status
}

// TestInit makes repositories of every kind: they render, check and lint clean, and hold
// nothing of what was left out.
func TestInit(t *testing.T) {
	for _, test := range []struct {
		name    string
		args    []string
		without string // in no name of a file, and in no template's name
		words   string // in no file of the inventory, and in no rendered file
	}{
		{"alb", []string{"--routing", "alb", "--env", "dev", "--env", "staging", "--env", "prod"}, "karpenter|users/|teams/|user-service|mapping|target-group|http-route|home|sandbox", `karpenter|\bspot|NodePool|ambassador|mapping|nginx|gateway|httproute|target.group|sandbox|\bhome\b|\befs\b`},
		{"ambassador", []string{"--routing", "ambassador", "--env", "dev"}, "karpenter|users/|ingress|http-route|target-group", `karpenter|\bspot|nginx|gateway|target.group|sandbox|\bhome\b`},
		{"target-group", []string{"--routing", "target-group", "--env", "dev"}, "karpenter|ingress|mapping|http-route", `karpenter|\bspot|nginx|ambassador|certificate.?arn|gateway|sandbox|\bhome\b`},
		{"sandbox", []string{"--routing", "gateway", "--env", "sandbox", "--env", "prod"}, "karpenter|mapping|service/ingress|target-group", `karpenter|\bspot|ambassador|target.group|\(alb|alb, `},
		{"karpenter", []string{"--routing", "alb", "--env", "sandbox", "--env", "dev", "--karpenter"}, "mapping|target-group|http-route", `ambassador|target.group|\bgateway:|httproute`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "k8s")
			step := func(want int, args ...string) string {
				t.Helper()
				stdout, stderr, status := inProcess(args...)
				if status != want {
					t.Fatalf("%q exits with %d:\n%s%s", args, status, stdout, stderr)
				}
				return stdout + stderr
			}
			step(0, append([]string{"init", dir, "--account", "210987654321", "--region", "eu-west-1", "--domain", "acme.dev", "--repository", "acme/k8s"}, test.args...)...)
			if out := step(0, "check", "--strict", "--source", dir); !strings.HasPrefix(out, "0 to create, 0 to update, 0 to remove, ") {
				t.Errorf("a repository that is not clean at once:\n%s", out)
			}
			if test.name == "target-group" { // each service has a target group of its own
				step(2, "service", "add", "api", "--image", "e/api", "--tag", "1f0c9ae", "--port", "80", "--source", dir)
			} else {
				step(0, "service", "add", "api", "--image", "e/api", "--tag", "1f0c9ae", "--port", "80", "--source", dir)
			}
			if strings.Contains(strings.Join(test.args, " "), scaffold.Sandbox) {
				step(0, "user", "add", "erin", "--team", "dev", "--services", "api", "--source", dir)
			}
			step(0, "check", "--strict", "--source", dir)
			step(0, "lint", dir, "--strict")
			checkLeftOut(t, dir, regexp.MustCompile(test.without), regexp.MustCompile("(?i)"+test.words))

			// It is not written over.
			if out := step(1, append([]string{"init", dir, "--account", "210987654321", "--region", "eu-west-1", "--domain", "acme.dev", "--repository", "acme/k8s"}, test.args...)...); !strings.Contains(out, "users.yaml is there") {
				t.Error(out)
			}
		})
	}
}

// starterOnly is what must not stay of the starter's examples.
var starterOnly = regexp.MustCompile(`123456789012|ap-northeast-1|example\.com|example/|alice|nonprod`)

func checkLeftOut(t *testing.T, dir string, names, words *regexp.Regexp) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if names.MatchString(filepath.ToSlash(name)) {
			t.Errorf("%s is there", name)
		}
		if strings.HasPrefix(name, ".git") || strings.HasPrefix(name, ".schemas") || name == "README.md" {
			return nil
		}
		for _, pattern := range []*regexp.Regexp{words, starterOnly} {
			for i, line := range strings.Split(string(data), "\n") {
				if pattern.MatchString(line) {
					t.Errorf("%s:%d: %s", name, i+1, line)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
