package manifest

import (
	"bytes"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// remove deletes the entry or item that a path leads to.
func (f *File) remove(t target) ([]cut, error) {
	if len(t.rest) > 0 || len(t.way) < 2 {
		return nil, f.problemAt(t.node(), "", "the path %s leads to nothing that can be deleted", t.path)
	}
	parent, i, size := t.way[len(t.way)-2], t.at[len(t.at)-1], 1
	if parent.Kind == yaml.MappingNode {
		i, size = i-1, 2
	}
	switch {
	case isFlow(parent):
		return f.removeFlow(parent, i, size)
	case len(parent.Content) == size && size == 2:
		return nil, f.problemAt(t.node(), "delete it by hand", "%s is the only entry of its map", t.path)
	}
	start := f.offset(parent.Content[i].Line, parent.Content[i].Column)
	column := parent.Content[0].Column - 1
	if size == 1 {
		var err error
		if start, err = f.dash(parent, i); err != nil {
			return nil, err
		}
		column = parent.Column - 1
	}
	if start < 0 || !f.isIndented(start) {
		return nil, f.problemAt(t.node(), "delete it by hand", "%s shares its first line with something else", t.path)
	}
	end, err := f.below(parent.Content[i+size-1], column)
	if err != nil {
		return nil, err
	}
	lines := cut{span: span{f.lineStart(start), end}}
	if len(parent.Content) == size {
		return f.emptied(t, lines)
	}
	limit := 0
	if i > 0 {
		if limit, err = f.end(parent.Content[i-1]); err != nil {
			return nil, err
		}
	}
	f.takeBlankLines(&lines, limit)
	return []cut{lines}, nil
}

// takeBlankLines widens a cut of lines by the blank lines that stood between what it
// takes away and its neighbour: those above it, down to where the neighbour ends; or those
// below it where there is no neighbour above, and limit is 0.
func (f *File) takeBlankLines(lines *cut, limit int) {
	starts := f.lines.of(f.Data)
	if limit == 0 {
		for lines.end < len(f.Data) && f.isBlankLine(lines.end) {
			lines.end = f.nextLine(lines.end)
		}
		return
	}
	for {
		line, _ := slices.BinarySearch(starts, lines.start)
		if line < 1 || starts[line-1] < limit || !f.isBlankLine(starts[line-1]) {
			return
		}
		lines.start = starts[line-1]
	}
}

// emptied leaves [] where the last item of a block list was.
func (f *File) emptied(t target, lines cut) ([]cut, error) {
	if len(t.way) < 3 || t.way[len(t.way)-3].Kind != yaml.MappingNode {
		return nil, f.problemAt(t.node(), "delete it by hand", "%s is the only item of its list", t.path)
	}
	colon, err := f.behindColon(t.way[len(t.way)-3].Content[t.at[len(t.at)-2]-1])
	if err != nil {
		return nil, err
	}
	if colon > lines.start {
		return nil, f.ambiguous(t.node())
	}
	return []cut{{span{colon, colon}, []byte(" []")}, lines}, nil
}

// removeFlow deletes an element, of so many nodes, from a flow collection.
func (f *File) removeFlow(n *yaml.Node, i, size int) ([]cut, error) {
	start := f.offset(n.Content[i].Line, n.Content[i].Column)
	end, err := f.end(n.Content[i+size-1])
	if err != nil {
		return nil, err
	}
	after, comma := end, false
	if next := f.skipSpace(end); next < len(f.Data) && f.Data[next] == ',' {
		after, comma = next+1, true
	}
	line := f.lineStart(start)
	rest := bytes.TrimLeft(f.Data[after:after+lineLength(f.Data[after:])], " \t")
	switch alone := f.isIndented(start) && (len(rest) == 0 || rest[0] == '#'); {
	case alone && (comma || i == 0 || f.commaBefore(n.Content[i-1])):
		return []cut{{span{line, f.nextLine(after)}, nil}}, nil
	case i > 0:
		from, err := f.end(n.Content[i-1])
		if err != nil {
			return nil, err
		}
		return []cut{{span{from, end}, nil}}, nil
	case comma && len(n.Content) > size:
		next := n.Content[size]
		return []cut{{span{start, f.offset(next.Line, next.Column)}, nil}}, nil
	}
	return []cut{{span{start, after}, nil}}, nil
}

// commaBefore reports whether a comma follows an element.
func (f *File) commaBefore(n *yaml.Node) bool {
	end, err := f.end(n)
	if err != nil {
		return false
	}
	at := f.skipSpace(end)
	return at < len(f.Data) && f.Data[at] == ','
}
