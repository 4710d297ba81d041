package deploy

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/github"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// base is what an attempt starts from: the tip of the branch that the environments are
// deployed from, and their policy.
type base struct {
	*repo.Commit
	policy *policy
	home   *repo.Commit // of the default branch, whose files have the policy; nil where there is none

	open *[]github.PullRequest // of tagbump's branches; nil until they are listed
}

// openPulls returns the open pull requests of branches with one of tagbump's prefixes. They
// are listed once an attempt.
func (b *base) openPulls(ctx context.Context, o *Options, prefix string) ([]github.PullRequest, error) {
	if b.open == nil {
		open, err := o.Pulls.GitHub.OpenPullRequests(ctx, o.Pulls.Repo, Branches)
		if err != nil {
			return nil, err
		}
		b.open = &open
	}
	return slices.DeleteFunc(slices.Clone(*b.open), func(pull github.PullRequest) bool { return !strings.HasPrefix(pull.Branch, prefix) }), nil
}

// readBase reads the tip of the branch that the environments are deployed from, and
// refuses where the policy does not allow to write to it. A dry run goes on.
func readBase(ctx context.Context, o *Options, t *task) (*base, error) {
	b, err := readBranch(ctx, o, t)
	if err != nil {
		return nil, err
	}
	if err := b.policy.check(ctx, o, b, t.envs); err != nil && !o.DryRun {
		return nil, err
	}
	return b, nil
}

// readBranch reads the policy from the default branch, and the tip of the branch that it
// names, unless another was asked for.
func readBranch(ctx context.Context, o *Options, t *task) (*base, error) {
	tip, err := readTip(ctx, o, t, o.Branch)
	if err != nil {
		return nil, err
	}
	b := &base{Commit: tip, home: tip}
	if tip.Branch != tip.Default {
		if b.home, err = readHome(ctx, o); err != nil {
			return nil, err
		}
	}
	if b.policy, err = readPolicy(ctx, b.home, t.envs); err != nil {
		return nil, err
	}
	if named := b.policy.Branch; o.Branch == "" && named != "" && named != tip.Branch {
		if b.Commit, err = readTip(ctx, o, t, named); err != nil {
			return nil, err
		}
	}
	if b.Commit != b.home {
		err = b.policy.add(ctx, b.Commit, t.envs)
	}
	return b, err
}

// readHome reads the policies on the default branch; nil where there is no such branch.
func readHome(ctx context.Context, o *Options) (*repo.Commit, error) {
	home, err := o.Store.Tip(ctx, "", inventory.EnvironmentsDir)
	if errors.Is(err, repo.ErrNoBranch) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return home, home.Tree.Fetch(ctx, inventory.EnvironmentsDir)
}

// readTip reads the tip of a branch with all that is sure to be read of it, in as few
// requests as its folders have levels.
func readTip(ctx context.Context, o *Options, t *task, branch string) (*repo.Commit, error) {
	tip, err := o.Store.Tip(ctx, branch, t.likely()...)
	if err != nil {
		return nil, err
	}
	roots := make([]string, len(t.selections))
	for i, s := range t.selections {
		roots[i] = path.Join(s.Env, "manifests") // before it is known, the usual one costs nothing
	}
	for again := true; again; {
		paths := t.inputs()
		for i, s := range t.selections {
			more, err := pathsOf(ctx, tip, s, roots[i], len(s.Images) > 0)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			paths = append(paths, more...)
		}
		if err := tip.Tree.Fetch(ctx, paths...); err != nil {
			return nil, err
		}
		again = false
		for i, s := range t.selections {
			known, err := s.Root(tip.FS(ctx))
			if err == nil && known != roots[i] { // what is wrong with the file, its reader reports
				roots[i], again = known, true
			}
		}
	}
	return tip, nil
}

// maxWholeFolders is how many folders, those of users included, an environment may have
// to be read whole for a service. A service's files are found by their content; in a
// larger environment that would be most of what a deployment transfers, so they are
// looked for where the layout has them, and the run says so.
const maxWholeFolders = 100

// isLarge reports whether an environment has more folders than are read for a service.
func isLarge(ctx context.Context, tip *repo.Commit, root string) (bool, error) {
	entries, err := tip.Tree.Entries(ctx, root)
	if err != nil {
		return false, err
	}
	folders := 0
	for _, e := range entries {
		if !e.Mode.IsDir() {
			continue
		}
		folders++
		if path.Base(e.Path) == "users" && folders <= maxWholeFolders {
			users, err := tip.Tree.Entries(ctx, e.Path)
			if err != nil {
				return false, err
			}
			folders += len(users)
		}
	}
	return folders > maxWholeFolders, nil
}

// pathsOf returns the manifests that a selection may be about: all of the environment,
// or, in a large one, those that are the services' by their paths.
func pathsOf(ctx context.Context, tip *repo.Commit, s bump.Selection, root string, whole bool) ([]string, error) {
	if whole {
		return manifestsBelow(ctx, tip, root)
	}
	large, err := isLarge(ctx, tip, root)
	if err != nil {
		return nil, err
	}
	if large {
		return layout(ctx, tip, root, s.Env, s.Services)
	}
	return []string{root}, nil // folders and their files come in one request
}

// filesOf reads the manifests that a query may be about.
func filesOf(ctx context.Context, tip *repo.Commit, query *bump.Query, s bump.Selection, whole bool) ([]bump.File, error) {
	paths, err := pathsOf(ctx, tip, s, query.Dir(), whole)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noEnvironment(tip.FS(ctx), query.Env, query.Dir())
	}
	if err != nil {
		return nil, err
	}
	return read(ctx, tip, query, paths, strayLink)
}

// manifestsBelow returns the manifests below a folder, and links that have the name
// of one.
func manifestsBelow(ctx context.Context, tip *repo.Commit, dir string) ([]string, error) {
	entries, err := tip.Tree.Below(ctx, dir)
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

// layout returns the files and folders that are the services' by their paths: their
// folders, theirs among the users' files, and the files of the environment itself.
func layout(ctx context.Context, tip *repo.Commit, dir, env string, services []string) ([]string, error) {
	entries, err := tip.Tree.Entries(ctx, dir)
	if err != nil {
		return nil, err
	}
	paths := []string{}
	for _, e := range entries {
		switch name := path.Base(e.Path); {
		case e.Mode.IsRegular() && bump.IsManifest(e.Path), e.Mode.IsDir() && slices.Contains(services, name):
			paths = append(paths, e.Path)
		case e.Mode.IsDir() && name == "users":
			all, err := manifestsBelow(ctx, tip, e.Path)
			if err != nil {
				return nil, err
			}
			for _, p := range all {
				if isServices(path.Base(p), env, services) {
					paths = append(paths, p)
				}
			}
		}
	}
	return paths, nil
}

// isServices reports whether a user's file is one of the services', by its name:
// <service>-<env>-….
func isServices(name, env string, services []string) bool {
	return slices.ContainsFunc(services, func(s string) bool { return strings.HasPrefix(name, s+"-"+env+"-") })
}

// read reads the manifests at and below paths that may hold what is asked for. A link is
// passed over, unless onLink returns an error.
func read(ctx context.Context, tip *repo.Commit, query *bump.Query, paths []string, onLink func(tree repo.FS, name, dir string) error) ([]bump.File, error) {
	if err := tip.Tree.Fetch(ctx, paths...); err != nil {
		return nil, err
	}
	tree := tip.FS(ctx)
	var files []bump.File
	for _, p := range paths {
		err := fs.WalkDir(tree, p, func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.Type()&fs.ModeSymlink != 0 && bump.IsManifest(name):
				return onLink(tree, name, query.Dir())
			case !e.Type().IsRegular() || !query.Covers(name):
				return nil
			}
			data, err := tree.ReadFile(name)
			if err == nil && query.Mentions(data) {
				files = append(files, bump.File{Path: name, Data: data})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// strayLink returns a refusal where a link leads out of the environment's manifests: an
// image behind it would be missed. A file inside is read by its own name.
func strayLink(tree repo.FS, name, dir string) error {
	target, err := tree.ReadLink(name)
	if err != nil {
		return err
	}
	if file := path.Join(path.Dir(name), target); !path.IsAbs(target) && fs.ValidPath(file) && inventory.InFolder(dir, file) {
		return nil
	}
	p := problem.At(problem.Place{File: name}, "nothing is written through it: put a file in its place, or move it away", "this is a symbolic link out of %s", dir)
	p.Refused = true
	return p
}

// anyLink passes over links, where nothing is written: what is wrong with them, a deployment
// to their environment reports.
func anyLink(repo.FS, string, string) error { return nil }

// noEnvironment returns the refusal for an environment that is not there. Folders are
// not looked into: each would be a request.
func noEnvironment(tree fs.FS, env, dir string) error {
	var envs []string
	known, _ := fs.ReadDir(tree, inventory.EnvironmentsDir)
	entries, _ := fs.ReadDir(tree, ".")
	for _, e := range entries {
		isKnown := slices.ContainsFunc(known, func(k fs.DirEntry) bool { return k.Name() == e.Name()+".yaml" })
		if e.IsDir() && (isKnown || len(known) == 0) {
			envs = append(envs, e.Name())
		}
	}
	return problem.Refuse(problem.DidYouMean(env, envs), "no environment %s: there is no folder %s", env, dir)
}
