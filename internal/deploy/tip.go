package deploy

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

// base is what an attempt starts from.
type base struct {
	snapshot
	paths  []string // of the files that the bump is about; nil where the environment has no folder
	policy inventory.Deploy
}

// tip reads the tip of the branch that the environment is deployed from, as the
// policy says that is on it, and finds the files that the bump is about.
func (d *Deployment) tip(ctx context.Context) (*base, error) {
	b, err := d.fetch(ctx, d.Branch)
	if err != nil {
		return nil, err
	}
	if b.policy, err = d.policy(ctx, b, d.Push || d.DryRun); err != nil {
		return nil, err
	}
	if d.Branch != "" || b.policy.Branch == "" || b.policy.Branch == b.branch() {
		return b, nil
	}
	policy := b.policy
	if b, err = d.fetch(ctx, policy.Branch); err != nil {
		return nil, err
	}
	// The policy sent us here; the copy that this branch may have can only say no.
	_, err = d.policy(ctx, b, true)
	b.policy = policy
	return b, err
}

// policy reads how the environment is deployed. Where the k8s repo does not say,
// that is an error unless absent is fine.
func (d *Deployment) policy(ctx context.Context, tip snapshot, absent bool) (inventory.Deploy, error) {
	policy, err := inventory.LoadDeploy(tip.files(ctx), d.Env)
	file := inventory.EnvironmentsDir + "/" + d.Env + ".yaml"
	switch {
	case errors.Is(err, fs.ErrNotExist) && absent:
		return inventory.Deploy{}, nil
	case errors.Is(err, fs.ErrNotExist):
		return policy, problem.Refuse("say --push to push to "+tip.branch()+", or add "+file+" with the line deploy: {strategy: push}",
			"the k8s repo does not say how %s is deployed: it has no %s", d.Env, file)
	case err != nil:
		return policy, err
	case policy.Strategy == inventory.PullRequest && d.Pulls == nil && !d.Force && !d.DryRun:
		hint := "name the k8s repo by its URL on GitHub, or with --github owner/name; or push past the policy with --force"
		if d.goesBack() {
			hint = "name the k8s repo by its URL on GitHub, or with --github owner/name; or deploy the older tag past the policy: tagbump deploy --push --force"
		}
		return policy, problem.Refuse(hint, "%s is deployed by pull request, as %s says", d.Env, file)
	}
	return policy, nil
}

// fetch reads the tip of a branch ("" is the default one) with all that is sure to
// be read of it, in as few requests as its folders have levels; one over the API.
func (d *Deployment) fetch(ctx context.Context, branch string) (*base, error) {
	if d.ViaAPI {
		return d.fetchOverAPI(ctx, branch)
	}
	tip, err := d.Remote.Tip(ctx, branch)
	if err != nil {
		return nil, err
	}
	return d.find(ctx, gitSnapshot{tip})
}

// fetchOverAPI names all that is to be read beforehand, so that it is one query.
// What cannot be named is not read: errTooWide.
func (d *Deployment) fetchOverAPI(ctx context.Context, branch string) (*base, error) {
	if len(d.Images) > 0 {
		return nil, errTooWide
	}
	dir := path.Join(d.Env, "manifests")
	paths, marks := []string{inventory.UsersFile, inventory.EnvironmentsDir, dir}, []string(nil)
	for _, service := range d.Services {
		paths, marks = append(paths, path.Join(dir, service)), append(marks, hubMark(d.Env, service))
	}
	tip, err := d.Pulls.GitHub.TipWith(ctx, d.Pulls.Repo, branch, marks, paths...)
	if err != nil {
		return nil, err
	}
	switch _, err := fs.Stat(tip.FS(ctx), path.Join(dir, "users")); {
	case err == nil:
		return nil, errTooWide
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return d.find(ctx, hubSnapshot{tip})
}

// find finds the files that the bump is about.
func (d *Deployment) find(ctx context.Context, tip snapshot) (*base, error) {
	dir := path.Join(d.Env, "manifests")
	var paths []string
	var err error
	if len(d.Images) > 0 { // an image by its name may be anywhere in the environment
		paths, err = tip.below(ctx, dir)
	} else {
		paths, err = d.layout(ctx, tip, dir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	err = tip.fetch(ctx, append([]string{inventory.UsersFile, inventory.EnvironmentsDir}, paths...)...)
	return &base{snapshot: tip, paths: paths}, err
}

// layout are the files and folders that are the services' by their paths: their
// folders, theirs among the users' files, and the files of the environment itself.
func (d *Deployment) layout(ctx context.Context, tip snapshot, dir string) ([]string, error) {
	entries, err := tip.files(ctx).ReadDir(dir)
	if err != nil {
		return nil, err
	}
	paths := []string{}
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		switch {
		case e.Type().IsRegular() && bump.IsManifest(file), e.IsDir() && slices.Contains(d.Services, e.Name()):
			paths = append(paths, file)
		case e.IsDir() && e.Name() == "users":
			all, err := tip.below(ctx, file)
			if err != nil {
				return nil, err
			}
			for _, p := range all {
				if d.isServices(path.Base(p)) {
					paths = append(paths, p)
				}
			}
		}
	}
	return paths, nil
}

// isServices tells whether a user's file is one of the asked services', by its
// name: <service>-<env>-….
func (d *Deployment) isServices(name string) bool {
	return slices.ContainsFunc(d.Services, func(s string) bool { return strings.HasPrefix(name, s+"-"+d.Env+"-") })
}

// read reads the manifests at and below paths that may hold what is asked for.
func read(ctx context.Context, tip snapshot, request *bump.Request, paths []string) ([]bump.File, error) {
	if err := tip.fetch(ctx, paths...); err != nil {
		return nil, err
	}
	tree := tip.files(ctx)
	var files []bump.File
	for _, p := range paths {
		err := fs.WalkDir(tree, p, func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.Type()&fs.ModeSymlink != 0 && bump.IsManifest(name) {
				return strayLink(tree, name, request.Dir())
			}
			if err != nil || !e.Type().IsRegular() || !bump.IsManifest(name) {
				return err
			}
			data, err := tree.ReadFile(name)
			if err == nil && request.Mentions(data) {
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

// strayLink is a refusal where a link leads out of the environment's manifests: an
// image behind it would be missed. A file inside is read by its own name.
func strayLink(tree files, name, dir string) error {
	if links, ok := tree.(interface{ ReadLink(string) (string, error) }); ok {
		target, err := links.ReadLink(name)
		if err != nil {
			return err
		}
		if !path.IsAbs(target) && strings.HasPrefix(path.Join(path.Dir(name), target), dir+"/") {
			return nil
		}
	}
	p := problem.At(problem.Place{File: name}, "nothing is written through it: put a file in its place, or move it away", "this is a symbolic link out of %s", dir)
	p.Refused = true
	return p
}

// noEnvironment is the refusal for an environment that is not there. Folders are
// not looked into: each would be a request.
func noEnvironment(tree fs.FS, request *bump.Request) error {
	var envs []string
	known, _ := fs.ReadDir(tree, inventory.EnvironmentsDir)
	entries, _ := fs.ReadDir(tree, ".")
	for _, e := range entries {
		isKnown := slices.ContainsFunc(known, func(k fs.DirEntry) bool { return k.Name() == e.Name()+".yaml" })
		if e.IsDir() && (isKnown || len(known) == 0) {
			envs = append(envs, e.Name())
		}
	}
	return problem.Refuse(problem.DidYouMean(request.Env, envs), "no environment %s: there is no folder %s", request.Env, request.Dir())
}
