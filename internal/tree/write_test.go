package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"k8srepo/internal/problem"
)

// TestStoppedApplyIsCompleted stops Apply at each of its writes, before its first
// byte and in the middle of it, and lets the next one complete it.
func TestStoppedApplyIsCompleted(t *testing.T) {
	old := []Want{
		deployment(t, "dev/manifests/a/a.yaml", "a", "1"),
		deployment(t, "dev/manifests/b/b.yaml", "b", "1"),
		deployment(t, "dev/manifests/c/c.yaml", "c", "1"),
	}
	wants := []Want{
		deployment(t, "dev/manifests/a/a.yaml", "a2", "2"),
		deployment(t, "dev/manifests/b/b.yaml", "b", "1"),
		deployment(t, "dev/manifests/d/d.yaml", "d", "1"),
		deployment(t, "dev/manifests/e/e.yaml", "e", "1"),
	}
	whole := t.TempDir()
	apply(t, whole, old)
	before := contents(t, whole)
	apply(t, whole, wants)
	after := contents(t, whole)

	for _, stopAt := range []string{"dev/manifests/a/a.yaml", "dev/manifests/d/d.yaml", "dev/manifests/e/e.yaml"} {
		t.Run(stopAt, func(t *testing.T) {
			dir := t.TempDir()
			apply(t, dir, old)
			root := openRoot(t, dir)
			plan, err := Diff(root, wants, everything)
			if err != nil {
				t.Fatal(err)
			}
			// Nothing can be written where a folder with something in it is.
			file, temp := filepath.Join(dir, stopAt), filepath.Join(dir, path.Dir(stopAt), temporary+"x")
			text, wasThere := before[stopAt]
			_ = os.Remove(file)
			if err := os.MkdirAll(filepath.Join(file, "x"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := plan.Apply(t.Context(), root); err == nil {
				t.Fatal("nothing stopped it")
			}
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
			if wasThere {
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for file, text := range contents(t, dir) {
				if text != before[file] && text != after[file] {
					t.Errorf("%s is neither old nor new:\n%s", file, text)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "dev/manifests/c/c.yaml")); err != nil {
				t.Error("c.yaml was removed before everything was written")
			}
			// As much as a process that is killed in the middle leaves.
			if err := os.WriteFile(temp, []byte("apiVersion: ap"), 0o644); err != nil {
				t.Fatal(err)
			}
			apply(t, dir, wants)
			if got := contents(t, dir); !maps.Equal(got, after) {
				t.Errorf("got %q, want %q", got, after)
			}
		})
	}
}

// stopping is a context that ends when it has been asked a number of times, as by Ctrl-C.
type stopping struct {
	context.Context
	left *atomic.Int64
}

func (c stopping) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestInterruptedApply interrupts Apply at each of the moments at which it looks. Each
// file is whole, old or new, nothing else is left, and the next run completes it.
func TestInterruptedApply(t *testing.T) {
	var old, wants []Want
	for i := range 6 {
		file := fmt.Sprintf("dev/manifests/%d/a.yaml", i)
		if i < 4 {
			old = append(old, deployment(t, file, "a", "1"))
		}
		if i > 1 {
			wants = append(wants, deployment(t, file, "b", "1"))
		}
	}
	whole := t.TempDir()
	apply(t, whole, old)
	before := contents(t, whole)
	apply(t, whole, wants)
	after := contents(t, whole)
	stopped, done := 0, false
	for n := int64(0); !done && n < 100; n++ {
		dir := t.TempDir()
		apply(t, dir, old)
		root := openRoot(t, dir)
		plan, err := Diff(root, wants, everything)
		if err != nil {
			t.Fatal(err)
		}
		ctx := stopping{t.Context(), new(atomic.Int64)}
		ctx.left.Store(n)
		switch err := plan.Apply(ctx, root); {
		case err == nil:
			done = true
		case errors.Is(err, context.Canceled):
			stopped++
		default:
			t.Fatal(err)
		}
		for file, text := range contents(t, dir) {
			if text != before[file] && text != after[file] {
				t.Errorf("stopped at %d: %s is neither old nor new:\n%s", n, file, text)
			}
		}
		apply(t, dir, wants)
		if got := contents(t, dir); !maps.Equal(got, after) {
			t.Errorf("stopped at %d: got %q, want %q", n, got, after)
		}
	}
	if stopped < 4 || !done {
		t.Errorf("it was stopped %d times; done is %t", stopped, done)
	}
}

func TestApplyKeepsModes(t *testing.T) {
	dir := t.TempDir()
	apply(t, dir, []Want{deployment(t, "dev/manifests/a.yaml", "a", "1")})
	file := filepath.Join(dir, "dev/manifests/a.yaml")
	if err := os.Chmod(file, 0o664); err != nil {
		t.Fatal(err)
	}
	apply(t, dir, []Want{deployment(t, "dev/manifests/a.yaml", "b", "1")})
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o664 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
}

// TestRenameKeepsTheMode: a renamed file has the mode of the old one, whatever the umask.
func TestRenameKeepsTheMode(t *testing.T) {
	dir := t.TempDir()
	old, renamed := deployment(t, "dev/manifests/a.yaml", "a", "1"), deployment(t, "dev/manifests/b.yaml", "a", "1")
	apply(t, dir, []Want{old})
	if err := os.Chmod(filepath.Join(dir, old.Path), 0o666); err != nil {
		t.Fatal(err)
	}
	apply(t, dir, []Want{renamed})
	if info, err := os.Stat(filepath.Join(dir, renamed.Path)); err != nil || info.Mode() != 0o666 {
		t.Errorf("got %v, %v", info, err)
	}
}

func TestWriteStaysInTheRoot(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "dev")); err != nil {
		t.Fatal(err)
	}
	if err := (&Plan{Changes: []Change{{Action: Create, Path: "dev/x.yaml", New: []byte("x"), Mode: 0o644}}}).Apply(t.Context(), openRoot(t, dir)); err == nil {
		t.Error("it wrote through a link")
	}
	if _, err := os.Stat(filepath.Join(outside, "x.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestApplyKeepsWhatOthersChanged changes each file between Diff and Apply, as
// tagbump does: nothing of theirs is lost.
func TestApplyKeepsWhatOthersChanged(t *testing.T) {
	old := []Want{deployment(t, "dev/manifests/a.yaml", "a", "1"), deployment(t, "dev/manifests/b.yaml", "b", "1")}
	wants := []Want{deployment(t, "dev/manifests/a.yaml", "a2", "1"), deployment(t, "dev/manifests/c.yaml", "c", "1")}
	for _, file := range []string{"dev/manifests/a.yaml", "dev/manifests/b.yaml", "dev/manifests/c.yaml"} {
		dir := t.TempDir()
		apply(t, dir, old)
		root := openRoot(t, dir)
		plan, err := Diff(root, wants, everything)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte("theirs"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := plan.Apply(t.Context(), root); problem.ExitStatus(err) != problem.ExitRefused {
			t.Errorf("%s: got %v", file, err)
		}
		if got := contents(t, dir)[file]; got != "theirs" {
			t.Errorf("%s is now %q", file, got)
		}
	}
}

// TestAppliesAtOnce applies one plan many times at once: each is done, and every
// file is whole at all times.
func TestAppliesAtOnce(t *testing.T) {
	var wants []Want
	for i := range 40 {
		wants = append(wants, deployment(t, fmt.Sprintf("dev/manifests/%02d.yaml", i), fmt.Sprint("n", i), "1"))
	}
	dir := t.TempDir()
	root := openRoot(t, dir)
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			plan, err := Diff(root, wants, everything)
			if err == nil {
				err = plan.Apply(t.Context(), root)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	plan, err := Diff(root, wants, everything)
	if err != nil || plan.Unchanged != len(wants) || len(plan.leftovers) > 0 {
		t.Errorf("got %+v, %v", plan, err)
	}
}
