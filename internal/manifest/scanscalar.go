package manifest

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// isPlainFirst reports whether a plain scalar may begin with a byte. Some that may are
// left to the parser.
func isPlainFirst(c byte) bool {
	return c > ' ' && strings.IndexByte(`,[]{}#&*!|>'"%@?:`+"`", c) < 0
}

// quoteEnd returns the offset behind a scalar in quotes that begins at an offset and ends on
// its line, with no escape in it; -1 for others.
func (s *scanner) quoteEnd(at int) int {
	quote := s.text[at]
	for end := at + 1; end < len(s.text); end++ {
		switch s.text[end] {
		case quote:
			if quote == '\'' && end+1 < len(s.text) && s.text[end+1] == quote {
				return -1
			}
			return end + 1
		case '\n', '\\':
			return -1
		}
	}
	return -1
}

// scalar makes the node of the scalar in text[from:to].
func (s *scanner) scalar(from, to int) *yaml.Node {
	switch s.text[from] {
	case '"':
		n := s.node(yaml.ScalarNode, from, yaml.DoubleQuotedStyle)
		n.Tag, n.Value = yaml.NodeTagString, s.text[from+1:to-1]
		return n
	case '\'':
		n := s.node(yaml.ScalarNode, from, yaml.SingleQuotedStyle)
		n.Tag, n.Value = yaml.NodeTagString, s.text[from+1:to-1]
		return n
	}
	n := s.node(yaml.ScalarNode, from, 0)
	n.Value = s.text[from:to]
	if c := n.Value[0]; isLetter(c) && strings.IndexByte("yYnNtTfFoO", c) < 0 || c == '/' {
		n.Tag = yaml.NodeTagString // resolved by its first byte
	} else if n.Tag = n.ShortTag(); n.Value == "<<" {
		s.fail()
	}
	return n
}

// plainEnd returns where the plain scalar at hand ends, -1 where it is none of one line.
func (s *scanner) plainEnd() int {
	end := s.lineEnd(s.at)
	line := s.text[s.at:end]
	if n := strings.Index(line, " #"); n >= 0 {
		line = line[:n]
	}
	line = strings.TrimRight(line, " ")
	if strings.Contains(line, ": ") || strings.HasSuffix(line, ":") || s.isDash(s.at) {
		return -1
	}
	return s.at + len(line)
}

// literal reads a literal block scalar: one whose first line shows its indentation.
func (s *scanner) literal(parent int) *yaml.Node {
	n := s.node(yaml.ScalarNode, s.at, yaml.LiteralStyle)
	n.Tag = yaml.NodeTagString
	end := s.lineEnd(s.at)
	header := s.text[s.at:end]
	if header != "|" && header != "|-" || end == len(s.text) {
		s.fail()
		return nil
	}
	s.at = end + 1
	s.line++
	s.start = s.at
	indent := 0
	for s.at+indent < len(s.text) && s.text[s.at+indent] == ' ' {
		indent++
	}
	if indent <= max(parent, 0) || s.at+indent == len(s.text) || s.text[s.at+indent] == '\n' {
		s.fail()
		return nil
	}
	var value []byte
	breaks := 0
	for s.at < len(s.text) {
		end := s.lineEnd(s.at)
		line := s.text[s.at:end]
		text := strings.TrimLeft(line, " ")
		if text != "" && len(line)-len(text) < indent {
			break
		}
		if end == len(s.text) || text == "" && len(line) > indent {
			s.fail()
			return nil
		}
		if text == "" {
			breaks++
		} else {
			for range breaks {
				value = append(value, '\n')
			}
			value = append(value, line[indent:]...)
			breaks = 1
		}
		s.at = end + 1
		s.line++
		s.start = s.at
	}
	if header == "|" {
		value = append(value, '\n')
	}
	n.Value = string(value)
	s.lineBegun()
	if s.more && s.indent > parent {
		s.fail()
	}
	return n
}

// lineBegun goes to the next line with something on it, from the beginning of a line.
func (s *scanner) lineBegun() {
	if s.at == 0 {
		s.next()
		return
	}
	s.at, s.line = s.at-1, s.line-1 // the line break, which next passes
	s.next()
}
