package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/tree"
)

// renderResult is what --output json prints. Version grows when a field changes
// its meaning or goes.
type renderResult struct {
	Version   int               `json:"version"`
	Command   string            `json:"command"`
	DryRun    bool              `json:"dry_run"`
	Edited    []fileChange      `json:"edited,omitempty"`   // files of the inventory
	Undecided []undecidedResult `json:"undecided,omitzero"` // of env add: what is left to decide
	Changes   []fileChange      `json:"changes"`            // manifests
	Unchanged int               `json:"unchanged"`          // how many manifests stay as they are
	Review    *reviewResult     `json:"review,omitempty"`   // on a dry run
	Notices   []string          `json:"notices"`            // what is worth knowing, and no problem
	Warnings  []console.Problem `json:"warnings"`           // what does not stop it
	Problems  []console.Problem `json:"problems"`
}

// undecidedResult is a value that a new environment has from the one that it is like.
type undecidedResult struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

type fileChange struct {
	Action   tree.Action `json:"action"` // create, update, rename or remove
	Path     string      `json:"path"`
	From     string      `json:"from,omitempty"`     // of a rename
	Conflict bool        `json:"conflict,omitempty"` // rendering resolves a merge conflict
	Diff     string      `json:"diff,omitempty"`     // on a dry run
}

// reviewResult are the changes by their distinct differences: see tree.Review.
type reviewResult struct {
	Counts       actionCounts            `json:"counts"`
	Environments map[string]actionCounts `json:"environments"`
	Templates    map[string]actionCounts `json:"templates"`
	Groups       []groupResult           `json:"groups"`
}

type actionCounts struct {
	Create int `json:"create"`
	Update int `json:"update"`
	Rename int `json:"rename"`
	Remove int `json:"remove"`
}

func countsOf(t tree.Tally) actionCounts {
	return actionCounts{t.Counts[tree.Create], t.Counts[tree.Update], t.Counts[tree.Rename], t.Counts[tree.Remove]}
}

// groupResult is a difference that one file has, or many.
type groupResult struct {
	Action       tree.Action `json:"action"`
	Template     string      `json:"template"`
	Files        int         `json:"files"`
	Environments []string    `json:"environments"`
	Path         string      `json:"path"` // an example
	Line         int         `json:"line"`
	Diff         string      `json:"diff"` // "" where only the header differs
}

// report prints what a run changed or would change, and returns its error err, with what went
// wrong in printing it. The plan may be nil where there is an error.
func report(con *console.Console, command string, o renderOptions, plan *tree.Plan, err error) error {
	status := problem.ExitStatus(err)
	done := plan != nil && (status == problem.ExitDone || status == problem.ExitRefused && o.dryRun)
	if !done {
		plan, o.edited = &tree.Plan{}, nil
	}
	if outputErr := con.Outputs(stepOutputs(command, plan, status, len(o.edited) > 0)); outputErr != nil {
		err = errors.Join(err, problem.New("", "the outputs of the step cannot be written: %v", outputErr))
	}
	var left []inventory.Undecided
	if err == nil {
		left, err = o.undecided()
	}
	if o.output == "json" {
		result := resultOf(command, o, plan, err)
		result.Undecided = undecidedResults(left)
		return errors.Join(err, con.JSON(result))
	}
	if o.dryRun && o.output == "text" {
		for _, c := range o.shownEdits() {
			con.Diff(c.Unified())
		}
	}
	switch {
	case o.output == "markdown" && !done:
		con.Printf("%s", markdownFailure(command, err))
	case o.output == "markdown":
		con.Printf("%s", markdown(command, plan, o.dryRun))
	case !o.dryRun:
		for _, c := range slices.Concat(o.shownEdits(), plan.Changes) {
			con.Printf("%s %s\n", c.Action, described(c))
		}
	case len(plan.Changes) > 0:
		printReview(con, plan, o.full)
	}
	for _, n := range plan.Notices {
		con.Notice(n)
	}
	if err == nil && o.output == "text" && (!o.dryRun || len(plan.Changes) == 0) {
		con.Printf("%s\n", counts(plan, o.dryRun))
	}
	if err == nil && len(left) > 0 {
		con.Printf("left to decide, as it is in %s:\n", o.newEnvironment.From)
		for _, u := range left {
			con.Printf("  %s: %s: %s\n", u.Place, u.Path, u.Text)
		}
	}
	con.Warnings(o.warnings) // last: what is left to decide, such as a domain, may be their cause
	return err
}

// undecidedResults returns the values of a new environment that are left to decide; nil where
// there is no new environment.
func undecidedResults(left []inventory.Undecided) []undecidedResult {
	if left == nil {
		return nil
	}
	results := make([]undecidedResult, len(left))
	for i, u := range left {
		results[i] = undecidedResult{u.Path, u.Text, u.Place.File, u.Place.Line, u.Place.Col}
	}
	return results
}

func resultOf(command string, o renderOptions, plan *tree.Plan, err error) renderResult {
	result := renderResult{Version: 1, Command: command, DryRun: o.dryRun, Changes: []fileChange{}, Unchanged: plan.Unchanged,
		Notices: append([]string{}, plan.Notices...), Problems: console.JSONProblems(err), Warnings: console.JSONProblems(o.warnings.Err())}
	changesOf := func(list []tree.Change) (changes []fileChange) {
		for _, c := range list {
			change := fileChange{Action: c.Action, Path: c.Path, From: c.From, Conflict: c.Conflict}
			if o.dryRun {
				change.Diff = string(c.Unified())
			}
			changes = append(changes, change)
		}
		return changes
	}
	result.Edited = changesOf(o.shownEdits())
	result.Changes = append(result.Changes, changesOf(plan.Changes)...)
	if o.dryRun {
		review := plan.Review()
		r := &reviewResult{Counts: countsOf(review.Total), Environments: countsByName(review.Environments), Templates: countsByName(review.Templates), Groups: []groupResult{}}
		for _, h := range review.Hunks {
			r.Groups = append(r.Groups, groupResult{h.Action, h.Template, h.Files, h.Environments, h.Path, h.Line, hunkText(h)})
		}
		result.Review = r
	}
	return result
}

func countsByName(tallies []tree.Tally) map[string]actionCounts {
	m := map[string]actionCounts{}
	for _, t := range tallies {
		m[t.Name] = countsOf(t)
	}
	return m
}

// described returns a change's path, with what is special about it.
func described(c tree.Change) string {
	text := problem.Place{File: c.Path}.String()
	if c.From != "" {
		text = problem.Place{File: c.From}.String() + " to " + text
	}
	if c.Conflict {
		text += " (merge conflict resolved)"
	}
	return text
}

// verbs say what was done, or is to be done.
var verbs = map[bool]map[tree.Action]string{
	false: {tree.Create: "created", tree.Update: "updated", tree.Remove: "removed", tree.Rename: "renamed"},
	true:  {tree.Create: "to create", tree.Update: "to update", tree.Remove: "to remove", tree.Rename: "to rename"},
}

// counts returns the line that sums a plan up. Renames are named where there are any.
func counts(plan *tree.Plan, dryRun bool) string {
	text := ""
	for _, a := range []tree.Action{tree.Create, tree.Update, tree.Remove, tree.Rename} {
		if n := plan.Count(a); n > 0 || a != tree.Rename {
			text += fmt.Sprintf("%d %s, ", n, verbs[dryRun][a])
		}
	}
	return text + fmt.Sprintf("%d unchanged", plan.Unchanged)
}

// maxTallies is how many environments, and how many templates, are counted in the text.
const maxTallies = 4

// printReview prints the counts, and each distinct difference once; or if full, the
// whole diff of each file.
func printReview(con *console.Console, plan *tree.Plan, full bool) {
	review := plan.Review()
	con.Printf("%s\n", counts(plan, true))
	for _, tallies := range [][]tree.Tally{review.Environments, review.Templates} {
		for i, t := range tallies {
			if i == maxTallies && len(tallies) > maxTallies+1 {
				con.Printf("  … and %d more\n", len(tallies)-i)
				break
			}
			con.Printf("  %s: %s\n", t.Name, tallyText(t))
		}
	}
	if full {
		for _, c := range plan.Changes {
			con.Diff(c.Unified())
		}
		return
	}
	for _, path := range review.Conflicts {
		con.Printf("\nmerge conflict, resolved by rendering: %s\n", problem.Place{File: path})
	}
	for _, h := range review.Folded() {
		con.Printf("\n%s\n", heading(h, hunkPlace(h).String()))
		lines, more := shortened(h.Lines)
		for _, line := range lines {
			con.Diff([]byte(line + "\n"))
		}
		if more > 0 {
			con.Printf("… %d more lines (--full shows them)\n", more)
		}
		if h.Others > 0 {
			con.Printf("… %d more files differ here, each with values of its own (--full shows them)\n", h.Others)
		}
	}
	if len(review.Renames)+len(review.Removals) > 0 {
		con.Printf("\n")
	}
	for _, m := range review.Renames {
		con.Printf("rename %s\n", renameText(m))
	}
	for _, path := range review.Removals {
		con.Printf("remove %s\n", problem.Place{File: path})
	}
}

func tallyText(t tree.Tally) string {
	var parts []string
	for _, a := range tree.Actions {
		if n := t.Counts[a]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, verbs[true][a]))
		}
	}
	return strings.Join(parts, ", ")
}

// hunkPlace returns where a hunk is; a new file as a whole.
func hunkPlace(h tree.Hunk) problem.Place {
	if h.Action == tree.Create {
		return problem.Place{File: h.Path}
	}
	return problem.Place{File: h.Path, Line: h.Line}
}

// heading says in how many files a hunk is, and where in one.
func heading(h tree.Hunk, place string) string {
	kind := "file"
	if h.Action == tree.Create {
		kind = "new file"
	}
	text := "1 " + kind + ", " + place
	if h.Files > 1 {
		text = fmt.Sprintf("%d %ss, such as %s", h.Files, kind, place)
	}
	if len(h.Environments) > 1 {
		text += " (" + strings.Join(h.Environments, ", ") + ")"
	}
	if h.Lines == nil {
		text += ": only the header changes"
	}
	return text
}

func renameText(m tree.Moved) string {
	text := problem.Place{File: m.From}.String() + " to " + problem.Place{File: m.To}.String()
	if m.Files > 1 {
		text += fmt.Sprintf(", and %d more likewise", m.Files-1)
	}
	return text
}

// maxHunkLines is how many lines of a hunk are shown.
const maxHunkLines = 30

func shortened(lines []string) (shown []string, more int) {
	if len(lines) <= maxHunkLines+1 {
		return lines, 0
	}
	return lines[:maxHunkLines], len(lines) - maxHunkLines
}

func hunkText(h tree.Hunk) string {
	if h.Lines == nil {
		return ""
	}
	return strings.Join(h.Lines, "\n") + "\n"
}

// stepOutputs returns the outputs of a step in GitHub Actions. The result is clean or
// drift (check), changed or unchanged (render), or failed; with --dry-run,
// changed means that there is something to change.
func stepOutputs(command string, plan *tree.Plan, status int, edited bool) []console.Output {
	result := "failed"
	changes := edited || len(plan.Changes) > 0
	switch check := command == "check"; {
	case status == problem.ExitDone && check:
		result = "clean"
	case status == problem.ExitRefused && check && changes:
		result = "drift"
	case status == problem.ExitDone && changes:
		result = "changed"
	case status == problem.ExitDone:
		result = "unchanged"
	}
	return []console.Output{
		{Name: "result", Value: result},
		{Name: "created", Value: fmt.Sprint(plan.Count(tree.Create))},
		{Name: "updated", Value: fmt.Sprint(plan.Count(tree.Update))},
		{Name: "removed", Value: fmt.Sprint(plan.Count(tree.Remove))},
		{Name: "renamed", Value: fmt.Sprint(plan.Count(tree.Rename))},
	}
}
