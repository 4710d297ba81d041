package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/problem"
)

// report shows a result: as text or JSON, and to the steps and the page of the run in
// GitHub Actions. The error is err, what the command failed with.
func report(con *console.Console, format string, r *result, err error) error {
	r.Problems = console.JSONProblems(err)
	if err != nil && r.Result != deploy.Held {
		r.Result = deploy.Failed
	}
	for _, n := range r.Notices {
		con.Notice(n)
	}
	reportMentions(con, r.Mentions)
	reportErr := errors.Join(con.Outputs(r.outputs()), con.Summary(r.summary()))
	if reportErr != nil {
		reportErr = problem.New("the result is "+r.Result, "the outputs and the summary of the step cannot be written: %v", reportErr)
	}
	if format == "json" {
		if r.Result == deploy.Planned {
			for _, f := range r.changes {
				r.Diff += string(unified(f))
			}
		}
		reportErr = errors.Join(reportErr, con.JSON(r))
	} else {
		r.print(con, err == nil)
	}
	if err != nil {
		return err
	}
	return reportErr
}

// reportUsage hands what a command failed with before it had a result to the steps and the page
// of the run. The commands that only print have no result.
func reportUsage(con *console.Console, command string, err error) error {
	if command == "" || command == "completion" || command == "status" {
		return nil
	}
	r := newResult("", "")
	r.Problems = console.JSONProblems(err)
	return errors.Join(con.Outputs(r.outputs()), con.Summary(r.summary()))
}

// maxMentions is how many mentions are printed; --output json has all.
const maxMentions = 20

// reportMentions prints the places that name the image and were not edited.
func reportMentions(con *console.Console, mentions []mentionResult) {
	if len(mentions) == 0 {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "left as it is in %s:", count(len(mentions), "place"))
	for n, m := range mentions {
		if n == maxMentions {
			fmt.Fprintf(&b, "\n  and %d more; --output json has all", len(mentions)-n)
			break
		}
		fmt.Fprintf(&b, "\n  %s", m.shown)
	}
	con.Notice(b.String())
}

// outputs returns the outputs of a step in GitHub Actions.
func (r *result) outputs() []console.Output {
	return []console.Output{
		{Name: "result", Value: r.Result},
		{Name: "changed", Value: fmt.Sprint(r.anyChanged())},
		{Name: "commit", Value: r.Commit},
		{Name: "pull-request", Value: r.Pull},
		{Name: "pull-request-state", Value: r.Became},
		{Name: "old-tags", Value: strings.Join(r.OldTags, " ")},
		{Name: "new-tag", Value: r.NewTag},
		{Name: "files", Value: strings.Join(r.Files, "\n")},
		{Name: "attempts", Value: fmt.Sprint(r.Attempts)},
	}
}

// print prints the change, and at the end the result in one line; of a promotion, a line for
// each service.
func (r *result) print(con *console.Console, ok bool) {
	if r.Services != nil {
		r.printServices(con, ok)
		return
	}
	if !ok {
		return
	}
	for _, i := range r.Images {
		if i.Old != i.New && (r.Result == deploy.Changed || r.Result == deploy.Proposed) {
			con.Printf("%s: %s → %s\n", i.place(), i.Old, i.next)
		}
	}
	for _, i := range r.Superseded {
		con.Printf("%s: %s stays: it is newer than %s\n", i.place(), i.Old, r.NewTag)
	}
	if r.Result == deploy.Planned {
		for _, f := range r.changes {
			con.Diff(unified(f))
		}
	}
	line := r.line()
	if r.inFolder {
		line = r.folderLine()
	}
	con.Printf("%s\n", line)
}

// line returns the result of a change of a branch.
func (r *result) line() string {
	files := count(len(r.Files), "file")
	switch r.Result {
	case deploy.Changed:
		return fmt.Sprintf("changed: %s in %s, by commit %s on %s%s", files, r.Env, r.Commit, r.Branch, r.effort())
	case deploy.Planned:
		if r.PullBranch != "" {
			return fmt.Sprintf("to propose: %s in %s, by a pull request on %s to %s; nothing was pushed", files, r.Env, r.PullBranch, r.Branch)
		}
		return fmt.Sprintf("to change: %s in %s, on %s; nothing was pushed", files, r.Env, r.Branch)
	case deploy.Proposed:
		return fmt.Sprintf("proposed: %s in %s, by %s%s", files, r.Env, r.Pull, r.effort())
	case deploy.Superseded:
		if len(r.changes) > 0 {
			return fmt.Sprintf("superseded: %s proposes something newer than %s; nothing was done", r.Pull, r.NewTag)
		}
		return fmt.Sprintf("superseded: %s on %s runs something newer than %s; nothing was done", r.Env, r.Branch, r.NewTag)
	}
	switch {
	case r.note != "":
		return r.Result + ": " + r.note
	case len(r.changes) > 0:
		return fmt.Sprintf("%s: %s was not proposed for %s", r.Result, r.NewTag, r.Env)
	}
	return fmt.Sprintf("%s: %s on %s runs %s already", r.Result, r.Env, r.Branch, r.NewTag)
}

// folderLine returns the result of a change of a folder.
func (r *result) folderLine() string {
	changed := 0
	for _, i := range r.Images {
		if i.Old != i.New {
			changed++
		}
	}
	same := len(r.Images) - changed
	if changed == 0 {
		runs := "runs"
		if same != 1 {
			runs = "run"
		}
		return fmt.Sprintf("unchanged: %s in %s already %s %s", count(same, "image"), r.Env, runs, r.NewTag)
	}
	verb := "changed"
	if r.Result == deploy.Planned {
		verb = "to change"
	}
	line := fmt.Sprintf("%s: %s in %s", verb, count(changed, "image"), count(len(r.Files), "file"))
	if same > 0 {
		line += fmt.Sprintf("; %d already there", same)
	}
	return line
}

// effort returns how often a change was tried and how long it waited, "" for one attempt.
func (r *result) effort() string {
	if r.Attempts == 1 {
		return ""
	}
	waited := time.Duration(r.Waited * float64(time.Second))
	return fmt.Sprintf(" (%s, %v of waiting)", count(r.Attempts, "attempt"), waited.Round(100*time.Millisecond))
}

func (r *result) printServices(con *console.Console, ok bool) {
	for _, f := range r.changes {
		if r.DryRun {
			con.Diff(unified(f))
		}
	}
	for _, s := range r.Services {
		con.Printf("%s: %s\n", s.Service, s.line(r.To))
	}
	if len(r.Services) == 0 && ok {
		con.Printf("unchanged: no service runs in both %s and %s\n", r.From, r.To)
	}
}

// line returns what became of a service that was promoted to an environment.
func (s *serviceResult) line(to string) string {
	old := strings.Join(s.OldTags, ", ")
	switch s.Result {
	case deploy.Changed:
		return fmt.Sprintf("changed: %s → %s in %s, by commit %s on %s", old, s.Tag, to, s.Commit, s.Branch)
	case deploy.Planned:
		return fmt.Sprintf("to change: %s → %s in %s, on %s; nothing was pushed", old, s.Tag, to, s.Branch)
	case deploy.Superseded:
		return fmt.Sprintf("superseded: %s runs something newer than %s", to, s.Tag)
	case deploy.Unchanged:
		return fmt.Sprintf("unchanged: %s runs %s already", to, s.Tag)
	case deploy.Held:
		return fmt.Sprintf("held: it stays on %s in %s", old, to)
	case deploy.Proposed:
		return fmt.Sprintf("proposed: %s → %s in %s, by %s", old, s.Tag, to, s.Pull)
	}
	return "not promoted"
}

// summary returns the result as Markdown: tables, and the diff.
func (r *result) summary() string {
	var b strings.Builder
	if r.From != "" {
		fmt.Fprintf(&b, "### tagbump: promote %s to %s\n\n", console.Plain(r.From), console.Plain(r.To))
	} else {
		fmt.Fprintf(&b, "### tagbump: %s", strings.Join(strings.Fields(r.Result+" "+console.Plain(r.NewTag)), " "))
		if r.Env != "" {
			fmt.Fprintf(&b, " in %s", console.Plain(r.Env))
		}
		b.WriteString("\n\n")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "- **%s**", console.Plain(placed(p)))
		if p.Hint != "" {
			fmt.Fprintf(&b, ": %s", console.Plain(p.Hint))
		}
		b.WriteString("\n")
	}
	if r.Services == nil {
		r.imageTable(&b)
	} else {
		r.serviceTable(&b)
	}
	if r.Commit != "" {
		what := "Commit " + r.Commit + " on " + console.Plain(r.Branch)
		if commits := strings.Fields(r.Commit); len(commits) > 1 { // they may be on a branch each
			what = "Commits " + strings.Join(commits, ", ")
		}
		fmt.Fprintf(&b, "\n%s, in %s.\n", what, count(r.Attempts, "attempt"))
	}
	r.pullRequests(&b)
	for _, n := range r.Notices {
		fmt.Fprintf(&b, "\n> %s\n", console.Plain(n))
	}
	if diff := r.shortDiff(); diff != "" {
		fence := "```"
		for strings.Contains(diff, fence) {
			fence += "`"
		}
		fmt.Fprintf(&b, "\n<details><summary>diff</summary>\n\n%sdiff\n%s%s\n\n</details>\n", fence, diff, fence)
	}
	return b.String() + "\n"
}

func (r *result) imageTable(b *strings.Builder) {
	if len(r.Images) > 0 {
		b.WriteString("\n| file | container | before | after |\n|---|---|---|---|\n")
	}
	stays := map[problem.Place]bool{}
	for _, i := range r.Superseded {
		stays[i.place()] = true
	}
	for _, i := range r.Images {
		after := console.CodeCell(i.New)
		switch {
		case stays[i.place()]:
			after = "stays: it is newer"
		case i.Old == i.New:
			after = "as before"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", console.CodeCell(fmt.Sprintf("%s:%d", i.File, i.Line)), console.CodeCell(i.Container), console.CodeCell(i.Old), after)
	}
}

func (r *result) serviceTable(b *strings.Builder) {
	if len(r.Services) > 0 {
		b.WriteString("\n| service | tag | result | before | commit or pull request |\n|---|---|---|---|---|\n")
	}
	for _, s := range r.Services {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", console.CodeCell(s.Service), console.CodeCell(s.Tag), s.Result, console.CodeCell(strings.Join(s.OldTags, " ")), cmp.Or(s.Pull, s.Commit))
	}
}

// pullRequests writes what became of each pull request, each once: services may share one.
func (r *result) pullRequests(b *strings.Builder) {
	shown := map[string]bool{"": true} // most have none
	line := func(m *moved, result string) {
		if !shown[m.Pull] {
			shown[m.Pull] = true
			fmt.Fprintf(b, "\n[Pull request](%s): %s.\n", m.Pull, cmp.Or(m.Became, result))
		}
	}
	if r.Services == nil {
		line(&r.moved, r.Result)
	}
	for _, s := range r.Services {
		line(&s.moved, s.Result)
	}
}

// placed returns a problem's message, with its place.
func placed(p console.Problem) string {
	at := problem.Place{File: p.File, Line: p.Line, Col: p.Column}
	if at.File == "" {
		return p.Message
	}
	return at.String() + ": " + p.Message
}

// shortDiff returns the diff of as many files as a summary should hold: the page of a run
// has a megabyte for all steps.
func (r *result) shortDiff() string {
	const maxDiff = 100_000 // bytes
	var b strings.Builder
	for n, f := range r.changes {
		diff := unified(f)
		if b.Len()+len(diff) > maxDiff {
			fmt.Fprintf(&b, "… and %s more\n", count(len(r.changes)-n, "file"))
			break
		}
		b.Write(diff)
	}
	return b.String()
}

// count returns a number of things: 1 file, 2 files.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
