package manifest

import (
	"bytes"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// end returns the offset behind a node's last byte. A block scalar that keeps its last
// line breaks ends behind them.
func (f *File) end(n *yaml.Node) (int, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		at := f.offset(n.Line, n.Column)
		if at < 0 {
			return 0, f.ambiguous(n)
		}
		return at + len("*") + len(n.Value), nil
	case n.Kind == yaml.ScalarNode:
		s, err := f.find(n)
		if err == nil && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			if end := s.offset(len(s.value)); end > s.end+breakLength(f.Data[s.end:]) {
				return end, nil
			}
		}
		return s.end, err
	case n.Style&yaml.FlowStyle == 0:
		if len(n.Content) == 0 {
			return 0, f.ambiguous(n)
		}
		return f.end(n.Content[len(n.Content)-1])
	}
	at, err := f.behindBracket(n)
	if err != nil {
		return 0, err
	}
	if len(n.Content) > 0 {
		if at, err = f.end(n.Content[len(n.Content)-1]); err != nil {
			return 0, err
		}
	}
	for {
		at = f.skipSpace(at)
		if at >= len(f.Data) {
			return 0, f.ambiguous(n)
		}
		switch f.Data[at] {
		case ',', ':':
			at++
		case ']', '}':
			return at + 1, nil
		default:
			return 0, f.ambiguous(n)
		}
	}
}

// behindBracket returns the offset behind the bracket that begins a flow collection.
func (f *File) behindBracket(n *yaml.Node) (int, error) {
	r := reader{data: f.Data, at: f.offset(n.Line, n.Column)}
	if r.at < 0 {
		return 0, f.ambiguous(n)
	}
	r.skipProperties()
	if c := r.peek(); c != '[' && c != '{' {
		return 0, f.ambiguous(n)
	}
	return r.at + 1, nil
}

// skipSpace returns the offset of the next byte that is no blank, line break or comment.
// It starts between two tokens: to the parser a # begins a comment there, even where no
// blank stands before it, as in: ""# x
func (f *File) skipSpace(at int) int {
	for at < len(f.Data) {
		switch c := f.Data[at]; {
		case isBlank(c):
			at++
		case breakLength(f.Data[at:]) > 0:
			at += breakLength(f.Data[at:])
		case c == '#':
			at += lineLength(f.Data[at:])
		default:
			return at
		}
	}
	return at
}

// lineStart returns the offset of the first byte of the line that a byte is in.
func (f *File) lineStart(at int) int {
	starts := f.lines.of(f.Data)
	i, found := slices.BinarySearch(starts, at)
	if found {
		return at
	}
	return starts[max(i-1, 0)]
}

// nextLine returns the offset of the line below.
func (f *File) nextLine(at int) int {
	at += lineLength(f.Data[at:])
	return at + breakLength(f.Data[at:])
}

// lineBreak returns the line break that is used around a byte: that of its line, else that
// of the line above, else LF.
func (f *File) lineBreak(at int) []byte {
	end := at + lineLength(f.Data[at:])
	if n := breakLength(f.Data[end:]); n > 0 {
		return f.Data[end : end+n]
	}
	starts := f.lines.of(f.Data)
	i, _ := slices.BinarySearch(starts, at+1)
	if i < 2 {
		return []byte("\n")
	}
	above := starts[i-2]
	return f.Data[above+lineLength(f.Data[above:]) : starts[i-1]]
}

// isBlankLine reports whether nothing but blanks is on the line that starts at a byte.
func (f *File) isBlankLine(start int) bool {
	return len(bytes.Trim(f.Data[start:start+lineLength(f.Data[start:])], " \t")) == 0
}

// below returns the offset of the line below a block node, whose first byte is at a column
// counted from 0: behind the comments that are indented further than it. There is no such
// line where the file ends without a line break; below is its end then.
func (f *File) below(n *yaml.Node, column int) (int, error) {
	end, err := f.end(n)
	if err != nil {
		return 0, err
	}
	at := end
	if f.lineStart(at) != at || at == 0 {
		rest := bytes.TrimLeft(f.Data[at:at+lineLength(f.Data[at:])], " \t")
		if len(rest) > 0 && rest[0] != '#' {
			return 0, f.problemAt(n, "", "cannot tell where this ends")
		}
		at = f.nextLine(at)
	}
	for next := at; next < len(f.Data); {
		line := f.Data[next : next+lineLength(f.Data[next:])]
		text := bytes.TrimLeft(line, " ")
		if len(bytes.TrimLeft(text, "\t")) > 0 && (text[0] != '#' || len(line)-len(text) <= column) {
			break
		}
		blank := len(bytes.TrimLeft(text, "\t")) == 0
		if next = f.nextLine(next); !blank {
			at = next
		}
	}
	return at, nil
}
