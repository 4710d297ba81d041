package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/bump"
	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/problem"
	"k8srepo/internal/registry"
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
		Description: `Finds the image in the environment's manifests and replaces its tag: only the
bytes of the tag. The folder is <root>/<env>/manifests, unless path: in
environments/<env>.yaml or --path says another. All files are planned before the
first is written, and each result is parsed again and compared. docs/images.md
lists the places where an image is found.

   tagbump set --root k8s --env dev --service api --tag 9f2c1ab
   tagbump set --root k8s --env dev --image example.com/api --tag 9f2c1ab --dry-run
   tagbump set --root k8s --env dev --image example.com/api \
       --rename example.com/api=example.com/api-dev --tag "$COMMIT_HASH"
   tagbump set --root k8s --env prod --path 'clusters/{env}/apps' --image example.com/api \
       --tag 9f2c1ab --skip '**/templates/**'`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "root", Value: ".", Usage: "the `folder` of the k8s repo"},
		}, selectionFlags, []cli.Flag{
			&cli.StringFlag{Name: "source", Value: ".", Usage: "the `folder` of users.yaml, where --root has none"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show the change as a diff, and change nothing"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"},
		}),
		Action: func(c *cli.Context) error {
			selection := selectionOf(c)
			var err error
			if selection.Env, err = once(c, "env", "run set for each environment"); err != nil {
				return err
			}
			return set(c.Context, con, setOptions{Selection: selection, root: c.String("root"), source: c.String("source"), dryRun: c.Bool("dry-run"), output: c.String("output")})
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
	if o.ResolveDigest {
		if err := request.ResolveDigests(ctx, (&registry.Checker{Tell: con.Notice}).Digest); err != nil {
			return reportSet(con, o, nil, err)
		}
	}
	result, err := setIn(ctx, root, request, o.dryRun)
	return reportSet(con, o, result, err)
}

// setIn is set in a folder that is open.
func setIn(ctx context.Context, root *os.Root, request *bump.Request, dryRun bool) (*bump.Result, error) {
	result, files, err := editIn(root, request)
	if errors.Is(err, bump.ErrNoMatch) && len(result.Unreached) > 0 {
		request.Unscreened = true // the fields may lead to a value in a file that does not mention the image
		result, files, err = editIn(root, request)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, noEnvironment(root, request)
	case errors.Is(err, bump.ErrNoMatch):
		request.Unscreened = false
		return nil, request.NoMatch(result, append(content(files), elsewhere(root, request)...))
	case err != nil || dryRun:
		return result, err
	case ctx.Err() != nil: // Ctrl-C, or a runner that ends the job
		return nil, problem.New("", "interrupted: nothing was written")
	}
	return result, write(root, result, files)
}

// editIn reads the environment's files, and makes the edit in memory.
func editIn(root *os.Root, request *bump.Request) (*bump.Result, []tree.File, error) {
	files, err := read(root, request, request.Dir())
	if err != nil {
		return nil, nil, err
	}
	debug.SetGCPercent(400) // short of the limit
	debug.SetMemoryLimit(memoryLimit(files))
	result, err := bump.Edit(request, content(files))
	return result, files, err
}

// memoryLimit is what the garbage collector is to keep the memory below: all files are
// held, before and after, until the first is written, and as much as one of these is for the
// work. Below that it would run all the time.
func memoryLimit(files []tree.File) int64 {
	size := 0
	for _, f := range files {
		size += len(f.Data)
	}
	return 16<<20 + 3*int64(size)
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
	Mentions []mentionResult   `json:"mentions"`       // of the image with another tag, in places that are no images
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

// mentionResult is a place that names an image and was left as it is.
type mentionResult struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
	Why    string `json:"why"`
}

func mentionResults(mentions []bump.Mention) []mentionResult {
	list := []mentionResult{}
	for _, m := range mentions {
		list = append(list, mentionResult{m.Place.File, m.Place.Line, m.Place.Col, m.Text, m.Why})
	}
	return list
}

// maxMentions is how many mentions are printed; --output json has all.
const maxMentions = 20

// reportMentions prints the places that stay behind.
func reportMentions(con *console.Console, mentions []bump.Mention) {
	if len(mentions) == 0 {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "left as it is in %s:", count(len(mentions), "place"))
	for n, m := range mentions {
		if n == maxMentions {
			fmt.Fprintf(&b, "\n  and %d more; --output json has all", len(mentions)-n)
			break
		}
		fmt.Fprintf(&b, "\n  %s", m)
	}
	con.Notice(b.String())
}

// reportSet shows what came of it. The error is err.
func reportSet(con *console.Console, o setOptions, result *bump.Result, err error) error {
	if o.output == "json" {
		return errors.Join(err, con.JSON(newSetResult(o, result, err)))
	}
	if err != nil {
		return err
	}
	reportMentions(con, result.Mentions)
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
		OldTags: []string{}, Files: []string{}, Images: []imageResult{}, Mentions: []mentionResult{}, Problems: console.JSONProblems(err)}
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
	r.Mentions = mentionResults(result.Mentions)
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
	action := tree.Update
	switch {
	case f.Old == nil:
		action = tree.Create
	case f.New == nil:
		action = tree.Remove
	}
	return tree.Change{Action: action, Path: f.Path, Old: f.Old, New: f.New}.Unified()
}
