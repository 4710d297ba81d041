package main

import (
	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
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

// oneName is the only argument of a command: a name. It is "" where there is none.
func oneName(c *cli.Context) (string, error) {
	if c.NArg() > 1 {
		return "", problem.New("see "+c.App.Name+" "+console.CommandName(c)+" --help", "%s takes one name, and here is %q too", console.CommandName(c), c.Args().Get(1))
	}
	return c.Args().First(), nil
}

// required asks for what was not given, or says that it is missing.
func (o *editOptions) required(value *string, what, flag string, choices []string) error {
	if *value != "" {
		return nil
	}
	answer, err := o.prompt.Ask(what, choices)
	if err != nil {
		return err
	}
	if *value = answer; answer == "" {
		hint := ""
		if len(choices) > 0 {
			hint = problem.DidYouMean("", choices)
		}
		return problem.New(hint, "%s is missing: pass %s", what, flag)
	}
	return nil
}

// namesOf are the names of a list, for a question.
func teamNames(e *inventory.Editor) []string    { return inventory.Names(e.Inventory.Teams) }
func serviceNames(e *inventory.Editor) []string { return inventory.Names(e.Inventory.Services) }
