package manifest

import (
	"bytes"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/problem"
)

// Passage is text of a file that may be YAML or JSON itself: a string of several lines or
// in brackets, or lines of comments. It is no part of what the file says.
type Passage struct {
	Data []byte

	file  *File
	value *scalar // nil for comments, whose bytes are the file's but for the "#"
	start int     // of comments
}

// Place returns where a line and column of the passage stands in the file.
func (p Passage) Place(at problem.Place) problem.Place {
	inside := File{Data: p.Data}
	offset := inside.offset(at.Line, at.Col)
	if offset < 0 {
		offset = 0
	}
	if p.value != nil {
		return p.file.PlaceAt(p.value.offset(min(offset, len(p.value.value))))
	}
	return p.file.PlaceAt(p.start + offset)
}

// Passages returns the passages that are wanted, by their text.
func (f *File) Passages(wanted func(data []byte) bool) []Passage {
	var list []Passage
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && mayBeYAML(n.Value) && wanted([]byte(n.Value)) {
			if s, err := f.find(n); err == nil {
				list = append(list, Passage{Data: []byte(n.Value), file: f, value: &s})
			}
		}
		for _, child := range n.Content {
			visit(child)
		}
	}
	for _, doc := range f.docs {
		visit(doc.root)
	}
	return append(list, f.commentPassages(wanted)...)
}

// mayBeYAML reports whether a string may hold a map or a list.
func mayBeYAML(s string) bool {
	if trimmed := strings.TrimLeft(s, " \t\r\n"); trimmed == "" {
		return false
	} else if trimmed[0] == '{' || trimmed[0] == '[' {
		return true
	}
	return strings.IndexByte(s, '\n') >= 0 && strings.IndexByte(s, ':') >= 0
}

// commentPassages returns the lines of comments around each that is wanted: those that may be
// entries of one map with it. The "#" is a blank in them.
func (f *File) commentPassages(wanted func(data []byte) bool) []Passage {
	var list []Passage
	for at := 0; at < len(f.Data); {
		hash := bytes.IndexByte(f.Data[at:], '#')
		if hash < 0 {
			break
		}
		start := f.lineStart(at + hash)
		var lines []commentLine
		for at = start; at < len(f.Data); {
			next := f.nextLine(at)
			line, ok := readCommentLine(f.Data[at:next], at)
			if !ok {
				break
			}
			lines = append(lines, line)
			at = next
		}
		if lines == nil {
			at = f.nextLine(start)
		}
		last := -1 // of the passage before
		for i, line := range lines {
			if i <= last || !wanted(line.text) {
				continue
			}
			first, end := entriesAround(lines, i)
			var data []byte
			for _, l := range lines[first:end] {
				data = append(data, l.text...)
			}
			list = append(list, Passage{Data: data, file: f, start: lines[first].start})
			last = end - 1
		}
	}
	return list
}

// commentLine is a line that is a comment.
type commentLine struct {
	start  int
	text   []byte // with its line break, and a blank for the "#"
	indent int    // of what the comment says
	item   bool   // it begins with "- "
}

func readCommentLine(line []byte, start int) (commentLine, bool) {
	hash := len(line) - len(bytes.TrimLeft(line, " \t"))
	if hash == len(line) || line[hash] != '#' {
		return commentLine{}, false
	}
	text := bytes.Clone(line)
	text[hash] = ' '
	rest := bytes.TrimLeft(text, " \t")
	return commentLine{start, text, len(text) - len(rest), bytes.HasPrefix(rest, []byte("- "))}, true
}

// isEntry reports whether the line may begin an entry of a map.
func (l commentLine) isEntry() bool {
	text := bytes.TrimSpace(l.text)
	if l.item {
		text = bytes.TrimLeft(text[1:], " ")
	}
	key, _, found := bytes.Cut(text, []byte(":"))
	return found && len(key) > 0 && bytes.IndexByte(key, ' ') < 0
}

// entriesAround returns the run of lines around one that may be entries of one map with it.
func entriesAround(lines []commentLine, at int) (first, end int) {
	column := lines[at].indent
	if lines[at].item {
		column += 2
	}
	for first = at; first > 0 && !lines[first].item; first-- {
		above := lines[first-1]
		if same := above.isEntry() && (above.indent == column && !above.item || above.indent+2 == column && above.item); !same && above.indent <= column {
			break
		}
	}
	for end = at + 1; end < len(lines); end++ {
		below := lines[end]
		if below.indent < column || below.indent == column && (below.item || !below.isEntry()) {
			break
		}
	}
	return first, end
}
