package scripttest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// SessionBlock is a session in a document: a block marked ```console. A line that begins with "$ "
// is a command for sh; what follows, up to the next one, is its output, standard error included. A
// line of "…" stands for any number of lines, and a commit's hash for any other.
var SessionBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

// Document is a document whose sessions are run.
type Document struct {
	File   string   // its path from the test's folder
	From   []string // the files and folders that its folder starts out with
	Name   string   // of the program that runs in the test's own process; "" where none does
	Run    Program
	Bin    string // a folder of other programs
	Update bool   // write what is printed into the document
}

// Sessions runs a document's sessions, in order, in one folder; they must print what it shows. It
// returns at once: the test is parallel.
func (d Document) Sessions(t *testing.T) {
	file, err := filepath.Abs(d.File)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	for _, name := range d.From {
		if out, err := exec.Command("cp", "-r", name, work).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	sessions := SessionBlock.FindAllSubmatchIndex(text, -1)
	if len(sessions) == 0 {
		t.Fatal("no session to run")
	}
	sh := &shell{document: &d, dir: work, cd: filepath.Join(t.TempDir(), "dir"), env: append(os.Environ(),
		"PATH="+d.Bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+work, "NO_COLOR=1", "GITHUB_ACTIONS=",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=you", "GIT_AUTHOR_EMAIL=you@example.com", "GIT_COMMITTER_NAME=you", "GIT_COMMITTER_EMAIL=you@example.com")}
	sh.env = append(sh.env, noMaintenance...)
	t.Parallel()
	var updated []byte
	done := 0
	for _, at := range sessions {
		want := string(text[at[2]:at[3]])
		got := sh.session(want)
		same := matches(got, want)
		if !same && !d.Update {
			t.Errorf("the session at line %d differs:\n%s", 1+strings.Count(string(text[:at[2]]), "\n"),
				diff.Diff(filepath.Base(file), []byte(want), "printed", []byte(got)))
		}
		updated = append(updated, text[done:at[2]]...)
		if done = at[3]; same {
			got = want
		}
		updated = append(updated, got...)
	}
	if d.Update {
		if err := os.WriteFile(file, append(updated, text[done:]...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var hash = regexp.MustCompile(`\b[0-9a-f]{40}\b`)

func matches(got, want string) bool {
	pattern := regexp.QuoteMeta(hash.ReplaceAllString(want, "HASH"))
	pattern = strings.ReplaceAll(pattern, "…\n", "(?:.*\n)*?")
	return regexp.MustCompile(`^` + pattern + `$`).MatchString(hash.ReplaceAllString(got, "HASH"))
}

// shell runs commands in a folder, and where they change to.
type shell struct {
	document *Document
	dir      string
	cd       string // a file for the folder that a command ends in
	env      []string
}

// session runs the commands of a session, and returns it with what they print.
func (sh *shell) session(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		command, isCommand := strings.CutPrefix(line, "$ ")
		if !isCommand {
			continue
		}
		b.WriteString(line)
		b.Write(sh.command(strings.TrimSuffix(command, "\n")))
	}
	return b.String()
}

// command runs a line, and returns what it prints. sh runs what is not simple, and what stands
// before && and a simple command.
func (sh *shell) command(line string) []byte {
	before, last := "", line
	if at := strings.LastIndex(line, " && "); at >= 0 {
		before, last = line[:at], line[at+len(" && "):]
	}
	own := sh.simple(last)
	switch {
	case own == nil:
		printed, _ := sh.run(line) // a command that fails says so in what it prints
		return printed
	case before == "":
		return sh.ownProcess(own)
	}
	printed, ok := sh.run(before)
	if ok {
		printed = append(printed, sh.ownProcess(own)...)
	}
	return printed
}

// run runs a command with sh, and reports whether it succeeds.
func (sh *shell) run(command string) (printed []byte, ok bool) {
	cmd := exec.Command("sh", "-c", command+"\nstatus=$?; pwd >\"$SESSION_DIR\"; exit $status")
	cmd.Dir, cmd.Env = sh.dir, append(sh.env, "SESSION_DIR="+sh.cd)
	printed, err := cmd.CombinedOutput()
	if dir, err := os.ReadFile(sh.cd); err == nil {
		sh.dir = strings.TrimSuffix(string(dir), "\n")
	}
	return printed, err == nil
}

// simple is a command without what only a shell understands, but for where its output goes.
var (
	simple = regexp.MustCompile(`^((?:[\w./,:=@-]+|'[^']*'| )+?)( 2>&1| 2>/dev/null)?(?: \| (head|tail) -n (\d+))?$`)
	word   = regexp.MustCompile(`(?:'[^']*'|[^' ])+`)
)

// simple returns the parts of a simple command of the document's own program, nil for another.
func (sh *shell) simple(command string) []string {
	if !strings.HasPrefix(command, sh.document.Name+" ") {
		return nil
	}
	return simple.FindStringSubmatch(command)
}

// ownProcess runs a simple command, and returns what it prints.
func (sh *shell) ownProcess(m []string) []byte {
	var args []string
	for _, quoted := range word.FindAllString(m[1], -1) {
		args = append(args, strings.ReplaceAll(quoted, "'", ""))
	}
	var terminal, pipe, null bytes.Buffer
	stdout, stderr := &terminal, &terminal
	if m[3] != "" {
		stdout = &pipe
	}
	switch m[2] {
	case " 2>&1":
		stderr = stdout
	case " 2>/dev/null":
		stderr = &null
	}
	if _, err := sh.document.Run.In(sh.dir, args, stdout, stderr, sh.getenv); err != nil {
		return []byte(err.Error())
	}
	lines := slices.Collect(strings.Lines(pipe.String()))
	n, _ := strconv.Atoi(m[4])
	switch n = min(n, len(lines)); m[3] {
	case "head":
		lines = lines[:n]
	case "tail":
		lines = lines[len(lines)-n:]
	}
	terminal.WriteString(strings.Join(lines, ""))
	return terminal.Bytes()
}

func (sh *shell) getenv(name string) string {
	for _, variable := range slices.Backward(sh.env) {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}
