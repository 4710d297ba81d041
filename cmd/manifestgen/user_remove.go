package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

func userRemoveCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "remove",
		Usage:     "make a user absent, or delete the user's entry, and render",
		ArgsUsage: "NAME",
		Description: `Writes state: absent, and keeps the entry: manifestgen user set NAME --present
brings the user back. --purge deletes the entry's lines; comments above them stay.

   manifestgen user remove erin
   manifestgen user remove erin --purge`,
		Flags: editFlags(&cli.BoolFlag{Name: "purge", Usage: "delete the user's lines from users.yaml"}),
		Action: func(c *cli.Context) error {
			name, err := oneName(c)
			if err != nil {
				return err
			}
			o := newEditOptions(c, con)
			return o.run(c.Context, "user remove", func(e *inventory.Editor) ([]inventory.Edit, error) {
				var problems problem.List
				if err := o.require(&problems, &name, "the user's name", "it as an argument: user remove NAME", inventory.Names(e.Inventory.Users)); err != nil || len(problems) > 0 {
					return nil, errors.Join(err, problems.Err())
				}
				if c.Bool("purge") {
					return single(e.PurgeUser(name))
				}
				return single(e.RemoveUser(name))
			})
		},
	}
}
