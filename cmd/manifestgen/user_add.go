package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

func userAddCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add a user to users.yaml, and render",
		ArgsUsage: "NAME",
		Description: `The new entry is written as its neighbours are. On a terminal it asks for what
is missing. It shows the files that come.

   manifestgen user add erin --team web --services api,front
   manifestgen user add erin --team web --services api --dry-run`,
		Flags: editFlags(
			&cli.StringFlag{Name: "team", Usage: "the user's `team`"},
			&cli.StringFlag{Name: "services", Usage: "the user's `services`, separated by commas"},
		),
		Action: func(c *cli.Context) error {
			name, err := oneName(c)
			if err != nil {
				return err
			}
			o := newEditOptions(c, con)
			return o.run(c.Context, "user add", o.addUser(inventory.NewUser{Name: name, Team: c.String("team"), Services: console.Words(c.String("services"))}, c.IsSet("services")))
		},
	}
}

// addUser adds a user, asking for what is missing. Everything that is wrong is reported at
// once, what is missing too.
func (o *editOptions) addUser(u inventory.NewUser, servicesGiven bool) func(*inventory.Editor) ([]inventory.Edit, error) {
	return func(e *inventory.Editor) ([]inventory.Edit, error) {
		var problems problem.List
		if err := o.require(&problems, &u.Name, "the user's name", "it as an argument: user add NAME", nil); err != nil {
			return nil, err
		}
		if err := e.CheckUser(u); err != nil && (o.prompt != nil || e.Inventory.User(u.Name) != nil) {
			return nil, err
		}
		if err := o.require(&problems, &u.Team, "the user's team", "--team", inventory.Names(e.Inventory.Teams)); err != nil {
			return nil, err
		}
		if !servicesGiven && o.prompt == nil {
			problems.Add(missing("the list of the user's services", "--services", inventory.Names(e.Inventory.Services)))
		}
		if !servicesGiven && o.prompt != nil {
			var err error
			if u.Services, err = o.prompt.AskList("the user's services", inventory.Names(e.Inventory.Services)); err != nil {
				return nil, err
			}
		}
		if len(problems) > 0 {
			problems.Add(e.CheckUser(u))
			return nil, problems.Err()
		}
		if !rendersUsers(e.Inventory) {
			o.notices = append(o.notices, u.Name+" has no manifests: no environment has user, user-service or team in its list templates:; to render users, add user-service to that list in environments/NAME.yaml, and templates to templates/user-service/")
		}
		return single(e.AddUser(u))
	}
}

// rendersUsers reports whether any environment renders templates of users or of their teams.
func rendersUsers(inv *inventory.Inventory) bool {
	return slices.ContainsFunc(inv.Environments, func(env *inventory.Environment) bool {
		return !env.Abstract && slices.ContainsFunc(env.Templates, func(scope string) bool {
			return slices.Contains([]string{"user", "user-service", "team"}, scope)
		})
	})
}
