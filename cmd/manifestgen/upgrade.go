package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"k8srepo/internal/console"
	"k8srepo/internal/problem"
	"k8srepo/internal/render"
	"k8srepo/internal/validate"
)

// upgradeResult is what check --kubernetes prints with --output json.
type upgradeResult struct {
	Version    int               `json:"version"`
	Command    string            `json:"command"`
	Kubernetes string            `json:"kubernetes"`
	Breaks     []upgradeFinding  `json:"breaks"`
	Warnings   []upgradeFinding  `json:"warnings"`
	Problems   []console.Problem `json:"problems"` // why it could not be told
}

// upgradeFinding is what a minor refuses, or warns of, in all files that share the cause.
type upgradeFinding struct {
	Code         problem.Code `json:"code"`
	File         string       `json:"file"` // the template
	Line         int          `json:"line,omitempty"`
	Environments []string     `json:"environments"`
	Files        int          `json:"files"`
	Message      string       `json:"message"`
	Hint         string       `json:"hint,omitempty"`
}

// upgrade says what a minor would refuse of the manifests as they are rendered.
func upgrade(con *console.Console, o renderOptions) error {
	if err := o.validate(); err != nil {
		return err
	}
	con.Source = sourceFS{folder: o.source}
	result := upgradeResult{Version: 1, Command: "check", Kubernetes: o.kubernetes, Breaks: []upgradeFinding{}, Warnings: []upgradeFinding{}}
	refused, warned, err := o.findingsOf()
	if err == nil {
		result.Breaks, result.Warnings = o.upgradeFindings(refused), o.upgradeFindings(warned)
		if n := len(result.Breaks); n > 0 {
			err = problem.Refuse("", "Kubernetes %s refuses %s", o.kubernetes, count(n, "thing"))
		}
	}
	if o.output == "json" {
		result.Problems = console.JSONProblems(err)
		return errors.Join(err, con.JSON(result))
	}
	if err != nil && len(result.Breaks) == 0 {
		return err
	}
	result.print(con)
	return err
}

// findingsOf renders, and validates for o.kubernetes.
func (o *renderOptions) findingsOf() (refused, warned []render.Finding, err error) {
	inv, templates, err := o.load()
	if err != nil {
		return nil, nil, err
	}
	envs, err := o.environments(inv)
	if err != nil {
		return nil, nil, err
	}
	manifests, err := render.Render(templates, inv, envs)
	if err != nil {
		return nil, nil, o.inSource(err)
	}
	definitions, err := o.definitions()
	if err != nil {
		return nil, nil, err
	}
	v, err := validate.New(o.kubernetes, definitions)
	if err != nil {
		return nil, nil, err
	}
	all := make([]int, len(manifests))
	for i := range manifests {
		all[i] = i
	}
	refused, warned = validateAll(v, inv, manifests, all, nil)
	return refused, warned, nil
}

// upgradeFindings joins the findings that share a line of a template and a message.
func (o *renderOptions) upgradeFindings(found []render.Finding) []upgradeFinding {
	list := []upgradeFinding{}
	for _, group := range render.Groups(found) {
		p := group[0].Manifest.Problem(group[0].Line, "", "")
		place := o.placeInSource(p.Place)
		one := upgradeFinding{Code: group[0].Code, File: place.File, Line: place.Line, Files: len(group), Message: group[0].Message, Hint: group[0].Hint}
		for _, f := range group {
			if !slices.Contains(one.Environments, f.Manifest.Env) {
				one.Environments = append(one.Environments, f.Manifest.Env)
			}
		}
		slices.Sort(one.Environments)
		list = append(list, one)
	}
	return list
}

func (r *upgradeResult) print(con *console.Console) {
	if len(r.Breaks)+len(r.Warnings) == 0 {
		con.Printf("Kubernetes %s takes all manifests\n", r.Kubernetes)
		return
	}
	w := tabwriter.NewWriter(con.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "%s\tTEMPLATE\tENVIRONMENTS\tFILES\tWHAT\n", "ON "+r.Kubernetes)
	for kind, list := range [][]upgradeFinding{r.Breaks, r.Warnings} {
		for _, f := range list {
			what := f.Message
			if f.Hint != "" {
				what += " (" + f.Hint + ")"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", []string{"breaks", "warns"}[kind], problem.Place{File: f.File, Line: f.Line},
				strings.Join(f.Environments, ", "), f.Files, strings.ReplaceAll(what, "\n", " "))
		}
	}
	_ = w.Flush()
}
