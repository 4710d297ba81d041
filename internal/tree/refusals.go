package tree

import (
	"fmt"

	"k8srepo/internal/problem"
)

// refusals collects problems. Those of many files that share a cause become one.
type refusals struct {
	order []string
	first map[string]*problem.Problem
	more  map[string][]problem.Place
}

// add adds a problem of one file.
func (r *refusals) add(p *problem.Problem) {
	if r.first == nil {
		r.first, r.more = map[string]*problem.Problem{}, map[string][]problem.Place{}
	}
	key := string(p.Code) + "|" + p.Message
	if r.first[key] == nil {
		r.order = append(r.order, key)
		r.first[key] = p
		return
	}
	r.more[key] = append(r.more[key], p.Place)
}

// maxNotes is how many of the other files are named.
const maxNotes = 20

// problems returns each cause once, with the other files that have it.
func (r *refusals) problems() problem.List {
	var list problem.List
	for _, key := range r.order {
		p, more := r.first[key], r.more[key]
		if len(more) > 0 {
			p.Message += fmt.Sprintf(", and %s", plural(len(more), "more file"))
		}
		for i, place := range more {
			if i == maxNotes {
				p.Notes = append(p.Notes, problem.Note{Text: fmt.Sprintf("… and %d more", len(more)-i)})
				break
			}
			p.Notes = append(p.Notes, problem.Note{Place: place, Text: "the same"})
		}
		list = append(list, p)
	}
	return list
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
