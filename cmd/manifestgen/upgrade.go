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
	if err := o.validateUpgrade(); err != nil {
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
	switch failed := err != nil && len(result.Breaks) == 0; {
	case o.output == "markdown" && failed:
		con.Printf("%s", markdownFailure("check", err))
	case o.output == "markdown":
		con.Printf("%s", result.markdown())
	case !failed:
		result.print(con)
	}
	return err
}

// validateUpgrade checks the flags. Those that mean something else than an upgrade's check are
// refused; --full asks for what it does: what an upgrade breaks is always shown whole.
func (o *renderOptions) validateUpgrade() error {
	for _, refused := range []struct {
		given      bool
		flag, hint string
	}{
		{o.today != "", "--today", "an upgrade is checked with the users of users.yaml as it is"},
		{o.noValidate, "--no-validate", "an upgrade is checked by validating"},
	} {
		if refused.given {
			return problem.New("leave out "+refused.flag+": "+refused.hint, "%s and --kubernetes cannot be used together", refused.flag)
		}
	}
	return o.validate("text", "json", "markdown")
}

// findingsOf renders, and validates for o.kubernetes. With o.strict a kind that is not known is
// refused.
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
	refused, warned = verdictsWith(definitions).validateAll(v, inv, manifests, all, nil)
	if o.strict {
		refused, warned = refuseUnchecked(refused, warned)
	}
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

// takesAll says that a minor neither refuses nor warns of anything.
const takesAll = "Kubernetes %s takes all manifests\n"

func (r *upgradeResult) print(con *console.Console) {
	if len(r.Breaks)+len(r.Warnings) == 0 {
		con.Printf(takesAll, r.Kubernetes)
		return
	}
	w := tabwriter.NewWriter(con.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "ON %s\tTEMPLATE\tENVIRONMENTS\tFILES\tWHAT\n", r.Kubernetes)
	for kind, list := range [][]upgradeFinding{r.Breaks, r.Warnings} {
		for _, f := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", upgradeKinds[kind], f.place(), strings.Join(f.Environments, ", "), f.Files, f.what())
		}
	}
	_ = w.Flush()
}

// markdown returns the findings for a comment on a pull request.
func (r *upgradeResult) markdown() string {
	doc := document{limit: maxMarkdown}
	if len(r.Breaks)+len(r.Warnings) == 0 {
		doc.add(fmt.Sprintf(takesAll, r.Kubernetes))
		return doc.String()
	}
	doc.add(fmt.Sprintf("| on %s | template | environments | files | what |\n|---|---|---|---|---|\n", console.Plain(r.Kubernetes)))
	for kind, list := range [][]upgradeFinding{r.Breaks, r.Warnings} {
		for _, f := range list {
			doc.add(fmt.Sprintf("| %s | %s | %s | %d | %s |\n", upgradeKinds[kind], console.CodeCell(f.place()), console.CodeCell(strings.Join(f.Environments, ", ")), f.Files, console.CodeCell(f.what())))
		}
	}
	doc.sayLeft("`-o json` has all")
	return doc.String()
}

// upgradeKinds are what a finding of upgradeResult.Breaks does, and one of upgradeResult.Warnings.
var upgradeKinds = [...]string{"breaks", "warns"}

func (f *upgradeFinding) place() string { return problem.Place{File: f.File, Line: f.Line}.String() }

// what returns the message and the hint on one line.
func (f *upgradeFinding) what() string {
	what := f.Message
	if f.Hint != "" {
		what += " (" + f.Hint + ")"
	}
	return strings.ReplaceAll(what, "\n", " ")
}
