package manifest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// changes are what a change of a file is meant to change.
type changes struct {
	values   map[*yaml.Node]any // what a scalar is to mean
	added    []added            // entries of maps
	spliced  map[*yaml.Node]any // what stands in the place of an entry of a map or list
	comments bool               // they must all stay where they are
	filled   bool               // there was nothing, so that the parser may give a comment to another node
	markers  []markerChange
}

// markerChange is the repository of a marker, before and after.
type markerChange struct {
	at       span // in the file before
	old, new string
}

// added is an entry of a map, by the number of its key among the nodes of the map. Those that were
// added to one map stand there in the order of the list.
type added struct {
	entries    *yaml.Node
	at         int
	key, value string
}

// prove compares the trees of a file before and after a change. They must be the
// same in kinds, styles, tags, anchors, comments and values, but for what was to
// change. A difference is an error that names the first place where it is.
func (c *changes) prove(before, after *File) error {
	if len(before.docs) != len(after.docs) {
		return fmt.Errorf("%s: the change would make %d documents of %d", before.Name, len(after.docs), len(before.docs))
	}
	for i := range before.docs {
		if err := c.proveDocument(before, before.docs[i], after.docs[i]); err != nil {
			return err
		}
	}
	return nil
}

// proveDocument is prove for one document of the file before.
func (c *changes) proveDocument(file *File, before, after document) error {
	p := prover{changes: c, before: file, scanned: before.scanned, pairs: map[*yaml.Node]*yaml.Node{}}
	if err := p.same(before.node, after.node); err != nil {
		return err
	}
	if !c.comments || p.commentsInPlace() {
		return nil // same has compared them where they stand
	}
	lines := slices.Clone(before.comments)
	if !before.scanned {
		lines = commentLines(before.node)
	}
	for _, m := range c.markers {
		if m.at.start < before.start || m.at.start >= before.end {
			continue
		}
		at := slices.Index(lines, MarkerPrefix+" "+m.old)
		if at < 0 {
			return file.problemAt(before.root, "", "cannot be sure which comment is the marker %s", m.old)
		}
		lines[at] = MarkerPrefix + " " + m.new
	}
	slices.Sort(lines)
	if !slices.Equal(lines, commentLines(after.node)) {
		return file.problemAt(before.root, "", "the change would take a comment away")
	}
	return nil
}

type prover struct {
	*changes
	before  *File
	scanned bool                      // the nodes before have no comments
	pairs   map[*yaml.Node]*yaml.Node // anchored nodes, before → after
}

func (p *prover) same(a, b *yaml.Node) error {
	if a.Anchor != "" {
		p.pairs[a] = b
	}
	if value, ok := p.values[a]; ok {
		if a.Anchor != b.Anchor || !p.sameComments(a, b) || !means(b, value) {
			return p.before.problemAt(a, "", "cannot write %s here without changing more", quoteForPeople(fmt.Sprint(value)))
		}
		return nil
	}
	if p.hasSpliced(a) {
		return p.sameSpliced(a, b)
	}
	rest, ok := p.withoutAdded(a, b)
	if !ok || a.Kind != b.Kind || a.Style != b.Style || a.Tag != b.Tag || a.Value != b.Value || a.Anchor != b.Anchor ||
		!p.sameComments(a, b) || p.pairs[a.Alias] != b.Alias || len(a.Content) != len(rest) {
		return p.before.problemAt(a, "", "the change would spill over to this place")
	}
	for i := range a.Content {
		if err := p.same(a.Content[i], rest[i]); err != nil {
			return err
		}
	}
	return nil
}

// hasSpliced reports whether others are spliced into a map or list.
func (p *prover) hasSpliced(n *yaml.Node) bool {
	return len(p.spliced) > 0 && slices.ContainsFunc(n.Content, func(c *yaml.Node) bool {
		_, spliced := p.spliced[c]
		return spliced
	})
}

// withoutAdded returns the content of b less the entries that were added to a, whose keys a
// must not have.
func (p *prover) withoutAdded(a, b *yaml.Node) (rest []*yaml.Node, ok bool) {
	rest = b.Content
	for _, entry := range p.added {
		if entry.entries != a {
			continue
		}
		if lookup(a, entry.key) != nil || len(rest) < entry.at+2 || !means(rest[entry.at], entry.key) || !means(rest[entry.at+1], entry.value) {
			return nil, false
		}
		rest = slices.Concat(rest[:entry.at], rest[entry.at+2:])
	}
	return rest, true
}

func (p *prover) sameComments(a, b *yaml.Node) bool {
	return !p.comments || !p.commentsInPlace() || a.HeadComment == b.HeadComment && a.LineComment == b.LineComment && a.FootComment == b.FootComment
}

// commentsInPlace reports whether comments are compared node by node. Else the lines of
// all comments of the document are. Where a key is added, the parser may give a comment
// that stood behind one node to another, as it does under CRLF.
func (p *prover) commentsInPlace() bool {
	return !p.filled && p.markers == nil && !p.scanned && len(p.added) == 0
}

// commentLines returns the lines of all comments below a node, sorted.
func commentLines(n *yaml.Node) []string {
	var lines []string
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for _, comment := range []string{n.HeadComment, n.LineComment, n.FootComment} {
			for line := range strings.Lines(comment) {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		for _, child := range n.Content {
			visit(child)
		}
	}
	visit(n)
	slices.Sort(lines)
	return lines
}

// means reports whether a node says a value, and says it to YAML 1.1 and 1.2 alike.
func means(n *yaml.Node, value any) bool {
	switch value := value.(type) {
	case []any:
		if n.Kind != yaml.SequenceNode || len(n.Content) != len(value) {
			return false
		}
		for i, item := range value {
			if !means(n.Content[i], item) {
				return false
			}
		}
		return true
	case map[string]any:
		if n.Kind != yaml.MappingNode || len(n.Content) != 2*len(value) {
			return false
		}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i].Value
			item, ok := value[key]
			if !ok || !means(n.Content[i], key) || !means(n.Content[i+1], item) {
				return false
			}
		}
		return true
	}
	if n.Kind != yaml.ScalarNode {
		return false
	}
	switch value := value.(type) {
	case nil:
		return n.Tag == yaml.NodeTagNull
	case FileText:
		return means(n, string(value))
	case Tag:
		return means(n, value.Text)
	case string:
		return n.Tag == yaml.NodeTagString && n.Value == value &&
			(n.Style&^yaml.TaggedStyle != 0 || value == "" || !readsAsOther(value))
	case float64:
		got, err := strconv.ParseFloat(n.Value, 64)
		return n.Tag == yaml.NodeTagFloat && (err == nil && got == value || math.IsInf(value, 0) || math.IsNaN(value))
	}
	text, _, err := scalarText(value)
	return err == nil && n.Value == text && n.Tag != yaml.NodeTagString
}
