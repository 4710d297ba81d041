package trace

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Recording is what one execution of a template printed, and where it comes from.
type Recording struct {
	Out     []byte // what was printed
	Skipped int    // bytes of Out before Text
	Text    []byte // what is parsed: text with a placeholder for each value
	Events  []Event
}

// Event is a run of text, or a value, that a template printed.
type Event struct {
	Offset int           // in Out, in bytes
	Length int           // of a value's placeholder, in bytes; 0 for a text, which ends at the next event
	Place  problem.Place // in the template
	Value  int           // the number of the value, -1 for a text
	From   Trails        // to what the value was made from; nil for a text
}

// Lines returns the pieces of the recorded text: each run of it that comes from one line
// of the template, and each value. Their bytes are Text's.
func (r *Recording) Lines() []Piece {
	var pieces []Piece
	add := func(from, to int, p Piece) {
		p.Bytes = manifest.Bytes{Start: max(from-r.Skipped, 0), End: min(to-r.Skipped, len(r.Text))}
		if p.Bytes.Start < p.Bytes.End {
			pieces = append(pieces, p)
		}
	}
	for i, e := range r.Events {
		end := len(r.Out)
		if i+1 < len(r.Events) {
			end = r.Events[i+1].Offset
		}
		if e.Value >= 0 {
			end = min(end, e.Offset+e.Length)
			add(e.Offset, end, Piece{Place: e.Place, from: []Trails{e.From}})
			continue
		}
		place := e.Place
		place.Col = 0
		for at := e.Offset; at < end; place.Line++ {
			next := end
			if n := bytes.IndexByte(r.Out[at:end], '\n'); n >= 0 {
				next = at + n + 1
			}
			add(at, next, Piece{Place: place})
			at = next
		}
	}
	return pieces
}

// InLine returns the values in a line of the recorded text, counted from 1.
func (r *Recording) InLine(s Subject, line int) []Origin {
	start, end := LineBytes(r.Text, line)
	var values []Origin
	for _, piece := range r.Lines() {
		if piece.Bytes.Start < end && piece.Bytes.End > start {
			for _, f := range piece.from {
				values = append(values, s.Origins(f)...)
			}
		}
	}
	return distinct(values)
}

// Map says where each byte of a manifest comes from.
type Map struct {
	Pieces []Piece // in the order of the bytes, without gaps

	Text      *manifest.Text // the manifest
	subject   Subject
	documents func() []manifest.Value // the manifest's, parsed once; none if it is not YAML
}

// Piece is a run of bytes that comes from one line of a template.
type Piece struct {
	Bytes  manifest.Bytes
	Place  problem.Place // in the template
	Values []Origin      // that are printed here; a map is listed as its leaves

	from []Trails // of Values, one for each action that prints
	rows []row    // of a scalar that the template has on several lines
}

// row is a part of a scalar: what is on one line of it.
type row struct {
	n     int // counted from 0
	place problem.Place
	from  []Trails
}

// Line returns what a line of a manifest, counted from 1, comes from: the template's
// line, and the values in it.
func (m *Map) Line(n int) (place problem.Place, values []Origin) {
	start, end := LineBytes(m.Text.Data, n)
	indent := len(m.Text.Data[start:end]) - len(bytes.TrimLeft(m.Text.Data[start:end], " -"))
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

// within returns the values of a piece that are in a line: of a list or map that
// is on several lines, those of its entries.
func (m *Map) within(p Piece, line int) []Origin {
	text := m.Text.Data[p.Bytes.Start:p.Bytes.End]
	if len(p.from) != 1 || !bytes.Contains(bytes.TrimSpace(text), []byte("\n")) {
		return p.Values
	}
	start := p.Bytes.Start + len(text) - len(bytes.TrimLeft(text, " \n"))
	first := 1 + bytes.Count(m.Text.Data[:start], []byte("\n"))
	col := 1 + len([]rune(string(m.Text.Data[bytes.LastIndexByte(m.Text.Data[:start], '\n')+1:start])))
	var found []Origin
	at := 0
	// note is called with an entry that begins in a line, and where it leads to.
	note := func(begins int, steps Trail) {
		if begins <= line && begins >= at {
			at, found = begins, m.subject.Origins(p.from[0].Below(steps...))
		}
	}
	var walk func(v manifest.Value, steps Trail)
	walk = func(v manifest.Value, steps Trail) {
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
	if !slices.ContainsFunc(m.documents(), find) || found == nil {
		return p.Values
	}
	return found
}

// Values returns all values that are printed, in their order.
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

// LineBytes returns where a line, counted from 1, begins in data, and where it ends, with its line
// break. Behind the last line both are the end of data.
func LineBytes(data []byte, n int) (start, end int) {
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

// NewMap makes the source map of a text whose placeholders are filled. Filled are the scalars of
// the recorded text that have values in them, in order.
func NewMap(s Subject, r *Recording, text *manifest.Text, filled []manifest.Filled) *Map {
	m := &Map{Text: text, subject: s, documents: sync.OnceValue(func() []manifest.Value {
		file, err := manifest.Parse("", text.Data)
		if err != nil {
			return nil
		}
		values, _ := file.Values()
		return values
	})}
	// What is in a scalar with values becomes one piece; what is not moves along.
	shift := 0
	for _, p := range r.Lines() {
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
		part := row{bytes.Count(r.Text[in.Start:max(in.Start, p.Bytes.Start)], []byte("\n")), p.Place, p.from}
		if n := len(m.Pieces); n == 0 || m.Pieces[n-1].Bytes != out {
			if n > 0 { // a list or a map takes the blank before it away
				m.Pieces[n-1].Bytes.End = out.Start
			}
			m.Pieces = append(m.Pieces, Piece{Bytes: out, Place: p.Place})
		}
		whole := &m.Pieces[len(m.Pieces)-1]
		whole.from, whole.rows = append(whole.from, p.from...), append(whole.rows, part)
		if p.Bytes.End > in.End && p.from == nil { // a text that goes on after it
			after := Piece{Place: p.Place, Bytes: manifest.Bytes{Start: out.End, End: out.End + p.Bytes.End - in.End}}
			m.Pieces = append(m.Pieces, after)
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
			m.Pieces[i].Values = append(m.Pieces[i].Values, m.subject.Origins(f)...)
		}
	}
	return m
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

// Excerpt returns a line, counted from 1 and marked with >, and the lines around it, each after a
// line break.
func Excerpt(text []byte, line int) string {
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	const around = 2
	var b strings.Builder
	for n := max(1, line-around); n <= min(len(lines), line+around); n++ {
		margin := "  "
		if n == line {
			margin = "> "
		}
		b.WriteString("\n    " + margin + strings.TrimRight(problem.Cut(lines[n-1], 100), " "))
	}
	return b.String()
}
