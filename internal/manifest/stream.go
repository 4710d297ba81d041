package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/lazyregexp"
)

// document is one document of a file: a run of its bytes, from the directives
// before its "---" to what begins the next document.
//
// Documents are parsed one by one. They have nothing in common (YAML 1.2, section
// 9.2), so a change of one needs no second look at the others; and the parser
// asks for a "---" behind "...", which YAML does not.
type document struct {
	span
	node *yaml.Node // as the parser has it, with the comments round about
	root *yaml.Node // its value: node's only child

	lines      int  // of the file, before it
	body       int  // the offset behind its "---", or where it starts
	directives bool // it has some

	scanned  bool     // by Scan, so that the nodes have no comments
	comments []string // then: all of them
}

// split finds the documents in the bytes. A line that starts with "---" or "..."
// and a blank ends whatever came before, in every style of scalar.
func (f *File) split() []document {
	current := document{span: span{0, len(f.Data)}}
	if bytes.HasPrefix(f.Data, byteOrderMark) {
		current.start, current.body = len(byteOrderMark), len(byteOrderMark)
	}
	if !bytes.Contains(f.Data, []byte("---")) && !bytes.Contains(f.Data, []byte("...")) && !bytes.HasPrefix(f.Data[current.start:], []byte("%")) && !bytes.Contains(f.Data, []byte("\n%")) {
		return []document{current}
	}
	var docs []document
	starts := f.lines.of(f.Data)
	begun := false // more than directives, comments and blank lines
	for i, start := range starts {
		end, line := start, f.Data[start:] // end is that of what came before
		if rest, ok := bytes.CutPrefix(line, byteOrderMark); ok && !current.directives && (start == current.start || isMarker(rest, "---")) {
			start, line = start+len(byteOrderMark), rest
			starts[i] = start // a document may begin with a mark, which the parser does not count
			if !begun {
				current.start, current.body, current.lines = start, start, i
			}
		}
		switch {
		case isMarker(line, "---"):
			if begun {
				current.end = end
				docs = append(docs, current)
				current = document{span: span{start, len(f.Data)}, lines: i}
			}
			current.body, begun = start+len("---"), true
		case isMarker(line, "..."):
			current.end = len(f.Data)
			if i+1 < len(starts) {
				current.end = starts[i+1]
			}
			docs = append(docs, current)
			current, begun = document{span: span{current.end, len(f.Data)}, lines: i + 1, body: current.end}, false
		case begun || len(line) == 0:
		case line[0] == '%':
			current.directives = true
		default:
			rest := bytes.TrimLeft(line, " \t")
			begun = len(rest) > 0 && rest[0] != '#' && breakLength(rest) == 0
		}
	}
	return append(docs, current)
}

// isMarker reports whether a line is a document's marker.
func isMarker(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || isBlank(rest[0]) || breakLength(rest) > 0)
}

// parse parses a document, and reports whether there is anything in it but
// comments. What the parser rejects although it is YAML, or JSON, is read all the
// same.
func (f *File) parse(d *document) (bool, error) {
	data, read := f.Data[d.start:d.end], decode
	if d.directives {
		if d.body == d.start {
			return false, errNoMarker
		}
		data = withoutDirectives(data)
	}
	node, failure := read(data)
	if failure != nil && failure.message() == "found unknown escape character" {
		read = decodeSolidus
		node, failure = read(data)
	}
	const maxTabs = 100 // each costs a parse
	for n := 0; failure != nil && n < maxTabs; n++ {
		without := withoutTab(data, failure)
		if without == nil {
			break
		}
		data = without
		node, failure = read(data)
	}
	switch {
	case failure != nil:
		if node = f.parseJSON(d); node == nil {
			return false, failure
		}
	case node == nil:
		return false, nil
	case d.lines > 0:
		moveDown(node, d.lines)
	}
	d.node, d.root = node, node.Content[0]
	if bytes.IndexByte(f.Data[d.start:d.end], '*') >= 0 && !acyclic(d.root) {
		return false, errEndlessAliases
	}
	return true, nil
}

var errEndlessAliases = errors.New("the aliases in this document never come to an end")

var errNoMarker = errors.New("a directive is followed by no ---")

// decode is the parser. The node is nil where there is nothing but comments.
func decode(data []byte) (*yaml.Node, *syntaxError) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil {
		if err = decoder.Decode(&more); errors.Is(err, io.EOF) {
			return &doc, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("yaml: line %d: another document begins without a ---", more.Line)
	}
	return nil, &syntaxError{err.Error(), decode, data}
}

var escapedEscape = lazyregexp.New(`(?i)\\(e|x1b|u001b|u0000001b)`)

// decodeSolidus is decode for text with the escape \/, which is YAML 1.2's and not
// the parser's: it reads \e in its place, of which nobody writes any, and the
// values are put right.
func decodeSolidus(data []byte) (*yaml.Node, *syntaxError) {
	if escapedEscape.Match(data) {
		return nil, &syntaxError{"yaml: the escapes \\/ and \\e stand in one document", decode, data}
	}
	data = bytes.Clone(data)
	for i := 0; i+1 < len(data); i++ {
		if data[i] == '\\' {
			if i++; data[i] == '/' {
				data[i] = 'e'
			}
		}
	}
	node, failure := decode(data)
	if node == nil {
		return nil, failure
	}
	var restore func(n *yaml.Node)
	restore = func(n *yaml.Node) {
		if n.Style&yaml.DoubleQuotedStyle != 0 {
			n.Value = strings.ReplaceAll(n.Value, "\x1b", "/")
		} else {
			n.Value = strings.ReplaceAll(n.Value, `\e`, `\/`)
		}
		for _, child := range n.Content {
			restore(child)
		}
	}
	restore(node)
	return node, nil
}

// syntaxError is an error of the parser.
type syntaxError struct {
	text string // "yaml: line 3: …"
	read func([]byte) (*yaml.Node, *syntaxError)
	data []byte // what was read
}

func (e *syntaxError) Error() string { return e.text }

// message returns what the parser says, without the line.
func (e *syntaxError) message() string {
	message := strings.TrimPrefix(e.text, "yaml: ")
	if e.line() > 0 {
		_, message, _ = strings.Cut(message, ": ")
	}
	return message
}

// line returns where the string began, or the map or list, in which the parser stopped;
// 0 where it does not tell, as in the first line.
func (e *syntaxError) line() int {
	if rest, ok := strings.CutPrefix(e.text, "yaml: line "); ok {
		if number, _, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				return n
			}
		}
	}
	return 0
}

// stoppedAt returns the line at which the parser gave up: with no line less does it
// say the same.
func (e *syntaxError) stoppedAt() int {
	lines := lineIndex{}
	starts := lines.of(e.data)
	return 1 + sort.Search(len(starts)-1, func(i int) bool {
		_, failure := e.read(e.data[:starts[i+1]])
		return failure != nil && failure.text == e.text
	})
}

// moveDown moves the places below a node some lines down.
func moveDown(n *yaml.Node, lines int) {
	n.Line += lines
	for _, child := range n.Content {
		moveDown(child, lines)
	}
}

// withoutDirectives returns a document with blanks for the directives that say nothing
// about its content: those that are reserved, and YAML's version, of which the
// parser knows 1.1 only. Every other byte stays in its place.
func withoutDirectives(data []byte) []byte {
	data = bytes.Clone(data)
	for at := 0; at < len(data); {
		line := data[at : at+lineLength(data[at:])]
		if isMarker(line, "---") {
			break
		}
		if len(line) > 0 && line[0] == '%' && !bytes.HasPrefix(line, []byte("%TAG")) &&
			(!bytes.HasPrefix(line, []byte("%YAML")) || bytes.HasPrefix(line, []byte("%YAML 1."))) {
			copy(line, bytes.Repeat([]byte{' '}, len(line)))
		}
		at += len(line)
		at += breakLength(data[at:])
	}
	return data
}

// withoutTab is data with blanks for the tabs that made the parser stop: those
// on a line of blanks, or before a comment, and behind the "-" of a scalar or a
// flow collection. Such a tab separates, and is no indentation (YAML 1.2, section
// 6.1). Nil means that no such tab is to blame.
func withoutTab(data []byte, failure *syntaxError) []byte {
	switch failure.message() {
	case "found character that cannot start any token", "found a tab character that violates indentation":
	default:
		return nil
	}
	at := 0
	for n := 1; at < len(data); n++ {
		text := data[at : at+lineLength(data[at:])]
		if tabs := separatingTabs(text); n >= failure.line() && tabs > 0 {
			data = bytes.Clone(data)
			for i := at; i < at+tabs; i++ {
				if data[i] == '\t' {
					data[i] = ' '
				}
			}
			return data
		}
		at += len(text)
		at += breakLength(data[at:])
	}
	return nil
}

// separatingTabs is up to where a line has tabs that only separate.
func separatingTabs(line []byte) int {
	rest := bytes.TrimLeft(line, " \t")
	before := line[:len(line)-len(rest)]
	if len(rest) == 0 || rest[0] == '#' {
		if bytes.IndexByte(before, '\t') >= 0 {
			return len(before)
		}
		return 0
	}
	if rest[0] != '-' || bytes.IndexByte(before, '\t') >= 0 {
		return 0
	}
	item := bytes.TrimLeft(rest[1:], " \t")
	tabs := len(line) - len(item)
	if len(item) > 0 && (strings.IndexByte("{[\"'", item[0]) >= 0 || bytes.IndexByte(item, ':') < 0 && item[0] != '-' && item[0] != '?') &&
		bytes.IndexByte(line[:tabs], '\t') >= 0 {
		return tabs
	}
	return 0
}

// lineLength returns the length of the line that b starts with, without its break.
func lineLength(b []byte) int {
	for i := range b {
		if c := b[i]; (c == '\n' || c == '\r' || c == 0xC2 || c == 0xE2) && breakLength(b[i:]) > 0 {
			return i
		}
	}
	return len(b)
}
