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
		Description: `Reads from the k8s repo's history what the service ran in the environment, and
deploys the last tag that is another one: by a push or a pull request, as the
environment's policy says. Tags that were rolled back before are passed over.

   tagbump rollback --repo https://github.com/example/k8s --env prod --service api
   tagbump rollback --repo https://github.com/example/k8s --env prod --service api --to 1f0c9ae

It is remembered: what was rolled back, and what is older, is not deployed there
again without --force. A newer commit is.`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "repo", Usage: "the k8s repo's `URL`: https, ssh, or a path"},
			&cli.StringFlag{Name: "env", Usage: "the `environment`: the folder above manifests/"},
			&cli.StringSliceFlag{Name: "service", Usage: "the `service` of users.yaml"},
			&cli.StringFlag{Name: "to", Usage: "the `tag` to go back to (default: the last other one that ran there)"},
			&cli.BoolFlag{Name: "force", Usage: "go to a --to that never ran there, or was rolled back itself"},
		}, placeFlags, pushFlags),
		Action: func(c *cli.Context) error {
			o := pushOptions(c, getenv)
			o.Env, o.Services = c.String("env"), c.StringSlice("service")
			placesOf(c, &o.Selection)
			return rollback(c.Context, con, o, c.String("to"), c.Bool("force"))
		},
	}
}

// rollback finds the tag to go back to, deploys it, and says what it came to.
func rollback(ctx context.Context, con *console.Console, o deployOptions, to string, anyway bool) error {
	if o.output != "text" && o.output != "json" {
		return problem.New("", "--output must be text or json, not %q", o.output)
	}
	var missing problem.List
	if o.Env == "" {
		missing.Add(problem.New("say --env prod", "--env is missing"))
	}
	if len(o.Services) == 0 {
		missing.Add(problem.New("say --service api", "--service is missing"))
	}
	if err := missing.Err(); err != nil {
		return err
	}
	o.Tag = to
	d, err := o.deployment(con)
	if err != nil {
		return reportDeploy(con, o, &deploy.Outcome{Result: &bump.Result{}, Status: deploy.Failed}, err)
	}
	defer d.Remote.Close()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	d.Tag = ""
	outcome, err := (&deploy.Rollback{Deployment: *d, To: to, Anyway: anyway}).Run(ctx)
	o.Tag = outcome.NewTag
	return reportDeploy(con, o, outcome, err)
}
