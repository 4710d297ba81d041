package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
)

func deployCommand(con *console.Console, getenv func(string) string) *cli.Command {
	var d deploy.Deployment
	w := &writer{con: con, getenv: getenv, options: &d.Options}
	return &cli.Command{
		Name:  "deploy",
		Usage: "set the tag of an image on a branch of the k8s repo, and push it",
		Description: `Reads the branch's tip, changes the tags, and pushes one commit: no clone, no
working tree, only the objects that it needs. When somebody else was faster, it
starts over from the new tip, so no push is lost. Where the tags are commit
hashes, an older one never replaces a newer one.

   tagbump deploy --repo https://github.com/example/k8s --env dev --service api --tag "$GITHUB_SHA"
   tagbump deploy --repo https://github.com/example/k8s --env prod --env prod-next \
       --service api --tag "$GITHUB_SHA"

environments/<env>.yaml on the default branch of the k8s repo says how it is deployed
(deploy.strategy: push or pull-request); --push pushes where it does not say.
Several environments move in one commit or pull request, as the strictest of their
files says. --force deploys an older tag too, and nothing else; --push and --force
together push past the strategy, and past the environment that comes before (after:).

TAGBUMP_TOKEN opens the k8s repo, GITHUB_TOKEN reads the service's own repository; one
is used for both where both are on one host.

The image is looked for everywhere in <env>/manifests. Where that has more than
100 folders, --service reads <env>/manifests/<service>/, users/*/<service>-<env>-*
and the files right in manifests/, and says so; --image still reads all of it.`,
		Flags: deployFlags(w, &d.Selection, &d.Envs),
		Action: func(c *cli.Context) error {
			d.Envs = slices.Compact(slices.Sorted(slices.Values(d.Envs)))
			d.Env = strings.Join(d.Envs, "+")
			return w.runOutcome(c.Context, newResult(d.Env, d.Version()), nil, d.Run)
		},
	}
}
