package manifest

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// edit replaces part of a scalar's value.
type edit struct {
	node     *yaml.Node
	from, to int // bytes of the value
	text     string
}

// splice is the file with the edits made, and proved: parsed again, it differs
// from f in the edited scalars only, and they mean what the edits say.
func (f *File) splice(edits []edit) ([]byte, error) {
	type cut struct {
		span
		text []byte
	}
	cuts := make([]cut, 0, len(edits))
	changed := make(map[*yaml.Node]any, len(edits))
	for _, e := range edits {
		s, err := f.find(e.node)
		if err != nil {
			return nil, err
		}
		value := s.value[:e.from] + e.text + s.value[e.to:]
		changed[e.node] = value
		at := span{s.offset(e.from), s.offset(e.to)}
		text := []byte(e.text)
		if e.node.Style&^yaml.TaggedStyle == 0 && (value == "" || readsAsOther(value)) {
			at, text = s.span, appendDoubleQuoted(nil, value)
		}
		cuts = append(cuts, cut{at, text})
	}
	slices.SortFunc(cuts, func(a, b cut) int { return a.start - b.start })

	out := make([]byte, 0, len(f.Data)+16*len(cuts))
	done := 0
	for _, c := range cuts {
		if c.start < done {
			return nil, f.doubt(edits[0].node)
		}
		out = append(out, f.Data[done:c.start]...)
		out = append(out, c.text...)
		done = c.end
	}
	out = append(out, f.Data[done:]...)

	after, err := Parse(f.Name, out)
	if err != nil {
		return nil, f.problemAt(edits[0].node, "", "the change would break the file: %v", strings.TrimPrefix(err.Error(), f.Name+":"))
	}
	if err := prove(f, after, changed); err != nil {
		return nil, err
	}
	return out, nil
}
