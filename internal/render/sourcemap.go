package render

import (
	"bytes"
	"slices"
	"strings"
	"text/template"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Map tells where each byte of a manifest comes from.
type Map struct {
	Pieces []Piece // in the order of the bytes, without gaps

	text    *manifest.Text
	origins func(from) []Origin
}

// Piece is a run of bytes that comes from one line of a template.
type Piece struct {
	Bytes  manifest.Bytes
	Place  problem.Place // in the template
	Values []Origin      // that are printed here; a map is there with each of its leaves

	from []from // of Values, one for each action that prints
	rows []row  // of a scalar that the template has on several lines
}

// row is a part of a scalar: what stands on one line of it.
type row struct {
	n     int // counted from 0
	place problem.Place
	from  []from
}

// Origin is a value, and where it was written.
type Origin struct {
	Name  string // as the template's dot leads to it: .Vars.env.LOG_LEVEL
	Text  string // the value as YAML, cut short
	Place problem.Place

	path trail
}

// Map is the manifest's source map. It is made by running the template again.
func (m *Manifest) Map() (*Map, error) { return m.renderer.mapOf(m.job) }

// Line is what a line of a manifest, counted from 1, comes from: the template's
// line, and the values in it.
func (m *Map) Line(n int) (place problem.Place, values []Origin) {
	start, end := lineBytes(m.text.Data, n)
	indent := len(m.text.Data[start:end]) - len(bytes.TrimLeft(m.text.Data[start:end], " -"))
	for _, p := range m.Pieces {
		if p.Bytes.Start >= end || p.Bytes.End <= start {
			continue
		}
		if place == (problem.Place{}) || p.Bytes.Start <= start+indent {
			place = p.Place
		}
		values = append(values, m.within(p, n)...)
	}
	place.Col = 0
	return place, distinct(values)
}

// within are the values of a piece that are in a line: of a list or map that
// stands on several lines, those of its entries.
func (m *Map) within(p Piece, line int) []Origin {
	text := m.text.Data[p.Bytes.Start:p.Bytes.End]
	if len(p.from) != 1 || !bytes.Contains(bytes.TrimSpace(text), []byte("\n")) {
		return p.Values
	}
	file, err := manifest.Parse("", m.text.Data)
	if err != nil {
		return p.Values
	}
	docs, _ := file.Values()
	start := p.Bytes.Start + len(text) - len(bytes.TrimLeft(text, " \n"))
	first := 1 + bytes.Count(m.text.Data[:start], []byte("\n"))
	col := 1 + len([]rune(string(m.text.Data[bytes.LastIndexByte(m.text.Data[:start], '\n')+1:start])))
	var found []Origin
	at := 0
	// note is told of an entry that begins in a line, and where it leads to.
	note := func(begins int, steps trail) {
		if begins <= line && begins >= at {
			at, found = begins, m.origins(p.from[0].below(steps...))
		}
	}
	var walk func(v manifest.Value, steps trail)
	walk = func(v manifest.Value, steps trail) {
		for _, f := range v.Fields {
			next := append(steps[:len(steps):len(steps)], f.Key.Text)
			note(f.Key.Place.Line, next)
			walk(f.Value, next)
		}
		for i, item := range v.Items {
			next := append(steps[:len(steps):len(steps)], i)
			note(item.Place.Line, next)
			walk(item, next)
		}
	}
	var find func(v manifest.Value) bool
	find = func(v manifest.Value) bool {
		if v.Place.Line == first && v.Place.Col == col {
			walk(v, nil)
			return true
		}
		for _, f := range v.Fields {
			if find(f.Value) {
				return true
			}
		}
		return slices.ContainsFunc(v.Items, find)
	}
	if !slices.ContainsFunc(docs, find) || found == nil {
		return p.Values
	}
	return found
}

// Values are all values that are printed, in their order.
func (m *Map) Values() []Origin {
	var all []Origin
	for _, p := range m.Pieces {
		all = append(all, p.Values...)
	}
	return distinct(all)
}

func distinct(values []Origin) []Origin {
	var list []Origin
	for _, v := range values {
		if !slices.ContainsFunc(list, func(o Origin) bool { return o.Name == v.Name && o.Place == v.Place }) {
			list = append(list, v)
		}
	}
	return list
}

// lineBytes are the bytes of a line, counted from 1, with its end.
func lineBytes(data []byte, n int) (start, end int) {
	for ; n > 1; n-- {
		next := bytes.IndexByte(data[start:], '\n')
		if next < 0 {
			return len(data), len(data)
		}
		start += next + 1
	}
	if next := bytes.IndexByte(data[start:], '\n'); next >= 0 {
		return start, start + next + 1
	}
	return start, len(data)
}

// tracing is what a traced execution printed.
type tracing struct {
	*tracer
	file    string // of the template
	text    []byte // what was printed, as it is parsed
	skipped int    // of out, before text
	err     error  // of the execution
}

// trace runs a job once more, and tells where what it prints comes from.
func (r *renderer) trace(j job) tracing {
	r.traceOnce.Do(func() { r.traced = r.templates.traced() })
	t := &tracer{entry: from{trail{}}}
	t.execution = newExecution(r.traced, func(x *execution) template.FuncMap {
		t.execution = x
		return t.traceFunctions()
	})
	t.entered = func() { t.entry = nil }
	err := t.run(j.source.file, j.subject.data)
	text, skipped := trimmed(bytes.Clone(t.rec.out.Bytes()))
	return tracing{t, j.source.file, text, skipped, err}
}

// place is where the template has what an event prints.
func (r *renderer) place(e event) problem.Place { return r.traced.actions[e.action].place }

// lines are the pieces of a traced text: each run of it that comes from one line
// of the template, and each value. Their bytes are the text's.
func (r *renderer) lines(t tracing) []Piece {
	var pieces []Piece
	add := func(from, to int, p Piece) {
		p.Bytes = manifest.Bytes{Start: max(from-t.skipped, 0), End: min(to-t.skipped, len(t.text))}
		if p.Bytes.Start < p.Bytes.End {
			pieces = append(pieces, p)
		}
	}
	out := t.rec.out.Bytes()
	for i, e := range t.rec.events {
		end := len(out)
		if i+1 < len(t.rec.events) {
			end = t.rec.events[i+1].offset
		}
		place := r.place(e)
		if e.mark >= 0 {
			end = min(end, e.offset+e.length)
			add(e.offset, end, Piece{Place: place, from: []from{e.from}})
			continue
		}
		place.Col = 0
		place.Line += e.gone
		for at := e.offset; at < end; place.Line++ {
			next := end
			if n := bytes.IndexByte(out[at:end], '\n'); n >= 0 {
				next = at + n + 1
			}
			add(at, next, Piece{Place: place})
			at = next
		}
	}
	return pieces
}

// mapOf makes a job's source map.
func (r *renderer) mapOf(j job) (*Map, error) {
	t := r.trace(j)
	if t.err != nil {
		return nil, t.err
	}
	skeleton, err := manifest.ParseSkeleton(j.source.file, t.text)
	if err != nil {
		return nil, err
	}
	text, err := skeleton.Fill(t.rec.values)
	if err != nil {
		return nil, err
	}
	filled, err := skeleton.Filled(t.rec.values)
	if err != nil {
		return nil, err
	}
	m := &Map{text: text, origins: func(f from) []Origin { return r.origins(j, f) }}
	// What is in a scalar with values becomes one piece; what is not moves along.
	shift := 0
	for _, p := range r.lines(t) {
		for len(filled) > 0 && p.Bytes.Start >= filled[0].In.End {
			shift = filled[0].Out.End - filled[0].In.End
			filled = filled[1:]
		}
		rest := p
		if len(filled) > 0 && p.Bytes.End > filled[0].In.Start {
			rest.Bytes.End = max(p.Bytes.Start, min(p.Bytes.End, filled[0].In.Start))
		}
		if rest.Bytes.Start < rest.Bytes.End {
			rest.Bytes.Start += shift
			rest.Bytes.End += shift
			m.Pieces = append(m.Pieces, rest)
		}
		if len(filled) == 0 || p.Bytes.End <= filled[0].In.Start {
			continue
		}
		in, out := filled[0].In, filled[0].Out
		part := row{bytes.Count(t.text[in.Start:max(in.Start, p.Bytes.Start)], []byte("\n")), p.Place, p.from}
		if n := len(m.Pieces); n == 0 || m.Pieces[n-1].Bytes != out {
			if n > 0 { // a list or a map takes the blank before it away
				m.Pieces[n-1].Bytes.End = out.Start
			}
			m.Pieces = append(m.Pieces, Piece{Bytes: out, Place: p.Place})
		}
		whole := &m.Pieces[len(m.Pieces)-1]
		whole.from, whole.rows = append(whole.from, p.from...), append(whole.rows, part)
		if p.Bytes.End > in.End && p.from == nil { // a text that goes on behind it
			behind := Piece{Place: p.Place, Bytes: manifest.Bytes{Start: out.End, End: out.End + p.Bytes.End - in.End}}
			m.Pieces = append(m.Pieces, behind)
		}
	}
	var split []Piece
	for _, p := range m.Pieces {
		split = append(split, p.byLine(text.Data)...)
	}
	if n := len(split); n > 0 {
		split[n-1].Bytes.End = len(text.Data) // the final line break, which a template may lack
	}
	m.Pieces = split
	for i, p := range m.Pieces {
		for _, f := range p.from {
			m.Pieces[i].Values = append(m.Pieces[i].Values, m.origins(f)...)
		}
	}
	return m, nil
}

// byLine splits a scalar that has as many lines as in the template.
func (p Piece) byLine(data []byte) []Piece {
	lines := bytes.SplitAfter(data[p.Bytes.Start:p.Bytes.End], []byte("\n"))
	if len(p.rows) == 0 || len(lines) != p.rows[len(p.rows)-1].n+1 || len(lines) == 1 {
		return []Piece{p}
	}
	var pieces []Piece
	at := p.Bytes.Start
	for n, line := range lines {
		one := Piece{Bytes: manifest.Bytes{Start: at, End: at + len(line)}}
		for _, r := range p.rows {
			if r.n == n {
				one.from = append(one.from, r.from...)
				if one.Place == (problem.Place{}) {
					one.Place = r.place
				}
			}
		}
		pieces = append(pieces, one)
		at += len(line)
	}
	return pieces
}

// excerpt are the lines around one, counted from 1, with a mark before it.
func excerpt(text []byte, line int) string {
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	const around = 2
	var b strings.Builder
	for n := max(1, line-around); n <= min(len(lines), line+around); n++ {
		mark := "  "
		if n == line {
			mark = "> "
		}
		b.WriteString("\n    " + mark + strings.TrimRight(cut(lines[n-1], 100), " "))
	}
	return b.String()
}

func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
