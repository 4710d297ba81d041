package deploy

import (
	"context"
	"errors"
	"io/fs"

	"k8srepo/internal/bump"
	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
)

// snapshot is the commit at the end of a branch, with its files: read with Git, or
// over GitHub's API.
type snapshot interface {
	branch() string
	hash() string
	files(ctx context.Context) files
	// fetch brings files and folders, so that reading them asks nobody.
	fetch(ctx context.Context, paths ...string) error
	// below are the manifests below a folder, and links that have the name of one.
	below(ctx context.Context, dir string) ([]string, error)
	// rolled is the last rollback of a service in an environment, and those that it
	// goes on from.
	rolled(ctx context.Context, env, service string) ([]Rolled, error)
}

// files are a snapshot's.
type files interface {
	fs.ReadDirFS
	fs.ReadFileFS
}

// gitSnapshot is a snapshot in Git.
type gitSnapshot struct{ *gitrepo.Tip }

func (s gitSnapshot) branch() string                  { return s.Branch }
func (s gitSnapshot) hash() string                    { return s.Hash.String() }
func (s gitSnapshot) files(ctx context.Context) files { return s.FS(ctx) }

func (s gitSnapshot) fetch(ctx context.Context, paths ...string) error { return s.Fetch(ctx, paths...) }

func (s gitSnapshot) below(ctx context.Context, dir string) ([]string, error) {
	entries, err := s.List(ctx, dir)
	if err != nil {
		return nil, err
	}
	paths := []string{}
	for _, e := range entries {
		if (e.Mode.IsRegular() || e.Mode&fs.ModeSymlink != 0) && bump.IsManifest(e.Path) {
			paths = append(paths, e.Path)
		}
	}
	return paths, nil
}

func (s gitSnapshot) rolled(ctx context.Context, env, service string) ([]Rolled, error) {
	return rolled(ctx, s.Tip, env, service)
}

// hubSnapshot is a snapshot over GitHub's API.
type hubSnapshot struct{ *github.Tip }

func (s hubSnapshot) branch() string                  { return s.Branch }
func (s hubSnapshot) hash() string                    { return s.OID }
func (s hubSnapshot) files(ctx context.Context) files { return s.FS(ctx) }

func (s hubSnapshot) fetch(ctx context.Context, paths ...string) error { return s.Fetch(ctx, paths...) }

func (s hubSnapshot) below(ctx context.Context, dir string) ([]string, error) {
	paths := []string{}
	err := fs.WalkDir(s.FS(ctx), dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && (e.Type().IsRegular() || e.Type()&fs.ModeSymlink != 0) && bump.IsManifest(name) {
			paths = append(paths, name)
		}
		return err
	})
	return paths, err
}

// rolled looks at the commits that came with the tip: itself, and the marks. See
// rolled.
func (s hubSnapshot) rolled(_ context.Context, env, service string) ([]Rolled, error) {
	for _, at := range []string{github.ThisCommit, hubMark(env, service)} {
		c := s.Commits[at]
		if c == nil {
			continue
		}
		hash, _ := gitrepo.ParseHash(c.SHA)
		if chain := of(rolledIn(c.Message, hash, c.Time), env, service); len(chain) > 0 {
			return chain, nil
		}
	}
	return nil, nil
}

// hubMark is the full name of a mark.
func hubMark(env, service string) string { return "refs/tagbump/" + markName(env, service) }

// errTooWide means that a bump over the API would take a request for each of many
// folders.
var errTooWide = errors.New("too many folders for the API")
