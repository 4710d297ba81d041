package main

import (
	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

func serviceCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "service",
		Usage: "add a service",
		Description: `Changes users.yaml, keeping what people wrote in it, and renders.

   manifestgen service add mail --image ecr.example/mail --tag 1f0c9ae --port 8080`,
		Subcommands: []*cli.Command{serviceAddCommand(con)},
	}
}

func serviceAddCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add a service to users.yaml, and render",
		ArgsUsage: "NAME",
		Description: `The new entry is written as its neighbours are. It is rendered in every
environment whose templates: has service.

   manifestgen service add mail --image ecr.example/mail --tag 1f0c9ae --port 8080`,
		Flags: editFlags(
			&cli.StringFlag{Name: "image", Usage: "the `repository` that its images are pushed to, without a tag"},
			&cli.StringFlag{Name: "tag", Usage: "the `tag` that it starts on"},
			&cli.Int64Flag{Name: "port", Usage: "the `port` that it serves; leave it out if it serves none"},
		),
		Action: func(c *cli.Context) error {
			name, err := oneName(c)
			if err != nil {
				return err
			}
			if c.IsSet("port") && (c.Int64("port") < 1 || c.Int64("port") > 65535) {
				return problem.New("from 1 to 65535; leave it out where the service serves nothing", "%d is no port", c.Int64("port"))
			}
			o := newEditOptions(c, con)
			s := inventory.NewService{Name: name, Image: c.String("image"), Tag: c.String("tag"), Port: c.Int64("port")}
			return o.run(c.Context, "service add", func(e *inventory.Editor) (inventory.Edit, error) {
				err := o.required(&s.Name, "the service's name", "it as an argument: service add NAME", nil)
				if err == nil && e.Inventory.Service(s.Name) == nil {
					err = o.required(&s.Image, "the service's image", "--image", nil)
				}
				if err == nil && e.Inventory.Service(s.Name) == nil {
					err = o.required(&s.Tag, "the first tag", "--tag", nil)
				}
				if err != nil {
					return inventory.Edit{}, err
				}
				return e.AddService(s)
			})
		},
	}
}
