package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8srepo/internal/console"
	"k8srepo/internal/problem"
	"k8srepo/internal/scaffold"
	"k8srepo/internal/testmain"
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
	for i, test := range []struct {
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
		if !testmain.Tried(i) {
			continue
		}
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
		})
	}
}

// initArgs makes a small repository.
var initArgs = []string{"--account", "210987654321", "--region", "eu-west-1", "--domain", "acme.dev", "--repository", "acme/k8s", "--routing", "alb", "--env", "dev"}

// TestInterruptedInitLeavesNothing interrupts init while it rehearses: its temporary folder goes.
func TestInterruptedInitLeavesNothing(t *testing.T) {
	temp, dir := t.TempDir(), filepath.Join(t.TempDir(), "k8s")
	var stderr bytes.Buffer
	c := &exec.Cmd{
		Path:   os.Args[0],
		Args:   append([]string{"manifestgen", "init", dir}, initArgs...),
		Env:    append(os.Environ(), testmain.NoSleep, "TMPDIR="+temp),
		Stderr: &stderr,
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		if entries, _ := os.ReadDir(temp); len(entries) > 0 {
			break
		}
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if status := c.ProcessState.ExitCode(); status != problem.ExitTrouble || !strings.Contains(stderr.String(), "interrupted before anything was written") {
		t.Errorf("exits with %d:\n%s", status, stderr.String())
	}
	for _, folder := range []string{temp, dir} {
		if entries, _ := os.ReadDir(folder); len(entries) > 0 {
			t.Errorf("%s has %v", folder, entries)
		}
	}
}

// endsAfter is a context that ends when it was asked some times.
type endsAfter struct {
	context.Context
	left atomic.Int64
}

func (c *endsAfter) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestInterruptedInitListsWhatItWrote ends init at several moments of its writing.
func TestInterruptedInitListsWhatItWrote(t *testing.T) {
	options := scaffold.Options{Account: "210987654321", Region: "eu-west-1", Domain: "acme.dev", Repository: "acme/k8s", Routing: "alb", Environments: []string{"dev"}, Version: "v1"}
	files, err := scaffold.Files(options)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(len(files))
	// A file is asked for twice, when it is staged and when it takes its place: first those of the
	// rehearsal, with one question at its end, then those of the folder.
	for asked, want := range map[int64]string{
		1:       "interrupted before anything was written",
		2 * n:   "interrupted before anything was written",
		3 * n:   "interrupted before anything was written",
		3*n + 5: "interrupted: 4 of " + fmt.Sprint(n) + " files are written",
		4*n + 1: "interrupted while rendering",
	} {
		var stdout, stderr bytes.Buffer
		o := initOptions{Options: options, dir: t.TempDir(), con: console.New("manifestgen", &stdout, &stderr, func(string) string { return "" })}
		changes, err := o.changes(files)
		if err != nil {
			t.Fatal(err)
		}
		ctx := &endsAfter{Context: t.Context()}
		ctx.left.Store(asked)
		if err := o.create(ctx, changes); err == nil || err.Error() != want {
			t.Errorf("after %d: got %v, want %q", asked, err, want)
		}
		var listed []string
		for line := range strings.Lines(stdout.String()) {
			listed = append(listed, strings.TrimPrefix(strings.TrimSpace(line), "create "+filepath.ToSlash(o.dir)+"/"))
		}
		there := slices.Sorted(maps.Keys(contents(t, o.dir)))
		if slices.Sort(listed); !slices.Equal(listed, there) {
			t.Errorf("after %d: lists %q, and there are %q", asked, listed, there)
		}
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
