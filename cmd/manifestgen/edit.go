package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/problem"
	"k8srepo/internal/tree"
)

// editFlags returns those of the commands that change the inventory.
func editFlags(own ...cli.Flag) []cli.Flag {
	return append(own,
		sourceFlag,
		&cli.StringFlag{Name: "out", Usage: "the `folder` of <environment>/manifests (default: the source folder)"},
		&cli.BoolFlag{Name: "dry-run", Usage: "show what would change, and change nothing"},
		massPruneFlag,
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"},
	)
}

// byHand is the action of a group of commands none of which removes. Where somebody asks for one
// that does, it says how it is done by hand; the hint is for a name, "" where none is given.
func byHand(hint func(name string) string) cli.ActionFunc {
	return func(c *cli.Context) error {
		switch word := c.Args().First(); word {
		case "remove", "rm", "delete":
			name := c.Args().Get(1)
			if strings.HasPrefix(name, "-") { // a flag
				name = ""
			}
			return problem.New(hint(name)+"; then run manifestgen render", "unknown command %q", c.Command.Name+" "+word)
		}
		return console.NeedsSubcommand(c)
	}
}

// editOptions are what such a command is asked to do.
type editOptions struct {
	renderOptions
	con     *console.Console
	prompt  *console.Prompt      // nil where nobody can be asked
	retry   func() (bool, error) // may mend what an error of rendering was about; nil
	notices []string             // of the change of the inventory

	servicesOf string // the user whose list of services is replaced; "" for none
}

func newEditOptions(c *cli.Context, con *console.Console) editOptions {
	return editOptions{
		renderOptions: renderOptions{source: c.String("source"), out: c.String("out"), dryRun: c.Bool("dry-run"), allowMassPrune: c.Bool("allow-mass-prune"), output: c.String("output")},
		con:           con, prompt: con.Prompt(os.Stdin),
	}
}

// run changes the inventory, renders, and shows what came and went. Nothing is written
// before all of it is known to be right.
func (o *editOptions) run(ctx context.Context, command string, change func(*inventory.Editor) ([]inventory.Edit, error)) error {
	if err := o.validate("text", "json"); err != nil {
		return err
	}
	o.con.Source = sourceFS{folder: o.source}
	if err := o.change(change); err != nil {
		return err
	}
	o.con.Source = sourceFS{folder: o.source, edits: o.edits}
	plan, err := o.plan()
	if err != nil && o.retry != nil {
		again, retryErr := o.retry()
		if retryErr != nil {
			return retryErr
		}
		if again {
			o.edits = nil
			if err := o.change(change); err != nil {
				return err
			}
			o.con.Source = sourceFS{folder: o.source, edits: o.edits}
			plan, err = o.plan()
		}
	}
	if plan != nil {
		plan.Notices = slices.Concat(o.notices, plan.Notices)
	}
	if err == nil && !o.dryRun {
		err = o.apply(ctx, plan)
	}
	return report(o.con, command, o.renderOptions, plan, err)
}

// change asks for an edit of the inventory as it is, and keeps it.
func (o *editOptions) change(change func(*inventory.Editor) ([]inventory.Edit, error)) error {
	source, err := o.openSource()
	if err != nil {
		return err
	}
	defer source.Close()
	inv, err := inventory.LoadToSetServices(source, schema.Compile, o.servicesOf)
	if err != nil {
		return o.inSource(err)
	}
	o.notices = nil
	edits, err := change(&inventory.Editor{FS: source, Inventory: inv})
	if err != nil {
		return o.inSource(err)
	}
	return o.edit(edits...)
}

// single returns the change of one file.
func single(edit inventory.Edit, err error) ([]inventory.Edit, error) {
	return []inventory.Edit{edit}, err
}

// edit keeps edits of the inventory: what is loaded from now on has them.
func (o *renderOptions) edit(edits ...inventory.Edit) error {
	o.edits, o.edited = map[string][]byte{}, nil
	for _, e := range edits {
		if !e.Changes() {
			continue
		}
		c := tree.Change{Action: tree.Update, Path: e.File, Old: e.Old, New: e.New, Mode: 0o644}
		if e.Old == nil {
			c.Action = tree.Create
		} else {
			info, err := os.Stat(filepath.Join(o.source, filepath.FromSlash(e.File)))
			if err != nil {
				return err
			}
			c.Mode = info.Mode()
		}
		o.edits[e.File], o.edited = e.New, append(o.edited, c)
	}
	return nil
}

// writeEdits writes the edited files of the inventory.
func (o *renderOptions) writeEdits(ctx context.Context) error {
	if len(o.edited) == 0 {
		return nil
	}
	root, err := os.OpenRoot(o.source)
	if err != nil {
		return err
	}
	defer root.Close()
	return (&tree.Plan{Changes: o.edited}).Apply(ctx, root)
}

// shownEdits returns the edited files, by the names that people give them who are not in the
// source folder.
func (o *renderOptions) shownEdits() []tree.Change {
	shown := slices.Clone(o.edited)
	for i := range shown {
		shown[i].Path = o.placeInSource(problem.Place{File: shown[i].Path}).File
	}
	return shown
}
