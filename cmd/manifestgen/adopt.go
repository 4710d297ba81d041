package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/adopt"
	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/tree"
)

// adoptOptions are what adopt is asked to do.
type adoptOptions struct {
	renderOptions
	adopt.Options
	layout string
	con    *console.Console
}

func adoptCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "adopt",
		Usage: "turn copied manifests into templates and values",
		Description: `Compares the copies that environments have of the same manifests, writes templates
and values that render them, and proves it: each file stays byte for byte what it
is, but for the two lines of its header. A file that cannot be adopted stays as it
is, and is named with the reason. Image tags stay with tagbump. What is adopted is
ordinary; run it again for what is left, or for another service.

   manifestgen adopt --path '{env}/manifests/{service}' --dry-run
   manifestgen adopt --path '{env}/manifests/{service}' --service api
   manifestgen adopt --path '{env}/manifests/{service}' --service mail --like api --dry-run
   manifestgen adopt --path 'config/kubernetes/{env}' --env staging --env production`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "path", Usage: "where the copies are: a `path` with {env}, and {service} where each has a folder"},
			&cli.StringSliceFlag{Name: "env", Usage: "only this `environment` (may be repeated)"},
			&cli.StringSliceFlag{Name: "service", Usage: "only this `service` (may be repeated)"},
			&cli.StringFlag{Name: "like", Usage: "the `service` whose templates to share, however little the files are alike"},
			sourceFlag,
			&cli.BoolFlag{Name: "dry-run", Usage: "show the templates and what they save, and change nothing"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"},
		},
		Action: func(c *cli.Context) error {
			o := adoptOptions{con: con, layout: c.String("path"), renderOptions: renderOptions{
				source: c.String("source"), dryRun: c.Bool("dry-run"), output: c.String("output"),
			}, Options: adopt.Options{Envs: c.StringSlice("env"), Services: c.StringSlice("service"), Like: c.String("like")}}
			return o.run(c.Context)
		},
	}
}

func (o *adoptOptions) run(ctx context.Context) error {
	if err := o.validate("text", "json"); err != nil {
		return err
	}
	var err error
	if o.Layout, err = adopt.ParseLayout(o.layout); err != nil {
		return err
	}
	if o.Like != "" && len(o.Services) == 0 {
		return problem.New("pass --service as well", "--like says what a service is like, and none is named")
	}
	o.con.Source = sourceFS{folder: o.source}
	source, err := o.openSource()
	if err != nil {
		return err
	}
	defer source.Close()
	result, err := adopt.Run(source, o.Options)
	if err != nil {
		return o.inSource(err)
	}
	if len(result.Adopted) > 0 {
		plan, err := o.prepare(result)
		if err == nil && !o.dryRun {
			err = o.apply(ctx, plan)
		}
		if err != nil {
			return err
		}
	}
	return o.report(result)
}

// prepare plans what adopting writes, and proves that it changes nothing else.
func (o *adoptOptions) prepare(result *adopt.Result) (*tree.Plan, error) {
	o.edits, o.adopt = result.Files, map[string]bool{}
	for _, file := range result.Adopted {
		o.adopt[file] = true
	}
	o.con.Source = sourceFS{folder: o.source, edits: o.edits}
	plan, err := o.plan()
	if err == nil {
		err = o.allow()
	}
	if err == nil {
		err = o.change(result.Files)
	}
	if err != nil {
		return nil, err
	}
	for _, c := range plan.Changes {
		before := c.Old
		if !o.adopt[c.Path] {
			before = tree.WithoutHeader(before)
		}
		if c.Action != tree.Update || !bytes.Equal(tree.WithoutHeader(c.New), before) {
			return nil, problem.At(problem.Place{File: c.Path}, "make the manifests what render makes first: manifestgen check shows what differs",
				"adopting would %s this file, and not only its header", c.Action)
		}
	}
	return plan, nil
}

// allow writes validation: warn for the environments whose manifests hold what validation refuses:
// the manifests run already, so check must pass, and the line shows what is left to do.
func (o *adoptOptions) allow() error {
	slices.Sort(o.refusing)
	for _, env := range o.refusing {
		name := path.Join(inventory.EnvironmentsDir, env+".yaml")
		data := o.edits[name]
		if data == nil {
			var err error
			if data, err = os.ReadFile(filepath.Join(o.source, filepath.FromSlash(name))); err != nil {
				return err
			}
		}
		file, err := manifest.Parse(name, data)
		if err != nil {
			return err
		}
		key, err := manifest.ParsePath("validation")
		if err != nil {
			return err
		}
		if o.edits[name], err = file.Patch(manifest.SetAt(key, manifest.NewString("warn"))); err != nil {
			return err
		}
	}
	return nil
}

// change notes what becomes of the files of the inventory and the templates.
func (o *adoptOptions) change(files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c := tree.Change{Action: tree.Create, Path: name, New: files[name], Mode: 0o644}
		file := filepath.Join(o.source, filepath.FromSlash(name))
		info, err := os.Stat(file)
		if err == nil {
			c.Action, c.Mode = tree.Update, info.Mode()
			c.Old, err = os.ReadFile(file)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if c.New == nil {
			c.Action = tree.Remove
		}
		if c.New == nil || !bytes.Equal(c.Old, c.New) {
			o.edited = append(o.edited, c)
		}
	}
	return nil
}

// adoptResult is what --output json prints. Version grows when a field changes its meaning
// or goes.
type adoptResult struct {
	Version   int               `json:"version"`
	Command   string            `json:"command"`
	DryRun    bool              `json:"dry_run"`
	Edited    []fileChange      `json:"edited"`  // the inventory and the templates
	Adopted   []string          `json:"adopted"` // the manifests that got a header
	Left      []adopt.Left      `json:"left"`    // those that stay as they are
	Templates []adopt.Summary   `json:"templates"`
	Lines     adoptedLines      `json:"lines"`
	Warnings  []console.Problem `json:"warnings"`
	Problems  []console.Problem `json:"problems"`
}

// adoptedLines are the lines of the manifests that the templates render, and what takes
// their place.
type adoptedLines struct {
	Before    int `json:"before"`
	Templates int `json:"templates"`
	Values    int `json:"values"`
}

// report shows what is adopted, and what is left.
func (o *adoptOptions) report(r *adopt.Result) error {
	lines := adoptedLines{Values: r.Values}
	for _, t := range r.Templates {
		lines.Before, lines.Templates = lines.Before+t.Before, lines.Templates+t.Lines
	}
	if o.output == "json" {
		result := adoptResult{Version: 1, Command: "adopt", DryRun: o.dryRun, Edited: []fileChange{}, Adopted: append([]string{}, r.Adopted...), Left: append([]adopt.Left{}, r.Left...),
			Templates: append([]adopt.Summary{}, r.Templates...), Lines: lines, Warnings: console.JSONProblems(o.warnings.Err()), Problems: []console.Problem{}}
		for _, c := range o.shownEdits() {
			change := fileChange{Action: c.Action, Path: c.Path}
			if o.dryRun {
				change.Diff = string(c.Unified())
			}
			result.Edited = append(result.Edited, change)
		}
		return o.con.JSON(result)
	}
	for _, c := range o.shownEdits() {
		if o.dryRun {
			o.con.Diff(c.Unified())
		} else {
			o.con.Printf("%s %s\n", c.Action, described(c))
		}
	}
	o.printTemplates(r)
	if len(r.Left) > 0 {
		o.con.Printf("left as they are:\n")
	}
	for _, l := range r.Left {
		o.con.Printf("  %s: %s\n", l.Path, l.Reason)
	}
	verb := map[bool]string{false: "adopted", true: "to adopt"}[o.dryRun]
	if n := len(o.warnings); n > 0 {
		o.con.Notice(count(n, "thing") + " in the manifests that manifestgen check warns of")
	}
	if len(o.refusing) > 0 {
		o.con.Notice("validation: warn is written for " + strings.Join(o.refusing, ", ") + ": manifests there hold what validation refuses; take the line out when that is mended")
	}
	o.con.Printf("%d %s, %d left", len(r.Adopted), verb, len(r.Left))
	if lines.Before > 0 {
		o.con.Printf(": %d lines of manifests from %d lines of templates and %d of values", lines.Before, lines.Templates, lines.Values)
	}
	o.con.Printf("\n")
	return nil
}

// printTemplates prints a line for each template, and with --like what only some of its
// files have.
func (o *adoptOptions) printTemplates(r *adopt.Result) {
	for _, t := range r.Templates {
		o.con.Printf("%s: %d lines for %s of %d, such as %s\n", t.File, t.Lines, count(t.Files, "file"), t.Before, t.Example)
		if o.Like == "" {
			continue
		}
		if len(t.Vars) > 0 {
			o.con.Printf("  variables: %s\n", strings.Join(t.Vars, ", "))
		}
		for _, part := range t.Apart {
			o.con.Printf("  only some have %s\n", part)
		}
	}
}
