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

// serviceFlags are the flags that name one service in one environment.
var serviceFlags = []cli.Flag{
	&cli.StringFlag{Name: "repo", Usage: "the k8s repo's `URL`: https, ssh, or a path"},
	&cli.StringSliceFlag{Name: "env", Usage: "the `environment`: the folder above manifests/"},
	&cli.StringSliceFlag{Name: "service", Usage: "the `service` of users.yaml"},
	&cli.StringFlag{Name: "reason", Usage: "why, for those who read it later"},
	&cli.BoolFlag{Name: "force", Usage: "with --push, past a policy that wants a pull request"},
}

func holdCommand(con *console.Console, getenv func(string) string) *cli.Command {
	return &cli.Command{
		Name:  "hold",
		Usage: "keep a service where it is",
		Description: `Writes holds/<env>/<service>.yaml into the k8s repo: by a push or a pull request,
as the environment's policy says. While the file is there, deploy and promote leave
the service alone and exit with 1.

   tagbump hold --repo https://github.com/example/k8s --env prod --service api --reason "database migration"
   tagbump release --repo https://github.com/example/k8s --env prod --service api`,
		Flags: slices.Concat(serviceFlags, pushFlags),
		Action: func(c *cli.Context) error {
			o, err := serviceOptions(c, getenv)
			if err != nil {
				return err
			}
			return runService(c.Context, con, o, func(ctx context.Context, options deploy.Options) (*deploy.Outcome, error) {
				return (&deploy.Hold{Options: options, Env: o.Env, Service: o.Services[0], Reason: c.String("reason")}).Run(ctx)
			})
		},
	}
}

func releaseCommand(con *console.Console, getenv func(string) string) *cli.Command {
	return &cli.Command{
		Name:  "release",
		Usage: "let a held service go again",
		Description: `Removes holds/<env>/<service>.yaml from the k8s repo: by a push or a pull request,
as the environment's policy says. With --tag the service moves to that tag in the
same commit.

   tagbump release --repo https://github.com/example/k8s --env prod --service api
   tagbump release --repo https://github.com/example/k8s --env prod --service api --tag 9f2c1ab`,
		Flags: slices.Concat(serviceFlags, []cli.Flag{
			&cli.StringFlag{Name: "tag", Usage: "move the service to this `tag` in the same commit"},
		}, pushFlags),
		Action: func(c *cli.Context) error {
			o, err := serviceOptions(c, getenv)
			if err != nil {
				return err
			}
			o.Tag = c.String("tag")
			return runService(c.Context, con, o, func(ctx context.Context, options deploy.Options) (*deploy.Outcome, error) {
				return (&deploy.Release{Options: options, Env: o.Env, Service: o.Services[0], Tag: o.Tag, Reason: c.String("reason")}).Run(ctx)
			})
		},
	}
}

// serviceOptions are what the flags of a command for one service say.
func serviceOptions(c *cli.Context, getenv func(string) string) (deployOptions, error) {
	o := pushOptions(c, getenv)
	o.force = c.Bool("force")
	var missing problem.List
	env, err := once(c, "env", "a hold is of one service in one environment")
	missing.Add(err)
	service, err := once(c, "service", "a hold is of one service in one environment")
	missing.Add(err)
	if o.Env, o.Services = env, []string{service}; len(missing) > 0 {
		return o, missing.Err()
	}
	if o.output != "text" && o.output != "json" {
		missing.Add(problem.New("", "--output must be text or json, not %q", o.output))
	}
	if o.Env == "" {
		missing.Add(problem.New("pass --env prod", "--env is missing"))
	}
	if o.Services[0] == "" {
		missing.Add(problem.New("pass --service api", "--service is missing"))
	}
	return o, missing.Err()
}

// runService opens the k8s repo, runs a command for one service, and reports what it
// came to.
func runService(ctx context.Context, con *console.Console, o deployOptions, do func(context.Context, deploy.Options) (*deploy.Outcome, error)) error {
	options, closeStore, err := o.options(con)
	if err != nil {
		return reportDeploy(con, o, &deploy.Outcome{Result: &bump.Result{}, Status: deploy.Failed}, err)
	}
	defer closeStore()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	outcome, err := do(ctx, *options)
	o.Tag = outcome.NewTag
	return reportDeploy(con, o, outcome, err)
}
