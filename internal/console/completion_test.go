package console

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func completionApp() *cli.App {
	con := New("prog", &bytes.Buffer{}, &bytes.Buffer{}, func(string) string { return "" })
	return App(con, &cli.App{Commands: []*cli.Command{
		{Name: "user", Subcommands: []*cli.Command{
			{Name: "add", Flags: []cli.Flag{&cli.StringFlag{Name: "team"}, &cli.StringFlag{Name: "services"}, &cli.BoolFlag{Name: "dry-run"}}},
			{Name: "set", ArgsUsage: "NAME"},
		}},
		{Name: "render", Flags: []cli.Flag{&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}}}},
		{Name: "hidden", Hidden: true},
	}})
}

func TestComplete(t *testing.T) {
	values := func(p Place) []string {
		switch p.Command + " " + p.Flag {
		case "user add team":
			return []string{"data", "web"}
		case "user add services":
			return []string{"api,", "front,", "search,"}
		case "user set ":
			return []string{"alice", "bob"}
		case "render env":
			return []string{"dev", "prod", "prod-next"}
		}
		return nil
	}
	for _, test := range []struct{ words, want string }{
		{"|", "user render"},
		{"us|", "user"},
		{"user |", "add set"},
		{"user a|", "add"},
		{"user add --|", "--team --services --dry-run --help"},
		{"user add --team |", "data web"},
		{"user add --team w|", "web"},
		{"user add --team=w|", "--team=web"},
		{"user add --team = w|", "web"},
		{"user add --team =|", "data web"},
		{"user add --services |", "api front search"},
		{"user add --services api,|", "api,front api,search"},
		{"user add --services api,s|", "api,search"},
		{"user add --dry-run |", ""},
		{"user set a|", "alice"},
		{"user set --help a|", "alice"},
		{"render --env dev --env pr|", "prod prod-next"},
		{"render -e d|", "dev"},
		{"nothing |", ""},
		{"user nothing |", "add set"},
	} {
		words := strings.Split(strings.TrimSuffix(test.words, "|"), " ")
		if got := strings.Join(complete(completionApp(), words, values), " "); got != test.want {
			t.Errorf("%q: got %q, want %q", test.words, got, test.want)
		}
	}
}

// TestBashScript runs the script in bash, with a stand-in for the program that prints its
// arguments.
func TestBashScript(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	script, err := Completion("prog", "bash")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bash, "-c", `prog() { printf '%s\n' "$@"; }
`+script+`
COMP_WORDS=(prog user add --team "") COMP_CWORD=4
_prog
printf '[%s]' "${COMPREPLY[@]}"
complete -p prog`)
	out, err := cmd.CombinedOutput()
	if want := "[complete][--][user][add][--team]complete -o default -F _prog prog\n"; err != nil || string(out) != want {
		t.Errorf("got %q and %v, want %q", out, err, want)
	}
}

// TestShellsComplete runs the scripts of zsh and fish in these shells, where they are installed.
func TestShellsComplete(t *testing.T) {
	for shell, c := range map[string]struct{ before, after, want string }{
		"zsh": {`compdef() { printf '%s;' "$@" }
compadd() { printf '[%s]' "$@" }
prog() { printf '%s\n' "$@" }
`, `
words=(prog user add --team "") CURRENT=5
_prog`, "_prog;prog;[-Q][--][complete][--][user][add][--team]"},
		"fish": {`function prog
printf 'w,%s\n' (string join , -- $argv)
end
`, `
complete -C "prog user add --team w"`, "w,complete,--,user,add,--team,w\n"},
	} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skip("not installed")
			}
			script, err := Completion("prog", shell)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(path, "-c", c.before+script+c.after)
			cmd.Env = append(cmd.Environ(), "HOME="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != c.want {
				t.Errorf("got %q and %v, want %q", out, err, c.want)
			}
		})
	}
}

// TestScripts: each shell has a script that calls the hidden command, and is read by the shell
// where that is installed.
func TestScripts(t *testing.T) {
	for shell, check := range map[string][]string{"bash": {"-n"}, "zsh": {"-n"}, "fish": {"--no-execute"}} {
		script, err := Completion("prog", shell)
		if err != nil || !strings.Contains(script, "prog complete -- ") || strings.Contains(script, "PROGRAM") {
			t.Errorf("%s: %v\n%s", shell, err, script)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		cmd := exec.Command(path, check...)
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
	if _, err := Completion("prog", "tcsh"); err == nil {
		t.Error("a script for tcsh")
	}
}
