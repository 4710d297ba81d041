package main

import (
	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
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

// addUser adds a user, asking for what is missing.
func (o *editOptions) addUser(u inventory.NewUser, servicesGiven bool) func(*inventory.Editor) (inventory.Edit, error) {
	return func(e *inventory.Editor) (inventory.Edit, error) {
		err := o.required(&u.Name, "the user's name", "it as an argument: user add NAME", nil)
		if err == nil && e.Inventory.User(u.Name) == nil {
			err = o.required(&u.Team, "the user's team", "--team", teamNames(e))
		}
		if err == nil && !servicesGiven && e.Inventory.User(u.Name) == nil {
			u.Services, err = o.requiredServices(e)
		}
		if err != nil {
			return inventory.Edit{}, err
		}
		return e.AddUser(u)
	}
}

func (o *editOptions) requiredServices(e *inventory.Editor) ([]string, error) {
	if o.prompt != nil {
		return o.prompt.AskList("the user's services", serviceNames(e))
	}
	var none string
	return nil, o.required(&none, "the list of the user's services", "--services", serviceNames(e))
}
