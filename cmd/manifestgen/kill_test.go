package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/testmain"
)

// TestKilledRenderIsCompletedByTheNext kills renders with SIGKILL, each at another
// moment of its writing, and renders again: the result is always the same.
func TestKilledRenderIsCompletedByTheNext(t *testing.T) {
	source := t.TempDir()
	if err := os.CopyFS(source, os.DirFS("../../testdata/small")); err != nil {
		t.Fatal(err)
	}
	users, err := os.ReadFile(filepath.Join(source, "users.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		if err := os.WriteFile(filepath.Join(source, "users.yaml"), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before, after := filepath.Join(t.TempDir(), "before"), filepath.Join(t.TempDir(), "after")
	// Before: u00 to u07. After: u04 to u11, with other replicas. So some files are made, some
	// changed, some removed.
	write(withPeople(users, 0, 8))
	mustRender(t, source, before)
	write(bytes.ReplaceAll(withPeople(users, 4, 12), []byte("replicas: 2"), []byte("replicas: 3")))
	if err := os.CopyFS(after, os.DirFS(before)); err != nil {
		t.Fatal(err)
	}
	mustRender(t, source, after)
	want := contents(t, after)

	old := contents(t, before)
	appear, gone := onlyIn(want, old), onlyIn(old, want)
	if len(appear) != 12 || len(gone) != 12 {
		t.Fatalf("%d files appear and %d go, want 12 of each", len(appear), len(gone))
	}
	midway := 0
	for i, path := range append(appear[:6], gone[:2]...) { // files go at the end, all at once
		if !testmain.Tried(i) {
			continue
		}
		out := filepath.Join(t.TempDir(), "out")
		if err := os.CopyFS(out, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
		_, appears := want[path]
		if killedRender(t, source, out, path, appears) {
			midway++
		}
		for path, text := range contents(t, out) {
			if text != old[path] && text != want[path] && !strings.Contains(path, ".k8srepo-writing-") {
				t.Fatalf("a killed render leaves half of %s:\n%s", path, text)
			}
		}
		mustRender(t, source, out)
		got := contents(t, out)
		for path, text := range got {
			if text != want[path] {
				t.Fatalf("killed at %s, rendered again: %s is\n%s", path, path, text)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("killed at %s, rendered again: %d files, want %d", path, len(got), len(want))
		}
	}
	if midway < 2 && !testmain.Race {
		t.Errorf("only %d of 8 renders were killed before they were done", midway)
	}
}

// killedRender starts a render, and kills it when a file appears, or goes. It reports whether that was
// before the render was done.
func killedRender(t *testing.T, source, out, path string, appears bool) (midway bool) {
	t.Helper()
	killed := &exec.Cmd{ // this test binary is the command too: see TestMain
		Path: os.Args[0],
		Args: append([]string{"manifestgen"}, renderArgs(source, out)...),
		Env:  append(os.Environ(), testmain.NoSleep),
	}
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		if _, err := os.Lstat(filepath.Join(out, path)); (err == nil) == appears {
			break
		}
	}
	_ = killed.Process.Kill()
	return killed.Wait() != nil
}

// withPeople is users.yaml with some more.
func withPeople(users []byte, from, to int) []byte {
	text := bytes.Clone(users)
	for i := from; i < to; i++ {
		text = fmt.Appendf(text, "  - {name: u%02d, mission_type: web, services: [api, worker]}\n", i)
	}
	return text
}

// onlyIn returns the paths of files that one folder has and the other does not.
func onlyIn(one, other map[string]string) []string {
	var paths []string
	for path := range one {
		if _, there := other[path]; !there {
			paths = append(paths, path)
		}
	}
	return paths
}

func renderArgs(source, out string) []string {
	return []string{"render", "--source", source, "--out", out, "--allow-mass-prune", "--no-validate"}
}

func mustRender(t *testing.T, source, out string) {
	t.Helper()
	if stdout, stderr, status := inProcess(renderArgs(source, out)...); status != 0 {
		t.Fatalf("exits with %d\n%s%s", status, stdout, stderr)
	}
}

// contents are the files below a folder.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
