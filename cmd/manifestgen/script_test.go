package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"k8srepo/internal/scripttest"
)

var update = flag.Bool("update", false, "write what the commands say into the scripts")

func TestMain(m *testing.M) { scripttest.Main(m, "manifestgen", main) }

// TestScripts runs testdata/script/manifestgen: sessions of the command. $SMALL
// is a small inventory to copy and change.
func TestScripts(t *testing.T) {
	folder, err := filepath.Abs("../../testdata/small")
	if err != nil {
		t.Fatal(err)
	}
	scripttest.Run(t, scripttest.Params{
		Folder: "../../testdata/script/manifestgen",
		Name:   "manifestgen",
		Run:    run,
		Update: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SMALL", folder)
			env.Values["stamps"] = stamps{}
			return nil
		},
		Cmds: map[string]scripttest.Script{"small": small, "files": files, "stamp": stamp, "unwritten": unwritten},
	})
}

// small [FOLDER] copies $SMALL into a folder, which has none of its files; the current one unless
// given.
func small(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: small [folder]")
	}
	ts.Check(os.CopyFS(ts.MkAbs(strings.Join(args, "")), os.DirFS(ts.Getenv("SMALL"))))
}

// files FOLDER prints the files below a folder, sorted.
func files(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: files folder")
	}
	walk(ts, args[0], func(path string, info fs.FileInfo) {
		if !info.IsDir() {
			fmt.Fprintln(ts.Stdout(), path)
		}
	})
}

// walk visits what is below a folder, sorted, by slash-separated paths in it.
func walk(ts *testscript.TestScript, folder string, visit func(string, fs.FileInfo)) {
	root := os.DirFS(ts.MkAbs(folder))
	ts.Check(fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			visit(path, info)
		}
		return err
	}))
}

// stamps are the files and folders below each stamped folder, as they were.
type stamps map[string]map[string]fs.FileInfo

func stampsOf(ts *testscript.TestScript, folder string) map[string]fs.FileInfo {
	infos := map[string]fs.FileInfo{}
	walk(ts, folder, func(path string, info fs.FileInfo) { infos[path] = info })
	return infos
}

// stamp FOLDER remembers when everything below a folder was written.
func stamp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stamp folder")
	}
	ts.Value("stamps").(stamps)[args[0]] = stampsOf(ts, args[0])
}

// unwritten FOLDER [FILE…] fails if anything below a stamped folder was written,
// made, replaced or removed since; the files are exceptions that must have been.
func unwritten(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: unwritten folder [file...]")
	}
	written := map[string]bool{}
	before, after := ts.Value("stamps").(stamps)[args[0]], stampsOf(ts, args[0])
	for path, info := range before {
		now := after[path]
		if now == nil || !os.SameFile(info, now) || !info.ModTime().Equal(now.ModTime()) || info.Mode() != now.Mode() {
			written[path] = !info.IsDir() || len(args) == 1
		}
	}
	for path, info := range after {
		if before[path] == nil {
			written[path] = !info.IsDir() || len(args) == 1
		}
	}
	for _, path := range args[1:] {
		if !written[path] {
			ts.Fatalf("%s was not written", path)
		}
		written[path] = false
	}
	for path, is := range written {
		if is {
			ts.Fatalf("%s was written", path)
		}
	}
}
