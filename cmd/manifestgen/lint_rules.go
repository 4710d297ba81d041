package main

import (
	"cmp"
	"path"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/rules"
)

// collect keeps what the rules across objects need to know of an object; root is the argument
// that its file is in.
func (l *linter) collect(v manifest.Value, root string) {
	o := rules.Read(v)
	if o == nil {
		return
	}
	o.Namespace = cmp.Or(o.Namespace, l.namespace)
	o.Source, o.Unit = v.Place.File, root
	l.rules = append(l.rules, o)
}

// checkRules checks the rules across objects. The objects below one argument are taken for those of
// one cluster, unless an object is there twice, as in the overlays of several environments. Then
// each folder is taken for a cluster, and where a folder has an object twice, each of its files.
func (l *linter) checkRules() {
	inFolder := func(o *rules.Object) string { return o.Unit + "|" + path.Dir(o.Source) }
	twice, seen := map[string]bool{}, map[string]bool{}
	for _, o := range l.rules {
		for _, unit := range []string{o.Unit, inFolder(o)} {
			id := unit + "|" + o.Identity()
			twice[unit] = twice[unit] || seen[id]
			seen[id] = true
		}
	}
	var clusters []*rules.Cluster
	byUnit := map[string]*rules.Cluster{}
	for _, o := range l.rules {
		unit := o.Unit
		if twice[unit] {
			if unit = inFolder(o); twice[unit] {
				unit = o.Unit + "|" + o.Source
			}
		}
		c := byUnit[unit]
		if c == nil {
			c = &rules.Cluster{Whole: true, Open: true}
			byUnit[unit] = c
			clusters = append(clusters, c)
		}
		c.Objects = append(c.Objects, o)
	}
	for _, f := range rules.Check(clusters) {
		if p := ruleProblem(f); f.Error || l.strict {
			l.problems.Add(p)
		} else {
			l.warnings.Add(p)
		}
	}
	l.warnings.Sort()
}

// ruleProblem returns a finding in a file that was linted.
func ruleProblem(f rules.Finding) *problem.Problem {
	p := problem.At(f.Place, f.Hint, "%s", f.Message).WithCode(f.Rule.Code)
	p.Refused, p.Hidden = true, f.Hidden
	for _, also := range f.Also {
		p.Notes = append(p.Notes, problem.Note{Place: also.Place, Text: also.Text})
	}
	for _, note := range f.Notes {
		p.Notes = append(p.Notes, problem.Note{Text: note})
	}
	return p
}
