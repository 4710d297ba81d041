package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/problem"
)

// edit is a change of a file: part of a scalar's value is replaced, an entry added
// to a map, or the repository of a marker replaced.
type edit struct {
	node     *yaml.Node // the scalar
	from, to int        // bytes of its value

	entries *yaml.Node // the map
	key     string

	comment *marker

	text string // what comes there
}

// cut is an edit in bytes: those of span are replaced.
type cut struct {
	span
	text []byte
}

// splice returns the file with the edits made, and proved: parsed again, it differs
// from f in what was edited only, and that means what the edits say.
func (f *File) splice(edits []edit) ([]byte, error) {
	cuts := make([]cut, 0, len(edits))
	changes := changes{values: make(map[*yaml.Node]any, len(edits)), comments: true}
	for _, e := range edits {
		c, err := f.cut(e, &changes)
		if err != nil {
			return nil, err
		}
		cuts = append(cuts, c)
	}
	slices.SortStableFunc(cuts, func(a, b cut) int { return a.start - b.start })

	out := make([]byte, 0, len(f.Data)+16*len(cuts))
	done := 0
	for _, doc := range f.docs {
		var mine []cut
		for len(cuts) > 0 && (cuts[0].start < doc.end || doc.end == len(f.Data)) {
			mine, cuts = append(mine, cuts[0]), cuts[1:]
		}
		if mine == nil {
			continue
		}
		out = append(out, f.Data[done:doc.start]...)
		start := len(out)
		done = doc.start
		for _, c := range mine {
			if c.start < done {
				return nil, problem.At(problem.Place{File: f.Name}, "", "two changes overlap")
			}
			out = append(out, f.Data[done:c.start]...)
			out = append(out, c.text...)
			done = c.end
		}
		if done == doc.end && done < len(f.Data) {
			return nil, problem.At(problem.Place{File: f.Name}, "", "the change would join two documents")
		}
		out = append(out, f.Data[done:doc.end]...)
		done = doc.end
		if err := f.prove(doc, out[start:], &changes); err != nil {
			return nil, f.placed(err, mine[0].start)
		}
	}
	return append(out, f.Data[done:]...), nil
}

// placed completes the problems of a change that cannot be proved: with its line, where they
// have none.
func (f *File) placed(err error, at int) error {
	for _, p := range problem.All(err) {
		if p.Place.Line == 0 {
			p.Place = f.PlaceAt(at)
		}
		p.Hint = cmp.Or(p.Hint, "write the new value in by hand")
	}
	return err
}

// prove parses a document again after a change, alone, and compares it with what
// it was before, unless that was done for another of the same form. All the other
// documents have their bytes as they were.
func (f *File) prove(doc document, data []byte, changes *changes) error {
	if f.Proofs == nil {
		return f.proveParsed(doc, data, changes)
	}
	shared, ok := changes.formOf(doc, data)
	if ok && f.Proofs.has(shared) {
		return nil
	}
	err := f.proveParsed(doc, data, changes)
	if err == nil && ok {
		f.Proofs.add(shared)
	}
	return err
}

// proveParsed is prove, by the parser.
func (f *File) proveParsed(doc document, data []byte, changes *changes) error {
	after, err := Parse(f.Name, data)
	if err != nil {
		return problem.At(problem.Place{File: f.Name}, "", "the change would break the file: %s", problem.All(err)[0].Message)
	}
	if len(after.docs) != 1 {
		return problem.At(problem.Place{File: f.Name}, "", "the change would make %d documents of one", len(after.docs))
	}
	return changes.proveDocument(f, doc, after.docs[0])
}

// cut finds the bytes of an edit, and notes in changes what it means.
func (f *File) cut(e edit, changes *changes) (cut, error) {
	switch {
	case e.entries != nil:
		return f.addEntry(e, changes)
	case e.comment != nil:
		at := e.comment.repository
		changes.markers = append(changes.markers, markerChange{at, string(f.Data[at.start:at.end]), e.text})
		return cut{at, []byte(e.text)}, nil
	}
	s, err := f.find(e.node)
	if err != nil {
		return cut{}, err
	}
	value := s.value[:e.from] + e.text + s.value[e.to:]
	changes.values[e.node] = value
	plain := e.node.Style&^yaml.TaggedStyle == 0
	if plain && s.start < s.end && f.isJSON(s.start) { // null, or a number
		return cut{s.span, appendDoubleQuoted(nil, value)}, nil
	}
	if !plain || value != "" && !readsAsOther(value) && s.start < s.end {
		return cut{span{s.offset(e.from), s.offset(e.to)}, []byte(e.text)}, nil
	}
	changes.filled = changes.filled || s.start == s.end
	text := appendString(nil, value, true)
	if s.start == s.end && s.start > 0 && !isBlank(f.Data[s.start-1]) && breakLength(f.Data[s.start-1:]) == 0 { // there was nothing behind the colon, or the anchor
		if rest := f.Data[s.start:]; len(rest) > 0 && rest[0] == ' ' && !bytes.HasPrefix(rest, []byte(" #")) {
			return cut{span{s.start + 1, s.start + 1}, text}, nil
		}
		text = append([]byte{' '}, text...)
		if f.Data[s.start-1] != ':' && e.node.Anchor == "" && e.node.Style == 0 { // {tag} is {tag: null}
			text = append([]byte{':'}, text...)
		}
	}
	return cut{s.span, text}, nil
}

// isJSON reports whether the document that a byte is in is JSON, where a string needs its
// quotes.
func (f *File) isJSON(at int) bool {
	for _, d := range f.docs {
		if d.start <= at && at <= d.end {
			return d.root.Style&yaml.FlowStyle != 0 && json.Valid(f.Data[d.body:d.end])
		}
	}
	return false
}

// addEntry adds an entry to a map, behind the first one that is a scalar.
func (f *File) addEntry(e edit, changes *changes) (cut, error) {
	content, at := e.entries.Content, 0
	for at < len(content) && (content[at+1].Kind != yaml.ScalarNode || content[at+1].Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0) {
		at += 2
	}
	if at == len(content) {
		return cut{}, f.problemAt(content[0], "write "+e.key+" into it, with any value", "there is no %s to change", e.key)
	}
	key, value := content[at], content[at+1]
	s, err := f.find(value)
	if err != nil {
		return cut{}, err
	}
	changes.added = append(changes.added, added{e.entries, at + 2, e.key, e.text})
	if e.entries.Style&yaml.FlowStyle != 0 {
		name, text := appendString(nil, e.key, true), appendString(nil, e.text, true)
		if key.Style&yaml.DoubleQuotedStyle != 0 { // as in JSON
			name, text = appendDoubleQuoted(nil, e.key), appendDoubleQuoted(nil, e.text)
		}
		return cut{span{s.end, s.end}, slices.Concat([]byte(", "), name, []byte(": "), text)}, nil
	}
	end := s.end + lineLength(f.Data[s.end:]) // past a comment
	text := slices.Concat(f.lineBreak(end), bytes.Repeat([]byte{' '}, key.Column-1), []byte(e.key+": "))
	return cut{span{end, end}, appendString(text, e.text, false)}, nil
}
