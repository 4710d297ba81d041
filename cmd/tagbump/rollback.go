package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/bump"
	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/problem"
)

func rollbackCommand(con *console.Console, getenv func(string) string) *cli.Command {
	return &cli.Command{
		Name:  "rollback",
		Usage: "go back to the tag that a service ran before",
		Description: `Reads from the k8s repo's history what the service ran in the environment, writes
the last tag that is another one, and holds the service there: in one commit or
one pull request, as the environment's policy says. Tags that were rolled back
before are passed over.

   tagbump rollback --repo https://github.com/example/k8s --env prod --service api
   tagbump rollback --repo https://github.com/example/k8s --env prod --service api --to 1f0c9ae

The service stays held: nothing is deployed or promoted there until tagbump release
lets it go. Asked again for what is done, rollback changes nothing.`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "repo", Usage: "the k8s repo's `URL`: https, ssh, or a path"},
			&cli.StringSliceFlag{Name: "env", Usage: "the `environment`: the folder above manifests/"},
			&cli.StringSliceFlag{Name: "service", Usage: "the `service` of users.yaml"},
			&cli.StringFlag{Name: "to", Usage: "the `tag` to go back to (default: the last other one that ran there)"},
			&cli.StringFlag{Name: "reason", Usage: "why, for those who find the service held (default: what was done)"},
			&cli.BoolFlag{Name: "force", Usage: "with --push, past a policy that wants a pull request"},
		}, placeFlags, pushFlags),
		Action: func(c *cli.Context) error {
			o := pushOptions(c, getenv)
			o.Services, o.force = c.StringSlice("service"), c.Bool("force")
			var err error
			if o.Env, err = once(c, "env", "a rollback is of one environment"); err != nil {
				return err
			}
			placesOf(c, &o.Selection)
			return rollback(c.Context, con, o, c.String("to"), c.String("reason"))
		},
	}
}

// rollback finds the tag to go back to, deploys it, and says what it came to.
func rollback(ctx context.Context, con *console.Console, o deployOptions, to, reason string) error {
	if o.output != "text" && o.output != "json" {
		return problem.New("", "--output must be text or json, not %q", o.output)
	}
	var missing problem.List
	if o.Env == "" {
		missing.Add(problem.New("pass --env prod", "--env is missing"))
	}
	switch {
	case len(o.Services) == 0:
		missing.Add(problem.New("pass --service api", "--service is missing"))
	case len(o.Services) > 1:
		missing.Add(problem.New("pass it once: a rollback is of one service", "--service is given twice"))
	}
	if err := missing.Err(); err != nil {
		return err
	}
	o.Tag = to
	options, closeStore, err := o.options(con)
	if err != nil {
		return reportDeploy(con, o, &deploy.Outcome{Result: &bump.Result{}, Status: deploy.Failed}, err)
	}
	defer closeStore()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	outcome, err := (&deploy.Rollback{Options: *options, Env: o.Env, Service: o.Services[0], To: to, Reason: reason, Places: bump.Selection{Path: o.Path, Narrowing: o.Narrowing}}).Run(ctx)
	o.Tag = outcome.NewTag
	return reportDeploy(con, o, outcome, err)
}
