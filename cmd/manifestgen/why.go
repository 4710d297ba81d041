package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
	"k8srepo/internal/render"
	"k8srepo/internal/trace"
	"k8srepo/internal/tree"
)

func whyCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "why",
		Usage:     "say which template and which values a rendered line comes from",
		ArgsUsage: "FILE[:LINE]",
		Description: `FILE is a rendered file, from here or below --out. Without a line, all values in
it. Nothing is written.

   manifestgen why k8s/dev/manifests/api/api-dev-deployment.yaml:12 --out k8s`,
		Flags: []cli.Flag{
			sourceFlag,
			&cli.StringFlag{Name: "out", Usage: "the `folder` of <environment>/manifests (default: the source folder)"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return problem.New("see manifestgen why --help", "why takes a file, or a file and a line: FILE:LINE")
			}
			o := renderOptions{source: c.String("source"), out: c.String("out"), output: c.String("output")}
			return o.why(con, c.Args().First())
		},
	}
}

// whyResult is the answer of why, and what --output json prints.
type whyResult struct {
	Version  int        `json:"version"`
	File     string     `json:"file"` // below --out
	Line     int        `json:"line,omitempty"`
	Text     string     `json:"text,omitempty"` // of the line
	Subject  string     `json:"subject"`
	Template whyPlace   `json:"template"`
	Values   []whyValue `json:"values"`
	Notes    []string   `json:"notes"`
}

type whyPlace struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text,omitempty"`
}

type whyValue struct {
	Name   string `json:"name"`
	Value  string `json:"value"` // as YAML, cut short
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column,omitempty"`

	place string
	text  string
}

func (o *renderOptions) why(con *console.Console, what string) error {
	if err := o.validate("text", "json"); err != nil {
		return err
	}
	con.Source = sourceFS{folder: o.source}
	file, line := splitLine(what)
	if line == 0 && file != what {
		return problem.New("lines are counted from 1; for all values of the file, name it without a line", "%s has no line 0", file)
	}
	m, err := o.rendered(file)
	if err != nil {
		return err
	}
	r, err := o.explainLine(m, line)
	if err != nil {
		return err
	}
	if o.output == "json" {
		return con.JSON(r)
	}
	r.print(con)
	return nil
}

var behindFile = lazyregexp.New(`^(.+?):(\d+)(:\d+)?:?$`)

// splitLine separates FILE from LINE; a column after it is ignored.
func splitLine(what string) (file string, line int) {
	if m := behindFile.FindStringSubmatch(what); m != nil {
		line, err := strconv.Atoi(m[2])
		if err == nil {
			return m[1], line
		}
	}
	return what, 0
}

// rendered returns the manifest of a file, rendered anew.
func (o *renderOptions) rendered(file string) (*render.Manifest, error) {
	inv, templates, err := o.load()
	if err != nil {
		return nil, err
	}
	var below []string // what the file may be below --out
	if out, err := filepath.Abs(o.out); err == nil {
		if full, err := filepath.Abs(file); err == nil {
			if rel, err := filepath.Rel(out, full); err == nil {
				below = append(below, filepath.ToSlash(rel))
			}
		}
	}
	below = append(below, filepath.ToSlash(filepath.Clean(file)))
	var envs []*inventory.Environment
	example := ""
	for _, env := range inv.Environments {
		if env.Abstract {
			continue
		}
		example = cmp.Or(example, env.Path)
		if slices.ContainsFunc(below, func(path string) bool { return inventory.InFolder(env.Path, path) }) {
			envs = append(envs, env)
		}
	}
	if len(envs) == 0 {
		return nil, problem.New("name a file below an environment's folder, such as "+example+"/…, with --out if it is not here", "%s is in no environment's folder", file)
	}
	manifests, err := render.Render(templates, inv, envs)
	if err != nil {
		return nil, o.inSource(err)
	}
	var paths []string
	for i := range manifests {
		if slices.Contains(below, manifests[i].Path) {
			return &manifests[i], nil
		}
		paths = append(paths, manifests[i].Path)
	}
	return nil, problem.New(nearestPath(below, paths), "%s is not rendered by any template", file)
}

// nearestPath returns a hint that names the file that may have been meant.
func nearestPath(asked, paths []string) string {
	for _, path := range asked {
		for _, p := range paths {
			if filepath.Base(p) == filepath.Base(path) {
				return fmt.Sprintf("did you mean %q?", p)
			}
		}
		if near := problem.Nearest(path, paths); near != "" {
			return fmt.Sprintf("did you mean %q?", near)
		}
	}
	return "manifestgen render --dry-run shows the files that are rendered"
}

// explainLine returns where a line of a manifest's file comes from; without a line,
// the whole of it.
func (o *renderOptions) explainLine(m *render.Manifest, line int) (*whyResult, error) {
	sources, err := m.Map()
	if err != nil {
		return nil, err
	}
	r := &whyResult{Version: 1, File: m.Path, Line: line, Subject: m.Subject, Values: []whyValue{}, Notes: []string{},
		Template: whyPlace{File: o.placeInSource(problem.Place{File: m.Template}).File}}
	text, note := o.onDisk(m)
	if note != "" {
		r.Notes = append(r.Notes, note)
	}
	if line > 0 && line <= tree.HeaderLines {
		r.Notes = append(r.Notes, "this line is manifestgen's own: it names the template, and carries a checksum of what follows")
		return r, nil
	}
	answer, err := sources.Explain(text, max(line-tree.HeaderLines, 0))
	if err != nil {
		return nil, problem.New("", "%s has %d lines", m.Path, trace.Lines(text)+tree.HeaderLines)
	}
	if line > 0 {
		r.Text = answer.Text
		r.Template = whyPlace{o.placeInSource(problem.Place{File: answer.Place.File}).File, answer.Place.Line, console.SourceLine(os.DirFS(o.source), answer.Place)}
	}
	r.Notes = append(r.Notes, answer.Notes...)
	for _, v := range answer.Values {
		place := o.placeInSource(v.Place)
		r.Values = append(r.Values, whyValue{v.Name, v.Text, place.File, place.Line, place.Col, place.String(), v.String()})
	}
	return r, nil
}

// onDisk returns the text of a manifest's file below its header, if it is as it is
// rendered; else it is what would be rendered, and a note says so.
func (o *renderOptions) onDisk(m *render.Manifest) (text []byte, note string) {
	data, err := os.ReadFile(filepath.Join(o.out, filepath.FromSlash(m.Path)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m.Text.Data, "the file is not there yet: this is what render would write"
	case err != nil:
		return m.Text.Data, err.Error()
	}
	body := tree.WithoutHeader(data)
	if _, ok := m.Text.Match(body); !ok {
		return m.Text.Data, "the file that is there is not what render makes: see manifestgen check; this is the line that render would write"
	}
	return body, ""
}

func (r *whyResult) print(con *console.Console) {
	if r.Template.Line > 0 {
		con.Printf("%s:%d, for %s\n%6d | %s\n", r.File, r.Line, r.Subject, r.Line, r.Text)
		con.Printf("%s:%d\n%6d | %s\n", r.Template.File, r.Template.Line, r.Template.Line, r.Template.Text)
	} else {
		con.Printf("%s, for %s\n%s\n", r.File, r.Subject, r.Template.File)
	}
	if r.Line > 0 {
		for _, v := range r.Values {
			con.Printf("%s: %s\n", v.place, v.text)
		}
	} else {
		w := tabwriter.NewWriter(con.Out, 0, 0, 3, ' ', 0)
		for _, v := range r.Values {
			fmt.Fprintf(w, "%s\t%s\t%s\n", v.Name, v.Value, v.place)
		}
		_ = w.Flush()
	}
	for _, n := range r.Notes {
		con.Printf("%s\n", n)
	}
}
