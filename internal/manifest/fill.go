package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// Fill writes values into the placeholders, in their order. The error is a *PlaceholderProblem
// where a value is to blame.
func (s *Skeleton) Fill(values []any) (*Text, error) {
	f, err := s.fill(values)
	if err != nil {
		return nil, err
	}
	t, err := f.text()
	if err == nil {
		f.track(t)
	}
	return t, err
}

// track sets the images and marked scalars that end in a Tag.
func (f *filling) track(t *Text) {
	for i := range f.skeleton.slots {
		slot := &f.skeleton.slots[i]
		if _, _, ok := f.tagIn(slot); !ok {
			continue
		}
		for n := range t.Images {
			if at := t.Images[n].Suffix.Start; f.spans[i].start <= at && at <= f.spans[i].end {
				t.Images[n].Tracked = true
			}
		}
	}
}

// maxText is how many bytes a filled text may have.
const maxText = 16 << 20

func (s *Skeleton) fill(values []any) (*filling, error) {
	if len(values) != s.placeholders {
		return nil, fmt.Errorf("%s: %d values for %d placeholders", s.file.Name, len(values), s.placeholders)
	}
	f := &filling{skeleton: s, values: values, filled: make([]string, len(s.slots)), spans: make([]span, len(s.slots)),
		out: make([]byte, 0, len(s.file.Data)+16*len(values))}
	done := 0
	for i := range s.slots {
		slot := &s.slots[i]
		f.out = append(f.out, s.file.Data[done:slot.span.start]...)
		if err := f.write(i, slot); err != nil {
			return nil, err
		}
		if len(f.out) > maxText {
			return nil, fail(slot.first, "look for a large value in a range", "the manifest is larger than %d MB", maxText>>20)
		}
		if done = slot.span.end; f.skipBreak && done < len(s.file.Data) && s.file.Data[done] == '\n' {
			done++
		}
		f.skipBreak = false
	}
	f.out = append(f.out, s.file.Data[done:]...)
	return f, f.checkKeys()
}

// checkKeys refuses values that make two keys of one map equal.
func (f *filling) checkKeys() error {
	for _, m := range f.skeleton.maps {
		seen := make(map[string]bool, len(m.open))
		for _, key := range m.open {
			i := slices.IndexFunc(f.skeleton.slots, func(s slot) bool { return s.node == key })
			name := f.filled[i]
			if m.fixed[name] || seen[name] {
				return fail(f.skeleton.slots[i].first, "take a name of its own for each", "duplicate key %s", quoteForPeople(name))
			}
			seen[name] = true
		}
		if err := f.checkSpliced(m, seen); err != nil {
			return err
		}
	}
	return nil
}

// Filled is a scalar with placeholders in it, and what it was filled with.
type Filled struct {
	In, Out Bytes // in the skeleton's text, and in the filled one
	First   int   // the number of its first placeholder
}

// Filled returns the scalars with placeholders in them, in their order, as Fill fills them.
func (s *Skeleton) Filled(values []any) ([]Filled, error) {
	f, err := s.fill(values)
	if err != nil {
		return nil, err
	}
	var list []Filled
	for i, slot := range s.slots {
		if len(slot.texts) > 1 {
			list = append(list, Filled{Bytes{slot.span.start, slot.span.end}, Bytes{f.spans[i].start, f.spans[i].end}, slot.first})
		}
	}
	return list, nil
}

// filling is one Fill.
type filling struct {
	skeleton      *Skeleton
	values        []any
	out           []byte
	filled        []string // each slot's value, as far as it is a string
	spans         []span   // each slot's bytes in out
	followed      []followed
	unproved      []int // slots whose values are not plain
	mayHoldImages bool  // some value may hold images of its own, or a part of one

	skipBreak bool // the line break that follows belongs to a line that is gone
}

func fail(placeholder int, hint, format string, args ...any) error {
	return &PlaceholderProblem{Placeholder: placeholder, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// write writes one slot.
func (f *filling) write(i int, s *slot) error {
	f.spans[i].start = len(f.out)
	err := f.checkTag(i, s)
	switch {
	case err != nil:
		return err
	case s.into != nil:
		err = f.writeSplice(i, s)
	case len(s.texts) == 1: // an image without a value in it
		f.filled[i] = s.value
		f.out = append(f.out, f.skeleton.file.Data[s.span.start:s.span.end]...)
	case s.isWhole():
		err = f.writeWhole(i, s)
	default:
		err = f.writeString(i, s)
	}
	f.spans[i].end = len(f.out)
	f.writeMarker(i, s)
	return err
}

// valueProblem returns an error of a value, as a problem of its placeholder.
func (f *filling) valueProblem(placeholder int, err error) error {
	ambiguous := (*AmbiguousError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ambiguous):
		return &PlaceholderProblem{Placeholder: placeholder, Message: "the number " + err.Error(), Hint: ambiguous.Hint(), Code: problem.AmbiguousNumber}
	}
	return fail(placeholder, "", "%v", err)
}

// isWhole reports whether a slot is one value and nothing else: it keeps its type.
func (s *slot) isWhole() bool {
	return !s.key && len(s.texts) == 2 && s.texts[0] == "" && s.texts[1] == "" && (s.node.Style == 0 || s.node.Kind != yaml.ScalarNode)
}

func (f *filling) writeWhole(i int, s *slot) error {
	value := f.values[s.first]
	var err error
	switch _, isYAML := value.(YAMLText); {
	case isYAML:
		return fail(s.first, toYAMLHint, "toYaml is only for a line of its own in a block of text")
	case s.line:
		f.out, err = appendFlow(f.out, value)
	case collectionSize(value) > 0 && !s.inline:
		f.out = bytes.TrimRight(f.out, " ")
		f.spans[i].start = len(f.out)
		f.out = append(f.out, '\n')
		f.out, err = AppendYAML(appendIndent(f.out, s.indent), value, s.indent)
	default:
		f.out, err = AppendYAML(f.out, value, s.indent)
	}
	if err != nil {
		return f.valueProblem(s.first, err)
	}
	text, isString, err := scalarText(value)
	switch {
	case err != nil: // a list or a map
		if collectionSize(value) > 0 {
			f.unproved = append(f.unproved, i)
		}
		f.mayHoldImages = f.mayHoldImages || s.image != nil || s.images || mayHoldImages(value)
	default:
		if f.filled[i] = text; isString && !isPlain(text) {
			f.unproved = append(f.unproved, i)
		}
	}
	return nil
}

// text returns the filled text with what is known of it.
func (f *filling) text() (*Text, error) {
	s := f.skeleton
	toParse := s.toParse || f.mayHoldImages || f.becomesOtherObject() || f.becomesOtherImage()
	if toParse || !f.known() {
		after, err := f.prove()
		if err != nil {
			return nil, err
		}
		if toParse {
			return after.Text()
		}
		f.remember()
	}
	t := &Text{Data: f.out}
	if err := f.addFollowed(t); err != nil {
		return nil, err
	}
	for i := range s.slots {
		if p := f.imageOf(&s.slots[i]); p != nil {
			if err := f.addPlaced(t, i, p); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(t.Images, func(a, b Running) int { return a.Suffix.Start - b.Suffix.Start })
	for _, o := range s.objects {
		object := o.Object
		object.Place.Line, object.NameLine = f.line(object.Place.Line), f.line(object.NameLine)
		f.take(o.apiVersion, &object.APIVersion)
		f.take(o.kind, &object.Kind)
		f.take(o.namespace, &object.Namespace)
		f.take(o.name, &object.Name)
		if object.Name == "" {
			return nil, &PlaceholderProblem{Placeholder: s.slots[o.name].first, Message: fmt.Sprintf("this %s gets no name", object.Kind),
				Hint: "give it a name that is a string", Code: problem.NotAnObject}
		}
		t.Objects = append(t.Objects, object)
	}
	return t, nil
}

// becomesOtherObject reports whether a value makes a kustomization, or a List, of an object.
func (f *filling) becomesOtherObject() bool {
	return slices.ContainsFunc(f.skeleton.objects, func(o slotObject) bool {
		kind := o.Kind
		f.take(o.kind, &kind)
		switch {
		case kind == "Kustomization" || kind == "Component":
			return o.kind >= 0 || o.apiVersion >= 0
		case o.kind >= 0 && strings.HasSuffix(kind, "List"):
			items := lookup(o.node, "items")
			return items != nil && items.Kind == yaml.SequenceNode
		}
		return false
	})
}

// becomesOtherImage reports whether a value makes an image of other entries than the skeleton has,
// or none of them: an empty repository leaves it to another key, and one that has a tag, or a tag
// that is none, makes a reference of the key image.
func (f *filling) becomesOtherImage() bool {
	for i := range f.skeleton.slots {
		s := &f.skeleton.slots[i]
		p := f.imageOf(s)
		if p == nil || p.parts.entries == nil || p.ref.Name != "" {
			continue
		}
		for _, n := range []*yaml.Node{p.parts.registry, p.parts.name, p.parts.replaces} {
			if n != nil && strings.Contains(n.Value, Placeholder) && f.textOf(n) == "" {
				return true
			}
		}
		if _, _, tracked := f.tagIn(s); p.isTag() && !tracked { // a tracked one is refused
			_, err := image.ParseRepository(f.repositoryOf(p))
			if _, _, ok := image.SplitTag(f.filled[i]); err != nil || !ok && f.filled[i] != "" {
				return true
			}
		}
	}
	return false
}

// line returns where a line of the skeleton is in the filled text.
func (f *filling) line(n int) int {
	line, s := n, f.skeleton
	if bytes.Count(f.out, []byte("\n")) == s.lines {
		return n
	}
	for i := range s.slots {
		if slot := &s.slots[i]; slot.node.Line < n {
			line += bytes.Count(f.out[f.spans[i].start:f.spans[i].end], []byte("\n")) - bytes.Count(s.file.Data[slot.span.start:slot.span.end], []byte("\n"))
		}
	}
	return line
}

// take sets a field to what its slot was filled with, if it has one.
func (f *filling) take(slot int, field *string) {
	if slot >= 0 {
		*field = f.filled[slot]
	}
}

// mayHoldImages reports whether a value has a key that an image goes by.
func mayHoldImages(value any) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, mayHoldImages)
	case map[string]any:
		for key, item := range value {
			if isImageKey(key) || mayHoldImages(item) {
				return true
			}
		}
	}
	return false
}
