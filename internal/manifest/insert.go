package manifest

import (
	"bytes"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/lazyregexp"
)

// insert adds an item to the list that a path leads to.
func (f *File) insert(t target, v Value) ([]cut, error) {
	n := t.node()
	list := Value{Kind: List, Items: []Value{v}}
	switch {
	case len(t.rest) > 0 && t.path.steps[len(t.path.steps)-1].item:
		return nil, f.problemAt(n, "", "the path %s leads to no list", t.path)
	case len(t.rest) > 0:
		return f.add(t, list)
	case isNull(n):
		return f.fill(t, list)
	case n.Kind != yaml.SequenceNode:
		return nil, f.problemAt(n, "", "%s is no list", t.path)
	}
	if err := f.refuseAnchorsBelow(n, t.path, insert); err != nil {
		return nil, err
	}
	switch {
	case len(n.Content) == 0:
		return f.fill(t, list)
	case isFlow(n):
		return f.appendTo(n, 1, func(l layout) []byte { return l.inline(nil, v, n.Content, true) })
	}
	last := n.Content[len(n.Content)-1]
	column := n.Column - 1
	at, err := f.below(last, column)
	if err != nil {
		return nil, err
	}
	if _, err := f.dash(n, len(n.Content)-1); err != nil {
		return nil, err
	}
	l := f.layout(f.offset(last.Line, last.Column))
	text := l.item(appendIndent(nil, column), v, n, column)
	if f.apart(n) {
		text = slices.Concat(l.newline, text)
	}
	return []cut{f.addLines(at, text, l.newline)}, nil
}

// addLines returns the cut that puts lines before the one that starts at a byte, or behind a
// file's last line where that has no line break.
func (f *File) addLines(at int, text, newline []byte) cut {
	if at == len(f.Data) && f.lineStart(at) != at {
		return cut{span{at, at}, slices.Concat(newline, text)}
	}
	return cut{span{at, at}, slices.Concat(text, newline)}
}

// apart reports whether the last two items of a block list have blank lines between them.
func (f *File) apart(list *yaml.Node) bool {
	i := len(list.Content) - 1
	if i < 1 {
		return false
	}
	dash, err := f.dash(list, i)
	if err != nil {
		return false
	}
	starts := f.lines.of(f.Data)
	line, _ := slices.BinarySearch(starts, f.lineStart(dash))
	for line--; line >= 0 && strings.HasPrefix(strings.TrimLeft(f.Line(line+1), " \t"), "#"); line-- {
	}
	return line >= 0 && f.isBlankLine(starts[line])
}

// appendTo adds an element, of so many nodes, to a flow collection that has some.
func (f *File) appendTo(n *yaml.Node, size int, write func(layout) []byte) ([]cut, error) {
	first := n.Content[len(n.Content)-size]
	start := f.offset(first.Line, first.Column)
	end, err := f.end(n.Content[len(n.Content)-1])
	if err != nil {
		return nil, err
	}
	l := f.layout(end)
	text := write(l)
	at, comma := end, false
	if next := f.skipSpace(end); next < len(f.Data) && f.Data[next] == ',' {
		at, comma = next+1, true
	}
	if !f.isIndented(start) {
		_, sep := l.brackets(n, size)
		if comma {
			return []cut{{span{at, at}, slices.Concat([]byte(strings.TrimPrefix(sep, ",")), text, []byte(","))}}, nil
		}
		return []cut{{span{at, at}, append([]byte(sep), text...)}}, nil
	}
	// Each element has a line of its own.
	text = slices.Concat(l.newline, f.Data[f.lineStart(start):start], text)
	var cuts []cut
	if comma {
		text = append(text, ',')
	} else {
		cuts = append(cuts, cut{span{at, at}, []byte(",")})
	}
	if rest := bytes.TrimLeft(f.Data[at:at+lineLength(f.Data[at:])], " \t"); len(rest) == 0 || rest[0] == '#' {
		at += lineLength(f.Data[at:])
	}
	return append(cuts, cut{span{at, at}, text}), nil
}

// add adds an entry to the map that is the last node on the way.
func (f *File) add(t target, v Value) ([]cut, error) {
	for _, s := range t.rest[1:] {
		if s.item {
			return nil, f.problemAt(t.node(), "", "the path %s leads to no list", t.path)
		}
	}
	for _, s := range slices.Backward(t.rest[1:]) {
		outer := Value{}
		outer.Add(s.key, v)
		v = outer
	}
	n, entry := t.node(), Field{NewString(t.rest[0].key), v}
	whole := Value{Kind: Map, Fields: []Field{entry}}
	if isNull(n) || len(n.Content) == 0 {
		return f.fill(t, whole)
	}
	like := append(t.neighbours(len(t.way)-1), n)
	if isFlow(n) {
		return f.appendTo(n, 2, func(l layout) []byte {
			return l.inline(l.key(nil, entry.Key, like, true), v, below(like, entry.Key.Text), true)
		})
	}
	column := n.Content[0].Column - 1
	at, err := f.below(n, column)
	if err != nil {
		return nil, err
	}
	l := f.layout(f.offset(n.Line, n.Column))
	if v.Kind == List && len(t.way) == 1 { // a list of the inventory, as its other lists are
		if list := sibling(n, v); list != nil {
			text := append(l.scalar(appendIndent(nil, column), entry.Key, firstKeys(like), false), ':')
			indent := list.Column - holder([]*yaml.Node{n}, list).Column
			text = l.item(appendIndent(append(text, l.newline...), indent), v.Items[0], list, indent)
			return []cut{f.addLines(at, text, l.newline)}, nil
		}
	}
	return []cut{f.addLines(at, l.entry(appendIndent(nil, column), entry, like, column), l.newline)}, nil
}

// sibling returns a block list of maps among the values of a map: what another such list is
// to look like. Nil where there is none, or v is no list of one map.
func sibling(m *yaml.Node, v Value) *yaml.Node {
	if v.Kind != List || len(v.Items) != 1 || v.Items[0].Kind != Map || m.Kind != yaml.MappingNode {
		return nil
	}
	for i := len(m.Content) - 1; i > 0; i -= 2 {
		if n := m.Content[i]; n.Kind == yaml.SequenceNode && !isFlow(n) && nearest(n.Content, yaml.MappingNode) != nil {
			return n
		}
	}
	return nil
}

// fill writes a list or a map in the place of an empty one, or of nothing.
func (f *File) fill(t target, v Value) ([]cut, error) {
	n := t.node()
	if len(t.way) < 2 || t.way[len(t.way)-2].Kind != yaml.MappingNode {
		return nil, f.problemAt(n, "write it by hand", "%s is empty", t.path)
	}
	parent, key := t.way[len(t.way)-2], t.way[len(t.way)-2].Content[t.at[len(t.at)-1]-1]
	end, err := f.end(n)
	if err != nil {
		return nil, err
	}
	l := f.layout(end)
	like := below(t.neighbours(len(t.way)-2), key.Value)
	if isFlow(parent) || !v.holdsMap() || v.Kind == List && sibling(parent, v) == nil && hasFlowLists(parent) {
		if start := f.offset(n.Line, n.Column); start < end {
			return []cut{{span{start, end}, l.inline(nil, v, like, true)}}, nil
		}
		return []cut{{span{end, end}, l.inline([]byte{' '}, v, like, true)}}, nil
	}
	colon, err := f.behindColon(key)
	if err != nil {
		return nil, err
	}
	rest := bytes.TrimLeft(f.Data[end:end+lineLength(f.Data[end:])], " \t")
	if len(rest) > 0 && rest[0] != '#' || f.lineStart(colon) != f.lineStart(end) {
		return nil, f.ambiguous(n)
	}
	return []cut{{span{colon, end}, nil}, f.addLines(f.nextLine(end), l.filled(v, parent, key), l.newline)}, nil
}

// filled writes a value on lines of its own below its key.
func (l layout) filled(v Value, parent, key *yaml.Node) []byte {
	if v.Kind == Map {
		return l.block(appendIndent(nil, key.Column+1), v, nil, key.Column+1)
	}
	if list := sibling(parent, v); list != nil {
		column := key.Column - 1 + list.Column - holder([]*yaml.Node{parent}, list).Column
		return l.item(appendIndent(nil, column), v.Items[0], list, column)
	}
	column := key.Column + 1
	return l.block(append(appendIndent(nil, column), "- "...), v.Items[0], nil, column+2)
}

// holdsMap reports whether a value is a map, or a list of maps.
func (v Value) holdsMap() bool {
	return v.Kind == Map || v.Kind == List && len(v.Items) > 0 && v.Items[0].Kind == Map
}

// hasFlowLists reports whether a map has lists with items, all of them in brackets.
func hasFlowLists(m *yaml.Node) bool {
	has := false
	for i := 1; i < len(m.Content); i += 2 {
		if n := m.Content[i]; n.Kind == yaml.SequenceNode && len(n.Content) > 0 {
			if !isFlow(n) {
				return false
			}
			has = true
		}
	}
	return has
}

// behindColon returns the offset behind the colon that ends a key.
func (f *File) behindColon(key *yaml.Node) (int, error) {
	at, err := f.end(key)
	if err != nil {
		return 0, err
	}
	for at < len(f.Data) && isBlank(f.Data[at]) {
		at++
	}
	if at >= len(f.Data) || f.Data[at] != ':' {
		return 0, f.ambiguous(key)
	}
	return at + 1, nil
}

// comment is what may be a comment, or the end of a text that looks like one.
var comment = lazyregexp.New(`(?m)(^|[ \t])#`)

// set replaces the value that a path leads to, or adds it.
func (f *File) set(t target, v Value) ([]cut, error) {
	n := t.node()
	if len(t.rest) > 0 {
		return f.add(t, v)
	}
	if err := f.refuseAnchorsBelow(n, t.path, set); err != nil {
		return nil, err
	}
	end, err := f.end(n)
	if err != nil {
		return nil, err
	}
	l := f.layout(end)
	flow := slices.ContainsFunc(t.way[:len(t.way)-1], isFlow)
	start := f.offset(n.Line, n.Column)
	if isText := n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0; !isText && start < end && comment.Match(f.Data[start:end]) {
		return nil, f.problemAt(n, "change it by hand", "%s cannot be replaced: its comments would be lost", t.path)
	}
	if n.Kind != yaml.ScalarNode && !isFlow(n) {
		if len(t.way) < 2 || t.way[len(t.way)-2].Kind != yaml.MappingNode {
			return nil, f.problemAt(n, "change it by hand", "cannot replace this as a whole")
		}
		if start, err = f.behindColon(t.way[len(t.way)-2].Content[t.at[len(t.at)-1]-1]); err != nil {
			return nil, err
		}
		return []cut{{span{start, end}, l.inline([]byte{' '}, v, nil, flow)}}, nil
	}
	if start == end && start > 0 && f.Data[start-1] == ':' {
		return []cut{{span{start, end}, l.inline([]byte{' '}, v, nil, flow)}}, nil
	}
	if v.Kind != String && n.Kind == yaml.ScalarNode && v.Kind != List && v.Kind != Map {
		return []cut{{span{start, end}, l.inline(nil, v, nil, flow)}}, nil
	}
	return []cut{{span{start, end}, l.inline(nil, v, []*yaml.Node{n}, flow)}}, nil
}
