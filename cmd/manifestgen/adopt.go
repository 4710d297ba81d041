package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/adopt"
	"k8srepo/internal/console"
	"k8srepo/internal/problem"
	"k8srepo/internal/tree"
)

// adoptOptions are what adopt is asked to do.
type adoptOptions struct {
	renderOptions
	path     string
	services []string
	con      *console.Console
}

func adoptCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "adopt",
		Usage: "turn copied manifests into templates and values",
		Description: `Compares the copies that environments have of the same manifests, writes templates
and values that render them, and proves it: each file stays byte for byte what it
is, but for the two lines of its header. Files that cannot be adopted are left as
they are, and named. Image tags stay with tagbump.

   manifestgen adopt --path '{env}/manifests/{service}' --dry-run
   manifestgen adopt --path '{env}/manifests/{service}' --service api
   manifestgen adopt --path 'config/kubernetes/{env}' --env staging --env production`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "path", Usage: "where the copies are: a `path` with {env}, and {service} where each has a folder"},
			&cli.StringSliceFlag{Name: "env", Usage: "only this `environment` (may be repeated)"},
			&cli.StringSliceFlag{Name: "service", Usage: "only this `service` (may be repeated)"},
			sourceFlag,
			&cli.BoolFlag{Name: "dry-run", Usage: "show the templates and what they save, and change nothing"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"},
		},
		Action: func(c *cli.Context) error {
			o := adoptOptions{con: con, path: c.String("path"), services: c.StringSlice("service"), renderOptions: renderOptions{
				source: c.String("source"), dryRun: c.Bool("dry-run"), output: c.String("output"),
			}}
			return o.run(c.Context, c.StringSlice("env"))
		},
	}
}

func (o *adoptOptions) run(ctx context.Context, envs []string) error {
	if o.output != "text" && o.output != "json" {
		return problem.New("", "--output must be text or json, not %q", o.output)
	}
	if err := o.validate(); err != nil {
		return err
	}
	layout, err := adopt.ParseLayout(o.path)
	if err != nil {
		return err
	}
	o.con.Source = sourceFS{folder: o.source}
	source, err := o.openSource()
	if err != nil {
		return err
	}
	defer source.Close()
	result, err := adopt.Run(source, adopt.Options{Layout: layout, Envs: envs, Services: o.services})
	if err != nil {
		return o.inSource(err)
	}
	if len(result.Adopted) == 0 {
		return o.report(result)
	}
	plan, err := o.prepare(result)
	if err == nil && !o.dryRun {
		err = o.apply(ctx, plan)
	}
	return errors.Join(err, o.report(result))
}

// prepare plans what adopting writes, and proves that it changes nothing else.
func (o *adoptOptions) prepare(result *adopt.Result) (*tree.Plan, error) {
	o.edits, o.adopt, o.noValidate = result.Files, map[string]bool{}, true
	for _, path := range result.Adopted {
		o.adopt[path] = true
	}
	for _, name := range slices.Sorted(maps.Keys(result.Files)) {
		c := tree.Change{Action: tree.Create, Path: name, New: result.Files[name], Mode: 0o644}
		info, err := os.Stat(filepath.Join(o.source, filepath.FromSlash(name)))
		if err == nil {
			c.Action, c.Mode = tree.Update, info.Mode()
			c.Old, err = os.ReadFile(filepath.Join(o.source, filepath.FromSlash(name)))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if !bytes.Equal(c.Old, c.New) {
			o.edited = append(o.edited, c)
		}
	}
	o.con.Source = sourceFS{folder: o.source, edits: o.edits}
	plan, err := o.plan()
	if err != nil {
		return nil, err
	}
	for _, c := range plan.Changes {
		if c.Action != tree.Update || !o.adopt[c.Path] || !bytes.Equal(withoutHeader(c.New), c.Old) {
			return nil, problem.At(problem.Place{File: c.Path}, "make the manifests what render makes first: manifestgen check shows what differs", "adopting would change more than headers")
		}
	}
	return plan, nil
}

// withoutHeader is a rendered file without the lines of its header.
func withoutHeader(data []byte) []byte {
	for range tree.HeaderLines {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	return data
}

// report shows what is adopted, and what is left.
func (o *adoptOptions) report(r *adopt.Result) error {
	for _, t := range r.Templates {
		o.con.Printf("%s: %d lines for %d files of %d lines\n", t.File, t.Lines, t.Files, t.Before)
	}
	for _, l := range r.Left {
		o.con.Printf("left: %s: %s\n", l.Path, l.Reason)
	}
	return nil
}
