package manifest

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/problem"
)

// prove parses the filled text, and compares it with the skeleton: the structure
// must be the skeleton's, and each slot must mean its values.
func (f *filling) prove() (*File, error) {
	s := f.skeleton
	after, err := Parse(s.file.Name, f.out)
	if err != nil {
		return nil, fail(0, "", "a value breaks the YAML: %v", err)
	}
	// A list or map in the place of a scalar moves comments from node to node.
	changes := changes{values: make(map[*yaml.Node]any, len(s.slots)), spliced: map[*yaml.Node]any{}}
	for i := range s.slots {
		if slot := &s.slots[i]; slot.into != nil {
			changes.spliced[slot.node] = f.values[slot.first]
		} else if slot.isWhole() {
			changes.values[slot.node] = f.values[slot.first]
		} else if len(slot.texts) > 1 {
			changes.values[slot.node] = f.filled[i]
		}
	}
	if err := changes.prove(s.file, after); err != nil {
		for _, p := range problem.All(err) {
			for i := range s.slots {
				if slot := &s.slots[i]; slot.node.Line == p.Place.Line && slot.node.Column == p.Place.Col {
					return nil, fail(slot.first, "", "%s", p.Message)
				}
			}
		}
		return nil, err
	}
	return after, nil
}

// known reports whether fillings were proved that had the same bytes in each slot
// that is not plain. Slots do not touch each other, so it need not have been one.
func (f *filling) known() bool {
	s := f.skeleton
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, i := range f.unproved {
		if _, ok := s.known[f.written(i)]; !ok {
			return false
		}
	}
	return s.proved
}

// remember notes what was proved.
func (f *filling) remember() {
	s := f.skeleton
	s.lock.Lock()
	defer s.lock.Unlock()
	s.proved = true
	if s.known == nil {
		s.known = map[written]struct{}{}
	}
	for _, i := range f.unproved {
		if len(s.known) < maxKnown {
			s.known[f.written(i)] = struct{}{}
		}
	}
}

func (f *filling) written(slot int) written {
	return written{slot, string(f.out[f.spans[slot].start:f.spans[slot].end])}
}

// isPlain reports whether s is so plain that no place reads it as anything but a
// word, a number or a boolean, quoted or not: words, paths, addresses and image
// references, without what YAML has a use for. So it need not be proved.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isLetter(c), isDigit(c), c == '/':
		case i > 0 && strings.IndexByte("-._", c) >= 0:
		case i > 0 && i+1 < len(s) && strings.IndexByte(":@+= ", c) >= 0 && (isLetter(s[i+1]) || isDigit(s[i+1]) || s[i+1] == '/'):
		default:
			return false
		}
	}
	return true
}

// isASCII reports whether s is printable ASCII and line breaks, and has none of
// the bytes in except.
func isASCII(s, except string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '\n' && (c < ' ' || c > '~') || strings.IndexByte(except, c) >= 0 {
			return false
		}
	}
	return true
}
