// Package problem holds errors with a place and a hint, as people see them.
//
// Code that reads what a person wrote reports a Problem: where it is, what is wrong, what to
// type next. A List holds all of them, so that all are shown at once. ExitStatus turns any
// error into an exit status as diff and grep have it.
package problem

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Place is a position in a file that a person wrote.
type Place struct {
	File string // slash-separated, as the person would name it
	Line int    // counted from 1; 0 means the whole file
	Col  int    // in characters, counted from 1; 0 means the whole line
}

// String is file:line:col, without the parts that are unknown. A file whose name
// holds a line break, or what a terminal obeys, is quoted.
func (p Place) String() string {
	file := p.File
	if strings.ContainsFunc(file, unicode.IsControl) {
		file = strconv.Quote(file)
	}
	switch {
	case p.Line == 0:
		return file
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", file, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Col)
}

// Problem is one thing that is wrong, as it is shown to a person.
type Problem struct {
	Place   Place  // the zero Place where no file is to blame
	Message string // what is wrong: lower case, no full stop
	Hint    string // what to do next; may be empty
	Source  string // the line at Place as it was written, without its end; may be empty
	Refused bool   // the answer is no (exit 1), rather than "could not tell" (exit 2)
	Code    Code   // what kind of problem it is; "" for none
	Notes   []Note // what led to it
	Hidden  bool   // the line at Place may hold a secret, and is not shown
}

// Note says something that belongs to a problem: where a value came from, or what the
// rendered lines are, which are in no file.
type Note struct {
	Place Place // the zero Place where there is none
	Text  string
}

// String returns the place and the text.
func (n Note) String() string {
	if n.Place == (Place{}) {
		return n.Text
	}
	return n.Place.String() + ": " + n.Text
}

// Error returns the place and the message; the hint is left to whoever prints.
func (p *Problem) Error() string {
	if p.Place == (Place{}) {
		return p.Message
	}
	return p.Place.String() + ": " + p.Message
}

// New returns a problem that no place in a file is to blame for. Names and passwords in
// URLs are left out of the message and the hint.
func New(hint, format string, args ...any) *Problem {
	return &Problem{Message: withoutCredentials(fmt.Sprintf(format, args...)), Hint: withoutCredentials(hint)}
}

// Refuse returns a problem whose meaning is "no": drift, no match, a refusal.
func Refuse(hint, format string, args ...any) *Problem {
	p := New(hint, format, args...)
	p.Refused = true
	return p
}

// At returns a problem at a place.
func At(place Place, hint, format string, args ...any) *Problem {
	p := New(hint, format, args...)
	p.Place = place
	return p
}

// WithCode returns the problem, with its kind.
func (p *Problem) WithCode(code Code) *Problem {
	p.Code = code
	return p
}

// WithCode returns an error whose problems have a kind: those that had none get this one.
func WithCode(err error, code Code) error {
	var list List
	for _, p := range All(err) {
		if p.Code == "" {
			coded := *p
			coded.Code = code
			p = &coded
		}
		list = append(list, p)
	}
	return list.Err()
}

// List collects problems. Its zero value is ready to use.
type List []*Problem

// Add appends every problem in err; nil adds nothing.
func (l *List) Add(err error) {
	*l = append(*l, All(err)...)
}

// Sort orders the problems by place and message, and keeps the first of those that share both.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b *Problem) int {
		return cmp.Or(
			strings.Compare(a.Place.File, b.Place.File),
			cmp.Compare(a.Place.Line, b.Place.Line),
			cmp.Compare(a.Place.Col, b.Place.Col),
			strings.Compare(a.Message, b.Message),
		)
	})
	*l = slices.CompactFunc(*l, func(a, b *Problem) bool {
		return a.Place == b.Place && a.Message == b.Message
	})
}

// Err returns a sorted copy of the list as an error, nil when it is empty.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	sorted := slices.Clone(l)
	sorted.Sort()
	return sorted
}

// Error returns one line a problem.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.Is and errors.As see each problem.
func (l List) Unwrap() []error {
	errs := make([]error, len(l))
	for i, p := range l {
		errs[i] = p
	}
	return errs
}

// All returns every problem in err, in order. An error that holds no problem becomes
// one, with its text for a message; the text of one that wraps problems is kept.
func All(err error) []*Problem {
	switch e := err.(type) {
	case nil:
		return nil
	case *Problem:
		return []*Problem{e}
	case List:
		return e
	case interface{ Unwrap() []error }:
		var all []*Problem
		for _, one := range e.Unwrap() {
			all = append(all, All(one)...)
		}
		return all
	}
	if p := (*Problem)(nil); errors.As(err, &p) {
		return within(err, errors.Unwrap(err))
	}
	return []*Problem{{Message: err.Error()}}
}

// within returns the problems in inner, with what err, which wraps it, says around its text:
// of fmt.Errorf("sign the commit: %w", inner) each message begins with "sign the commit: ".
func within(err, inner error) []*Problem {
	all := All(inner)
	before, after, found := around(err.Error(), inner.Error())
	if !found || before == "" && after == "" {
		return all
	}
	list := make([]*Problem, len(all))
	for i, p := range all {
		wrapped := *p
		wrapped.Message = before + p.Message + after
		list[i] = &wrapped
	}
	return list
}

// around returns what a text has before and after the text of the error that it wraps. Where that
// is in it more than once, it is the one at the end, as in "sign: %w", else the one at the beginning,
// else the last.
func around(text, inner string) (before, after string, found bool) {
	if before, found = strings.CutSuffix(text, inner); found {
		return before, "", inner != ""
	}
	if after, found = strings.CutPrefix(text, inner); found {
		return "", after, true
	}
	i := strings.LastIndex(text, inner)
	if i < 0 {
		return "", "", false
	}
	return text[:i], text[i+len(inner):], true
}

// The exit statuses, as diff and grep have them.
const (
	ExitDone    = 0 // done, or nothing to do
	ExitRefused = 1 // the answer is no
	ExitTrouble = 2 // could not tell: usage, bad input, I/O, network
)

// ExitStatus returns the exit status for err: ExitRefused where every problem in it
// is a refusal, ExitTrouble where one is not.
func ExitStatus(err error) int {
	all := All(err)
	if len(all) == 0 {
		return ExitDone
	}
	for _, p := range all {
		if !p.Refused {
			return ExitTrouble
		}
	}
	return ExitRefused
}

// Cut returns the first characters of a text, at most max, which is at least 1; a text that was
// cut ends in an ellipsis.
func Cut(s string, max int) string {
	if runes := []rune(s); len(runes) > max {
		return string(runes[:max-1]) + "…"
	}
	return s
}
