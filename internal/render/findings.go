package render

import (
	"fmt"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

// findings are problems that many files share: one template line that is wrong
// for three thousand users is one problem, with a count and an example.
type findings struct{ list []*finding }

type finding struct {
	problem  *problem.Problem
	kind     string // its message, less what is quoted in it
	example  string // the first by name
	count    int
	addNotes func(*problem.Problem) // adds what led to the example
}

// quoted are the parts of a message that differ from file to file.
var quoted = lazyregexp.New(`"(\\.|[^"])*"`)

// add adds a problem of a file, and returns what it is counted in.
func (f *findings) add(p *problem.Problem, example string, addNotes func(*problem.Problem)) *finding {
	kind := quoted.ReplaceAllString(p.Message, "")
	for _, known := range f.list {
		if known.problem.Place == p.Place && known.kind == kind {
			known.count++
			if example < known.example { // whichever was found first, the same one is reported
				known.problem, known.example, known.addNotes = p, example, addNotes
			}
			return known
		}
	}
	added := &finding{p, kind, example, 1, addNotes}
	f.list = append(f.list, added)
	return added
}

func (f *findings) problems() problem.List {
	var problems problem.List
	for _, one := range f.list {
		p := *one.problem
		more := ""
		if one.count > 1 {
			more = fmt.Sprintf(" and %d more", one.count-1)
		}
		p.Message += " (for " + one.example + more + ")"
		one.addNotes(&p)
		problems.Add(&p)
	}
	return problems
}

func (r *renderer) find(j job, p *problem.Problem, addNotes func(*problem.Problem)) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.findings.add(p, j.subject.String(), addNotes)
}
