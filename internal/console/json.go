package console

import "k8srepo/internal/problem"

// Problem is a problem as --output json has it.
type Problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Refused bool   `json:"refused,omitempty"` // the answer is no, rather than "could not tell"
}

// JSONProblems are the problems in err, never nil.
func JSONProblems(err error) []Problem {
	list := []Problem{}
	for _, p := range problem.All(err) {
		list = append(list, Problem{p.Place.File, p.Place.Line, p.Place.Col, p.Message, p.Hint, p.Refused})
	}
	return list
}
