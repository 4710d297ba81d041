package inventory

import (
	"cmp"
	"slices"
	"strings"

	"k8srepo/internal/problem"
)

// checkAfter reports an environment whose deploy.after can never be met: it names the
// environment itself, one that is abstract, or one that waits for this one in turn. Load
// returns an environment by its name, nil where there is none, as for "".
func (l *loader) checkAfter(e *Environment, load func(name string) *Environment) {
	line := []*Environment{e}
	for {
		next := load(line[len(line)-1].Deploy.After)
		switch {
		case next == nil:
			return
		case len(line) == 1 && next.Abstract:
			l.report(problem.NotValid, e.afterPlace(), "name an environment that has manifests, or take out the line after:", "deploy.after names %s, which is abstract: nothing runs there", next.Name)
			return
		case next.Name == e.Name:
			l.reportAfter(line)
			return
		case slices.ContainsFunc(line, func(other *Environment) bool { return other.Name == next.Name }):
			return // a circle that e only leads to
		}
		line = append(line, next)
	}
}

// reportAfter reports environments that are each deployed after the next, and the last
// after the first: at the first by name, so that it is one problem whichever it is found from.
func (l *loader) reportAfter(circle []*Environment) {
	e := circle[0]
	switch {
	case e.Abstract: // nothing is deployed to it; what extends it is reported
	case len(circle) > 1:
		names := Names(circle)
		first := slices.Index(names, slices.Min(names))
		names = slices.Concat(names[first:], names[:first+1])
		l.report(problem.Circle, circle[first].afterPlace(), "take out one of these lines after:", "environments are deployed after each other in a circle: %s", strings.Join(names, " → "))
	case e.afterPlace().File != e.Place.File:
		l.report(problem.Circle, e.afterPlace(), "write after: in the files of the environments that come after "+e.Name, "the environment %s inherits this, and is deployed after itself", e.Name)
	default:
		l.report(problem.Circle, e.afterPlace(), "name another environment, or take out the line after:", "the environment %s is deployed after itself", e.Name)
	}
}

// afterPlace returns where the environment's deploy.after is set.
func (e *Environment) afterPlace() problem.Place {
	return cmp.Or(e.Source.At("deploy", "after").Place, e.Place)
}
