package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/render"
)

func userListCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list users: who has what, where, and which secrets and roles hang on it",
		Description: `Secrets and roles are what the rendered manifests of the user, and of the user's
team, refer to: keys in the secret store, and IAM roles.

   manifestgen user list
   manifestgen user list -o json`,
		Flags: []cli.Flag{sourceFlag, &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"}},
		Action: func(c *cli.Context) error {
			o := renderOptions{source: c.String("source"), output: c.String("output")}
			return o.listUsers(con)
		},
	}
}

// userListResult is what user list prints with --output json.
type userListResult struct {
	Version int          `json:"version"`
	Users   []userResult `json:"users"`
}

type userResult struct {
	Name         string   `json:"name"`
	Team         string   `json:"team"`
	State        string   `json:"state"`
	Expires      string   `json:"expires,omitempty"`
	Services     []string `json:"services"`
	Environments []string `json:"environments"` // where manifests are rendered for the user
	Secrets      []string `json:"secrets"`      // keys in the secret store
	Roles        []string `json:"roles"`        // IAM roles, as ARNs
}

func (o *renderOptions) listUsers(con *console.Console) error {
	if err := o.validate("text", "json"); err != nil {
		return err
	}
	con.Source = sourceFS{folder: o.source}
	inv, templates, err := o.load()
	if err != nil {
		return err
	}
	manifests, err := render.Render(templates, inv, inv.Environments)
	if err != nil {
		return o.inSource(err)
	}
	result := userListResult{Version: 1, Users: []userResult{}}
	for _, u := range inv.Users {
		result.Users = append(result.Users, userOfList(u, manifests))
	}
	if o.output == "json" {
		return con.JSON(result)
	}
	w := tabwriter.NewWriter(con.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USER\tTEAM\tSTATE\tSERVICES\tENVIRONMENTS\tSECRETS\tROLES")
	for _, u := range result.Users {
		state := u.State
		if u.Expires != "" && state == "present" {
			state = "until " + u.Expires
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Name, u.Team, state, listText(u.Services), listText(u.Environments), listText(u.Secrets), listText(u.Roles))
	}
	return w.Flush()
}

func listText(list []string) string { return cmp.Or(strings.Join(list, ", "), "-") }

// userOfList returns a user, with what is rendered for the user and for the user's team.
func userOfList(u *inventory.User, manifests []render.Manifest) userResult {
	r := userResult{Name: u.Name, Team: u.Team.Name, State: "present", Services: inventory.Names(u.Services), Environments: []string{}, Secrets: []string{}, Roles: []string{}}
	if !u.Expires.IsZero() {
		r.Expires = u.Expires.Format(time.DateOnly)
	}
	if u.Absent {
		r.State = "absent"
		return r
	}
	for i := range manifests {
		m := &manifests[i]
		if userOf(m) != u.Name && teamOf(m) != u.Team.Name {
			continue
		}
		if userOf(m) != "" {
			r.Environments = appendNew(r.Environments, m.Env)
		}
		file, err := manifest.Parse(m.Path, m.Text.Data)
		if err != nil {
			continue
		}
		values, err := file.Values()
		if err != nil {
			continue
		}
		for _, v := range values {
			r.refersTo(v)
		}
	}
	slices.Sort(r.Secrets)
	slices.Sort(r.Roles)
	return r
}

// teamOf returns the team that a manifest is for, "" for none.
func teamOf(m *render.Manifest) string {
	parts := strings.Split(m.Subject, ", ")
	if !strings.HasPrefix(m.Template, "templates/team/") || len(parts) < 2 {
		return ""
	}
	return parts[1]
}

var roleARN = lazyregexp.New(`\barn:aws[a-z-]*:iam::[0-9]+:role/[A-Za-z0-9+=,.@_/-]+`)

// refersTo adds the keys of the secret store, as an ExternalSecret has them in data and dataFrom,
// and the IAM roles that a value names.
func (r *userResult) refersTo(v manifest.Value) {
	for _, f := range v.Fields {
		if key, ok := f.Value.Get("key"); ok && (f.Key.Text == "remoteRef" || f.Key.Text == "extract") {
			r.Secrets = appendNew(r.Secrets, key.Text)
		}
		r.refersTo(f.Value)
	}
	for _, item := range v.Items {
		r.refersTo(item)
	}
	for _, role := range roleARN.FindAllString(v.Text, -1) {
		r.Roles = appendNew(r.Roles, role)
	}
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
