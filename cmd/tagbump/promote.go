package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/problem"
)

// promoteOptions are what promote is asked to do, as the flags have it.
type promoteOptions struct {
	deploy.Promotion
	from, to []string
	all      bool
}

func promoteCommand(con *console.Console, getenv func(string) string) *cli.Command {
	var o promoteOptions
	w := &writer{con: con, getenv: getenv, options: &o.Options}
	return &cli.Command{
		Name:  "promote",
		Usage: "deploy to one environment what another runs",
		Description: `Reads which tag each service runs in the first environment, and deploys it to the
second: by a push or a pull request, as that environment's policy says. Where the
policy names an environment that comes before (after: staging), a tag that does
not run there goes no further. Older never replaces newer.

   tagbump promote --repo https://github.com/example/k8s --from dev --to staging --service api
   tagbump promote --repo https://github.com/example/k8s --from staging --to prod --all`,
		Flags: promoteFlags(w, &o),
		Action: func(c *cli.Context) error {
			err := o.check()
			r := newResult(o.To, "")
			r.From, r.To, r.Services = o.From, o.To, []serviceResult{}
			return w.run(c.Context, r, err, func(ctx context.Context) error {
				list, err := o.Run(ctx)
				r.addPromoted(list)
				return errors.Join(err, deploy.PromotedErr(list))
			})
		},
	}
}

// check reads the environments, and refuses flags that do not fit together.
func (o *promoteOptions) check() error {
	var problems problem.List
	var err error
	o.From, err = once(o.from, "from", "a promotion is from one environment")
	problems.Add(err)
	o.To, err = once(o.to, "to", "a promotion is to one environment")
	problems.Add(err)
	switch named := len(o.Services)+len(o.Images) > 0; {
	case !named && !o.all:
		problems.Add(problem.New("pass --service api, --image with a repository, or --all", "--service is missing"))
	case named && o.all:
		problems.Add(problem.New("pass one of the two", "--all is given beside a service or an image"))
	}
	return problems.Err()
}
