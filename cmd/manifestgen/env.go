package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/render"
)

func envCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "env",
		Usage: "add an environment",
		Description: `Writes environments/NAME.yaml, and renders.

   manifestgen env add qa --from staging --set domain=qa.example.com`,
		Subcommands: []*cli.Command{envAddCommand(con)},
		Action: byHand(func(name string) string {
			return "delete environments/" + cmp.Or(name, "NAME") + ".yaml and what names the environment"
		}),
	}
}

func envAddCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add an environment that is like another, and render",
		ArgsUsage: "NAME",
		Description: `The new file extends the other environment; with --copy it is a copy of its file.
It has a namespace of its own. Its services start on the tags that run there.
What is left to decide is listed, each with its line: values that name the other
environment, its domain and cluster, ARNs and IDs of AWS.

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
			settings, problems := environmentSettings(c.StringSlice("set"))
			o := newEditOptions(c, con)
			return o.addEnvironment(c.Context, inventory.NewEnvironment{Name: name, From: c.String("from"), Copy: c.Bool("copy"), Settings: settings}, problems)
		},
	}
}

// addEnvironment adds an environment, asking for what is missing.
func (o *editOptions) addEnvironment(ctx context.Context, n inventory.NewEnvironment, problems problem.List) error {
	o.setHint = func(u render.Unset) string {
		switch {
		case u.Env != n.Name:
			return ""
		case u.Service != "":
			return fmt.Sprintf("pass --set services.%s.vars.%s=VALUE, or --set vars.%s=VALUE for all services", u.Service, u.Variable, u.Variable)
		}
		return fmt.Sprintf("pass --set vars.%s=VALUE", u.Variable)
	}
	o.newEnvironment = &n
	return o.run(ctx, "env add", func(e *inventory.Editor) ([]inventory.Edit, error) {
		if err := o.require(&problems, &n.Name, "the environment's name", "it as an argument: env add NAME", nil); err != nil {
			return nil, err
		}
		if err := e.CheckEnvironment(n); err != nil && (o.prompt != nil || e.Inventory.Environment(n.Name) != nil) {
			return nil, err
		}
		if err := o.require(&problems, &n.From, "the environment that it is like", "--from", inventory.Names(e.Inventory.Environments)); err != nil {
			return nil, err
		}
		if len(problems) > 0 {
			problems.Add(e.CheckEnvironment(n))
			return nil, problems.Err()
		}
		o.tagsFrom = map[string]string{n.Name: n.From}
		return single(e.AddEnvironment(n))
	})
}

// undecided returns what is left to decide of the environment that was added.
func (o *renderOptions) undecided() ([]inventory.Undecided, error) {
	if o.newEnvironment == nil {
		return nil, nil
	}
	inv, err := o.inventory()
	if err != nil {
		return nil, err
	}
	list := inv.Undecided(*o.newEnvironment)
	for i := range list {
		list[i].Place = o.placeInSource(list[i].Place)
	}
	return list, nil
}
