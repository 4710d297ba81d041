package manifest

import (
	"bytes"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/problem"
)

// edit is a change of a file: part of a scalar's value is replaced, or an entry
// added to a map.
type edit struct {
	node     *yaml.Node // the scalar
	from, to int        // bytes of its value

	entries *yaml.Node // the map
	key     string

	text string // what comes there
}

// cut is an edit in bytes: those of span are replaced.
type cut struct {
	span
	text []byte

	node   *yaml.Node // the scalar that this is a part of, nil for an entry
	scalar scalar
}

// splice is the file with the edits made, and proved: parsed again, it differs
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
		if f.proveAlone(mine, &changes) {
			continue
		}
		if err := f.prove(doc, out[start:], &changes); err != nil {
			return nil, err
		}
	}
	return append(out, f.Data[done:]...), nil
}

// prove parses a document again after a change, alone, and compares it with what
// it was before. All the other documents have their bytes as they were.
func (f *File) prove(doc document, data []byte, changes *changes) error {
	after, err := Parse(f.Name, data)
	if err != nil {
		return problem.At(problem.Place{File: f.Name}, "", "the change would break the file: %v", strings.TrimPrefix(err.Error(), f.Name+":"))
	}
	if len(after.docs) != 1 {
		return problem.At(problem.Place{File: f.Name}, "", "the change would make %d documents of one", len(after.docs))
	}
	return changes.proveDocument(f, doc, after.docs[0])
}

// proveAlone is the proof for what is most often changed, and a tenth of the work:
// scalars on one line, with nothing behind them but a comment. Each is parsed
// again alone, with the rest of its line. False means that prove must decide.
//
// It is enough, for the parser reads from the left, and one line after the other.
// Up to the scalar it finds the same bytes, so it comes there in the same state.
// The scalar is parsed alone, before and after: so it ends where it should, and
// what it means is seen. No byte of it, old or new, is one that ends a scalar in
// any place. Behind it are the same bytes; all that has changed is how far to the
// right they stand, and the parser forgets that at the line's end.
func (f *File) proveAlone(cuts []cut, changes *changes) bool {
	for _, c := range cuts {
		if c.node == nil || c.scalar.origin != nil || c.node.Style&yaml.TaggedStyle != 0 ||
			!inert(c.scalar.value) || !inert(string(c.text)) {
			return false
		}
		end := c.scalar.end + lineLength(f.Data[c.scalar.end:])
		before, failure := decode(f.Data[c.scalar.start:end])
		if before == nil || failure != nil {
			return false
		}
		was := before.Content[0]
		if n := c.node; was.Kind != n.Kind || was.Style != n.Style || was.Tag != n.Tag || was.Value != n.Value {
			return false
		}
		after, failure := decode(slices.Concat(f.Data[c.scalar.start:c.start], c.text, f.Data[c.end:end]))
		if after == nil || failure != nil {
			return false
		}
		p := prover{changes: alone(was, changes.values[c.node]), before: f}
		if p.same(before, after) != nil {
			return false
		}
	}
	return true
}

func alone(n *yaml.Node, value any) *changes {
	return &changes{values: map[*yaml.Node]any{n: value}, comments: true}
}

// inert tells whether s has only characters that begin and end nothing, in no
// place of a scalar but its first. Their colons have no blank behind them.
func inert(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && !isDigit(c) && strings.IndexByte("-._/:@", c) < 0 {
			return false
		}
	}
	return s != "" && s[len(s)-1] != ':'
}

// cut finds the bytes of an edit, and notes in changes what it means.
func (f *File) cut(e edit, changes *changes) (cut, error) {
	if e.entries != nil {
		return f.addEntry(e, changes)
	}
	s, err := f.find(e.node)
	if err != nil {
		return cut{}, err
	}
	value := s.value[:e.from] + e.text + s.value[e.to:]
	changes.values[e.node] = value
	plain := e.node.Style&^yaml.TaggedStyle == 0
	if !plain || value != "" && !readsAsOther(value) && s.start < s.end {
		return cut{span{s.offset(e.from), s.offset(e.to)}, []byte(e.text), e.node, s}, nil
	}
	changes.filled = changes.filled || s.start == s.end
	text := appendString(nil, value, true)
	if s.start == s.end && s.start > 0 && f.Data[s.start-1] == ':' { // there was nothing behind the colon
		if rest := f.Data[s.start:]; len(rest) > 0 && rest[0] == ' ' && !bytes.HasPrefix(rest, []byte(" #")) {
			return cut{span: span{s.start + 1, s.start + 1}, text: text}, nil
		}
		text = append([]byte{' '}, text...)
	}
	return cut{span: s.span, text: text}, nil
}

// addEntry adds an entry behind the first one of a map, which must be a scalar.
func (f *File) addEntry(e edit, changes *changes) (cut, error) {
	key, value := e.entries.Content[0], e.entries.Content[1]
	if value.Kind != yaml.ScalarNode || value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return cut{}, f.problemAt(key, "write "+e.key+" into it, with any value", "there is no %s to change", e.key)
	}
	s, err := f.find(value)
	if err != nil {
		return cut{}, err
	}
	changes.added = append(changes.added, added{e.entries, e.key, e.text})
	if e.entries.Style&yaml.FlowStyle != 0 {
		name, text := appendString(nil, e.key, true), appendString(nil, e.text, true)
		if value.Style&yaml.DoubleQuotedStyle != 0 && key.Style&yaml.DoubleQuotedStyle != 0 { // JSON
			name, text = appendDoubleQuoted(nil, e.key), appendDoubleQuoted(nil, e.text)
		}
		return cut{span: span{s.end, s.end}, text: slices.Concat([]byte(", "), name, []byte(": "), text)}, nil
	}
	end, newline := s.end, []byte("\n")
	for end < len(f.Data) && breakLength(f.Data[end:]) == 0 {
		end++ // past a comment
	}
	if n := breakLength(f.Data[end:]); n > 0 {
		newline = f.Data[end : end+n]
	}
	text := slices.Concat(newline, bytes.Repeat([]byte{' '}, key.Column-1), []byte(e.key+": "))
	return cut{span: span{end, end}, text: appendString(text, e.text, false)}, nil
}
