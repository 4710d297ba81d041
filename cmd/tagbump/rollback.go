package main

import (
	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
)

func rollbackCommand(con *console.Console, getenv func(string) string) *cli.Command {
	var r deploy.Rollback
	var o serviceOptions
	w := &writer{con: con, getenv: getenv, options: &r.Options}
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
		Flags: rollbackFlags(w, &o, &r.Reason, &r.To, &r.Places),
		Action: func(c *cli.Context) error {
			var err error
			r.Env, r.Service, err = o.one("a rollback is of one service in one environment")
			return w.runOutcome(c.Context, newResult(r.Env, r.To), err, r.Run)
		},
	}
}
