package manifest

import (
	"bytes"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// MarkerPrefix begins a marker: a comment that says of which repository the scalar
// before it is the tag, as in
//
//	app.kubernetes.io/version: 1.4.0 # tagbump: example.com/api
const MarkerPrefix = "# tagbump:"

// marker is a marker in a file's bytes.
type marker struct {
	repository span // its bytes
	line       int
	ref        image.Ref // the repository
	tagOnly    bool      // the scalar is a tag without a digest, and stays one
	alias      bool      // it stands behind an alias of the scalar
}

// StrayMarker is a comment that looks like a marker and stands where it marks nothing.
type StrayMarker struct {
	Place      problem.Place
	Repository image.Ref
}

// WrongMarker is a marker that is to be refused. Repository is the zero Ref where
// it names none.
type WrongMarker struct {
	Repository image.Ref
	Problem    *problem.Problem
}

// valueSpan is a scalar that is a value, or a key, and its bytes.
type valueSpan struct {
	span
	node  *yaml.Node
	key   bool
	block int // of a block scalar, where its header ends; else 0
}

// markers finds the document's markers, and adds the images that they make.
func (w *imageFinder) markers(doc document, found *Found) {
	f := w.file
	body := f.Data[doc.start:doc.end]
	if !bytes.Contains(body, []byte(MarkerPrefix)) {
		return
	}
	spans := f.valueSpans(doc)
	starts := f.lines.of(f.Data)
	for at := doc.start; ; at += len(MarkerPrefix) {
		next := bytes.Index(f.Data[at:doc.end], []byte(MarkerPrefix))
		if next < 0 {
			return
		}
		at += next
		line := f.PlaceAt(at).Line
		m := markerLine{start: starts[line-1], at: at, line: line}
		m.end = m.start + lineLength(f.Data[m.start:])
		m.read(f.Data)
		w.marker(m, spans, found)
	}
}

// markerLine is a line that has the text of a marker in it.
type markerLine struct {
	start, end int // of the line
	at         int // where the text begins
	line       int
	repository span
}

// read finds the repository, which may be anything up to the line's end.
func (m *markerLine) read(data []byte) {
	start := m.at + len(MarkerPrefix)
	text := data[start:m.end]
	trimmed := bytes.TrimLeft(text, " ")
	m.repository.start = start + len(text) - len(trimmed)
	m.repository.end = m.repository.start + len(bytes.TrimRight(trimmed, " \t"))
}

// marker reads one marker.
func (w *imageFinder) marker(m markerLine, spans []valueSpan, found *Found) {
	f := w.file
	before := m.start // what the comment may follow on its line
	var ending []valueSpan
	for _, s := range spans {
		switch {
		case s.block > 0 && s.start < m.at && m.at < s.block:
			ending, before = []valueSpan{s}, m.at
		case s.start <= m.at && m.at < s.end:
			w.stray(m, found) // it is text
			return
		case s.block == 0 && s.end > m.start && s.end <= m.at || s.block == 0 && s.start == s.end && s.end == m.start:
			if before = max(before, s.end); !s.key && s.end > s.start {
				ending = append(ending, s)
			}
		}
	}
	between := f.Data[before:m.at]
	if bytes.IndexByte(between, '#') >= 0 {
		return // it stands inside another comment
	}
	if before := string(bytes.TrimSpace(f.Data[m.start:m.at])); before == "" || before == "---" {
		w.stray(m, found)
		return
	}
	place := f.PlaceAt(m.at)
	repository := string(f.Data[m.repository.start:m.repository.end])
	ref, err := image.ParseRepository(repository)
	if err != nil || m.repository.start == m.at+len(MarkerPrefix) {
		found.wrong(f, image.Ref{}, place, "write # tagbump: and a repository without a tag, such as example.com/team/api", "the marker names no repository: %s", quoteForPeople(repository))
		return
	}
	switch {
	case len(ending) > 1:
		found.wrong(f, ref, place, "give the value a line of its own", "more than one value ends on the line of the marker %s", ref)
		return
	case len(ending) == 0:
		found.wrong(f, ref, place, "put it behind the value on the value's own line", "no value ends on the line of the marker %s", ref)
		return
	}
	w.marked(&marker{repository: m.repository, line: m.line, ref: ref}, ending[0].node, found)
}

// stray notes a text that looks like a marker.
func (w *imageFinder) stray(m markerLine, found *Found) {
	if ref, err := image.ParseRepository(string(w.file.Data[m.repository.start:m.repository.end])); err == nil {
		found.Markers = append(found.Markers, StrayMarker{w.file.PlaceAt(m.at), ref})
	}
}

// wrong adds a problem of a marker, at its line.
func (found *Found) wrong(f *File, ref image.Ref, place problem.Place, hint, format string, args ...any) {
	p := problem.At(place, hint, format, args...)
	p.Source, p.Refused = f.Line(place.Line), true
	found.WrongMarkers = append(found.WrongMarkers, WrongMarker{ref, p})
}

// marked adds the image that a marker makes of a scalar, or of what an alias stands for.
func (w *imageFinder) marked(m *marker, value *yaml.Node, found *Found) {
	n := resolved(value)
	place := w.file.place(n)
	place.Line = max(place.Line, 1)
	if n.Kind != yaml.ScalarNode {
		found.wrong(w.file, m.ref, place, "mark the scalar that is the tag", "the marker %s stands behind something that is no tag", m.ref)
		return
	}
	for i := range w.images { // one that is found anyway
		known := &w.images[i]
		if known.parts.whole != n && known.parts.tag != n {
			continue
		}
		if known.Ref.Repository() != m.ref.Repository() {
			found.wrong(w.file, m.ref, place, "take the marker away, or name the same repository", "the marker says %s, and this is an image of %s", m.ref, known.Ref.Name)
			return
		}
		w.markedBy[value], m.alias = true, value != n
		if known.parts.marker != nil {
			known.parts.more = append(known.parts.more, m)
		} else {
			known.parts.marker = m
		}
		return
	}
	text := strings.Trim(n.Value, " \t\r\n")
	at := strings.Index(n.Value, text)
	if n.Tag == yaml.NodeTagNull {
		text = ""
	}
	where := joined(w.prefix, "marker")
	if ref, err := image.Parse(text); err == nil && ref.Repository() == m.ref.Repository() {
		w.known[n] = true
		w.images = append(w.images, Image{Ref: ref, Where: where, Place: place, parts: parts{whole: n, at: at, marker: m}})
		return
	}
	tag, digest, ok := image.SplitTag(text)
	if !ok || tag == "" {
		if w.stage == rendered {
			w.images = append(w.images, Image{Ref: m.ref, Where: where, Place: place, parts: parts{tag: n, at: at, marker: m, malformed: true}})
		}
		found.wrong(w.file, m.ref, place, "the value must be the tag, tag@digest, or the whole reference", "the value before the marker %s is none of its tags: %s", m.ref, quoteForPeople(text))
		return
	}
	m.tagOnly = digest == ""
	w.images = append(w.images, Image{Ref: m.ref.With(tag, digest), Where: where, Place: place, parts: parts{tag: n, at: at, marker: m}})
}

// valueSpans returns the bytes of the document's scalars. A scalar whose bytes are
// ambiguous has none.
func (f *File) valueSpans(doc document) []valueSpan {
	var list []valueSpan
	var visit func(n *yaml.Node, key bool)
	visit = func(n *yaml.Node, key bool) {
		switch n.Kind {
		case yaml.AliasNode:
			if end, err := f.end(n); err == nil {
				list = append(list, valueSpan{span: span{end - 1 - len(n.Value), end}, node: n, key: key})
			}
		case yaml.ScalarNode:
			s, err := f.find(n)
			if err != nil {
				break
			}
			v := valueSpan{span: s.span, node: n, key: key}
			if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
				v.block = s.start + lineLength(f.Data[s.start:])
			}
			list = append(list, v)
		}
		for i, child := range n.Content {
			visit(child, n.Kind == yaml.MappingNode && i%2 == 0)
		}
	}
	visit(doc.root, false)
	return list
}
