// Package readme tests the documents against the code: sessions are run and must print what the
// pages show, and paths, messages, functions and references must be there. It also tests the layout
// of the packages, and NOTICE.
package readme

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"k8srepo/internal/cmdtest"
)

var update = flag.Bool("update", false, "write what is printed, or generated, into the documents")

// TestSessions runs the blocks marked ```console, in order, in one folder that starts out with the
// starter's files, with manifests that were copied by hand, or with nothing. A line that begins
// with "$ " is a command for sh; what follows, up to the next one, is its output, standard error
// included. A line of "…" stands for any number of lines, and a commit's hash for any other.
func TestSessions(t *testing.T) {
	bin := t.TempDir()
	if err := cmdtest.Build(bin, "k8srepo/cmd/manifestgen", "k8srepo/cmd/tagbump"); err != nil {
		t.Fatal(err)
	}
	starter := []string{"users.yaml", "environments", "templates"}
	for file, from := range map[string][]string{
		"README.md":               starter,
		"docs/adopting.md":        {"testdata/copied/."},
		"docs/getting-started.md": nil,
		"docs/deploy.md":          starter,
		"docs/explaining.md":      starter,
		"docs/images.md":          starter,
		"docs/inventory.md":       starter,
		"docs/review.md":          starter,
		"docs/migrating.md":       starter,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			testSessions(t, bin, filepath.Join("..", "..", file), from)
		})
	}
}

// sessionBlock is a session in a document, with its commands and what they print.
var sessionBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

func testSessions(t *testing.T, bin, file string, from []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	top, work := "../..", t.TempDir()
	for _, name := range from {
		if err := exec.Command("cp", "-r", top+"/"+name, work).Run(); err != nil {
			t.Fatal(err)
		}
	}
	sh := &shell{dir: work, cd: filepath.Join(t.TempDir(), "dir"), env: append(os.Environ(),
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+work, "NO_COLOR=1", "GITHUB_ACTIONS=",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=you", "GIT_AUTHOR_EMAIL=you@example.com", "GIT_COMMITTER_NAME=you", "GIT_COMMITTER_EMAIL=you@example.com")}
	sessions := sessionBlock.FindAllSubmatchIndex(text, -1)
	if len(sessions) == 0 {
		t.Fatal("no session to run")
	}
	var updated []byte
	done := 0
	for _, at := range sessions {
		want := string(text[at[2]:at[3]])
		got := sh.session(want)
		same := matches(got, want)
		if !same && !*update {
			t.Errorf("the session at line %d differs:\n%s", 1+strings.Count(string(text[:at[2]]), "\n"),
				diff.Diff(filepath.Base(file), []byte(want), "printed", []byte(got)))
		}
		updated = append(updated, text[done:at[2]]...)
		if done = at[3]; same {
			got = want
		}
		updated = append(updated, got...)
	}
	if *update {
		if err := os.WriteFile(file, append(updated, text[done:]...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// shell runs commands in a folder, and where they change to.
type shell struct {
	dir string
	cd  string // a file for the folder that a command ends in
	env []string
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
		cmd := exec.Command("sh", "-c", command+"\npwd >\"$SESSION_DIR\"")
		cmd.Dir, cmd.Env = sh.dir, append(sh.env, "SESSION_DIR="+sh.cd)
		out, _ := cmd.CombinedOutput() // a command that fails says so in what it prints
		b.Write(out)
		if dir, err := os.ReadFile(sh.cd); err == nil {
			sh.dir = strings.TrimSuffix(string(dir), "\n")
		}
	}
	return b.String()
}

var hash = regexp.MustCompile(`\b[0-9a-f]{40}\b`)

func matches(got, want string) bool {
	pattern := regexp.QuoteMeta(hash.ReplaceAllString(want, "HASH"))
	pattern = strings.ReplaceAll(pattern, "…\n", "(?:.*\n)*?")
	return regexp.MustCompile(`^` + pattern + `$`).MatchString(hash.ReplaceAllString(got, "HASH"))
}
