package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/problem"
)

func userCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "user",
		Usage: "add, change, remove or list users",
		Description: `Changes users.yaml, keeping what people wrote in it, and renders.

   manifestgen user add erin --team web --services api,front
   manifestgen user set erin --services api
   manifestgen user remove erin
   manifestgen user list`,
		Subcommands: []*cli.Command{userAddCommand(con), userSetCommand(con), userRemoveCommand(con), userListCommand(con)},
	}
}

// oneName returns the only argument of a command, a name; "" where there is none.
func oneName(c *cli.Context) (string, error) {
	if c.NArg() <= 1 {
		return c.Args().First(), nil
	}
	hint := "see " + c.App.Name + " " + console.CommandName(c) + " --help"
	if list := c.String("services"); list != "" {
		hint = "separate services with commas: --services " + strings.Join(append(console.Words(list), c.Args().Tail()...), ",")
	}
	return "", problem.New(hint, "%s takes one name, and here is %q too", console.CommandName(c), c.Args().Get(1))
}

// require asks for a value that was not given. Where nobody answers, it adds a problem that says
// which flag to pass.
func (o *editOptions) require(problems *problem.List, value *string, what, flag string, choices []string) error {
	if *value != "" {
		return nil
	}
	answer, err := o.prompt.Ask(what, choices)
	if err != nil {
		return err
	}
	if *value = answer; answer == "" {
		problems.Add(missing(what, flag, choices))
	}
	return nil
}

// missing returns the problem of a value that was not given.
func missing(what, flag string, choices []string) *problem.Problem {
	return problem.New(problem.DidYouMean("", choices), "%s is missing: pass %s", what, flag)
}
