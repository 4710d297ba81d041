package console

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/problem"
)

// App fits an application to a console: help goes to Out, errors are returned and
// never printed or exited on, unknown commands and flags are problems with a hint.
func App(con *Console, app *cli.App) *cli.App {
	app.Name = con.Program
	app.HelpName = con.Program
	app.Writer = con.Out
	app.ErrWriter = con.Err
	app.Version = version()
	cli.VersionPrinter = func(c *cli.Context) { con.Printf("%s %s\n", c.App.Name, c.App.Version) }
	app.DisableSliceFlagSeparator = true
	app.ExitErrHandler = func(*cli.Context, error) {}
	app.OnUsageError = usageError
	app.Action = func(c *cli.Context) error {
		if c.Args().Present() {
			return unknownCommand(c)
		}
		return cli.ShowAppHelp(c)
	}
	prepare(app.Commands)
	return app
}

// version returns the release, the commit and the Go version that the program was built
// from, as "v1.2.0 (commit 0123abc…, go1.26.0)", as far as the build knows them.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown version"
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) string {
	release, commit, changed := info.Main.Version, "unknown", ""
	if release == "" || release == "(devel)" { // built by go run, or from a copy without its history
		release = "development version"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = ", with changes"
		}
	}
	return fmt.Sprintf("%s (commit %s%s, %s)", release, commit, changed, info.GoVersion)
}

// Main runs an application made by App, prints what is wrong, and returns the exit status.
// With --output json every failure is an object, even that of an unknown flag; OnFailure is called
// for it too.
func Main(ctx context.Context, con *Console, app *cli.App, args []string) int {
	err := Run(ctx, app, args)
	name := ""
	if command, words := commandOf(app, args); command != nil {
		name = strings.Join(args[1:words], " ")
	}
	failed := err
	if failed != nil && !con.handed && con.OnFailure != nil {
		err = errors.Join(err, con.OnFailure(name, failed))
	}
	if failed != nil && !con.answered && wantsJSON(args) {
		err = errors.Join(err, con.JSON(Failure{Version: 1, Command: name, Result: "failed", Problems: JSONProblems(failed)}))
	}
	con.Problems(err)
	return problem.ExitStatus(err)
}

// wantsJSON reports whether arguments ask for JSON, even where the rest of them is wrong. If
// --output is given twice, the last one counts.
func wantsJSON(args []string) bool {
	format := ""
	for i, arg := range args {
		if arg == "--" {
			break
		}
		name, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") || name != "o" && name != "output" {
			continue
		}
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		format = value
	}
	return format == "json"
}

// Run runs an application made by App. Flags may stand behind arguments. A flag with a
// single value may be given once.
func Run(ctx context.Context, app *cli.App, args []string) error {
	args = FlagsFirst(app, args)
	if err := givenTwice(app, args); err != nil {
		return err
	}
	return app.RunContext(ctx, args)
}

// commandOf returns the command that arguments name, as in "explain" or "user add", and how
// many arguments name it and the program; nil where they name none.
func commandOf(app *cli.App, args []string) (command *cli.Command, words int) {
	if len(args) < 2 {
		return nil, len(args)
	}
	command, words = app.Command(args[1]), 2
	for command != nil && len(command.Subcommands) > 0 && words < len(args) {
		i := slices.IndexFunc(command.Subcommands, func(c *cli.Command) bool { return c.HasName(args[words]) })
		if i < 0 {
			break
		}
		command, words = command.Subcommands[i], words+1
	}
	return command, words
}

// givenTwice returns the problem of a flag that would silently keep its last value.
func givenTwice(app *cli.App, args []string) error {
	command, words := commandOf(app, args)
	if command == nil {
		return nil
	}
	seen := map[string]bool{}
	for i := words; i < len(args) && args[i] != "--"; i++ {
		name, _, joined := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !strings.HasPrefix(args[i], "-") {
			continue
		}
		for _, flag := range command.Flags {
			if _, many := flag.(*cli.StringSliceFlag); many || !slices.Contains(flag.Names(), name) {
				continue
			}
			first := flag.Names()[0]
			if seen[first] {
				hint := "run the command once for each"
				if _, isSwitch := flag.(*cli.BoolFlag); isSwitch {
					hint = "leave one of them out"
				}
				return problem.New(hint, "--%s is given twice", first)
			}
			seen[first] = true
		}
		if !joined && takesValue(command, name) {
			i++
		}
	}
	return nil
}

// FlagsFirst moves the flags of a command that stand behind its arguments before
// them, as in "explain replicas --env prod": cli takes what follows the first
// argument for arguments. What follows "--" stays. Where the word after a group of commands is
// none of them, all stays: the group says so, whatever flags the command that was meant has.
func FlagsFirst(app *cli.App, args []string) []string {
	command, words := commandOf(app, args)
	if command == nil || len(command.Subcommands) > 0 {
		return args
	}
	flags, rest := slices.Clone(args[:words]), []string{}
	for i := words; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			continue
		}
		flags = append(flags, arg)
		if takesValue(command, strings.TrimLeft(arg, "-")) && i+1 < len(args) {
			i++
			flags = append(flags, args[i])
		}
	}
	return append(flags, rest...)
}

// takesValue reports whether a flag, without an = in it, has its value behind it.
func takesValue(command *cli.Command, name string) bool {
	for _, flag := range command.Flags {
		if slices.Contains(flag.Names(), name) {
			_, isSwitch := flag.(*cli.BoolFlag)
			return !isSwitch
		}
	}
	return false
}

func prepare(commands []*cli.Command) {
	for _, command := range commands {
		command.OnUsageError = usageError
		command.HideHelpCommand = true
		if len(command.Subcommands) > 0 && command.Action == nil {
			command.Action = NeedsSubcommand
		}
		if len(command.Subcommands) > 0 {
			command.ArgsUsage = "COMMAND"
		}
		if action := command.Action; action != nil && command.ArgsUsage == "" {
			command.Action = func(c *cli.Context) error {
				if c.Args().Present() {
					return problem.New("see "+c.App.Name+" "+CommandName(c)+" --help", "%s takes no argument, and here is %q", CommandName(c), c.Args().First())
				}
				return action(c)
			}
		}
		prepare(command.Subcommands)
	}
}

// CommandName returns the name of the command that runs, with those above it, as in
// "user add".
func CommandName(c *cli.Context) string {
	return strings.TrimPrefix(c.Command.HelpName, c.App.Name+" ")
}

// NeedsSubcommand is the action of a command that only groups others, unless it has its own: it
// names them.
func NeedsSubcommand(c *cli.Context) error {
	var names []string
	for _, command := range c.Command.Subcommands {
		names = append(names, command.Name)
	}
	if word := c.Args().First(); word != "" {
		return problem.New(problem.DidYouMean(word, names), "unknown command %q", c.Command.Name+" "+word)
	}
	return problem.New("see "+c.App.Name+" "+c.Command.Name+" --help", "%s takes a command: %s", c.Command.Name, strings.Join(names, ", "))
}

func unknownCommand(c *cli.Context) error {
	var names []string
	for _, command := range c.App.Commands {
		names = append(names, command.Name)
	}
	word := c.Args().First()
	return problem.New(problem.DidYouMean(word, names), "unknown command %q", word)
}

const undefined = "flag provided but not defined: -"

// usageError gives the flag package's error a hint. An unknown flag is
// recognised by its text: the package has no type for it.
func usageError(c *cli.Context, err error, _ bool) error {
	help := "see " + c.App.Name + " --help"
	if c.Command.Name != c.App.Name { // the application itself is a command of its name
		help = "see " + c.App.Name + " " + CommandName(c) + " --help"
	}
	word, unknown := strings.CutPrefix(err.Error(), undefined)
	if !unknown {
		return problem.New(help, "%v", err)
	}
	var names []string
	for _, flag := range slices.Concat(c.Command.Flags, c.App.Flags) {
		names = append(names, flag.Names()...)
	}
	word = strings.TrimLeft(word, "-")
	if near := problem.Nearest(word, names); near != "" {
		help = fmt.Sprintf("did you mean --%s?", near)
	}
	return problem.New(help, "unknown flag --%s", word)
}
