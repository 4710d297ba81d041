package main

import (
	"errors"

	"k8srepo/internal/console"
	"k8srepo/internal/problem"
	"k8srepo/internal/tree"
)

// renderResult is what --output json prints. Version grows when a field changes
// its meaning or goes.
type renderResult struct {
	Version   int               `json:"version"`
	Command   string            `json:"command"`
	DryRun    bool              `json:"dry_run"`
	Changes   []fileChange      `json:"changes"`
	Unchanged int               `json:"unchanged"`
	Notices   []string          `json:"notices"`
	Problems  []console.Problem `json:"problems"`
}

type fileChange struct {
	Action tree.Action `json:"action"`
	Path   string      `json:"path"`
	Diff   string      `json:"diff,omitempty"` // on a dry run
}

// report shows what came of it. The error is err.
func report(con *console.Console, command string, o renderOptions, plan *tree.Plan, err error) error {
	status := problem.ExitStatus(err)
	if show := status == problem.ExitDone || status == problem.ExitRefused && o.dryRun; !show {
		plan = &tree.Plan{} // nothing was done
	}
	if o.output == "json" {
		result := renderResult{Version: 1, Command: command, DryRun: o.dryRun, Changes: []fileChange{}, Unchanged: plan.Unchanged,
			Notices: append([]string{}, plan.Notices...), Problems: console.JSONProblems(err)}
		for _, c := range plan.Changes {
			change := fileChange{Action: c.Action, Path: c.Path}
			if o.dryRun {
				change.Diff = string(c.Unified())
			}
			result.Changes = append(result.Changes, change)
		}
		return errors.Join(err, con.JSON(result))
	}
	for _, c := range plan.Changes {
		if o.dryRun {
			con.Diff(c.Unified())
		} else {
			con.Printf("%s %s\n", c.Action, problem.Place{File: c.Path})
		}
	}
	for _, n := range plan.Notices {
		con.Notice(n)
	}
	if err == nil {
		verb := map[bool][3]string{false: {"created", "updated", "removed"}, true: {"to create", "to update", "to remove"}}[o.dryRun]
		con.Printf("%d %s, %d %s, %d %s, %d unchanged\n", plan.Count(tree.Create), verb[0], plan.Count(tree.Update), verb[1],
			plan.Count(tree.Remove), verb[2], plan.Unchanged)
	}
	return err
}
