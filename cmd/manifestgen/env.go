package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

func envCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "env",
		Usage: "add an environment",
		Description: `Writes environments/NAME.yaml, and renders.

   manifestgen env add qa --from staging --set domain=qa.example.com`,
		Subcommands: []*cli.Command{envAddCommand(con)},
	}
}

func envAddCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add an environment that is like another, and render",
		ArgsUsage: "NAME",
		Description: `The new file extends the other environment; with --copy it is a copy of its file.
It has a namespace of its own. Its services start on the tags that run there.
What is left to decide is listed: values that name the other environment.

   manifestgen env add qa --from staging --set domain=qa.example.com
   manifestgen env add load --from prod --copy --set cluster=load --set vars.replicas=2`,
		Flags: editFlags(
			&cli.StringFlag{Name: "from", Usage: "the `environment` that it is like"},
			&cli.BoolFlag{Name: "copy", Usage: "copy the file of that environment instead of extending it"},
			&cli.StringSliceFlag{Name: "set", Usage: "`KEY=VALUE` to write into the file, such as vars.replicas=2 (may be repeated)"},
		),
		Action: func(c *cli.Context) error {
			name, err := oneName(c)
			if err != nil {
				return err
			}
			settings, err := parseSettings(c.StringSlice("set"))
			if err != nil {
				return err
			}
			o := newEditOptions(c, con)
			return o.addEnvironment(c, inventory.NewEnvironment{Name: name, From: c.String("from"), Copy: c.Bool("copy"), Settings: settings})
		},
	}
}

func (o *editOptions) addEnvironment(c *cli.Context, n inventory.NewEnvironment) error {
	err := o.run(c.Context, "env add", func(e *inventory.Editor) (inventory.Edit, error) {
		err := o.required(&n.Name, "the environment's name", "it as an argument: env add NAME", nil)
		if err == nil {
			err = o.required(&n.From, "the environment that it is like", "--from", inventory.Names(e.Inventory.Environments))
		}
		if err != nil {
			return inventory.Edit{}, err
		}
		o.tagsFrom = map[string]string{n.Name: n.From}
		return e.AddEnvironment(n)
	})
	if err != nil || o.output == "json" {
		return err
	}
	return o.listUndecided(n)
}

// listUndecided prints the values of a new environment that name the one that it is like.
func (o *editOptions) listUndecided(n inventory.NewEnvironment) error {
	inv, err := o.inventory()
	if err != nil {
		return err
	}
	left := inv.Undecided(n)
	if len(left) == 0 {
		return nil
	}
	o.con.Printf("left to decide, as it is in %s:\n", n.From)
	for _, u := range left {
		o.con.Printf("  %s: %s: %s\n", o.placeInSource(u.Place), u.Path, u.Text)
	}
	return nil
}

// parseSettings reads KEY=VALUE. The keys at the top of an environment's file are texts;
// below them a value is what YAML says.
func parseSettings(list []string) ([]inventory.Setting, error) {
	var settings []inventory.Setting
	for _, text := range list {
		key, value, ok := strings.Cut(text, "=")
		path, err := manifest.ParsePath(key)
		if !ok || err != nil {
			return nil, problem.New("write it as in domain=qa.example.com or vars.replicas=2", "--set %q is not KEY=VALUE", text)
		}
		settings = append(settings, inventory.Setting{Path: path, Value: settingValue(key, value)})
	}
	return settings, nil
}

func settingValue(key, text string) manifest.Value {
	file, err := manifest.Parse("--set", []byte(text))
	if err != nil || inventory.IsTextKey(key) {
		return manifest.NewString(text)
	}
	values, err := file.Values()
	if err != nil || len(values) != 1 {
		return manifest.NewString(text)
	}
	return values[0]
}
