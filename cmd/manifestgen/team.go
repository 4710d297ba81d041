package main

import (
	"cmp"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

func teamCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "team",
		Usage: "add a team",
		Description: `Changes users.yaml, keeping what people wrote in it, and renders.

   manifestgen team add mobile --secret API_KEY=mobile/api-key`,
		Subcommands: []*cli.Command{teamAddCommand(con)},
		Action: byHand(func(name string) string {
			return "delete the entry of " + cmp.Or(name, "the team") + " in users.yaml and what names it"
		}),
	}
}

// secretFlag names keys of the secret store.
var secretFlag = &cli.StringSliceFlag{Name: "secret", Usage: "`VARIABLE=KEY`: an environment variable, and its key in the secret store below the environment's name (may be repeated)"}

func teamAddCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add a team to users.yaml, and render",
		ArgsUsage: "NAME",
		Description: `The new entry is written as its neighbours are. A team's manifests are rendered
once a user is in it.

   manifestgen team add mobile --secret API_KEY=mobile/api-key
   manifestgen user add frank --team mobile --services api`,
		Flags: editFlags(secretFlag),
		Action: func(c *cli.Context) error {
			name, err := oneName(c)
			if err != nil {
				return err
			}
			secrets, problems := parseSecrets(c.StringSlice("secret"))
			o := newEditOptions(c, con)
			return o.run(c.Context, "team add", func(e *inventory.Editor) ([]inventory.Edit, error) {
				if err := o.require(&problems, &name, "the team's name", "it as an argument: team add NAME", nil); err != nil {
					return nil, err
				}
				t := inventory.NewTeam{Name: name, Secrets: secrets}
				if len(problems) > 0 {
					problems.Add(e.CheckTeam(t))
					return nil, problems.Err()
				}
				return single(e.AddTeam(t))
			})
		},
	}
}

// parseSecrets reads VARIABLE=KEY.
func parseSecrets(list []string) (secrets []inventory.Secret, problems problem.List) {
	for _, text := range list {
		name, key, ok := splitSetting(text)
		if !ok {
			problems.Add(problem.New("write it as in DATABASE_URL=api/database-url", "--secret %q is not VARIABLE=KEY", text))
			continue
		}
		secrets = append(secrets, inventory.Secret{Name: name, Key: key})
	}
	return secrets, problems
}
