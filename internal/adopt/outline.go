package adopt

import (
	"strings"

	"k8srepo/internal/lazyregexp"
)

// kind is what a node of an outline is.
type kind int8

const (
	document kind = iota
	entry         // key: value, or a key with nodes below it
	item          // of a list
	text          // a line of a block of text, or of a scalar that goes on
	comment       // a line that is a comment
	blank         // an empty line
	marker        // --- and ...
)

// form is how the value of an entry or an item is written. Two of different forms are
// never the same.
type form int8

const (
	inline form = iota // on its line
	nested             // as nodes below it
	block              // as a block of text: | or >
	open               // it begins on its line, and goes on below: quotes, brackets, plain text
)

// node is a part of a manifest as it stands in the text. An outline is read from the
// lines and their indentation. It need not be right about everything that YAML allows:
// what is inferred from it is proved by rendering.
type node struct {
	kind  kind
	form  form
	label string // what it is called: a key, "name=api" of an item, the text of a comment
	key   string // an entry's key, as it is written
	line  int    // its line, counted from 0; -1 where it has none of its own
	col   int    // where its key or dash stands; 0 of what is no structure
	quote byte   // that its value begins with; 0 for none
	kids  []*node
	known profile  // see node.profile
	split []string // see labelWords
}

// named reports whether two nodes are called the same: but for the names of environment and
// service, or as they are written. A key may hold by chance what is a name in one environment.
func (n *node) named(other *node) bool {
	return n.label == other.label || n.key != "" && n.key == other.key
}

// outliner reads an outline.
type outliner struct {
	lines []string
	name  func(string) string // a text without the names of environment and service
	stack []level             // the nodes that lines may be added to
	at    int
	wait  []*node // comments and blank lines, which belong to what follows them
}

// level is an open node.
type level struct {
	node   *node
	column int // of its key or dash; -1 for a document
}

// outline returns the documents of a manifest.
func outline(lines []string, name func(string) string) []*node {
	o := &outliner{lines: lines, name: name}
	var docs []*node
	begin := func() *node {
		doc := &node{kind: document, line: -1}
		docs = append(docs, doc)
		o.stack = []level{{doc, -1}}
		return doc
	}
	begin()
	for o.at < len(lines) {
		line := lines[o.at]
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "":
			o.wait = append(o.wait, &node{kind: blank, line: o.at})
			o.at++
		case strings.HasPrefix(trimmed, "#"):
			o.wait = append(o.wait, &node{kind: comment, label: o.name(trimmed), line: o.at})
			o.at++
		case line == "---" || strings.HasPrefix(line, "--- ") || line == "..." || strings.HasPrefix(line, "%"):
			if hasContent(docs[len(docs)-1]) {
				begin()
			}
			o.stack = o.stack[:1]
			o.add(&node{kind: marker, label: trimmed, line: o.at})
			o.at++
		default:
			o.content(line)
		}
	}
	o.stack = o.stack[:1]
	o.flush()
	for _, doc := range docs {
		doc.label = documentLabel(doc, lines, name)
	}
	return docs
}

func hasContent(n *node) bool {
	for _, k := range n.kids {
		if k.kind == entry || k.kind == item || k.kind == text {
			return true
		}
	}
	return false
}

// flush adds what waits to the innermost open node.
func (o *outliner) flush() {
	top := o.stack[len(o.stack)-1].node
	top.kids = append(top.kids, o.wait...)
	o.wait = nil
}

// add adds a node to the innermost open one.
func (o *outliner) add(n *node) {
	o.flush()
	top := o.stack[len(o.stack)-1].node
	top.kids = append(top.kids, n)
}

// content reads a line of structure, and the lines of its scalar.
func (o *outliner) content(line string) {
	column := len(line) - len(strings.TrimLeft(line, " "))
	rest := line[column:]
	isItem := isDash(rest)
	for len(o.stack) > 1 {
		top := o.stack[len(o.stack)-1]
		sameList := isItem && top.node.kind == entry && top.column == column && top.node.form == nested
		if top.column < column || sameList {
			break
		}
		o.stack = o.stack[:len(o.stack)-1]
	}
	own := o.at
	o.flush()
	var last *node
	for isDash(rest) {
		n := &node{kind: item, form: nested, line: -1, col: column}
		o.add(n)
		o.stack = append(o.stack, level{n, column})
		after := strings.TrimLeft(rest[1:], " \t")
		if after == "" || strings.HasPrefix(after, "#") { // a dash alone
			n.line = own
			o.at++
			return
		}
		column += len(rest) - len(after)
		rest, last = after, n
	}
	key, value, isEntry := splitEntry(rest)
	if isEntry {
		n := &node{kind: entry, label: o.name(unquoted(key)), key: unquoted(key), line: own, col: column}
		o.add(n)
		o.stack = append(o.stack, level{n, column})
		o.scalar(n, value, column)
		return
	}
	if last == nil {
		last = &node{kind: text, line: own}
		o.add(last)
	}
	last.line, last.label = own, o.name(strings.TrimSpace(rest))
	parent := o.stack[len(o.stack)-1].column
	if last.kind == text {
		parent = column - 1
	}
	o.scalar(last, rest, parent)
}

var (
	blockHeader = lazyregexp.New(`^((&|!)\S*\s+)*[|>][-+0-9]*\s*(#.*)?$`)
	properties  = lazyregexp.New(`^((&|!)\S*\s*)+(#.*)?$`)
)

// scalar notes how a value is written, and reads the lines that it goes on for. They
// are indented deeper than column.
func (o *outliner) scalar(n *node, value string, column int) {
	o.at++
	bare, _ := splitComment(value)
	switch {
	case blockHeader.MatchString(bare):
		n.form = block
		o.texts(n, func(line string) bool { return indentOf(line) > column })
	case bare == "" || properties.MatchString(bare):
		n.form = nested
	default:
		n.form = inline
		if bare[0] == '"' || bare[0] == '\'' {
			n.quote = bare[0]
		}
		if c := closer(bare); c.isOpen() {
			n.form = open
			for o.at < len(o.lines) && c.isOpen() {
				n.kids = append(n.kids, &node{kind: text, label: o.name(strings.TrimSpace(o.lines[o.at])), line: o.at})
				c.read(o.lines[o.at])
				o.at++
			}
			return
		}
		if c := bare[0]; c != '"' && c != '\'' && c != '[' && c != '{' {
			o.texts(n, func(line string) bool {
				return indentOf(line) > column && !strings.HasPrefix(strings.TrimSpace(line), "#")
			})
			if len(n.kids) > 0 {
				n.form = open
			}
		}
	}
}

// texts adds the lines that belong to a scalar. Blank lines at its end do not.
func (o *outliner) texts(n *node, belongs func(string) bool) {
	end := o.at
	for i := o.at; i < len(o.lines); i++ {
		if strings.TrimSpace(o.lines[i]) == "" {
			continue
		}
		if !belongs(o.lines[i]) {
			break
		}
		end = i + 1
	}
	for ; o.at < end; o.at++ {
		n.kids = append(n.kids, &node{kind: text, label: o.name(strings.TrimSpace(o.lines[o.at])), line: o.at})
	}
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func isDash(s string) bool {
	return s == "-" || strings.HasPrefix(s, "- ") || strings.HasPrefix(s, "-\t")
}

// splitEntry splits "key: value". The value is without the blanks before it.
func splitEntry(s string) (key, value string, ok bool) {
	if s == "" || strings.IndexByte("[{|>&*!%@`?#,", s[0]) >= 0 {
		return "", "", false
	}
	end := 0
	if s[0] == '"' || s[0] == '\'' {
		if end = quotedLength(s); end == 0 {
			return "", "", false
		}
	}
	for i := end; i < len(s); i++ {
		switch {
		case s[i] == ':' && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == '\t'):
			return strings.TrimRight(s[:i], " \t"), strings.TrimLeft(s[i+1:], " \t"), true
		case s[i] == '#' && i > 0 && s[i-1] == ' ', end > 0 && s[i] != ' ':
			return "", "", false
		}
	}
	return "", "", false
}

// quotedLength returns the length of the quoted scalar that s begins with, 0 where it does
// not end.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[0] == '"' && s[i] == '\\', s[0] == '\'' && s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return 0
}

func unquoted(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// splitComment splits a value from the comment behind it, and the blanks before that.
func splitComment(s string) (value, tail string) {
	i := 0
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		i = quotedLength(s)
	}
	quote := byte(0)
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && s[0] == '[' || (c == '"' || c == '\'') && s[0] == '{':
			quote = c
		case c == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t'):
			value = strings.TrimRight(s[:i], " \t")
			return value, s[len(value):]
		}
	}
	value = strings.TrimRight(s, " \t")
	return value, s[len(value):]
}

// closing follows the quotes and brackets of a scalar.
type closing struct {
	quote byte
	depth int
}

// closer reads the first line of a scalar.
func closer(s string) *closing {
	c := &closing{}
	if strings.IndexByte("[{\"'", s[0]) >= 0 {
		c.read(s)
	}
	return c
}

func (c *closing) isOpen() bool { return c.quote != 0 || c.depth > 0 }

func (c *closing) read(line string) {
	for i := 0; i < len(line); i++ {
		switch b := line[i]; {
		case c.quote == '"' && b == '\\', c.quote == '\'' && b == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
		case c.quote != 0:
			if b == c.quote {
				c.quote = 0
			}
		case b == '#' && i > 0 && line[i-1] == ' ':
			return
		case (b == '"' || b == '\'') && (i == 0 || strings.IndexByte(" \t[{,:", line[i-1]) >= 0):
			c.quote = b
		case b == '[' || b == '{':
			c.depth++
		case b == ']' || b == '}':
			c.depth--
		}
	}
}

// mergeKeys are the keys that tell the items of a list apart, as Kubernetes merges
// lists, the strongest first.
var mergeKeys = []string{"name", "containerPort", "mountPath", "devicePath", "port", "host", "path", "key", "topologyKey", "ip", "type", "kind", "secretRef", "configMapRef"}

// identify gives the items below a node labels by their merge keys.
func identify(n *node, lines []string, name func(string) string) {
	for _, k := range n.kids {
		identify(k, lines, name)
		if k.kind != item || k.label != "" {
			continue
		}
		for _, key := range mergeKeys {
			if value, ok := valueOf(k, key, lines); ok {
				k.label = key + "=" + name(value)
				break
			}
		}
	}
}

// valueOf returns the value of a key below a node; of a map, that of its name.
func valueOf(n *node, key string, lines []string) (string, bool) {
	for _, k := range n.kids {
		if k.kind != entry || k.label != key {
			continue
		}
		if k.form == nested && key != "name" {
			return valueOf(k, "name", lines)
		}
		value := splitLine(lines[k.line]).value
		return value, value != ""
	}
	return "", false
}

func documentLabel(doc *node, lines []string, name func(string) string) string {
	identify(doc, lines, name)
	kind, _ := valueOf(doc, "kind", lines)
	label := kind + "/"
	for _, k := range doc.kids {
		if k.kind == entry && k.label == "metadata" {
			value, _ := valueOf(k, "name", lines)
			label += name(value)
		}
	}
	return label
}
