package manifest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/problem"
)

// Placeholder stands for a value in the text of a Skeleton: the first character of
// Unicode's private use area, which no manifest has a use for.
const Placeholder = "\uE000"

// A placeholder alone on its line, for a map or a list that is spliced into the one
// that it stands in, beside entries of its own.
const (
	SplicePlaceholder = "\uE002"
	MapEntry          = Placeholder + SplicePlaceholder + ":"
	ListEntry         = "- " + Placeholder + SplicePlaceholder
)

// Skeleton is a manifest with placeholders in the places of its values.
//
// It is parsed as it is, placeholders and all: so its structure is what its author
// wrote, and no value can change it. Fill then writes each scalar that has
// placeholders in it anew, as the scalar of the same meaning with values for placeholders.
type Skeleton struct {
	file         *File
	slots        []slot // in the order of the bytes
	objects      []slotObject
	maps         []openMap
	splices      map[*yaml.Node][]int // the slots that are spliced into a map or list
	toParse      bool                 // a filled text must be parsed to know its objects and images
	placeholders int
	lines        int

	lock   sync.Mutex
	proved bool                 // a filling was parsed again, and compared
	known  map[written]struct{} // what such fillings had in slots that are worth a proof
}

// written is what a slot was filled with, as it stands in the file.
type written struct {
	slot  int
	bytes string
}

// maxKnown is how many proofs are remembered, so that values that are all
// different cannot fill the memory.
const maxKnown = 1000

// slot is a scalar that Fill looks at: one with placeholders, or an image.
type slot struct {
	scalar
	node  *yaml.Node
	first int        // the number of its first placeholder
	texts []string   // its value around its placeholders: one more than there are placeholders
	image *placed    // nil where it is no part of an image
	into  *yaml.Node // the map or list that it is spliced into; nil for a scalar
	place
}

// place is where a node stands, as far as a value written there must know.
type place struct {
	flow   bool // inside [ ] or { }
	line   bool // all on one line: in [ ] or { }, or with a comment behind
	key    bool // a mapping's key
	inline bool // a block collection begins here, and not on a new line
	indent int  // the column where a block collection stands
	parent int  // the column of the map or list around it
	images bool // right below the key images, where the strings of a list may be references
}

// openMap is a map with placeholders in its keys: values must not make two of them equal.
type openMap struct {
	node  *yaml.Node
	fixed map[string]bool // the keys without placeholders
	open  []*yaml.Node
}

// slotObject is an object of a Skeleton: what is known of it, and the slots of
// the rest, -1 where there is none.
type slotObject struct {
	Object
	apiVersion, kind, namespace, name int
}

// PlaceholderProblem is what is wrong with a value, or with the place of its placeholder.
type PlaceholderProblem struct {
	Placeholder int // counted from 0, in the order of the text
	Message     string
	Hint        string
	Code        problem.Code // "" where it is the place of the placeholder that is wrong
}

func (p *PlaceholderProblem) Error() string { return p.Message }

// ParseSkeleton parses a text with placeholders. The error is a *problem.Problem with a
// line of the text, or a *PlaceholderProblem: a placeholder stands where no value can.
func ParseSkeleton(name string, text []byte) (*Skeleton, error) {
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text[:len(text):len(text)], '\n') // a literal block scalar may come last
	}
	f, err := Parse(name, text)
	if err != nil {
		return nil, err
	}
	if _, err := f.Values(); err != nil {
		return nil, err
	}
	s := &Skeleton{file: f, placeholders: bytes.Count(text, []byte(Placeholder)), lines: bytes.Count(text, []byte("\n"))}
	images := map[*yaml.Node]*placed{}
	found := f.findImages(template, nil)
	s.toParse = found.undecided || len(found.WrongMarkers) > 0 // a value may make them right
	for _, i := range found.Images {
		if n := i.parts.tagNode(); n != nil && images[n] == nil {
			images[n] = &placed{i.parts, i.Ref, n}
			if d := i.parts.digest; d != nil && d.Kind == yaml.ScalarNode {
				images[d] = &placed{i.parts, i.Ref, d}
			}
		}
	}
	s.splices = map[*yaml.Node][]int{}
	for _, doc := range f.docs {
		if err := s.addSlots(doc.root, place{inline: true}, images); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(s.slots, func(a, b slot) int { return cmp.Compare(a.span.start, b.span.start) })
	for i := range s.slots {
		if into := s.slots[i].into; into != nil {
			s.splices[into] = append(s.splices[into], i)
		}
	}
	if err := s.numberPlaceholders(); err != nil {
		return nil, err
	}
	return s, s.addObjects()
}

// Empty reports whether the skeleton holds nothing but comments.
func (s *Skeleton) Empty() bool {
	for _, doc := range s.file.docs {
		if root := doc.root; root.Kind != yaml.ScalarNode || root.Tag != yaml.NodeTagNull {
			return false
		}
	}
	return true
}

func (s *Skeleton) addSlots(n *yaml.Node, at place, images map[*yaml.Node]*placed) error {
	if n.Kind == yaml.ScalarNode && (images[n] != nil || strings.Contains(n.Value, Placeholder)) {
		found, err := s.file.find(n)
		if err != nil {
			return err
		}
		lineStart := s.file.lines.of(s.file.Data)[n.Line-1]
		if len(bytes.TrimLeft(s.file.Data[lineStart:found.start], " ")) == 0 {
			at.inline = true // the value has a line of its own
		}
		if at.inline {
			at.indent = n.Column - 1
		}
		at.line = at.flow || breakLength(s.file.Data[found.end:]) == 0
		s.slots = append(s.slots, slot{scalar: found, node: n, texts: strings.Split(n.Value, Placeholder), image: images[n], place: at})
	}
	flow := at.flow || n.Style&yaml.FlowStyle != 0
	switch n.Kind {
	case yaml.MappingNode:
		keys := openMap{node: n, fixed: map[string]bool{}}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Value == Placeholder+SplicePlaceholder {
				if err := s.addMapSplice(n, i, at); err != nil {
					return err
				}
				continue
			}
			if strings.Contains(key.Value, Placeholder) {
				keys.open = append(keys.open, key)
			} else {
				keys.fixed[resolved(key).Value] = true
			}
			if err := s.addSlots(key, place{flow: flow, key: true}, images); err != nil {
				return err
			}
			if err := s.addSlots(n.Content[i+1], place{flow: flow, indent: key.Column + 1, parent: key.Column - 1, images: key.Value == imagesKey}, images); err != nil {
				return err
			}
		}
		if keys.open != nil || slices.ContainsFunc(s.slots, func(s slot) bool { return s.into == n }) {
			s.maps = append(s.maps, keys)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if item.Value == Placeholder+SplicePlaceholder {
				if err := s.addListSplice(n, item, at); err != nil {
					return err
				}
				continue
			}
			if err := s.addSlots(item, place{flow: flow, inline: true, parent: n.Column - 1}, images); err != nil {
				return err
			}
		}
	}
	return nil
}

// addMapSplice adds the slot of a map that is spliced into a map, as its n-th entry.
func (s *Skeleton) addMapSplice(into *yaml.Node, n int, at place) error {
	key, value := into.Content[n], into.Content[n+1]
	found, err := s.file.find(key)
	if err != nil {
		return err
	}
	found.end = found.start + len(MapEntry)
	if value.Tag != yaml.NodeTagNull || value.Value != "" {
		return s.file.problemAt(value, "write it in the column of the {{ … }} above, which is spliced into the map that it stands in", "this is indented below a value")
	}
	flow := into.Style&yaml.FlowStyle != 0
	spliced := slot{scalar: found, node: key, texts: []string{"", ""}, into: into, place: place{flow: flow, line: flow, inline: true, indent: key.Column - 1}}
	if flow && s.file.Data[s.file.offset(into.Line, into.Column)] != '{' { // an item of a flow list
		spliced.into, spliced.node = nil, into
	}
	s.slots = append(s.slots, spliced)
	return nil
}

// addListSplice adds the slot of a list that is spliced into a list.
func (s *Skeleton) addListSplice(into, item *yaml.Node, at place) error {
	found, err := s.file.find(item)
	if err != nil {
		return err
	}
	found.start = found.end - len(ListEntry)
	s.slots = append(s.slots, slot{scalar: found, node: item, texts: []string{"", ""}, into: into,
		place: place{inline: true, indent: into.Column - 1, images: at.images}})
	return nil
}

// numberPlaceholders gives each slot the number of its first placeholder. A placeholder that is in
// no slot stands in a comment, an anchor, a tag or a directive.
func (s *Skeleton) numberPlaceholders() error {
	placeholder, done := 0, 0
	between := func(end int) error {
		if bytes.Contains(s.file.Data[done:end], []byte(Placeholder)) {
			return &PlaceholderProblem{Placeholder: placeholder, Message: "a value cannot stand in a comment, an anchor or a tag",
				Hint: "put it into a label or an annotation, or leave it out"}
		}
		return nil
	}
	for i := range s.slots {
		slot := &s.slots[i]
		if err := between(slot.span.start); err != nil {
			return err
		}
		slot.first = placeholder
		placeholder += len(slot.texts) - 1
		done = slot.span.end
	}
	return between(len(s.file.Data))
}

// addObjects finds out which objects the documents are.
func (s *Skeleton) addObjects() error {
	slots := map[*yaml.Node]int{}
	for i, slot := range s.slots {
		if len(slot.texts) > 1 {
			slots[slot.node] = i
		}
	}
	objects, err := s.file.Objects()
	isOpen := func(n *yaml.Node) bool {
		_, open := slots[n]
		return n != nil && (open || s.splices[n] != nil)
	}
	for _, doc := range s.file.docs {
		if root := doc.root; isOpen(root) || isOpen(lookup(root, "metadata")) || isOpen(lookup(root, "items")) {
			s.toParse = true
			return nil
		}
	}
	if err != nil {
		return err
	}
	slotOf := func(n *yaml.Node, key string) int {
		if n != nil {
			if v := lookup(n, key); v != nil {
				if i, open := slots[v]; open {
					return i
				}
			}
		}
		return -1
	}
	for _, o := range objects {
		meta := lookup(o.node, "metadata")
		s.objects = append(s.objects, slotObject{o, slotOf(o.node, "apiVersion"), slotOf(o.node, "kind"), slotOf(meta, "namespace"), slotOf(meta, "name")})
	}
	return nil
}
