package render

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/trace"
)

// explain reports what is wrong with a rendered text at the place in the template
// that it comes from. The text was made by the last run of x.
func (r *renderer) explain(j job, x *execution, err error) {
	rec := x.rec
	if wrong := (*manifest.PlaceholderProblem)(nil); errors.As(err, &wrong) {
		place := problem.Place{File: j.source.file}
		if wrong.Placeholder < len(rec.actions) {
			place = x.templates.actions[rec.actions[wrong.Placeholder]].place
		}
		code := wrong.Code
		if code == "" {
			code = problem.WrongPlace
		}
		p := problem.At(place, wrong.Hint, "%s", wrong.Message).WithCode(code)
		p.Source = r.templates.sources[place.File].line(place.Line)
		r.find(j, p, func(p *problem.Problem) { p.Notes = r.placeholderNotes(j, wrong.Placeholder) })
		return
	}
	first := problem.All(problem.WithCode(err, problem.BrokenYAML))[0]
	t := r.trace(j)
	line := first.Place.Line
	p := r.inLine(t, line, first.Hint, first.Message).WithCode(first.Code)
	r.find(j, p, func(p *problem.Problem) { p.Notes = r.lineNotes(j, line) })
}

// Problem returns what is wrong with a line of a manifest, counted from 1, reported at the
// template's line. It wants a code, and Notes.
func (m *Manifest) Problem(line int, hint, message string) *problem.Problem {
	place := problem.Place{File: m.Template}
	if sources, err := m.Map(); err == nil {
		place, _ = sources.Line(line)
	}
	p := problem.At(place, hint, "%s", message).WithCode(problem.NotAnObject)
	p.Source = m.renderer.templates.sources[place.File].line(place.Line)
	return p
}

// Notes returns the values in a line of a manifest, and the lines around it.
func (m *Manifest) Notes(line int) []problem.Note {
	sources, err := m.Map()
	if err != nil {
		return nil
	}
	_, values := sources.Line(line)
	return append(notes(values), problem.Note{Text: fmt.Sprintf("%s would have%s", m.Path, trace.Excerpt(m.Text.Data, line))})
}

// valueNames returns the names of the values in a line of a manifest, and where they were written.
func (m *Manifest) valueNames(line int) []problem.Note {
	sources, err := m.Map()
	if err != nil {
		return nil
	}
	var list []problem.Note
	_, values := sources.Line(line)
	for _, v := range values {
		list = append(list, problem.Note{Place: v.Place, Text: v.Name + " is set here"})
	}
	return list
}

// inLine returns a problem in a line of a text with placeholders, reported at the template's line.
func (r *renderer) inLine(t tracing, line int, hint, message string) *problem.Problem {
	start, end := trace.LineBytes(t.Text, line)
	first := start + len(t.Text[start:end]) - len(bytes.TrimLeft(t.Text[start:end], " "))
	p := problem.At(problem.Place{File: t.file, Line: 1}, hint, "%s", message).WithCode(problem.BrokenYAML)
	for _, piece := range t.Lines() {
		if piece.Bytes.Start > first {
			break
		}
		p.Place = piece.Place
	}
	p.Place.Col = 0
	p.Source = r.templates.sources[p.Place.File].line(p.Place.Line)
	return p
}

// addFailureNotes adds the values in the action that an execution ends in. Where one of
// them is a map without the key that is asked for, there may be one like it.
func (r *renderer) addFailureNotes(j job, p *problem.Problem) {
	t := r.trace(j)
	if t.err == nil {
		return
	}
	p.Notes = notes(j.subject.traced.Origins(t.last.from))
	for _, asked := range t.last.from {
		if key, keys, missing := j.subject.traced.Missing(asked); missing && problem.Nearest(key, keys) != "" {
			p.Hint = problem.DidYouMean(key, keys)
		}
		if variable, unset := j.subject.traced.Unset(asked); unset {
			p.Hint = r.templates.hintFor(j.subject, variable)
		}
		if service := j.subject.traced.Service; service != nil && asked.String() == ".Service.Image" {
			p.Notes = []problem.Note{{Place: service.Place, Text: fmt.Sprintf("the service %s has no image", service.Name)}}
			p.Hint = "add a line image: … with the repository that it is pushed to; or ask for it with if or with"
		}
	}
}

// Unset is a variable that a template prints and that is not set.
type Unset struct {
	Env      string
	Service  string // that the template is rendered for; "" for none
	Variable string
}

// hintFor says how a variable that is not set is set: by default, with which line.
func (t *Templates) hintFor(s *subject, variable string) string {
	u := Unset{Env: s.env, Variable: variable}
	if s.traced.Service != nil {
		u.Service = s.traced.Service.Name
	}
	if t.SetHint != nil {
		if hint := t.SetHint(u); hint != "" {
			return hint
		}
	}
	hint := fmt.Sprintf("add to %s/%s.yaml: vars: {%s: …}", inventory.EnvironmentsDir, u.Env, variable)
	if u.Service != "" {
		hint += fmt.Sprintf(", or services: {%s: {vars: {%s: …}}} for %s alone", u.Service, variable, u.Service)
	}
	return hint + "; or ask for it with if, with or default"
}

// placeholderNotes returns those of the line that has a placeholder.
func (r *renderer) placeholderNotes(j job, placeholder int) []problem.Note {
	t := r.trace(j)
	for _, e := range t.events {
		if e.placeholder == placeholder && e.offset >= t.Skipped {
			return r.lineNotes(j, 1+bytes.Count(t.Text[:e.offset-t.Skipped], []byte("\n")))
		}
	}
	return nil
}

// lineNotes returns the values in a line of the text with placeholders, and the lines around
// it as they would be rendered.
func (r *renderer) lineNotes(j job, line int) []problem.Note {
	t := r.trace(j)
	return append(notes(t.InLine(j.subject.traced, line)), problem.Note{Text: fmt.Sprintf("%s would have%s", j.subject.path(j.source), trace.Excerpt(t.shown(), line))})
}

// maxNotes keeps a problem readable whose line prints a large map.
const maxNotes = 8

func notes(values []trace.Origin) []problem.Note {
	var list []problem.Note
	for i, v := range values {
		if i == maxNotes {
			return append(list, problem.Note{Text: fmt.Sprintf("and %d more values", len(values)-maxNotes)})
		}
		list = append(list, problem.Note{Place: v.Place, Text: v.String()})
	}
	return list
}

// shown returns the text with its values, as far as they can be shown in their placeholders'
// places: it may be no YAML, and is only looked at.
func (t tracing) shown() []byte {
	var b strings.Builder
	whole := strings.ReplaceAll(strings.ReplaceAll(string(t.Text), manifest.MapEntry, manifest.Placeholder), manifest.SplicePlaceholder, "")
	for i, text := range strings.Split(whole, manifest.Placeholder) {
		if i > 0 && i <= len(t.values) {
			switch v := t.values[i-1].(type) {
			case string:
				if strings.ContainsAny(v, "\n\r") {
					v = strconv.Quote(v)
				}
				b.WriteString(problem.Cut(v, 60))
			case []any, map[string]any, manifest.YAMLText:
				b.WriteString("…")
			case manifest.Tag:
				b.WriteString(v.Text)
			default:
				fmt.Fprint(&b, v)
			}
		}
		b.WriteString(text)
	}
	return []byte(b.String())
}
