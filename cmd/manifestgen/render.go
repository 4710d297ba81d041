package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/problem"
	"k8srepo/internal/render"
	"k8srepo/internal/tree"
)

// renderOptions are what render and check are asked to do.
type renderOptions struct {
	source         string
	out            string // the source folder unless given
	envs           []string
	dryRun         bool
	force          bool
	allowMassPrune bool
	full           bool // every difference, not each distinct one once
	output         string
	kubernetes     string // of check: the minor that an upgrade leads to
	strict         bool   // an object of an unknown kind is an error
	noValidate     bool
	today          string // the day of --today, such as 2027-04-01; "" for none

	edits    map[string][]byte // files of the inventory as they are to be, by name
	edited   []tree.Change     // the same, against what they are; paths below the source folder
	tagsFrom map[string]string // new environment → the one that it is like
	adopt    map[string]bool   // see tree.Options
	refusing []string          // by adopt: environments that hold what validation refuses
	warnings problem.List      // what the API server would warn of, once planned

	setHint        func(render.Unset) string // see render.Templates
	newEnvironment *inventory.NewEnvironment // that env add adds; nil
}

// sourceFlags are those of render and check.
var sourceFlags = []cli.Flag{
	sourceFlag,
	&cli.StringFlag{Name: "out", Usage: "the `folder` of <environment>/manifests (default: the source folder)"},
	&cli.StringSliceFlag{Name: "env", Usage: "only this `environment` (may be repeated)"},
	&cli.BoolFlag{Name: "strict", Usage: "an object of a kind that is not known is an error"},
	&cli.StringFlag{Name: "today", Usage: "a `day` such as 2027-04-01: users whose expires: has come are absent"},
	&cli.BoolFlag{Name: "no-validate", Usage: "do not ask what the API server would refuse"},
	&cli.BoolFlag{Name: "full", Usage: "show the whole diff of every file, not each distinct difference once"},
	&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text`, json, or markdown for a pull request's comment"},
}

// sourceOptions returns what sourceFlags ask for.
func sourceOptions(c *cli.Context) renderOptions {
	return renderOptions{source: c.String("source"), out: c.String("out"), envs: c.StringSlice("env"), strict: c.Bool("strict"),
		today: c.String("today"), noValidate: c.Bool("no-validate"), full: c.Bool("full"), output: c.String("output")}
}

func renderCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "render",
		Usage: "write the manifests that the inventory and the templates say",
		Description: `Everything is read, rendered and checked first; on any error nothing is
written. Image tags stay as they are. Files with merge conflicts are written
anew. Files that are no longer wanted are removed last.

   manifestgen render                          # in a k8s repo
   manifestgen render --dry-run --full         # the whole diff of each file
   manifestgen render --today 2027-04-01       # whose expires: has come is absent
   manifestgen render --source . --out k8s     # manifests in another folder`,
		Flags: slices.Concat(sourceFlags, []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "show what would change, and change nothing"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite files that were edited by hand"},
			massPruneFlag,
		}),
		Action: func(c *cli.Context) error {
			o := sourceOptions(c)
			o.dryRun, o.force, o.allowMassPrune = c.Bool("dry-run"), c.Bool("force"), c.Bool("allow-mass-prune")
			return renderAll(c.Context, con, "render", o)
		},
	}
}

func checkCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "exit 1, with a review of the changes, if render would change anything",
		Description: `Writes nothing. For the CI of a k8s repo: it fails a pull request whose author
forgot to render, or edited a rendered file. It prints counts, then each
distinct difference once, the rarest first.

With --kubernetes it says instead what an upgrade to that minor would break, in
every environment; exit 1 if anything. What does not depend on the minor, drift
and the rules across objects, is left to check without it.

   manifestgen check
   manifestgen check --env prod --full         # the whole diff of each file
   manifestgen check -o markdown               # for a pull request's comment
   manifestgen check --today 2027-04-01        # whose expires: has come?
   manifestgen check --kubernetes 1.36         # before the cluster is upgraded`,
		Flags: slices.Concat(sourceFlags, []cli.Flag{
			&cli.StringFlag{Name: "kubernetes", Usage: "validate for this `minor` instead of the environments' own"},
		}),
		Action: func(c *cli.Context) error {
			o := sourceOptions(c)
			o.dryRun, o.allowMassPrune, o.kubernetes = true, true, c.String("kubernetes")
			if o.kubernetes != "" {
				return upgrade(con, o)
			}
			return renderAll(c.Context, con, "check", o)
		},
	}
}

// checkOutput checks --output against the formats that a command has.
func checkOutput(output string, formats ...string) error {
	if slices.Contains(formats, output) {
		return nil
	}
	last := len(formats) - 1
	return problem.New("", "--output must be %s or %s, not %q", strings.Join(formats[:last], ", "), formats[last], output)
}

// validate checks the flags, and fills in the ones that follow from others. The formats are those
// that the command's --output takes; a command without that flag names none.
func (o *renderOptions) validate(formats ...string) error {
	if len(formats) > 0 {
		if err := checkOutput(o.output, formats...); err != nil {
			return err
		}
	}
	o.findSource()
	if info, err := os.Stat(o.source); err != nil || !info.IsDir() {
		return problem.New("name the folder that holds users.yaml with --source", "no folder %s", o.source)
	}
	if o.out == "" {
		o.out = o.source
		return nil
	}
	if info, err := os.Lstat(o.out); err == nil && !info.IsDir() {
		if real, err := filepath.EvalSymlinks(o.out); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return problem.New("pass --out "+real, "--out %s is a symbolic link; manifests are written into real folders", o.out)
		}
		return problem.New("", "--out %s is no folder", o.out)
	}
	if input := o.inputAround(o.out); input != "" {
		return problem.New("name the k8s repo's root, or another folder", "--out %s is in %s, a folder that manifestgen reads", o.out, input)
	}
	return nil
}

// inputAround returns the folder of the source, one that holds no manifests, that a folder is, or
// is in; "" if there is none.
func (o *renderOptions) inputAround(folder string) string {
	real := realPath(folder)
	for _, name := range inventory.InputFolders {
		input := realPath(filepath.Join(o.source, name))
		if below, err := filepath.Rel(input, real); err == nil && filepath.IsLocal(below) {
			return filepath.Join(o.source, name)
		}
	}
	return ""
}

// realPath returns an absolute path without symbolic links, as far as it leads.
func realPath(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	if dir := filepath.Dir(abs); dir != abs {
		return filepath.Join(realPath(dir), filepath.Base(abs))
	}
	return abs
}

// renderAll runs render, and check: a render that writes nothing, and that is refused where there
// was something to write.
func renderAll(ctx context.Context, con *console.Console, command string, o renderOptions) error {
	if err := o.validate("text", "json", "markdown"); err != nil {
		return err
	}
	due, soon, err := o.expire()
	con.Source = sourceFS{folder: o.source, edits: o.edits}
	var plan *tree.Plan
	if err == nil {
		plan, err = o.plan()
	}
	if err == nil && !o.dryRun {
		err = o.apply(ctx, plan)
	}
	if err == nil && command == "check" {
		err = errors.Join(due.Err(), o.drift(plan))
	}
	o.warnings = append(soon, o.warnings...)
	return report(con, command, o, plan, err)
}

// drift is check's answer, nil where render would change nothing.
func (o *renderOptions) drift(plan *tree.Plan) error {
	if len(plan.Changes) == 0 {
		return nil
	}
	files := "1 file is"
	if n := len(plan.Changes); n > 1 {
		files = fmt.Sprintf("%d files are", n)
	}
	return problem.Refuse(o.renderHint(), "%s not what render makes", files)
}

// renderHint says how to write what check compares with.
func (o *renderOptions) renderHint() string {
	command := "manifestgen render"
	if o.today != "" {
		command += " --today " + o.today
	}
	return "run " + command + ", and commit what it changes"
}

// plan loads, renders and compares. Nothing is written.
func (o *renderOptions) plan() (*tree.Plan, error) {
	inv, templates, err := o.load()
	if err != nil {
		return nil, err
	}
	envs, err := o.environments(inv)
	if err != nil {
		return nil, err
	}
	manifests, err := render.Render(templates, inv, envs)
	if err != nil {
		return nil, o.inSource(err)
	}
	if o.warnings, err = o.validateManifests(inv, manifests); err != nil {
		return nil, err
	}
	wants := make([]tree.Want, len(manifests))
	for i, m := range manifests {
		wants[i] = tree.Want{Env: m.Env, Path: m.Path, Template: m.Template, Subject: strings.Split(m.Subject, ", "), Text: m.Text, FirstTag: o.placeInSource(m.Service)}
	}
	root, err := os.OpenRoot(o.out)
	if errors.Is(err, fs.ErrNotExist) {
		root, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	if root != nil {
		defer root.Close()
	}
	plan, err := tree.Diff(root, wants, tree.Options{
		Environments: o.treeEnvironments(inv, envs), Others: len(o.envs) == 0, Force: o.force, AllowMassPrune: o.allowMassPrune, Adopt: o.adopt, Stages: o.stages,
	})
	if plan != nil {
		err = errors.Join(err, o.checkImmutable(plan, manifests))
		plan.Notices = append(plan.Notices, o.firstTagNotices(inv, plan)...)
		plan.Notices = append(plan.Notices, o.templateNotices(manifests)...)
	}
	return plan, err
}

// templateNotices returns those of the manifests, each once however many have it.
func (o *renderOptions) templateNotices(manifests []render.Manifest) []string {
	var lines []string
	counts := map[string]int{}
	for _, m := range manifests {
		for _, n := range m.Notices {
			line := fmt.Sprintf("%s: %s", o.placeInSource(n.Place), n.Text)
			if counts[line]++; counts[line] == 1 {
				lines = append(lines, line)
			}
		}
	}
	for i, line := range lines {
		if n := counts[line]; n > 1 {
			lines[i] = fmt.Sprintf("%s (in %d files)", line, n)
		}
	}
	return lines
}

// treeEnvironments returns all environments that render, as package tree needs them.
func (o *renderOptions) treeEnvironments(inv *inventory.Inventory, complete []*inventory.Environment) []tree.Environment {
	source := os.DirFS(o.source)
	var envs []tree.Environment
	for _, env := range inv.Environments {
		if env.Abstract {
			continue
		}
		e := tree.Environment{Name: env.Name, Dir: inventory.Folder(env.Path), Contains: func(file string) bool { return inventory.InFolder(env.Path, file) }, Namespace: env.Namespace, Images: map[string]string{}, Complete: slices.Contains(complete, env)}
		for _, link := range env.Chain {
			if link.Name != env.Name {
				e.Extends = append([]string{link.Name}, e.Extends...) // the nearest first
			}
		}
		e.CopyOf = o.tagsFrom[env.Name]
		for _, service := range inv.Services {
			e.Images[service.Name] = env.Image(service)
		}
		e.Renders = func(template string) bool {
			_, err := fs.Stat(source, template)
			scope := path.Base(path.Dir(template))
			return err == nil && slices.Contains(env.Templates, scope)
		}
		envs = append(envs, e)
	}
	return envs
}

// load reads the inventory and the templates.
func (o *renderOptions) load() (*inventory.Inventory, *render.Templates, error) {
	source, err := o.openSource()
	if err != nil {
		return nil, nil, err
	}
	defer source.Close()
	inv, err := inventory.Load(source, schema.Compile)
	// The templates are parsed even where the inventory is wrong: all problems are reported at once.
	templates, templateErr := render.ParseTemplates(source, inv)
	if templates != nil {
		templates.SetHint = o.setHint
	}
	return inv, templates, o.inSource(errors.Join(err, templateErr))
}

// environments returns those of --env, or all.
func (o *renderOptions) environments(inv *inventory.Inventory) ([]*inventory.Environment, error) {
	if len(o.envs) == 0 {
		return inv.Environments, nil
	}
	var envs []*inventory.Environment
	for _, name := range slices.Compact(slices.Sorted(slices.Values(o.envs))) {
		env := inv.Environment(name)
		if env == nil {
			return nil, problem.New(problem.DidYouMean(name, inventory.Names(inv.Environments)), "unknown environment %q", name)
		}
		if env.Abstract {
			return nil, problem.At(o.placeInSource(env.Place), "name one that extends it", "the environment %q is abstract: it renders nothing", name)
		}
		envs = append(envs, env)
	}
	return envs, nil
}

// apply writes the edited files of the inventory, and then the manifests, until a signal stops it.
func (o *renderOptions) apply(ctx context.Context, plan *tree.Plan) error {
	ctx, stop := untilSignal(ctx)
	defer stop()
	err := o.write(ctx, plan)
	if err != nil && ctx.Err() != nil {
		return problem.New("run it again: it completes what is left", "interrupted while writing")
	}
	return err
}

// untilSignal returns a context that ends where a signal asks the program to stop. Until stop is
// called, the signal does nothing else.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}

// write writes the edited files of the inventory first: whatever stops it, rendering again
// completes it.
func (o *renderOptions) write(ctx context.Context, plan *tree.Plan) error {
	if err := o.writeEdits(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(o.out)
	if err != nil {
		return err
	}
	defer root.Close()
	return plan.Apply(ctx, root)
}
