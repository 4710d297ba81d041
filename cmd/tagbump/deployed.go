package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/problem"
)

// deployResult is what deploy --output json prints, on success and on failure. Version
// grows when a field changes its meaning or goes; new fields may come at any time.
//
//	{
//	  "version": 1,
//	  "result": "changed",
//	  "environment": "dev",
//	  "branch": "main",
//	  "commit": "5d1c…",
//	  "old_tags": ["1f0c9ae"],
//	  "new_tag": "9f2c1ab",
//	  "files": ["dev/manifests/api/api-dev-deployment.yaml"],
//	  "images": [{"file": …, "line": 17, "column": 18, "container": "api", "old": "example.com/api:1f0c9ae", "new": "example.com/api:9f2c1ab"}],
//	  "superseded": [],
//	  "attempts": 1,
//	  "waited_seconds": 0,
//	  "notices": [],
//	  "problems": []
//	}
type deployResult struct {
	Version    int               `json:"version"`
	Result     string            `json:"result"` // changed, unchanged, superseded, held, proposed, planned (--dry-run) or failed
	Env        string            `json:"environment"`
	Branch     string            `json:"branch,omitempty"`              // none where it failed
	Commit     string            `json:"commit,omitempty"`              // where the result is changed or proposed
	Pull       string            `json:"pull_request,omitempty"`        // its URL
	Became     string            `json:"pull_request_result,omitempty"` // created, updated, untouched or declined
	PullBranch string            `json:"pull_request_branch,omitempty"` // with --dry-run: that it would be proposed on
	OldTags    []string          `json:"old_tags"`                      // tags or digests that ran before, each once
	NewTag     string            `json:"new_tag"`                       // or digest
	Files      []string          `json:"files"`                         // that change
	Images     []imageResult     `json:"images"`                        // all that were found; those that stay have old equal to new
	Mentions   []mentionResult   `json:"mentions"`                      // of the image with another tag, in places that are no images
	Superseded []imageResult     `json:"superseded"`                    // those that run something newer, and what they were to be
	Attempts   int               `json:"attempts"`                      // 0 where it failed before the first
	Waited     float64           `json:"waited_seconds"`                // between attempts
	Notices    []string          `json:"notices"`                       // what is worth knowing, and no problem
	Diff       string            `json:"diff,omitempty"`                // with --dry-run
	Problems   []console.Problem `json:"problems"`
}

func newDeployResult(o deployOptions, outcome *deploy.Outcome, err error) deployResult {
	r := deployResult{
		Version: 1, Result: outcome.Status, Env: o.Env, Branch: outcome.Branch, Commit: outcome.Commit, Pull: outcome.PullRequest, Became: outcome.Pull, PullBranch: outcome.PullBranch, NewTag: cmp.Or(outcome.NewTag, version(o.Selection)),
		OldTags:  append([]string{}, outcome.OldTags()...),
		Files:    []string{},
		Images:   imageResults(outcome.Images),
		Attempts: outcome.Attempts, Waited: outcome.Waited.Seconds(),
		Superseded: imageResults(outcome.Superseded),
		Mentions:   mentionResults(outcome.Mentions),
		Notices:    append([]string{}, outcome.Notices...),
		Problems:   console.JSONProblems(err),
	}
	for _, f := range outcome.Files {
		r.Files = append(r.Files, f.Path)
		if outcome.Status == deploy.Planned {
			r.Diff += string(unified(f))
		}
	}
	return r
}

func imageResults(images []bump.ImageChange) []imageResult {
	list := []imageResult{}
	for _, i := range images {
		list = append(list, imageResult{i.Place.File, i.Place.Line, i.Place.Col, i.Container, i.Old.String(), i.New.String()})
	}
	return list
}

// reportDeploy shows what came of it: on the terminal or as JSON, and to the
// steps and the page of the run in GitHub Actions. The error is err.
func reportDeploy(con *console.Console, o deployOptions, outcome *deploy.Outcome, err error) error {
	r := newDeployResult(o, outcome, err)
	for _, n := range r.Notices {
		con.Notice(n)
	}
	reportMentions(con, outcome.Mentions)
	told := errors.Join(
		con.Outputs([]console.Output{
			{Name: "result", Value: r.Result},
			{Name: "changed", Value: fmt.Sprint(r.Result == deploy.Changed)},
			{Name: "commit", Value: r.Commit},
			{Name: "pull-request", Value: r.Pull},
			{Name: "pull-request-state", Value: r.Became},
			{Name: "old-tags", Value: strings.Join(r.OldTags, " ")},
			{Name: "new-tag", Value: r.NewTag},
			{Name: "files", Value: strings.Join(r.Files, "\n")},
			{Name: "attempts", Value: fmt.Sprint(r.Attempts)},
		}),
		con.Summary(summaryOf(r, outcome)))
	if told != nil {
		told = problem.New("what it came to is "+r.Result, "GitHub Actions cannot be told: %v", told)
	}
	switch {
	case o.output == "json":
		told = errors.Join(told, con.JSON(r))
	case err == nil:
		printDeployed(con, r, outcome)
	}
	if err != nil {
		return err
	}
	return told
}

// printDeployed prints a line an image, and at the end one that says it all.
func printDeployed(con *console.Console, r deployResult, outcome *deploy.Outcome) {
	for _, i := range outcome.Images {
		if i.Changed() && (r.Result == deploy.Changed || r.Result == deploy.Proposed) {
			con.Printf("%s: %s → %s\n", i.Place, i.Old, strings.TrimPrefix(i.New.String(), i.Old.Name))
		}
	}
	for _, i := range outcome.Superseded {
		con.Printf("%s: %s stays: it is newer than %s\n", i.Place, i.Old, r.NewTag)
	}
	switch r.Result {
	case deploy.Changed:
		con.Printf("changed: %s in %s, by commit %s on %s%s\n", count(len(r.Files), "file"), r.Env, r.Commit, r.Branch, effort(outcome))
	case deploy.Planned:
		for _, f := range outcome.Files {
			con.Diff(unified(f))
		}
		if r.PullBranch != "" {
			con.Printf("to propose: %s in %s, by a pull request on %s to %s; nothing was pushed\n", count(len(r.Files), "file"), r.Env, r.PullBranch, r.Branch)
			return
		}
		con.Printf("to change: %s in %s, on %s; nothing was pushed\n", count(len(r.Files), "file"), r.Env, r.Branch)
	case deploy.Proposed:
		con.Printf("proposed: %s in %s, by %s%s\n", count(len(r.Files), "file"), r.Env, r.Pull, effort(outcome))
	case deploy.Superseded:
		if outcome.Changed() {
			con.Printf("superseded: %s proposes something newer than %s; nothing was done\n", r.Pull, r.NewTag)
			return
		}
		con.Printf("superseded: %s on %s runs something newer than %s; nothing was done\n", r.Env, r.Branch, r.NewTag)
	case deploy.Unchanged:
		if outcome.Note != "" {
			con.Printf("unchanged: %s\n", outcome.Note)
			return
		}
		if outcome.Changed() {
			con.Printf("unchanged: %s was not proposed for %s\n", r.NewTag, r.Env)
			return
		}
		con.Printf("unchanged: %s on %s runs %s already\n", r.Env, r.Branch, r.NewTag)
	}
}

// effort is what it took, where that is worth a word.
func effort(outcome *deploy.Outcome) string {
	if outcome.Attempts == 1 {
		return ""
	}
	return fmt.Sprintf(" (%s, %v of waiting)", count(outcome.Attempts, "attempt"), outcome.Waited.Round(100*time.Millisecond))
}

// summaryOf is the result as Markdown: a table, and the diff.
func summaryOf(r deployResult, outcome *deploy.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### tagbump: %s %s in %s\n\n", r.Result, markdown(r.NewTag), markdown(r.Env))
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "- **%s**", markdown(placed(p)))
		if p.Hint != "" {
			fmt.Fprintf(&b, ": %s", markdown(p.Hint))
		}
		b.WriteString("\n")
	}
	if len(r.Images) > 0 {
		b.WriteString("| file | container | before | after |\n|---|---|---|---|\n")
	}
	superseded := map[string]bool{}
	for _, i := range r.Superseded {
		superseded[fmt.Sprint(i.File, i.Line, i.Column)] = true
	}
	for _, i := range r.Images {
		after := "`" + i.New + "`"
		switch {
		case superseded[fmt.Sprint(i.File, i.Line, i.Column)]:
			after = "stays: it is newer"
		case i.Old == i.New:
			after = "as before"
		}
		fmt.Fprintf(&b, "| %s:%d | %s | `%s` | %s |\n", markdown(i.File), i.Line, markdown(i.Container), i.Old, after)
	}
	if r.Commit != "" {
		fmt.Fprintf(&b, "\nCommit %s on %s, in %s.\n", r.Commit, markdown(r.Branch), count(r.Attempts, "attempt"))
	}
	if r.Pull != "" {
		fmt.Fprintf(&b, "\n[Pull request](%s): %s.\n", r.Pull, cmp.Or(r.Became, r.Result))
	}
	for _, n := range r.Notices {
		fmt.Fprintf(&b, "\n> %s\n", markdown(n))
	}
	if diff := diffOf(outcome); diff != "" {
		fence := "```"
		for strings.Contains(diff, fence) {
			fence += "`"
		}
		fmt.Fprintf(&b, "\n<details><summary>diff</summary>\n\n%sdiff\n%s%s\n\n</details>\n", fence, diff, fence)
	}
	return b.String() + "\n"
}

// placed is a problem's message, with its place.
func placed(p console.Problem) string {
	at := problem.Place{File: p.File, Line: p.Line, Col: p.Column}
	if at.File == "" {
		return p.Message
	}
	return at.String() + ": " + p.Message
}

// diffOf is what changes, as far as a summary should hold it: a page may have a
// megabyte, and there may be other steps.
func diffOf(outcome *deploy.Outcome) string {
	const most = 100_000
	var b strings.Builder
	for n, f := range outcome.Files {
		diff := unified(f)
		if b.Len()+len(diff) > most {
			fmt.Fprintf(&b, "… and %s more\n", count(len(outcome.Files)-n, "file"))
			break
		}
		b.Write(diff)
	}
	return b.String()
}

func markdown(s string) string { return console.Plain(s) }
