package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

func userSetCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "set",
		Usage:     "change a user's team or services, or bring a user back",
		ArgsUsage: "NAME",
		Description: `--services replaces the list: what stays in it keeps its lines and comments.

   manifestgen user set erin --services api,search
   manifestgen user set erin --team data
   manifestgen user set dave --present`,
		Flags: editFlags(
			&cli.StringFlag{Name: "team", Usage: "the `team` to move the user to"},
			&cli.StringFlag{Name: "services", Usage: "all `services` that the user is to have, separated by commas"},
			&cli.BoolFlag{Name: "present", Usage: "bring an absent user back"},
		),
		Action: func(c *cli.Context) error {
			name, err := oneName(c)
			if err != nil {
				return err
			}
			change := inventory.UserChange{Team: c.String("team"), Services: console.Words(c.String("services")), SetServices: c.IsSet("services"), Present: c.Bool("present")}
			o := newEditOptions(c, con)
			if change.SetServices {
				o.servicesOf = name
			}
			return o.run(c.Context, "user set", func(e *inventory.Editor) ([]inventory.Edit, error) {
				var problems problem.List
				if err := o.require(&problems, &name, "the user's name", "it as an argument: user set NAME", inventory.Names(e.Inventory.Users)); err != nil {
					return nil, err
				}
				if change.Team == "" && !change.SetServices && !change.Present {
					problems.Add(problem.New("pass --team, --services or --present", "there is nothing to change"))
				}
				if len(problems) > 0 {
					problems.Add(e.CheckChange(name, change))
					return nil, problems.Err()
				}
				if u := e.Inventory.User(name); u != nil && change.Present && !u.Expires.IsZero() {
					at, _ := u.Source.Get("expires")
					o.notices = append(o.notices, fmt.Sprintf("%s: %s is to be absent from %s on: change or delete that line if the user stays", o.placeInSource(at.Place), name, u.Expires.Format(time.DateOnly)))
				}
				return single(e.SetUser(name, change))
			})
		},
	}
}
