package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/rules"
	"k8srepo/internal/trace"
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
		Description: `Shows every place that sets a variable, lowest precedence first, and which of them
wins: the default, the service's vars, those of the environment and of what it
extends, the environment's for the service, the user's. A null that removes a key
and a {} that empties a map are shown like any other value.

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
	if err := o.validate("text", "json"); err != nil {
		return err
	}
	if codeForm.MatchString(o.what) {
		return explainCode(con, problem.Code(strings.ToUpper(o.what)), o.output)
	}
	con.Source = sourceFS{folder: o.source}
	inv, err := o.inventory()
	if codeLike.MatchString(o.what) && (err != nil || !isVariable(inv, o.what)) {
		return unknownCode(strings.ToUpper(o.what))
	}
	if err != nil {
		return err
	}
	v, err := o.variables(inv)
	if err != nil {
		return err
	}
	leaves := v.All()
	if !o.all {
		paths, err := v.Paths(o.what)
		if err != nil {
			return err
		}
		leaves = nil
		for _, path := range paths {
			leaves = append(leaves, v.Leaves(path)...)
		}
	}
	if o.output == "json" {
		return con.JSON(o.result(leaves))
	}
	return o.print(con, leaves)
}

// codeForm matches a code. What only codeLike matches is a variable where there is one of that
// name, else a misspelt code.
var (
	codeForm = lazyregexp.New(`(?i)^MG\d{3}$`)
	codeLike = lazyregexp.New(`(?i)^MG\d+$`)
)

// codeResult is what --output json prints of a code.
type codeResult struct {
	Version int          `json:"version"`
	Code    problem.Code `json:"code"`
	Title   string       `json:"title"`
	Text    string       `json:"text"` // Markdown
}

// explainCode prints what a code means.
func explainCode(con *console.Console, code problem.Code, output string) error {
	for _, e := range explanations() {
		if e.Code != code {
			continue
		}
		if output == "json" {
			return con.JSON(codeResult{1, e.Code, e.Title, e.Text})
		}
		con.Printf("%s: %s\n\n%s\n", e.Code, e.Title, e.Text)
		return nil
	}
	return unknownCode(string(code))
}

func isVariable(inv *inventory.Inventory, name string) bool {
	_, ok := inv.Defaults.Get(name)
	return ok
}

// unknownCode returns the problem of MG and some digits that are no code: it names the codes whose
// numbers are nearest. Digits that are missing count as 0, and those behind the third do not count.
func unknownCode(code string) error {
	number := func(code string) int {
		n, _ := strconv.Atoi((strings.TrimPrefix(code, "MG") + "00")[:3])
		return n
	}
	var known []string
	for _, e := range explanations() {
		known = append(known, string(e.Code))
	}
	distance := func(other string) int { return max(number(other)-number(code), number(code)-number(other)) }
	slices.SortStableFunc(known, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	return problem.New("closest matches: "+strings.Join(known[:3], ", "), "unknown code %q", code)
}

// explanations returns those of all codes, in their order.
func explanations() []problem.Explanation {
	list := problem.Explanations()
	for _, rule := range rules.Rules() {
		list = append(list, rule.Explanation())
	}
	slices.SortFunc(list, func(a, b problem.Explanation) int { return strings.Compare(string(a.Code), string(b.Code)) })
	return list
}

func (o *explainOptions) variables(inv *inventory.Inventory) (*trace.Variables, error) {
	var concrete []string
	for _, e := range inv.Environments {
		if !e.Abstract {
			concrete = append(concrete, e.Name)
		}
	}
	if o.env == "" {
		return nil, problem.New("valid values: "+strings.Join(concrete, ", "), "pass --env: a variable has a value in each environment")
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
	return trace.NewVariables(inv, env, service, user), nil
}

// place returns where a value was written.
func (o *explainOptions) place(v manifest.Value) string { return o.placeInSource(v.Place).String() }

func (o *explainOptions) print(con *console.Console, leaves []trace.Leaf) error {
	w := tabwriter.NewWriter(con.Out, 0, 0, 3, ' ', 0)
	if o.all {
		for _, l := range leaves {
			winner := l.Winner()
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Name(), short(l.Value), o.place(winner.Value), winner.Layer)
		}
		return w.Flush()
	}
	for i, l := range leaves {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if l.Value.Kind == manifest.Null {
			fmt.Fprintf(w, "%s is not set\n", l.Name())
		} else {
			fmt.Fprintf(w, "%s is %s\n", l.Name(), short(l.Value))
		}
		for _, s := range l.Layers {
			verdict := "overridden"
			if s.Wins {
				verdict = "wins"
			}
			value := short(s.Value)
			if len(s.Path) < len(l.Path) { // it takes away what the leaf is in
				value = strings.Join(s.Path, ".") + ": " + value
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", o.place(s.Value), s.Layer, value, verdict)
		}
	}
	return w.Flush()
}

// short returns a value as YAML, cut to a length that fits into a table.
func short(v manifest.Value) string { return problem.Cut(v.String(), 60) }

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
	Sets   string `json:"sets,omitempty"` // what the variable is in, where the layer takes that away
	Value  any    `json:"value"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Wins   bool   `json:"wins"`
}

func (o *explainOptions) result(leaves []trace.Leaf) explainResult {
	r := explainResult{Version: 1, Env: o.env, Service: o.service, User: o.user, Variables: []variableSays{}}
	for _, l := range leaves {
		v := variableSays{Name: l.Name(), Value: l.Value.Go(), Layers: []layerSay{}}
		for _, s := range l.Layers {
			at := o.placeInSource(s.Value.Place)
			say := layerSay{Layer: s.Layer, Value: s.Value.Go(), File: at.File, Line: at.Line, Column: at.Col, Wins: s.Wins}
			if len(s.Path) < len(l.Path) {
				say.Sets = strings.Join(s.Path, ".")
			}
			v.Layers = append(v.Layers, say)
		}
		r.Variables = append(r.Variables, v)
	}
	return r
}
