package render

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"text/template"

	"k8srepo/internal/problem"
)

// Limits of one document. They are far above what a manifest takes: Kubernetes takes
// no object of more than some MB.
const (
	maxSteps    = 10_000_000 // nodes of templates that run
	maxLevels   = 1000       // templates that call each other
	maxDocument = 16 << 20   // bytes
	maxString   = 1 << 20    // bytes
)

// limitError ends an execution that exceeds a limit.
type limitError struct {
	place         problem.Place // the line that was running; the zero Place if text/template knows it
	message, hint string
}

func (e *limitError) Error() string { return e.message }

// execution runs templates, one after the other, and takes what they print. It is
// what the functions of templates are bound to.
type execution struct {
	templates *Templates
	set       *template.Template
	rec       *recorder            // takes what is printed now
	stopped   func() bool          // another execution made this one needless
	entered   func() (back func()) // a template is called by a function, and back in the one that calls

	steps, levels int
	measured      int                           // see isPlain
	place         problem.Place                 // of what runs
	parsed        map[string]*template.Template // the texts of values, parsed
}

// newExecution binds a copy of the templates to an execution.
func newExecution(t *Templates, more func(*execution) template.FuncMap) *execution {
	own := *t // it grows with what values are evaluated
	own.hooks, own.actions = slices.Clip(t.hooks), slices.Clip(t.actions)
	x := &execution{templates: &own, rec: &recorder{}, stopped: func() bool { return false }, entered: func() func() { return func() {} }}
	x.set = template.Must(t.set.Clone()).Funcs(x.functions()).Funcs(more(x))
	return x
}

// run runs a template file for a dot. What it prints is in x.rec.
func (x *execution) run(file string, dot any) error {
	x.rec.reset()
	x.steps, x.levels = 0, 0
	return x.set.ExecuteTemplate(x, file, dot)
}

// Write takes text that the template prints, and hooks.
func (x *execution) Write(text []byte) (int, error) {
	if bytes.HasPrefix(text, []byte(hookPrefix)) {
		return len(text), x.hook(&x.templates.hooks[hookNumber(text)])
	}
	return len(text), x.print(text)
}

func (x *execution) print(text []byte) error {
	x.rec.text(text)
	if x.rec.out.Len() > maxDocument {
		return tooLong(x.place)
	}
	return nil
}

// endless is the hint of limits that a template exceeds because it does not end.
const endless = "look for a range or a template that does not end"

func tooLong(place problem.Place) *limitError {
	return &limitError{place, fmt.Sprintf("the template prints more than %d MB", maxDocument>>20), endless}
}

func tooManySteps(place problem.Place) *limitError {
	return &limitError{place, fmt.Sprintf("the template runs for more than %d million steps", maxSteps/1_000_000), endless}
}

func (x *execution) hook(h *hook) error {
	switch h.kind {
	case stepHook:
		x.place = h.place
		return x.spend(h.cost)
	case enterHook:
		x.place = h.place
		if x.levels++; x.levels > maxLevels {
			return &limitError{x.place, fmt.Sprintf("templates call each other more than %d levels deep", maxLevels), endless}
		}
	case leaveHook:
		x.levels--
	case trimHook:
		x.rec.addJoin(h)
	case aloneHook:
		x.rec.alone = x.rec.out.Len()
	case blockStartHook:
		x.rec.startBlock()
	case blockEndHook:
		x.steps += x.rec.out.Len() / 1024
		x.rec.endBlock()
	}
	return nil
}

// spend counts steps of the list of nodes that runs now.
func (x *execution) spend(steps int) error {
	x.steps += steps
	if x.steps > maxSteps {
		return tooManySteps(x.place)
	}
	if x.stopped() {
		return errStopped
	}
	return nil
}

var errStopped = errors.New("another template exceeded a limit")

// charge counts steps of a function. text/template knows the place of the call.
func (x *execution) charge(steps int) error {
	if x.steps += steps; x.steps > maxSteps {
		return tooManySteps(problem.Place{})
	}
	return nil
}

// spendBytes counts what functions do to bytes.
func (x *execution) spendBytes(n int) error {
	if n > maxString {
		return &limitError{message: fmt.Sprintf("a string of more than %d MB", maxString>>20), hint: "keep strings short; look for one that grows in a range"}
	}
	return x.charge(n / 8)
}

// inText runs f with a recorder that takes text: values as they are, not as data.
func (x *execution) inText(f func() error) (string, error) {
	outer := x.rec
	x.rec = &recorder{isText: true, alone: -1}
	back := x.entered()
	defer func() { x.rec = outer; back() }()
	if err := f(); err != nil {
		return "", err
	}
	text := x.rec.out.String()
	return text, x.spendBytes(len(text))
}

// include runs a template for a dot, and is the text that it prints.
func (x *execution) include(name any, dot ...any) (string, error) {
	run, err := x.called("include", name, dot)
	if err != nil {
		return "", err
	}
	return x.inText(run)
}

// includeBlock is include where it is alone on a line: what it prints is structure.
func (x *execution) includeBlock(name any, dot ...any) (string, error) {
	run, err := x.called("include", name, dot)
	if err != nil {
		return "", err
	}
	defer x.entered()()
	return "", run()
}

func (x *execution) called(function string, name any, dot []any) (run func() error, err error) {
	text, err := x.textOf(name)
	switch {
	case err != nil:
		return nil, err
	case len(dot) > 1:
		return nil, fmt.Errorf("%s takes a name and one value; pass several with dict", function)
	case x.set.Lookup(text) == nil:
		return nil, fmt.Errorf("unknown template %q%s", text, meant(problem.Nearest(text, x.templates.defines())))
	}
	return func() error {
		var d any
		if len(dot) == 1 {
			d = dot[0]
		}
		return x.innermost(x.set.ExecuteTemplate(x, text, d))
	}, x.charge(callCost)
}

// callCost is how many steps a call of a template by a function counts.
const callCost = 100

// innermost returns the error of a template that a function has called. That of a limit is
// reported once, at its innermost place.
func (x *execution) innermost(err error) error {
	limit := (*limitError)(nil)
	if !errors.As(err, &limit) {
		return err
	}
	if limit.place == (problem.Place{}) {
		limit.place = x.templates.execPlace(&source{}, err).Place
	}
	return limit
}

func meant(near string) string {
	if near == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", near)
}
