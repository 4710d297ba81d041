package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8srepo/internal/problem"
)

// Finding is something that is wrong with a line of a manifest.
type Finding struct {
	Manifest *Manifest
	Line     int // of the manifest's text, counted from 1
	Code     problem.Code
	Message  string
	Hint     string
	Hidden   bool     // the line, and the values in it, may hold a secret
	Also     []Also   // other lines that have a part in it
	Remarks  []string // what else there is to say
}

// Also is a line of another manifest that has a part in a finding.
type Also struct {
	Manifest *Manifest
	Line     int
	Text     string
}

// Groups returns the findings in groups of those that share a template, a line and a message
// less what is quoted in it. A group is sorted by path.
func Groups(found []Finding) [][]Finding {
	groups := map[string][]Finding{}
	for _, f := range found {
		key := fmt.Sprintf("%s|%06d|%s", f.Manifest.Template, f.Line, quoted.ReplaceAllString(f.Message, ""))
		groups[key] = append(groups[key], f)
	}
	var list [][]Finding
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		group := groups[key]
		slices.SortFunc(group, func(a, b Finding) int { return strings.Compare(a.Manifest.Path, b.Manifest.Path) })
		list = append(list, group)
	}
	return list
}

// Problems reports findings at the lines of the templates that made them, each problem once however
// many manifests have it, with an example and what led to it.
func Problems(found []Finding) problem.List {
	var all findings
	for _, group := range Groups(found) { // the source map of one manifest serves for all of its group
		f := group[0]
		p := f.Manifest.Problem(f.Line, f.Hint, f.Message).WithCode(f.Code)
		p.Hidden = f.Hidden
		addNotes := func(p *problem.Problem) { p.Notes = f.notes() }
		for range group {
			all.add(p, f.Manifest.Path, addNotes)
		}
	}
	return all.problems()
}

// notes returns what led to a finding: the values in its line, the other lines that have a
// part in it, and remarks.
func (f *Finding) notes() []problem.Note {
	list := f.Manifest.Notes(f.Line)
	if f.Hidden {
		list = f.Manifest.valueNames(f.Line)
	}
	for _, also := range f.Also {
		p := also.Manifest.Problem(also.Line, "", "")
		list = append(list, problem.Note{Place: p.Place, Text: also.Text + " (" + also.Manifest.Path + ")"})
	}
	for _, remark := range f.Remarks {
		list = append(list, problem.Note{Text: remark})
	}
	return list
}
