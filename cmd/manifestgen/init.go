package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/scaffold"
	"k8srepo/internal/tree"
)

// initOptions are what init is asked to do.
type initOptions struct {
	scaffold.Options
	dir    string
	dryRun bool
	con    *console.Console
	prompt *console.Prompt
}

func initCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "make a new k8s repo in a folder",
		ArgsUsage: "[DIR]",
		Description: `Writes users.yaml, environments/, templates/, a workflow that runs check, and a
README, and renders. What the team does not have is left out: templates of other
routings, of Karpenter, and those of users where no environment is called sandbox.
On a terminal it asks for what is missing. It overwrites nothing.

   manifestgen init k8s --account 123456789012 --region ap-northeast-1 \
     --domain example.com --repository example/k8s --routing alb \
     --env dev --env staging --env prod`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "the AWS `account`, 12 digits"},
			&cli.StringFlag{Name: "region", Usage: "the AWS `region`"},
			&cli.StringFlag{Name: "domain", Usage: "production's `domain`; another environment has its name in front"},
			&cli.StringFlag{Name: "repository", Usage: "the `repository` that Argo CD syncs: owner/name, or a URL"},
			&cli.StringSliceFlag{Name: "env", Usage: "an `environment` (may be repeated); sandbox is the one of users"},
			&cli.StringFlag{Name: "routing", Usage: "`how` services are reached: " + strings.Join(scaffold.Routings, ", ")},
			&cli.BoolFlag{Name: "karpenter", Usage: "nodes are Karpenter's"},
			&cli.BoolFlag{Name: "dry-run", Usage: "list the files, and write nothing"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return problem.New("see manifestgen init --help", "init takes one folder, and here is %q too", c.Args().Get(1))
			}
			o := initOptions{dir: c.Args().First(), dryRun: c.Bool("dry-run"), con: con, prompt: con.Prompt(os.Stdin), Options: scaffold.Options{
				Account: c.String("account"), Region: c.String("region"), Domain: c.String("domain"), Repository: c.String("repository"),
				Environments: c.StringSlice("env"), Routing: c.String("routing"), Karpenter: c.Bool("karpenter"), Version: workflowVersion(),
			}}
			if o.dir == "" {
				o.dir = "."
			}
			return o.run(c.Context)
		},
	}
}

// workflowVersion returns the release whose workflows go with this program.
func workflowVersion() string {
	if version := buildVersion(); strings.HasPrefix(version, "v") && !strings.Contains(version, "-") && !strings.HasPrefix(version, "v0.0.0") {
		return version
	}
	return "v" + inventory.FormatVersion
}

// ask asks for the options that were not given. Without a prompt they stay empty.
func (o *initOptions) ask() error {
	for _, q := range []struct {
		value    *string
		question string
		choices  []string
	}{
		{&o.Account, "AWS account (12 digits)", nil},
		{&o.Region, "AWS region, such as ap-northeast-1", nil},
		{&o.Domain, "production's domain, such as example.com", nil},
		{&o.Repository, "repository that Argo CD will sync, as owner/name", nil},
		{&o.Routing, "how services are reached", scaffold.Routings},
	} {
		if *q.value != "" {
			continue
		}
		answer, err := o.prompt.Ask(q.question, q.choices)
		if err != nil {
			return err
		}
		*q.value = answer
	}
	if len(o.Environments) > 0 {
		return nil
	}
	envs, err := o.prompt.AskList("environments, such as dev, staging, prod", nil)
	o.Environments = envs
	return err
}

func (o *initOptions) run(ctx context.Context) error {
	if err := o.ask(); err != nil {
		return err
	}
	if err := o.Validate(); err != nil {
		return err
	}
	files, err := scaffold.Files(o.Options)
	if err != nil {
		return err
	}
	changes, err := o.changes(files)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	return o.create(ctx, changes)
}

// create rehearses, writes the files, and renders, until ctx ends. What it has written by then is
// listed.
func (o *initOptions) create(ctx context.Context, changes []tree.Change) error {
	if err := rehearse(ctx, changes); err != nil {
		if ctx.Err() != nil {
			return problem.New("run it again", "interrupted before anything was written")
		}
		return err
	}
	if o.dryRun {
		o.list(changes)
		return nil
	}
	if err := writeInto(ctx, o.dir, changes); err != nil {
		written := o.written(changes)
		o.list(written)
		if ctx.Err() == nil {
			return err
		}
		if len(written) == 0 {
			return problem.New("run it again", "interrupted before anything was written")
		}
		return problem.New("remove the files that are listed, and run it again", "interrupted: %d of %d files are written", len(written), len(changes))
	}
	o.list(changes)
	err := o.writeSchemas(ctx)
	if err == nil {
		err = renderAll(ctx, o.con, "render", renderOptions{source: o.dir, output: "text"})
	}
	if err != nil && ctx.Err() != nil {
		return problem.New("run manifestgen render --source "+o.dir+": it completes what is left", "interrupted while rendering")
	}
	return err
}

// list prints the files that are written, or would be.
func (o *initOptions) list(changes []tree.Change) {
	for _, c := range changes {
		o.con.Printf("create %s\n", problem.Place{File: filepath.ToSlash(filepath.Join(o.dir, c.Path))})
	}
}

// written returns those of the changes, none of which had a file before, whose files are there.
func (o *initOptions) written(changes []tree.Change) []tree.Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c tree.Change) bool {
		_, err := os.Lstat(filepath.Join(o.dir, filepath.FromSlash(c.Path)))
		return err != nil
	})
}

// writeSchemas writes the JSON Schemas that the files' first lines name for editors, unless the
// folder is there already. Git ignores them: they hold the names of the inventory, which change.
func (o *initOptions) writeSchemas(ctx context.Context) error {
	if _, err := os.Lstat(filepath.Join(o.dir, ".schemas")); err == nil {
		return nil
	}
	names := inventory.LoadNames(os.DirFS(o.dir))
	var changes []tree.Change
	for _, kind := range slices.Sorted(slices.Values(inventory.SchemaKinds)) {
		data, err := inventory.Schema(kind, names)
		if err != nil {
			return err
		}
		changes = append(changes, tree.Change{Action: tree.Create, Path: ".schemas/" + kind + ".json", New: data, Mode: 0o644})
	}
	return writeInto(ctx, o.dir, changes)
}

// kept are the files that are left as they are where they are there already.
var kept = []string{"README.md", ".gitattributes", ".gitignore"}

// changes returns the files to be written. A folder that holds a k8s repo already is refused.
func (o *initOptions) changes(files map[string][]byte) ([]tree.Change, error) {
	var changes []tree.Change
	var there, stay []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		shown := filepath.Join(o.dir, filepath.FromSlash(name))
		_, err := os.Lstat(shown)
		switch {
		case err != nil:
			changes = append(changes, tree.Change{Action: tree.Create, Path: name, New: files[name], Mode: 0o644})
		case slices.Contains(kept, name):
			stay = append(stay, shown)
		case name == inventory.UsersFile: // first: it is what makes a folder a k8s repo
			there = slices.Insert(there, 0, shown)
		default:
			there = append(there, shown)
		}
	}
	if len(there) > 0 {
		return nil, problem.Refuse("choose another folder", "%s", areThere(there))
	}
	for _, name := range stay {
		o.con.Notice(name + " is there, and stays as it is")
	}
	return changes, nil
}

// areThere says that files are there, and names the first three.
func areThere(names []string) string {
	const most = 3
	text := names[0] + " is there"
	switch n := len(names); {
	case n == 2:
		text += ", and so is " + names[1]
	case n == most:
		text += ", and so are " + names[1] + " and " + names[2]
	case n > most:
		more := "1 more file"
		if n > most+1 {
			more = fmt.Sprintf("%d more files", n-most)
		}
		text += ", and so are " + strings.Join(names[1:most], ", ") + " and " + more + " that init writes"
	}
	return text
}

// rehearse renders the files in a temporary folder, so that nothing is written to the real one that
// does not render. The folder is removed, also where ctx ends.
func rehearse(ctx context.Context, changes []tree.Change) error {
	folder, err := os.MkdirTemp("", "manifestgen-init-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := writeInto(ctx, folder, changes); err != nil {
		return err
	}
	o := renderOptions{source: folder, out: folder}
	if _, err := o.plan(); err != nil {
		return err
	}
	return ctx.Err()
}

// writeInto writes files into a folder, and makes the folder if it is not there.
func writeInto(ctx context.Context, folder string, changes []tree.Change) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return (&tree.Plan{Changes: changes}).Apply(ctx, root)
}
