package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/render"
)

func serviceCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "service",
		Usage: "add a service",
		Description: `Changes users.yaml, keeping what people wrote in it, and renders.

   manifestgen service add mail --image ecr.example/mail --tag 1f0c9ae --port 8080`,
		Subcommands: []*cli.Command{serviceAddCommand(con)},
		Action: byHand(func(name string) string {
			return "delete the entry of " + cmp.Or(name, "the service") + " in users.yaml and what names it"
		}),
	}
}

func serviceAddCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add a service to users.yaml, and render",
		ArgsUsage: "NAME",
		Description: `The new entry is written as its neighbours are. It is rendered in every
environment whose templates: has service. --set writes other keys of the entry;
with an environment before it, of the service's entry in that environment's file.
A value that a template needs and that is not set is named, with the flag to add.

   manifestgen service add mail --image ecr.example/mail --tag 1f0c9ae --port 8080
   manifestgen service add mail --image ecr.example/mail --tag 1f0c9ae \
     --repository example/mail --secret API_KEY=mail/api-key \
     --set vars.replicas=2 --set prod:vars.replicas=4 --set qa:state=absent`,
		Flags: editFlags(
			&cli.StringFlag{Name: "image", Usage: "the `repository` that its images are pushed to, without a tag"},
			&cli.StringFlag{Name: "tag", Usage: "the `tag` that it starts on"},
			&cli.Int64Flag{Name: "port", Usage: "the `port` that it serves; leave it out if it serves none"},
			&cli.StringFlag{Name: "repository", Usage: "the GitHub `repository` that it is built from, as owner/name; tagbump compares commits in it"},
			secretFlag,
			&cli.StringSliceFlag{Name: "set", Usage: "`[ENV:]KEY=VALUE` to write into its entry, or into that of one environment, such as prod:vars.replicas=2 (may be repeated)"},
		),
		Action: func(c *cli.Context) error {
			name, err := oneName(c)
			if err != nil {
				return err
			}
			s := inventory.NewService{Name: name, Image: c.String("image"), Tag: c.String("tag"), Port: c.Int64("port"), Repository: c.String("repository")}
			var problems problem.List
			if c.IsSet("port") && (s.Port < 1 || s.Port > 65535) {
				problems.Add(problem.New("from 1 to 65535; leave it out where the service serves nothing", "%d is no port", s.Port))
				s.Port = 0
			}
			secrets, wrong := parseSecrets(c.StringSlice("secret"))
			problems.Add(wrong.Err())
			s.Secrets = secrets
			s.Settings, s.In, wrong = serviceSettings(c.StringSlice("set"))
			problems.Add(wrong.Err())
			o := newEditOptions(c, con)
			return o.addService(c.Context, s, problems)
		},
	}
}

// addService adds a service. Where templates need values that are not set, it asks for them,
// or says which flags set them.
func (o *editOptions) addService(ctx context.Context, s inventory.NewService, problems problem.List) error {
	o.retry = func() (bool, error) {
		unset := slices.DeleteFunc(o.unsetVariables(), func(u render.Unset) bool { return u.Service != s.Name })
		if len(unset) == 0 {
			return false, nil
		}
		if o.prompt == nil {
			hint := setFlags(unset)
			o.setHint = func(u render.Unset) string {
				if u.Service != s.Name {
					return ""
				}
				return hint
			}
			return true, nil
		}
		for _, u := range unset {
			value, err := o.prompt.Ask(fmt.Sprintf("%s of %s in %s", u.Variable, s.Name, u.Env), nil)
			if err != nil {
				return false, err
			}
			setting, err := parseSetting("vars."+u.Variable, value)
			if err != nil {
				return false, err
			}
			s.In[u.Env] = append(s.In[u.Env], setting)
		}
		return true, nil
	}
	return o.run(ctx, "service add", func(e *inventory.Editor) ([]inventory.Edit, error) {
		if err := o.completeService(e, &s, problems); err != nil {
			return nil, err
		}
		return e.AddService(s)
	})
}

// setFlags says which flags of service add set variables.
func setFlags(unset []render.Unset) string {
	hint := "pass"
	for _, u := range unset {
		hint += fmt.Sprintf(" --set %s:vars.%s=VALUE", u.Env, u.Variable)
	}
	return hint + fmt.Sprintf("; or --set %s:state=absent to leave the service out of %s", unset[0].Env, unset[0].Env)
}

// unsetVariables returns the variables that templates print and that are not set, of each
// environment.
func (o *renderOptions) unsetVariables() []render.Unset {
	inv, templates, err := o.load()
	if err != nil {
		return nil
	}
	var unset []render.Unset
	templates.SetHint = func(u render.Unset) string {
		if !slices.Contains(unset, u) {
			unset = append(unset, u)
		}
		return ""
	}
	for _, env := range inv.Environments { // one by one: a problem that several have is reported once
		_, _ = render.Render(templates, inv, []*inventory.Environment{env})
	}
	return unset
}

// completeService asks for what is missing of a service. Everything that is wrong with it is
// reported at once, what is missing too.
func (o *editOptions) completeService(e *inventory.Editor, s *inventory.NewService, problems problem.List) error {
	if err := o.require(&problems, &s.Name, "the service's name", "it as an argument: service add NAME", nil); err != nil {
		return err
	}
	if err := errors.Join(problems.Err(), e.CheckService(*s)); err != nil && (o.prompt != nil || e.Inventory.Service(s.Name) != nil) {
		return err
	}
	for _, q := range []struct {
		value      *string
		what, flag string
	}{{&s.Image, "the service's image", "--image"}, {&s.Tag, "the first tag", "--tag"}} {
		if err := o.require(&problems, q.value, q.what, q.flag, nil); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		problems.Add(e.CheckService(*s))
	}
	return problems.Err()
}
