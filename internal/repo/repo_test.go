package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// memoryTree is a Tree of files in memory.
type memoryTree struct{ fstest.MapFS }

func (m memoryTree) entry(name string, info fs.FileInfo) Entry {
	data, _ := fs.ReadFile(m.MapFS, name)
	hash := string(data)
	if info.IsDir() {
		_ = fs.WalkDir(m.MapFS, name, func(below string, e fs.DirEntry, err error) error {
			if !e.IsDir() {
				content, _ := fs.ReadFile(m.MapFS, below)
				hash += below + string(content)
			}
			return err
		})
	}
	return Entry{Path: name, Mode: info.Mode(), Hash: hash, Size: info.Size()}
}

func (m memoryTree) Lookup(_ context.Context, name string) (Entry, error) {
	info, err := fs.Stat(m.MapFS, name)
	if err != nil {
		return Entry{}, err
	}
	return m.entry(name, info), nil
}

func (m memoryTree) Entries(_ context.Context, name string) ([]Entry, error) {
	below, err := fs.ReadDir(m.MapFS, name)
	var list []Entry
	for _, e := range below {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		list = append(list, m.entry(path.Join(name, e.Name()), info))
	}
	return list, err
}

func (m memoryTree) Content(_ context.Context, e Entry) ([]byte, error) {
	return fs.ReadFile(m.MapFS, e.Path)
}

func (m memoryTree) Below(context.Context, string) ([]Entry, error) {
	return nil, errors.ErrUnsupported
}
func (m memoryTree) Fetch(context.Context, ...string) error { return nil }

// treeOf makes a tree of "path content" and "path content mode".
func treeOf(files ...string) Tree {
	m := memoryTree{fstest.MapFS{}}
	for _, file := range files {
		words := strings.Fields(file)
		mode := fs.FileMode(0o644)
		if len(words) > 2 {
			fmt.Sscanf(words[2], "%o", &mode)
		}
		m.MapFS[words[0]] = &fstest.MapFile{Data: []byte(words[1]), Mode: mode}
	}
	return m
}

func TestDiff(t *testing.T) {
	before := &Commit{Hash: "1", Tree: treeOf("same/a x", "changed x", "gone/b x", "mode x", "was-file x", "was-folder/c x")}
	after := &Commit{Hash: "2", Tree: treeOf("same/a x", "changed y", "new/b x", "mode x 755", "was-file/d y", "was-folder y")}
	changes, err := Diff(t.Context(), before, after)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		got = append(got, fmt.Sprintf("%s %q %q %t", c.Path, c.Old, c.New, c.Kept))
	}
	want := []string{
		`changed "x" "y" true`,
		`gone/b "x" "" true`,
		`mode "x" "x" false`,
		`new/b "" "x" true`,
		`was-file "x" "" false`,
		`was-folder "" "y" false`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestLog reads windows that grow, and yields each commit once.
func TestLog(t *testing.T) {
	for name, c := range map[string]struct {
		history, known int // commits, and how many of them the server has
		depths         []int
		err            error
	}{
		"short":       {30, 30, []int{50}, nil},
		"long":        {600, 600, []int{50, 500, 5000}, nil},
		"cut off":     {600, 100, []int{50, 500}, ErrShallow},
		"without end": {90_000, 90_000, []int{50, 500, 5000, 50_000}, ErrShallow},
	} {
		commits := make([]*LogEntry, c.known)
		for i := range commits {
			commits[i] = &LogEntry{Commit: &Commit{}}
		}
		var depths []int
		window := func(depth int) (*Window, error) {
			depths = append(depths, depth)
			n := min(depth, c.known)
			return &Window{Entries: commits[:n], Whole: n == c.history, Cut: n < depth && n < c.history}, nil
		}
		shown := map[*LogEntry]bool{}
		var last error
		for e, err := range Log(window) {
			if last = err; err == nil {
				if shown[e] {
					t.Fatalf("%s: a commit comes twice", name)
				}
				shown[e] = true
			}
		}
		if want := min(c.known, 50_000); len(shown) != want || !slices.Equal(depths, c.depths) || !errors.Is(last, c.err) {
			t.Errorf("%s: got %d commits at %v, %v; want %d at %v, %v", name, len(shown), depths, last, want, c.depths, c.err)
		}
	}
}

// TestLogOfPathsThatAreKnownDifferently has a path that changes often, and one that changed long
// ago: an old change comes after all that are newer, also after those of the next window.
func TestLogOfPathsThatAreKnownDifferently(t *testing.T) {
	const often = 120
	start := time.Unix(1_767_000_000, 0)
	entry := func(minute int) *LogEntry {
		return &LogEntry{Commit: &Commit{Hash: fmt.Sprint(minute), Committer: Signature{When: start.Add(time.Duration(minute) * time.Minute)}}}
	}
	window := func(depth int) (*Window, error) {
		w := &Window{Whole: depth >= often}
		for i := range min(depth, often) {
			w.Entries = append(w.Entries, entry(often-i))
		}
		w.Oldest = w.Entries[len(w.Entries)-1].Committer.When
		w.Entries = append(w.Entries, entry(0))
		return w, nil
	}
	want := often
	for e, err := range Log(window) {
		if err != nil || e.Hash != fmt.Sprint(want) {
			t.Fatalf("got %v, %v, want %d", e.Commit, err, want)
		}
		want--
	}
	if want != -1 {
		t.Errorf("ends before %d", want)
	}
}
