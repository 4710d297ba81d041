package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime/debug"

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
	envs   []string
	root   string
	source string
	dryRun bool
	output string
	gogc   string // the environment's; "" leaves the garbage collector to the command
}

func setCommand(con *console.Console, getenv func(string) string) *cli.Command {
	o := setOptions{gogc: getenv("GOGC")}
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
		Flags: setFlags(&o),
		Action: func(c *cli.Context) error {
			var err error
			o.Env, err = once(o.envs, "env", "run set for each environment")
			if wrong := checkOutput(o.output, "text", "json"); wrong != nil {
				return errors.Join(wrong, err)
			}
			r := newResult(o.Env, o.Version())
			r.DryRun, r.inFolder = o.dryRun, true
			if err == nil {
				err = set(c.Context, con, o, r)
			}
			return report(con, o.output, r, err)
		},
	}
}

// set reads the environment's files, makes the edit in memory, and writes what
// changed. It fills the result in.
func set(ctx context.Context, con *console.Console, o setOptions, r *result) error {
	root, err := os.OpenRoot(o.root)
	if err != nil {
		return problem.New("name the folder of the k8s repo with --root", "no folder %s", o.root)
	}
	defer root.Close()
	con.Source = root.FS()
	request, err := o.Request(os.DirFS(o.root), os.DirFS(o.source))
	if err != nil {
		return err
	}
	if o.ResolveDigest {
		err := request.ResolveDigests(ctx, (&registry.Checker{Progress: con.Notice}).Digest)
		switch {
		case ctx.Err() != nil:
			return interrupted()
		case err != nil:
			return err
		}
	}
	edit, err := setIn(ctx, root, request, o)
	if edit != nil {
		r.addEdit(edit)
	}
	switch {
	case err != nil:
		return err
	case !edit.Changed():
		r.Result = deploy.Unchanged
	case o.dryRun:
		r.Result = deploy.Planned
	default:
		r.Result = deploy.Changed
	}
	return nil
}

// setIn makes the edit in an open folder, and writes it unless this is a dry run.
func setIn(ctx context.Context, root *os.Root, request *bump.Request, o setOptions) (*bump.Result, error) {
	result, files, err := editIn(root, request, o.gogc)
	if errors.Is(err, bump.ErrNoMatch) && len(result.Unreached) > 0 {
		request.Unscreened = true // the fields may lead to a value in a file that does not mention the image
		result, files, err = editIn(root, request, o.gogc)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, noEnvironment(root, request)
	case errors.Is(err, bump.ErrNoMatch):
		request.Unscreened = false
		mentioning := append(content(files), elsewhere(root, request)...)
		return nil, request.NoMatch(result, mentioning, func(all *bump.Query) []bump.File {
			files, _ := read(root, all) // for the hint alone
			return content(files)
		})
	case err != nil || o.dryRun:
		return result, err
	case ctx.Err() != nil:
		return nil, interrupted()
	}
	return result, write(root, result, files)
}

// interrupted returns the error after Ctrl-C, or where a runner ends the job.
func interrupted() error { return problem.New("", "interrupted: nothing was written") }

// editIn reads the environment's files, and makes the edit in memory.
func editIn(root *os.Root, request *bump.Request, gogc string) (*bump.Result, []tree.File, error) {
	files, err := read(root, &request.Query)
	if err != nil {
		return nil, nil, err
	}
	if gogc == "" {
		debug.SetGCPercent(400) // up to the limit below, speed counts for more than memory
		debug.SetMemoryLimit(memoryLimit(files))
	}
	result, err := bump.Edit(request, content(files))
	return result, files, err
}

// memoryLimit returns the soft limit of memory, in bytes: all files are held before and
// after the edit until the first is written, and the work takes about as much again as they
// have. With a lower limit the garbage collector would run all the time.
func memoryLimit(files []tree.File) int64 {
	size := 0
	for _, f := range files {
		size += len(f.Data)
	}
	return 16<<20 + 3*int64(size)
}
