package main

import (
	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/problem"
)

// serviceOptions name one service in one environment.
type serviceOptions struct{ envs, services []string }

// one returns the environment and the service; why there is one of each is for people.
func (o *serviceOptions) one(why string) (env, service string, err error) {
	var problems problem.List
	env, err = once(o.envs, "env", why)
	problems.Add(err)
	if env == "" && err == nil {
		problems.Add(problem.New("pass --env prod", "--env is missing"))
	}
	service, err = once(o.services, "service", why)
	problems.Add(err)
	if service == "" && err == nil {
		problems.Add(problem.New("pass --service api", "--service is missing"))
	}
	return env, service, problems.Err()
}

func holdCommand(con *console.Console, getenv func(string) string) *cli.Command {
	var h deploy.Hold
	var o serviceOptions
	w := &writer{con: con, getenv: getenv, options: &h.Options}
	return &cli.Command{
		Name:  "hold",
		Usage: "keep a service where it is",
		Description: `Writes holds/<env>/<service>.yaml into the k8s repo: by a push or a pull request,
as the environment's policy says. While the file is there, deploy and promote leave
the service alone and exit with 1.

   tagbump hold --repo https://github.com/example/k8s --env prod --service api --reason "database migration"
   tagbump release --repo https://github.com/example/k8s --env prod --service api`,
		Flags: holdFlags(w, &o, &h.Reason),
		Action: func(c *cli.Context) error {
			var err error
			h.Env, h.Service, err = o.one("a hold is of one service in one environment")
			return w.runOutcome(c.Context, newResult(h.Env, ""), err, h.Run)
		},
	}
}

func releaseCommand(con *console.Console, getenv func(string) string) *cli.Command {
	var r deploy.Release
	var o serviceOptions
	w := &writer{con: con, getenv: getenv, options: &r.Options}
	return &cli.Command{
		Name:  "release",
		Usage: "let a held service go again",
		Description: `Removes holds/<env>/<service>.yaml from the k8s repo: by a push or a pull request,
as the environment's policy says. With --tag the service moves to that tag in the
same commit.

   tagbump release --repo https://github.com/example/k8s --env prod --service api
   tagbump release --repo https://github.com/example/k8s --env prod --service api --tag 9f2c1ab`,
		Flags: releaseFlags(w, &o, &r.Reason, &r.Tag),
		Action: func(c *cli.Context) error {
			var err error
			r.Env, r.Service, err = o.one("a hold is of one service in one environment")
			return w.runOutcome(c.Context, newResult(r.Env, r.Tag), err, r.Run)
		},
	}
}
