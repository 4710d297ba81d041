package problem

import "errors"

// Fault is an error of a package that talks to a server: a problem to show, what
// callers branch on, and what lies beneath.
type Fault struct {
	Problem *Problem
	Kind    error // a sentinel of the package; nil if none
	Cause   error // nil if none
}

func (f *Fault) Error() string { return f.Problem.Error() }

// Unwrap returns the problem alone, so that it is shown once; Is and As see the rest.
func (f *Fault) Unwrap() error { return f.Problem }

// Is reports whether the kind, or the cause, is target.
func (f *Fault) Is(target error) bool {
	return f.Kind != nil && errors.Is(f.Kind, target) || f.Cause != nil && errors.Is(f.Cause, target)
}

// As looks for target in the cause.
func (f *Fault) As(target any) bool { return f.Cause != nil && errors.As(f.Cause, target) }
