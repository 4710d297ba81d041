package manifest

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// flow reads a flow collection of one line.
func (s *scanner) flow() *yaml.Node {
	const maxDepth = 20
	if s.depth++; s.depth > maxDepth {
		s.fail()
		return nil
	}
	defer func() { s.depth-- }()
	kind, closing := yaml.SequenceNode, byte(']')
	if s.text[s.at] == '{' {
		kind, closing = yaml.MappingNode, '}'
	}
	n := s.node(kind, s.at, yaml.FlowStyle)
	s.at++
	if s.blanks(); s.peek() == closing {
		s.at++
		return n
	}
	for !s.failed {
		item := s.flowNode()
		n.Content = append(n.Content, item)
		if kind == yaml.MappingNode && !s.failed {
			if item.Kind != yaml.ScalarNode || s.peek() != ':' || s.at+1 == len(s.text) || s.text[s.at+1] != ' ' {
				s.fail()
				return nil
			}
			s.at++
			s.blanks()
			n.Content = append(n.Content, s.flowNode())
		}
		s.blanks()
		switch s.peek() {
		case ',':
			s.at++
			s.blanks()
		case closing:
			s.at++
			return n
		default:
			s.fail()
		}
	}
	return nil
}

func (s *scanner) blanks() {
	for s.peek() == ' ' {
		s.at++
	}
}

func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// flowNode reads a scalar or a collection inside of a flow collection.
func (s *scanner) flowNode() *yaml.Node {
	from, end := s.at, s.at
	switch c := s.peek(); {
	case c == '[' || c == '{':
		return s.flow()
	case c == '"' || c == '\'':
		end = s.quoteEnd(from)
	default:
		for end < len(s.text) && inFlowScalar(s.text[end]) || end > from && end+1 < len(s.text) && s.text[end] == ':' && inFlowScalar(s.text[end+1]) {
			end++
		}
	}
	if end <= from || end == from+1 && s.text[from] == '-' || strings.Trim(s.text[from:end], "-.") == "" {
		s.fail()
		return nil
	}
	if !isASCII(s.text[from:end], "") {
		s.fail() // columns count characters
		return nil
	}
	s.at = end
	return s.scalar(from, end)
}

// inFlowScalar reports whether a byte is one of a plain scalar's in a flow collection, in
// any place. Some that are so in some places are left to the parser.
func inFlowScalar(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '.' || c == '/' || c == '-' || c == '+' || c == '$' || c == '='
}
