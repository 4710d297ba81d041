// Package scripttest runs the sessions of the commands in testdata/script, and those that documents
// show.
//
// A command runs in the test's own process: to start a process for each of the hundreds of commands
// would take most of the time. Commands whose standard input or signals matter are run with exec.
package scripttest

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"k8srepo/internal/testmain"
)

// Program is a command: arguments in, beginning with its name, an exit status out.
type Program func(args []string, stdout, stderr io.Writer, getenv func(string) string) int

// Script is a command of scripts: see testscript.Params.Cmds.
type Script = func(ts *testscript.TestScript, neg bool, args []string)

// Params say what is run.
type Params struct {
	Folder string // of the scripts, as a path from the test's folder
	Name   string // the program's
	Run    Program
	Update bool                        // write what the program prints into the scripts
	Setup  func(*testscript.Env) error // see testscript.Params; may be nil
	Cmds   map[string]Script           // more commands of scripts
}

// Main runs the tests of a package with a program in PATH, for scripts that exec it, and exits: for
// TestMain.
func Main(m *testing.M, name string, main func()) {
	testscript.Main(testmain.With(m), map[string]func(){name: main})
}

// Run runs each script of a folder as a test. Besides testscript's commands, and those given,
// there are
//
//	[!] run PROGRAM ARG…     runs the program, which must succeed, or fail with !
//	exits STATUS PROGRAM ARG… runs the program, or another, which must exit with the status
//	replace FILE OLD NEW     replaces a text, which must be in the file, wherever it is
func Run(t *testing.T, p Params) {
	folder, err := filepath.Abs(p.Folder)
	if err != nil {
		t.Fatal(err)
	}
	cmds := map[string]Script{"run": p.run, "exits": p.exits, "replace": replace}
	for name, cmd := range p.Cmds {
		cmds[name] = cmd
	}
	testscript.Run(t, testscript.Params{
		Dir: folder, UpdateScripts: p.Update, RequireExplicitExec: true, RequireUniqueNames: true, Cmds: cmds,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(append(env.Vars, testmain.NoSleep), noMaintenance...)
			if p.Setup == nil {
				return nil
			}
			return p.Setup(env)
		},
	})
}

func (p *Params) run(ts *testscript.TestScript, neg bool, args []string) {
	if status := p.status(ts, args); neg != (status != 0) {
		ts.Fatalf("%s exits with %d", strings.Join(args, " "), status)
	}
}

func (p *Params) exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits status program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if args[1] == p.Name {
		got = p.status(ts, args[1:])
	} else if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace file old new")
	}
	file := ts.MkAbs(args[0])
	text, err := os.ReadFile(file)
	ts.Check(err)
	if !strings.Contains(string(text), args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(file, []byte(strings.ReplaceAll(string(text), args[1], args[2])), 0o644))
}

// noMaintenance keeps Git from starting two more processes after each commit, to find that a small
// repository needs nothing.
var noMaintenance = []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=maintenance.auto", "GIT_CONFIG_VALUE_0=false"}

// process is held while a program runs as if it were the whole process.
var process sync.Mutex

// inherited are the variables that Git reads for itself. TMPDIR stays: the servers of other scripts
// make folders there at the same time.
var inherited = []string{"HOME", "PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"}

func (p *Params) status(ts *testscript.TestScript, args []string) (status int) {
	if len(args) == 0 || args[0] != p.Name {
		ts.Fatalf("the program is %s; run others with exec", p.Name)
	}
	status, err := p.Run.In(ts.MkAbs("."), args, ts.Stdout(), ts.Stderr(), ts.Getenv)
	ts.Check(err)
	return status
}

// In runs a program in a folder, with an environment that what it starts has too. One program runs
// at a time: the folder, the environment and the flags of package cli are the process's. So is the
// garbage collector, which has a GOGC: commands leave it as it is.
func (program Program) In(dir string, args []string, stdout, stderr io.Writer, getenv func(string) string) (status int, err error) {
	process.Lock()
	defer process.Unlock()
	before, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	if err := os.Chdir(dir); err != nil {
		return 0, err
	}
	defer os.Chdir(before)
	for _, name := range inherited {
		if value, has := os.LookupEnv(name); has {
			defer os.Setenv(name, value)
		} else {
			defer os.Unsetenv(name)
		}
		if value := getenv(name); value != "" {
			os.Setenv(name, value)
		} else {
			os.Unsetenv(name)
		}
	}
	return program(args, stdout, stderr, func(name string) string {
		if name == "GOGC" {
			return strconv.Itoa(testmain.GCPercent)
		}
		return getenv(name)
	}), nil
}
