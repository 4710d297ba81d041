package console

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/problem"
)

// The scripts of shells ask the program itself what may stand where the cursor is: its
// hidden command complete prints a line for each word.
//
//go:embed completion.bash
var bashScript string

//go:embed completion.zsh
var zshScript string

//go:embed completion.fish
var fishScript string

// Shells are those that CompletionCommand has a script for.
var Shells = []string{"bash", "zsh", "fish"}

// Completion returns the script that lets a shell complete a program's command line.
func Completion(program, shell string) (string, error) {
	script, ok := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[shell]
	if !ok {
		return "", problem.New(problem.DidYouMean(shell, Shells), "unknown shell %q", shell)
	}
	return strings.ReplaceAll(script, "PROGRAM", program), nil
}

// CompletionCommand prints the script of a shell.
func CompletionCommand(con *Console) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a script that lets a shell complete commands, flags and names",
		ArgsUsage: strings.Join(Shells, "|"),
		Description: `   source <(` + con.Program + ` completion bash)      # in ~/.bashrc
   source <(` + con.Program + ` completion zsh)       # in ~/.zshrc, behind compinit
   ` + con.Program + ` completion fish >~/.config/fish/completions/` + con.Program + `.fish`,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return problem.New("valid values: "+strings.Join(Shells, ", "), "completion takes the name of a shell")
			}
			script, err := Completion(con.Program, c.Args().First())
			if err == nil {
				con.Printf("%s", script)
			}
			return err
		},
	}
}

// Place is where a word is to be completed: the value of a flag of a command, or an
// argument of it where Flag is "".
type Place struct {
	Command string   // as in "user add"
	Flag    string   // without dashes
	Words   []string // of the command line before it, without the program
}

// CompleteCommand returns the hidden command that the scripts call. Values returns the words that
// may stand in a place; a word that ends in a comma is a list that goes on.
func CompleteCommand(con *Console, values func(Place) []string) *cli.Command {
	return &cli.Command{
		Name: "complete", Hidden: true, ArgsUsage: "-- WORD…", Usage: "print what the last word may become",
		Action: func(c *cli.Context) error {
			for _, word := range complete(c.App, c.Args().Slice(), values) {
				con.Printf("%s\n", word)
			}
			return nil
		},
	}
}

// complete returns what the last of some words may become.
func complete(app *cli.App, words []string, values func(Place) []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	words, split := joined(words)
	before, current := words[:len(words)-1], words[len(words)-1]
	command, n := commandOf(app, append([]string{app.Name}, before...))
	if command == nil {
		if len(before) > 0 {
			return nil
		}
		return starting(commandNames(app.Commands), current, "")
	}
	place := Place{Command: strings.Join(before[:n-1], " "), Words: before}
	if flag, value, ok := strings.Cut(current, "="); ok && strings.HasPrefix(current, "-") {
		place.Flag = flagName(command, strings.TrimLeft(flag, "-"))
		lead := flag + "="
		if split { // the shell completes what is behind the = alone
			lead = ""
		}
		return list(values(place), value, lead)
	}
	if last := before[len(before)-1]; strings.HasPrefix(last, "-") && !strings.Contains(last, "=") && takesValue(command, strings.TrimLeft(last, "-")) {
		place.Flag = flagName(command, strings.TrimLeft(last, "-"))
		return list(values(place), current, "")
	}
	switch {
	case strings.HasPrefix(current, "-"):
		return starting(flagNames(command), current, "")
	case len(command.Subcommands) > 0:
		return starting(commandNames(command.Subcommands), current, "")
	}
	return starting(values(place), current, "")
}

// joined puts --flag, = and value together again, which bash takes for three words.
func joined(words []string) (list []string, split bool) {
	for i, word := range words {
		last := i == len(words)-1
		switch n := len(list); {
		case n > 0 && word == "=" && strings.HasPrefix(list[n-1], "--"):
			list[n-1] += "="
			split = last
		case n > 0 && strings.HasSuffix(list[n-1], "=") && i > 0 && words[i-1] == "=":
			list[n-1] += word
			split = last
		default:
			list, split = append(list, word), false
		}
	}
	return list, split
}

// list returns the values that a word may become: one, or several separated by commas
// where the values end in commas.
func list(values []string, word, lead string) []string {
	if !slices.ContainsFunc(values, func(v string) bool { return strings.HasSuffix(v, ",") }) {
		return starting(values, word, lead)
	}
	at := strings.LastIndexByte(word, ',') + 1
	var left []string
	for _, v := range values {
		v = strings.TrimSuffix(v, ",")
		if !slices.Contains(strings.Split(word[:at], ","), v) {
			left = append(left, v)
		}
	}
	return starting(left, word[at:], lead+word[:at])
}

// starting returns the values that start with a word, each with a lead before it.
func starting(values []string, word, lead string) []string {
	var list []string
	for _, v := range values {
		if strings.HasPrefix(v, word) {
			list = append(list, lead+v)
		}
	}
	return list
}

func commandNames(commands []*cli.Command) []string {
	var names []string
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

func flagNames(command *cli.Command) []string {
	var names []string
	for _, f := range command.Flags {
		names = append(names, "--"+f.Names()[0])
	}
	return append(names, "--help")
}

// flagName returns the first name of a flag.
func flagName(command *cli.Command, name string) string {
	for _, f := range command.Flags {
		if slices.Contains(f.Names(), name) {
			return f.Names()[0]
		}
	}
	return name
}
