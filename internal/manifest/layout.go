package manifest

import (
	"bytes"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// layout writes values as the nodes beside them are written: their order of keys, quotes,
// indentation, blanks behind colons, dashes and brackets. Where nothing like them is
// there, a list is written in brackets, and a map on lines of its own.
type layout struct {
	f       *File
	newline []byte
	json    bool // every string stands in double quotes
}

func (f *File) layout(at int) layout {
	root := f.docs[0].root
	json := root.Style&yaml.FlowStyle != 0 && len(root.Content) > 0 && root.Content[0].Style&yaml.DoubleQuotedStyle != 0
	return layout{f, f.lineBreak(at), json}
}

// below returns the values that maps have at a key.
func below(maps []*yaml.Node, key string) []*yaml.Node {
	var values []*yaml.Node
	for _, m := range maps {
		if _, value := entryOf(m, key); value != nil {
			values = append(values, value)
		}
	}
	return values
}

// entryOf returns a map's own entry of a key, nil where it has none, or an alias.
func entryOf(m *yaml.Node, key string) (name, value *yaml.Node) {
	if m.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i < len(m.Content); i += 2 {
		if k := m.Content[i]; k.Kind == yaml.ScalarNode && k.Value == key && m.Content[i+1].Kind != yaml.AliasNode {
			return k, m.Content[i+1]
		}
	}
	return nil, nil
}

// itemsOf returns the items of lists.
func itemsOf(lists []*yaml.Node) []*yaml.Node {
	var items []*yaml.Node
	for _, l := range lists {
		if l.Kind == yaml.SequenceNode {
			items = append(items, l.Content...)
		}
	}
	return items
}

// nearest returns the last of some nodes that is of a kind, nil where none is.
func nearest(nodes []*yaml.Node, kind yaml.Kind) *yaml.Node {
	for _, n := range slices.Backward(nodes) {
		if n.Kind == kind && (kind == yaml.ScalarNode || len(n.Content) > 0) {
			return n
		}
	}
	return nil
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// scalar appends a value that is no list or map, in the quotes of its neighbours.
func (l layout) scalar(dst []byte, v Value, like []*yaml.Node, flow bool) []byte {
	switch {
	case v.Kind == Null:
		return append(dst, "null"...)
	case v.Kind != String:
		return append(dst, v.Text...)
	}
	style := yaml.Style(0)
	if n := nearest(like, yaml.ScalarNode); n != nil {
		style = n.Style
	} else if l.json {
		style = yaml.DoubleQuotedStyle
	}
	switch {
	case style&yaml.DoubleQuotedStyle != 0:
		return appendDoubleQuoted(dst, v.Text)
	case style&yaml.SingleQuotedStyle != 0 && printable(v.Text):
		return append(dst, "'"+strings.ReplaceAll(v.Text, "'", "''")+"'"...)
	}
	return appendString(dst, v.Text, flow)
}

// inline appends a value on one line.
func (l layout) inline(dst []byte, v Value, like []*yaml.Node, flow bool) []byte {
	switch v.Kind {
	case List:
		pad, sep := l.brackets(nearest(like, yaml.SequenceNode), 1)
		if len(v.Items) == 0 {
			pad = ""
		}
		dst = append(dst, "["+pad...)
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, sep...)
			}
			dst = l.inline(dst, item, itemsOf(like), true)
		}
		return append(dst, pad+"]"...)
	case Map:
		pad, sep := l.brackets(nearest(like, yaml.MappingNode), 2)
		if len(v.Fields) == 0 {
			pad = ""
		}
		dst = append(dst, "{"+pad...)
		for i, f := range ordered(v, like) {
			if i > 0 {
				dst = append(dst, sep...)
			}
			dst = l.inline(l.key(dst, f.Key, like, true), f.Value, below(like, f.Key.Text), true)
		}
		return append(dst, pad+"}"...)
	}
	return l.scalar(dst, v, like, flow)
}

// brackets returns what a flow collection has behind its bracket and between its
// elements, of which each is so many nodes.
func (l layout) brackets(n *yaml.Node, size int) (pad, sep string) {
	sep = ", "
	if n == nil || !isFlow(n) {
		return "", sep
	}
	data := l.f.Data
	if at, err := l.f.behindBracket(n); err == nil {
		end := at
		for end < len(data) && data[end] == ' ' {
			end++
		}
		if breakLength(data[end:]) == 0 && end < len(data) && data[end] != '#' {
			pad = string(data[at:end])
		}
	}
	if len(n.Content) < 2*size {
		return pad, sep
	}
	from, err := l.f.end(n.Content[size-1])
	to := l.f.offset(n.Content[size].Line, n.Content[size].Column)
	if err == nil && from < to && strings.Trim(string(data[from:to]), " ") == "," {
		sep = string(data[from:to])
	}
	return pad, sep
}

// key appends a key, its colon and what follows the colon before a value on the same line.
func (l layout) key(dst []byte, key Value, like []*yaml.Node, flow bool) []byte {
	for _, m := range slices.Backward(like) {
		name, value := entryOf(m, key.Text)
		if name == nil {
			continue
		}
		dst = l.scalar(dst, key, []*yaml.Node{name}, flow)
		from, err := l.f.end(name)
		to := l.f.offset(value.Line, value.Column)
		if err != nil || to < from {
			return append(dst, ": "...)
		}
		gap := string(l.f.Data[from:to])
		if colon := strings.IndexByte(gap, ':'); colon >= 0 && strings.Trim(gap, " ") == ":" && (len(gap) > colon+1 || l.json) {
			return append(dst, gap...)
		}
		return append(dst, ": "...)
	}
	return append(l.scalar(dst, key, firstKeys(like), flow), ": "...)
}

// firstKeys returns the first key of each map: how a key that none of them has is to be written.
func firstKeys(maps []*yaml.Node) []*yaml.Node {
	var keys []*yaml.Node
	for _, m := range maps {
		if m.Kind == yaml.MappingNode && len(m.Content) > 0 {
			keys = append(keys, m.Content[0])
		}
	}
	return keys
}

// ordered returns a map's entries in the order in which the nearest map has them; those that it
// does not have stay behind the entries that they are behind.
func ordered(v Value, like []*yaml.Node) []Field {
	n := nearest(like, yaml.MappingNode)
	if n == nil {
		return v.Fields
	}
	rank, last := make([]int, len(v.Fields)), -1
	for i, f := range v.Fields {
		for at := 0; at < len(n.Content); at += 2 {
			if n.Content[at].Value == f.Key.Text {
				last = at
			}
		}
		rank[i] = last
	}
	order := make([]int, len(v.Fields))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return rank[a] - rank[b] })
	fields := make([]Field, len(order))
	for i, at := range order {
		fields[i] = v.Fields[at]
	}
	return fields
}

// block appends a map whose first key stands where dst ends, at a column counted from 0.
func (l layout) block(dst []byte, v Value, like []*yaml.Node, column int) []byte {
	for i, f := range ordered(v, like) {
		if i > 0 {
			dst = appendIndent(append(dst, l.newline...), column)
		}
		dst = l.entry(dst, f, like, column)
	}
	return dst
}

// entry appends an entry of a block map whose keys stand at a column.
func (l layout) entry(dst []byte, f Field, like []*yaml.Node, column int) []byte {
	inside := below(like, f.Key.Text)
	list, m := nearest(inside, yaml.SequenceNode), nearest(inside, yaml.MappingNode)
	switch {
	case f.Value.Kind == List && len(f.Value.Items) > 0 && list != nil && !isFlow(list):
		key := holder(like, list)
		dst = append(l.scalar(dst, f.Key, []*yaml.Node{key}, false), ':')
		for _, item := range f.Value.Items {
			dst = append(dst, l.newline...)
			dst = l.item(appendIndent(dst, column+list.Column-key.Column), item, list, column+list.Column-key.Column)
		}
		return dst
	case f.Value.Kind == Map && len(f.Value.Fields) > 0 && (m == nil || !isFlow(m)):
		indent := column + 2
		if m != nil {
			indent = column + m.Column - holder(like, m).Column
		}
		dst = append(l.scalar(dst, f.Key, firstKeys(like), false), ':')
		return l.block(appendIndent(append(dst, l.newline...), indent), f.Value, inside, indent)
	}
	return l.inline(l.key(dst, f.Key, like, false), f.Value, inside, false)
}

// holder returns the key whose value a node is, in one of some maps.
func holder(maps []*yaml.Node, value *yaml.Node) *yaml.Node {
	for _, m := range maps {
		if i := slices.Index(m.Content, value); i > 0 {
			return m.Content[i-1]
		}
	}
	return value
}

// item appends an item of a block list whose dashes stand at a column, as the last item of
// another list is written.
func (l layout) item(dst []byte, v Value, list *yaml.Node, column int) []byte {
	last := list.Content[len(list.Content)-1]
	lead, keys := "- ", column+2
	if dash, err := l.f.dash(list, len(list.Content)-1); err == nil {
		lead = string(l.f.Data[dash:max(dash, l.f.offset(last.Line, last.Column))])
		if strings.Trim(lead, " ") == "-" && len(lead) > 1 {
			keys = column + len(lead)
		} else {
			keys = column + last.Column - list.Column
			lead = "-" + string(l.newline) + strings.Repeat(" ", keys)
		}
	}
	dst = append(dst, lead...)
	if v.Kind == Map && len(v.Fields) > 0 && (last.Kind != yaml.MappingNode || !isFlow(last)) {
		return l.block(dst, v, list.Content, keys)
	}
	return l.inline(dst, v, list.Content, false)
}

// dash returns the offset of the dash of a block list's item.
func (f *File) dash(list *yaml.Node, i int) (int, error) {
	at := f.offset(list.Line, list.Column)
	if i > 0 {
		end, err := f.end(list.Content[i-1])
		if err != nil {
			return 0, err
		}
		at = f.skipSpace(end)
	}
	if at < 0 || at >= len(f.Data) || f.Data[at] != '-' {
		return 0, f.ambiguous(list)
	}
	return at, nil
}

// isIndented reports whether nothing but blanks stands before a byte on its line.
func (f *File) isIndented(at int) bool {
	return len(bytes.Trim(f.Data[f.lineStart(at):at], " ")) == 0
}
