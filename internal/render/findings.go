package render

import (
	"fmt"
	"regexp"
	"slices"

	"k8srepo/internal/problem"
)

// findings are problems that many files share: one template line that is wrong
// for three thousand users is one problem, with a count and an example.
type findings struct{ list []*finding }

type finding struct {
	problem  *problem.Problem
	kind     string // its message, less what is quoted in it
	examples []string
}

// quoted are the parts of a message that differ from file to file.
var quoted = regexp.MustCompile(`"(\\.|[^"])*"`)

func (f *findings) add(p *problem.Problem, example string) {
	kind := quoted.ReplaceAllString(p.Message, "")
	for _, known := range f.list {
		if known.problem.Place == p.Place && known.kind == kind {
			known.examples = append(known.examples, example)
			return
		}
	}
	f.list = append(f.list, &finding{p, kind, []string{example}})
}

func (f *findings) problems() problem.List {
	var problems problem.List
	for _, one := range f.list {
		p := *one.problem
		slices.Sort(one.examples)
		more := ""
		if n := len(one.examples) - 1; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		p.Message += " (for " + one.examples[0] + more + ")"
		problems.Add(&p)
	}
	return problems
}

func (r *renderer) find(j job, p *problem.Problem) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.findings.add(p, j.subject.String())
}
