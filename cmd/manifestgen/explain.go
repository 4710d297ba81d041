package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// explainOptions are what explain is asked.
type explainOptions struct {
	renderOptions
	what               string // a variable, or something in it; or a code
	env, service, user string
	all                bool
}

func explainCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "say where a variable's value comes from, or what an error's code means",
		ArgsUsage: "VARIABLE[.KEY…] | CODE",
		Description: `Shows every place that has a say in a variable, the weakest first, and which of
them wins: the default, the service's vars, those of the environment and of what
it extends, the environment's for the service, the user's.

   manifestgen explain replicas --env prod --service api
   manifestgen explain resources.limits --env sandbox --service api --user alice
   manifestgen explain --all --env prod
   manifestgen explain MG303`,
		Flags: []cli.Flag{
			sourceFlag,
			&cli.StringFlag{Name: "env", Usage: "in this `environment`"},
			&cli.StringFlag{Name: "service", Usage: "for this `service`"},
			&cli.StringFlag{Name: "user", Usage: "for this `user`"},
			&cli.BoolFlag{Name: "all", Usage: "all variables"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"},
		},
		Action: func(c *cli.Context) error {
			o := explainOptions{renderOptions: renderOptions{source: c.String("source"), output: c.String("output")},
				what: c.Args().First(), env: c.String("env"), service: c.String("service"), user: c.String("user"), all: c.Bool("all")}
			if c.NArg() > 1 || o.all == c.Args().Present() {
				return problem.New("see manifestgen explain --help", "explain takes a variable or a code, or --all")
			}
			return o.explain(con)
		},
	}
}

func (o *explainOptions) explain(con *console.Console) error {
	if err := o.validate(); err != nil {
		return err
	}
	if codeLike.MatchString(o.what) {
		return explainCode(con, problem.Code(strings.ToUpper(o.what)), o.output)
	}
	con.Source = sourceFS{o.source}
	inv, err := o.inventory()
	if err != nil {
		return err
	}
	v, err := o.variables(inv)
	if err != nil {
		return err
	}
	trails := [][]string{}
	if !o.all {
		trail, err := v.trail(o.what)
		if err != nil {
			return err
		}
		trails = append(trails, trail)
	} else {
		for _, f := range v.whole.Fields {
			trails = append(trails, []string{f.Key.Text})
		}
	}
	var leaves []leaf
	for _, trail := range trails {
		leaves = append(leaves, v.leaves(trail)...)
	}
	if o.output == "json" {
		return con.JSON(o.result(leaves))
	}
	return o.print(con, leaves)
}

var codeLike = regexp.MustCompile(`(?i)^MG\d*$`)

// explainCode prints what a code means.
func explainCode(con *console.Console, code problem.Code, output string) error {
	var known []string
	for _, e := range problem.Explanations() {
		if e.Code != code {
			known = append(known, string(e.Code))
			continue
		}
		if output == "json" {
			return con.JSON(struct {
				Version int          `json:"version"`
				Code    problem.Code `json:"code"`
				Title   string       `json:"title"`
				Text    string       `json:"text"`
			}{1, e.Code, e.Title, e.Text})
		}
		con.Printf("%s: %s\n\n%s\n", e.Code, e.Title, e.Text)
		return nil
	}
	return problem.New("known are "+strings.Join(known, ", "), "unknown code %q", code)
}

// variables are those of one environment, service and user.
type variables struct {
	whole  manifest.Value
	layers []inventory.Layer
}

func (o *explainOptions) variables(inv *inventory.Inventory) (*variables, error) {
	var concrete []string
	for _, e := range inv.Environments {
		if !e.Abstract {
			concrete = append(concrete, e.Name)
		}
	}
	if o.env == "" {
		return nil, problem.New("known are "+strings.Join(concrete, ", "), "say in which environment: --env")
	}
	env := inv.Environment(o.env)
	if env == nil {
		return nil, problem.New(problem.DidYouMean(o.env, inventory.Names(inv.Environments)), "unknown environment %q", o.env)
	}
	service, user := inv.Service(o.service), inv.User(o.user)
	if service == nil && o.service != "" {
		return nil, problem.New(problem.DidYouMean(o.service, inventory.Names(inv.Services)), "unknown service %q", o.service)
	}
	if user == nil && o.user != "" {
		return nil, problem.New(problem.DidYouMean(o.user, inventory.Names(inv.Users)), "unknown user %q", o.user)
	}
	return &variables{inv.Vars(env, service, user), inv.Layers(env, service, user)}, nil
}

// trail reads VARIABLE.KEY.KEY, as it is in the variables. A key may have dots
// in it.
func (v *variables) trail(what string) ([]string, error) {
	what = strings.TrimPrefix(strings.TrimPrefix(what, ".Vars"), ".")
	var trail []string
	at := v.whole
	for rest := what; rest != ""; {
		var keys []string
		found := ""
		for _, f := range at.Fields {
			key := f.Key.Text
			keys = append(keys, key)
			if (rest == key || strings.HasPrefix(rest, key+".")) && len(key) > len(found) {
				found = key
			}
		}
		if found == "" {
			key, _, _ := strings.Cut(rest, ".")
			hint := problem.DidYouMean(key, keys)
			if len(trail) == 0 {
				return nil, problem.New(hint, "unknown variable %q", key)
			}
			if at.Kind != manifest.Map {
				hint = strings.Join(trail, ".") + " is " + at.Kind.String()
			}
			return nil, problem.New(hint, "there is no %q in %s", key, strings.Join(trail, "."))
		}
		trail = append(trail, found)
		at, _ = at.Get(found)
		rest = strings.TrimPrefix(rest[len(found):], ".")
	}
	return trail, nil
}

// leaf is a value that is no map, and who has a say in it.
type leaf struct {
	name  string
	value manifest.Value
	says  []say // the weakest first
}

// say is what one layer says of a leaf.
type say struct {
	layer string
	value manifest.Value
	wins  bool
}

func (v *variables) leaves(trail []string) []leaf {
	value, _, _ := along(v.whole, trail)
	if value.Kind == manifest.Map && len(value.Fields) > 0 {
		var all []leaf
		for _, f := range value.Fields {
			all = append(all, v.leaves(append(slices.Clone(trail), f.Key.Text))...)
		}
		return all
	}
	l := leaf{name: strings.Join(trail, "."), value: value}
	winner := -1 // the last, where an alias has several say it at one place
	for _, layer := range v.layers {
		said, whole, ok := along(layer.Vars, trail)
		if !ok || !whole && said.Kind == manifest.Map {
			continue
		}
		if whole && said.Place == value.Place {
			winner = len(l.says)
		}
		l.says = append(l.says, say{layer: layer.What, value: said})
	}
	if winner >= 0 {
		l.says[winner].wins = true
	}
	return []leaf{l}
}

// along follows keys into a value. Whole is false where it ends early, at a value
// that has no such key; ok, where there is none at all.
func along(v manifest.Value, trail []string) (at manifest.Value, whole, ok bool) {
	for i, key := range trail {
		next, has := v.Get(key)
		if !has {
			return v, false, i > 0
		}
		v = next
	}
	return v, true, true
}

// place is where a leaf's value was written.
func (o *explainOptions) place(v manifest.Value) string { return o.placeInSource(v.Place).String() }

func (o *explainOptions) print(con *console.Console, leaves []leaf) error {
	w := tabwriter.NewWriter(con.Out, 0, 0, 3, ' ', 0)
	if o.all {
		for _, l := range leaves {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.name, short(l.value), o.place(l.value), l.winner())
		}
		return w.Flush()
	}
	for i, l := range leaves {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s is %s\n", l.name, short(l.value))
		for _, s := range l.says {
			verdict := "overridden"
			if s.wins {
				verdict = "wins"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", o.place(s.value), s.layer, short(s.value), verdict)
		}
	}
	return w.Flush()
}

func (l leaf) winner() string {
	for _, s := range l.says {
		if s.wins {
			return s.layer
		}
	}
	return ""
}

func short(v manifest.Value) string {
	text := []rune(v.String())
	if len(text) > 60 {
		return string(text[:59]) + "…"
	}
	return string(text)
}

// explainResult is what --output json prints.
type explainResult struct {
	Version   int            `json:"version"`
	Env       string         `json:"environment"`
	Service   string         `json:"service,omitempty"`
	User      string         `json:"user,omitempty"`
	Variables []variableSays `json:"variables"`
}

type variableSays struct {
	Name   string     `json:"name"`
	Value  any        `json:"value"`
	Layers []layerSay `json:"layers"`
}

type layerSay struct {
	Layer  string `json:"layer"`
	Value  any    `json:"value"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Wins   bool   `json:"wins"`
}

func (o *explainOptions) result(leaves []leaf) explainResult {
	r := explainResult{Version: 1, Env: o.env, Service: o.service, User: o.user, Variables: []variableSays{}}
	for _, l := range leaves {
		v := variableSays{Name: l.name, Value: l.value.Go(), Layers: []layerSay{}}
		for _, s := range l.says {
			at := o.placeInSource(s.value.Place)
			v.Layers = append(v.Layers, layerSay{s.layer, s.value.Go(), at.File, at.Line, at.Col, s.wins})
		}
		r.Variables = append(r.Variables, v)
	}
	return r
}
