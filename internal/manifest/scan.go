package manifest

import (
	"bytes"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Most manifests are written in a small part of YAML: block maps and lists, scalars and
// flow collections of one line, literal text. Scan reads that part itself, in a fraction
// of the parser's time, into the tree that the parser makes of it. It gives up at
// anything else, and the parser reads the document then. FuzzScan compares the two.
//
// A change of a document that was scanned is proved like any other: the parser reads the
// result, and its tree must be that of the scan in everything but the chosen scalars. So
// a wrong scan can never lead to a wrong change: see Scanned.

// Scan is Parse for files of which most documents are plain.
func Scan(name string, data []byte) (*File, error) {
	f := &File{Name: name, Data: data}
	if p := f.notUTF8(); p != nil {
		return nil, p
	}
	for _, d := range f.split() {
		some := f.scan(&d)
		if !some {
			var err error
			if some, err = f.parse(&d); err != nil {
				return nil, f.syntaxProblem(d, err)
			}
		}
		if some {
			f.docs = append(f.docs, d)
		}
	}
	return f, nil
}

// Scanned reports whether a document was read by Scan alone. A refusal of SetImages may
// then mean that the parser reads the file differently: Parse it, and ask again.
func (f *File) Scanned() bool {
	for _, d := range f.docs {
		if d.scanned {
			return true
		}
	}
	return false
}

// scan reads a document, and reports whether it did: not where the document is not plain, or
// may be nothing but comments, which the parser decides.
func (f *File) scan(d *document) bool {
	data := f.Data[d.start:d.end]
	if d.directives || !scannable(data) {
		return false
	}
	s := &scanner{text: string(data), line: d.lines}
	s.next()
	doc := s.node(yaml.DocumentNode, s.at, 0)
	if s.more && s.indent == 0 && strings.HasPrefix(s.text[s.at:], "---") {
		if s.at += len("---"); s.at < len(s.text) && s.text[s.at] != '\n' {
			return false
		}
		s.next()
	}
	s.begun = true
	if !s.more || s.failed {
		return false
	}
	root := s.block(-1)
	if s.failed || s.more {
		return false
	}
	doc.Content = []*yaml.Node{root}
	d.node, d.root, d.scanned, d.comments = doc, root, true, s.comments
	return true
}

// scannable reports whether the bytes of a document may be plain: no tab, no control
// character, no line break but LF, and nothing that may be a mark or a break of Unicode.
func scannable(data []byte) bool {
	if bytes.IndexByte(data, '\t') >= 0 {
		return false
	}
	for i, c := range data {
		switch {
		case c >= ' ' && c < 0x7F || c == '\n':
		case c < 0x80, c == 0xC2, c == 0xEF, c == 0xE2 && i+1 < len(data) && data[i+1] == 0x80:
			return false
		}
	}
	return true
}

// scanner reads one document, line by line.
type scanner struct {
	text     string
	at       int // where the reading stands
	line     int // of that, counted from 0
	start    int // of that line
	comments []string
	failed   bool
	begun    bool // past the document's "---"

	more   bool // there is another line with something on it; at is there
	indent int  // of that line

	slab  []yaml.Node
	depth int
}

// fail gives up. What is read after it does not matter.
func (s *scanner) fail() {
	s.failed, s.more = true, false
}

// node makes a node at an offset of the line at hand.
func (s *scanner) node(kind yaml.Kind, at int, style yaml.Style) *yaml.Node {
	if len(s.slab) == 0 {
		s.slab = make([]yaml.Node, 32)
	}
	n := &s.slab[0]
	s.slab = s.slab[1:]
	n.Kind, n.Line, n.Column, n.Style = kind, s.line+1, at-s.start+1, style
	switch kind {
	case yaml.MappingNode:
		n.Tag = yaml.NodeTagMap
	case yaml.SequenceNode:
		n.Tag = yaml.NodeTagSeq
	}
	return n
}

// next goes past the rest of a line, which may be blanks and a comment only, to the next
// line with something on it.
func (s *scanner) next() {
	s.more = false
	begun := s.at == 0 // at a line's beginning, where blanks are its indentation
	for {
		from := s.at
		for s.at < len(s.text) && s.text[s.at] == ' ' {
			s.at++
		}
		switch {
		case s.at == len(s.text):
			return
		case s.text[s.at] == '\n':
			s.at++
			s.line++
			s.start = s.at
			begun = true
		case s.text[s.at] == '#' && (begun || s.at > from):
			end := s.lineEnd(s.at)
			s.comments = append(s.comments, strings.TrimRight(s.text[s.at:end], " "))
			s.at = end
		case !begun:
			s.fail()
			return
		default:
			s.more, s.indent = true, s.at-s.start
			if rest := s.text[s.at:]; s.indent == 0 && (rest[0] == '%' || s.begun && strings.HasPrefix(rest, "---") || strings.HasPrefix(rest, "...")) {
				s.fail()
			}
			return
		}
	}
}

// lineEnd returns where the line ends that an offset is in.
func (s *scanner) lineEnd(at int) int {
	if n := strings.IndexByte(s.text[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(s.text)
}

// block reads the node that begins on the line at hand, inside of a collection whose
// entries stand at a column, or -1.
func (s *scanner) block(parent int) *yaml.Node {
	const maxDepth = 100
	if s.depth++; s.depth > maxDepth {
		s.fail()
	}
	defer func() { s.depth-- }()
	if s.failed {
		return nil
	}
	column := s.at - s.start
	if s.isDash(s.at) {
		return s.sequence(column)
	}
	if colon := s.keyEnd(s.at); colon >= 0 {
		return s.mapping(column, colon)
	}
	return s.value(parent)
}

// isDash reports whether an item of a block list begins at an offset.
func (s *scanner) isDash(at int) bool {
	return s.text[at] == '-' && (at+1 == len(s.text) || s.text[at+1] == ' ' || s.text[at+1] == '\n')
}

// keyEnd returns where the colon stands behind the key that begins at an offset, -1 where
// none does.
func (s *scanner) keyEnd(at int) int {
	const maxKey = 128
	first := s.text[at]
	if first == '"' || first == '\'' {
		end := s.quoteEnd(at)
		if end < 0 || end-at > maxKey || !s.isColon(end) || !isASCII(s.text[at:end], "") { // columns count characters
			return -1
		}
		return end
	}
	if !isPlainFirst(first) {
		return -1
	}
	for end := at; end < len(s.text) && end-at < maxKey; end++ {
		switch c := s.text[end]; {
		case c == ':' && s.isColon(end):
			if s.text[end-1] == ' ' {
				return -1
			}
			return end
		case c == '\n' || c >= 0x80 || c == '#' && end > at && s.text[end-1] == ' ':
			return -1
		}
	}
	return -1
}

// isColon reports whether a colon that ends a key stands at an offset.
func (s *scanner) isColon(at int) bool {
	return at < len(s.text) && s.text[at] == ':' && (at+1 == len(s.text) || s.text[at+1] == ' ' || s.text[at+1] == '\n')
}

// mapping reads a block map whose first key begins at hand and ends at a colon.
func (s *scanner) mapping(column, colon int) *yaml.Node {
	n := s.node(yaml.MappingNode, s.at, 0)
	n.Content = make([]*yaml.Node, 0, 8)
	for {
		n.Content = append(n.Content, s.scalar(s.at, colon))
		s.at = colon + 1
		n.Content = append(n.Content, s.entry(column, true))
		if !s.more || s.indent != column || s.isDash(s.at) {
			break
		}
		if colon = s.keyEnd(s.at); colon < 0 {
			s.fail()
			break
		}
	}
	if s.more && s.indent > column {
		s.fail()
	}
	return n
}

// sequence reads a block list whose first dash stands at hand.
func (s *scanner) sequence(column int) *yaml.Node {
	n := s.node(yaml.SequenceNode, s.at, 0)
	n.Content = make([]*yaml.Node, 0, 4)
	for s.more && s.at-s.start == column && s.isDash(s.at) {
		s.at++
		n.Content = append(n.Content, s.entry(column, false))
		if s.more && s.indent > column {
			s.fail()
		}
	}
	return n
}

// entry reads what follows a key's colon or an item's dash, up to the next line that is
// not its own.
func (s *scanner) entry(column int, key bool) *yaml.Node {
	empty, line, start := s.at, s.line, s.start
	for s.at < len(s.text) && s.text[s.at] == ' ' {
		s.at++
	}
	if s.at < len(s.text) && s.text[s.at] != '\n' && s.text[s.at] != '#' {
		if key {
			if s.isDash(s.at) {
				s.fail()
				return nil
			}
			return s.value(column)
		}
		return s.block(column)
	}
	s.at = empty
	s.next()
	if s.more && (s.indent > column || key && s.indent == column && s.isDash(s.at)) {
		return s.block(column)
	}
	if s.failed {
		return nil
	}
	n := s.node(yaml.ScalarNode, 0, 0)
	n.Tag, n.Line, n.Column = yaml.NodeTagNull, line+1, empty-start+1
	return n
}

// value reads a scalar or a flow collection, and goes on to the next line.
func (s *scanner) value(parent int) *yaml.Node {
	var n *yaml.Node
	switch c := s.text[s.at]; {
	case c == '|':
		return s.literal(parent)
	case c == '[' || c == '{':
		n = s.flow()
	case c == '"' || c == '\'':
		end := s.quoteEnd(s.at)
		if end < 0 {
			s.fail()
			return nil
		}
		n = s.scalar(s.at, end)
		s.at = end
	case isPlainFirst(c):
		end := s.plainEnd()
		if end < 0 {
			s.fail()
			return nil
		}
		n = s.scalar(s.at, end)
		s.at = end
	default:
		s.fail()
		return nil
	}
	if s.failed {
		return nil
	}
	if s.next(); s.more && s.indent > parent {
		s.fail() // it may go on there
	}
	return n
}
