package render

import (
	"bytes"
	"text/template"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/trace"
)

// Map returns the manifest's source map. It is made by running the template again.
func (m *Manifest) Map() (*trace.Map, error) { return m.renderer.mapOf(m.job) }

// tracing is what a traced execution printed.
type tracing struct {
	trace.Recording
	values []any   // in the order of their placeholders
	events []event // in the order of the output
	last   event   // what was executed last
	file   string  // of the template
	err    error   // of the execution
}

// trace runs a job once more and records where its output comes from.
func (r *renderer) trace(j job) tracing {
	r.traceOnce.Do(func() { r.traced = r.templates.traced() })
	t := &tracer{entry: trace.Trails{trace.Trail{}}}
	t.execution = newExecution(r.traced, func(x *execution) template.FuncMap {
		t.execution = x
		return t.traceFunctions()
	})
	t.entered = func() func() {
		entry := t.entry // of a template action whose arguments have an include
		t.entry = nil
		return func() { t.entry = entry }
	}
	err := t.run(j.source.file, j.subject.data)
	recorded := trace.Recording{Out: t.rec.out.Bytes()}
	recorded.Text, recorded.Skipped = j.source.ends(bytes.Clone(recorded.Out))
	for _, e := range t.rec.events {
		place := r.place(e)
		if e.placeholder < 0 {
			place.Line += e.gone
		}
		recorded.Events = append(recorded.Events, trace.Event{Offset: e.offset, Length: e.length, Place: place, Value: e.placeholder, From: e.from})
	}
	return tracing{Recording: recorded, values: t.rec.values, events: t.rec.events, last: t.about, file: j.source.file, err: err}
}

// place returns where the template has what an event prints.
func (r *renderer) place(e event) problem.Place { return r.traced.actions[e.action].place }

// mapOf makes a job's source map.
func (r *renderer) mapOf(j job) (*trace.Map, error) {
	t := r.trace(j)
	if t.err != nil {
		return nil, t.err
	}
	skeleton, err := manifest.ParseSkeleton(j.source.file, t.Text)
	if err != nil {
		return nil, err
	}
	text, err := skeleton.Fill(t.values)
	if err != nil {
		return nil, err
	}
	filled, err := skeleton.Filled(t.values)
	if err != nil {
		return nil, err
	}
	return trace.NewMap(j.subject.traced, &t.Recording, text, filled), nil
}
