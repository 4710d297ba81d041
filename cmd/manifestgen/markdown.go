package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"k8srepo/internal/console"
	"k8srepo/internal/problem"
	"k8srepo/internal/tree"
)

// maxMarkdown is how many characters a review has at most: a comment on GitHub takes
// 65,536, and whoever posts it may add a line.
const maxMarkdown = 59_000

// markdown returns a plan's review for a comment on a pull request.
func markdown(command string, plan *tree.Plan, dryRun bool) string {
	review := plan.Review()
	doc := document{limit: maxMarkdown}
	doc.add(fmt.Sprintf("**manifestgen %s**: %s\n", command, counts(plan, dryRun)))
	if len(plan.Changes) == 0 {
		return doc.String()
	}
	doc.addTallies("environment", review.Environments)
	doc.addTallies("template", review.Templates)
	for _, path := range review.Conflicts {
		doc.add("\nMerge conflict, resolved by rendering: " + code(path) + "\n")
	}
	for _, h := range review.Folded() {
		doc.addHunk(h)
	}
	var renames, removals []string
	for _, m := range review.Renames {
		line := "- " + code(m.From) + " → " + code(m.To)
		if m.Files > 1 {
			line += fmt.Sprintf(", and %d more likewise", m.Files-1)
		}
		renames = append(renames, line)
	}
	for _, path := range review.Removals {
		removals = append(removals, "- "+code(path))
	}
	doc.addList("renamed", renames)
	doc.addList("removed", removals)
	for _, n := range plan.Notices {
		doc.add("\n> " + console.Code(n) + "\n")
	}
	doc.sayLeft("`manifestgen check --full` shows everything")
	return doc.String()
}

// markdownFailure returns what is wrong for a comment on a pull request.
func markdownFailure(command string, err error) string {
	doc := document{limit: maxMarkdown}
	doc.add(fmt.Sprintf("**manifestgen %s**: failed\n\n", command))
	for _, p := range problem.All(err) {
		doc.add("- " + console.Code(p.Error()) + "\n")
	}
	doc.sayLeft("the log has all problems")
	return doc.String()
}

// document is Markdown of a limited size. Parts that do not fit are counted.
type document struct {
	text  strings.Builder
	size  int // in characters
	limit int // of size
	left  int // how many parts did not fit
}

func (d *document) String() string { return d.text.String() }

// add adds a part if it fits, and reports whether it did.
func (d *document) add(part string) bool {
	n := utf8.RuneCountInString(part)
	if d.size+n > d.limit {
		d.left++
		return false
	}
	d.size += n
	d.text.WriteString(part)
	return true
}

// sayLeft ends the document with how many parts are left out, if any, and where they are.
func (d *document) sayLeft(where string) {
	if d.left > 0 {
		fmt.Fprintf(&d.text, "\n%d more parts are left out: %s.\n", d.left, where)
	}
}

func (d *document) addTallies(what string, tallies []tree.Tally) {
	var b strings.Builder
	b.WriteString("\n| " + what + " | create | update | rename | remove |\n|---|---|---|---|---|\n")
	for _, t := range tallies {
		b.WriteString("| " + console.CodeCell(problem.Place{File: t.Name}.String()) + " |")
		for _, a := range tree.Actions {
			fmt.Fprintf(&b, " %d |", t.Counts[a])
		}
		b.WriteString("\n")
	}
	d.add(b.String())
}

func (d *document) addHunk(h tree.Hunk) {
	text := heading(h, code(hunkPlace(h).String()))
	lines, more := shortened(h.Lines)
	if lines == nil {
		d.add("\n" + text + "\n")
		return
	}
	if more > 0 {
		lines = append(lines[:len(lines):len(lines)], fmt.Sprintf("… %d more lines", more))
	}
	if h.Others > 0 {
		lines = append(lines[:len(lines):len(lines)], fmt.Sprintf("… %d more files differ here, each with values of its own", h.Others))
	}
	body := strings.Join(lines, "\n")
	f := fence(body)
	d.add("\n" + text + "\n\n" + f + "diff\n" + body + "\n" + f + "\n")
}

func (d *document) addList(what string, lines []string) {
	if len(lines) == 0 || !d.add(fmt.Sprintf("\n<details><summary>%d %s</summary>\n\n", len(lines), what)) {
		return
	}
	for _, line := range lines {
		d.add(line + "\n")
	}
	d.text.WriteString("\n</details>\n")
}

// fence returns what encloses a block of code: three backticks, or more where the code has three.
func fence(code string) string {
	f := "```"
	for strings.Contains(code, f) {
		f += "`"
	}
	return f
}

// code returns a path as a code span.
func code(path string) string { return console.Code(problem.Place{File: path}.String()) }
