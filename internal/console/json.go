package console

import "k8srepo/internal/problem"

// Failure is what --output json prints where a command failed before it had a result of its
// own: for flags that cannot be understood, say. The objects of all commands have these
// fields when they fail.
type Failure struct {
	Version  int       `json:"version"`
	Command  string    `json:"command,omitempty"` // as in "user add"
	Result   string    `json:"result"`            // failed
	Problems []Problem `json:"problems"`
}

// Problem is a problem as --output json has it.
type Problem struct {
	Code    problem.Code `json:"code,omitempty"` // its kind, such as MG108; only of manifestgen
	File    string       `json:"file,omitempty"`
	Line    int          `json:"line,omitempty"`   // from 1
	Column  int          `json:"column,omitempty"` // from 1, in characters
	Message string       `json:"message"`
	Hint    string       `json:"hint,omitempty"`    // what to do
	Refused bool         `json:"refused,omitempty"` // the answer is no, rather than "could not tell"
	Notes   []Note       `json:"notes,omitempty"`   // other places, and what they have to do with it
}

// Note is a note of a problem as --output json has it.
type Note struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
}

// JSONProblems returns the problems in err, never nil.
func JSONProblems(err error) []Problem {
	list := []Problem{}
	for _, p := range problem.All(err) {
		one := Problem{Code: p.Code, File: p.Place.File, Line: p.Place.Line, Column: p.Place.Col, Message: p.Message, Hint: p.Hint, Refused: p.Refused}
		for _, n := range p.Notes {
			one.Notes = append(one.Notes, Note{n.Place.File, n.Place.Line, n.Place.Col, n.Text})
		}
		list = append(list, one)
	}
	return list
}
