package deploy

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// pastPolicy reports whether a push is meant where the policy wants a pull request.
// Force alone is for the order of tags, and still proposes.
func pastPolicy(o *Options) bool { return o.Force && o.Push }

// policyFile returns the name of the file that says how an environment is deployed.
func policyFile(env string) string { return inventory.EnvironmentsDir + "/" + env + ".yaml" }

// readPolicy reads how an environment is deployed. Where the k8s repo does not say,
// that is an error unless absent is fine.
func readPolicy(ctx context.Context, o *Options, tip *repo.Commit, env string, absent bool) (inventory.Deploy, error) {
	policy, err := inventory.LoadDeploy(tip.FS(ctx), env)
	file := policyFile(env)
	switch {
	case errors.Is(err, fs.ErrNotExist) && absent:
		return inventory.Deploy{}, nil
	case errors.Is(err, fs.ErrNotExist) && !isThere(ctx, tip, path.Join(env, "manifests")):
		return policy, noEnvironment(tip.FS(ctx), env, path.Join(env, "manifests"))
	case errors.Is(err, fs.ErrNotExist):
		return policy, problem.Refuse("pass --push to push to "+tip.Branch+", or add "+file+" with the line deploy: {strategy: push}",
			"the k8s repo does not say how %s is deployed: it has no %s", env, file)
	case err != nil:
		return policy, err
	case policy.Strategy == inventory.PullRequest && o.Pulls == nil && !pastPolicy(o) && !o.DryRun:
		return policy, problem.Refuse("name the k8s repo by its URL on GitHub, or with --github owner/name; or push past the policy with --push --force",
			"%s is deployed by pull request, as %s says", env, file)
	}
	return policy, nil
}

// isThere reports whether a commit has a folder or file; what cannot be told counts as
// there.
func isThere(ctx context.Context, tip *repo.Commit, name string) bool {
	_, err := tip.Tree.Lookup(ctx, name)
	return !errors.Is(err, fs.ErrNotExist)
}
