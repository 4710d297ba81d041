package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/bump"
	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/problem"
	"k8srepo/internal/tree"
)

// setOptions are what set is asked to do.
type setOptions struct {
	bump.Selection
	root   string
	source string
	dryRun bool
	output string
}

func setCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "set",
		Usage: "set the tag of an image in a folder, without Git",
		Description: `Finds the image in <root>/<env>/manifests and replaces its tag: only the bytes of
the tag, in files of any layout. All files are planned before the first is
written, and each result is parsed again and compared.

   tagbump set --root k8s --env dev --service api --tag 9f2c1ab
   tagbump set --root k8s --env dev --image example.com/api --tag 9f2c1ab --dry-run
   tagbump set --root k8s --env dev --image example.com/api \
       --rename example.com/api=example.com/api-dev --tag "$COMMIT_HASH"`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "root", Value: ".", Usage: "the `folder` of the k8s repo"},
		}, selectionFlags, []cli.Flag{
			&cli.StringFlag{Name: "source", Value: ".", Usage: "the `folder` of users.yaml, where --root has none"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show the change as a diff, and change nothing"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"},
		}),
		Action: func(c *cli.Context) error {
			return set(c.Context, con, setOptions{Selection: selectionOf(c), root: c.String("root"), source: c.String("source"), dryRun: c.Bool("dry-run"), output: c.String("output")})
		},
	}
}

// set reads the environment's files, makes the edit in memory, and writes what
// changed.
func set(ctx context.Context, con *console.Console, o setOptions) error {
	if o.output != "text" && o.output != "json" {
		return problem.New("", "--output must be text or json, not %q", o.output)
	}
	request, err := o.Request(os.DirFS(o.root), os.DirFS(o.source))
	if err != nil {
		return reportSet(con, o, nil, err)
	}
	root, err := os.OpenRoot(o.root)
	if err != nil {
		return problem.New("name the folder of the k8s repo with --root", "no folder %s", o.root)
	}
	defer root.Close()
	con.Source = root.FS()
	result, err := setIn(ctx, root, request, o.dryRun)
	return reportSet(con, o, result, err)
}

// setIn is set in a folder that is open.
func setIn(ctx context.Context, root *os.Root, request *bump.Request, dryRun bool) (*bump.Result, error) {
	files, err := read(root, request, request.Dir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noEnvironment(root, request.Env)
	}
	if err != nil {
		return nil, err
	}
	result, err := bump.Edit(request, content(files))
	if errors.Is(err, bump.ErrNoMatch) {
		return nil, request.NoMatch(result, append(content(files), elsewhere(root, request)...))
	}
	if err != nil || dryRun {
		return result, err
	}
	if ctx.Err() != nil { // Ctrl-C, or a runner that ends the job
		return nil, problem.New("", "interrupted: nothing was written")
	}
	return result, write(root, result, files)
}

// setResult is what --output json prints. Version grows when a field changes its
// meaning or goes.
type setResult struct {
	Version  int               `json:"version"`
	Result   string            `json:"result"` // changed, unchanged, planned (--dry-run) or failed
	DryRun   bool              `json:"dry_run"`
	Env      string            `json:"environment"`
	OldTags  []string          `json:"old_tags"`
	NewTag   string            `json:"new_tag"`
	Files    []string          `json:"files"` // that change
	Images   []imageResult     `json:"images"`
	Diff     string            `json:"diff,omitempty"` // on a dry run
	Problems []console.Problem `json:"problems"`
}

type imageResult struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	Container string `json:"container"`
	Old       string `json:"old"`
	New       string `json:"new"`
}

// reportSet shows what came of it. The error is err.
func reportSet(con *console.Console, o setOptions, result *bump.Result, err error) error {
	if o.output == "json" {
		return errors.Join(err, con.JSON(newSetResult(o, result, err)))
	}
	if err != nil {
		return err
	}
	if o.dryRun {
		for _, file := range result.Files {
			con.Diff(unified(file))
		}
	}
	changed := 0
	for _, i := range result.Images {
		if i.Changed() {
			changed++
			if !o.dryRun {
				con.Printf("%s: %s → %s\n", i.Place, i.Old, news(i))
			}
		}
	}
	verb := "changed"
	if o.dryRun {
		verb = "to change"
	}
	switch same := len(result.Images) - changed; {
	case changed == 0:
		con.Printf("unchanged: %s in %s already %s %s\n", count(same, "image"), o.Env, runs(same), version(o.Selection))
	case same > 0:
		con.Printf("%s: %s in %s; %d already there\n", verb, count(changed, "image"), count(len(result.Files), "file"), same)
	default:
		con.Printf("%s: %s in %s\n", verb, count(changed, "image"), count(len(result.Files), "file"))
	}
	return nil
}

// news is what is new in an image: what follows its name, if that stays.
func news(i bump.ImageChange) string {
	if i.New.Name == i.Old.Name {
		return i.New.Suffix()
	}
	return i.New.String()
}

func newSetResult(o setOptions, result *bump.Result, err error) setResult {
	r := setResult{Version: 1, Result: "failed", DryRun: o.dryRun, Env: o.Env, NewTag: version(o.Selection),
		OldTags: []string{}, Files: []string{}, Images: []imageResult{}, Problems: console.JSONProblems(err)}
	if result == nil {
		return r
	}
	if err == nil {
		switch {
		case !result.Changed():
			r.Result = deploy.Unchanged
		case o.dryRun:
			r.Result = deploy.Planned
		default:
			r.Result = deploy.Changed
		}
	}
	r.OldTags = append(r.OldTags, result.OldTags()...)
	for _, i := range result.Images {
		r.Images = append(r.Images, imageResult{i.Place.File, i.Place.Line, i.Place.Col, i.Container, i.Old.String(), i.New.String()})
	}
	for _, file := range result.Files {
		r.Files = append(r.Files, file.Path)
		if o.dryRun {
			r.Diff += string(unified(file))
		}
	}
	return r
}

// version is what is to run, for people.
func version(a bump.Selection) string {
	if a.Tag == "" {
		return a.Digest
	}
	return a.Tag
}

func unified(f bump.FileChange) []byte {
	return tree.Change{Action: tree.Update, Path: f.Path, Old: f.Old, New: f.New}.Unified()
}
