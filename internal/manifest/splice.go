package manifest

import (
	"bytes"
	"maps"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// writeSplice writes a map or list into the one that its slot stands in.
func (f *filling) writeSplice(i int, s *slot) error {
	value := f.values[s.first]
	var err error
	switch {
	case collectionSize(value) == 0 && f.leadsEmpty(i, s):
		f.out, err = appendFlow(f.out, value)
	case collectionSize(value) == 0:
		f.removeLine(i)
	case s.flow:
		var flow []byte
		flow, err = appendFlow(nil, value)
		f.out = append(f.out, bytes.Trim(flow, "{}")...)
	default:
		f.out, err = AppendYAML(f.out, value, s.indent)
	}
	f.unproved = append(f.unproved, i)
	f.mayHoldImages = f.mayHoldImages || s.images || mayHoldImages(value)
	if entries, isMap := value.(map[string]any); isMap { // beside those of the skeleton
		for key := range entries {
			f.mayHoldImages = f.mayHoldImages || isShapeKey(key)
		}
	}
	return f.valueProblem(s.first, err)
}

// leadsEmpty reports whether the map or list that a slot is spliced into is empty, and
// the slot is the first in it.
func (f *filling) leadsEmpty(i int, s *slot) bool {
	if s.flow {
		return false // the braces are there
	}
	splices := f.skeleton.splices[s.into]
	entries := len(s.into.Content)
	if s.into.Kind == yaml.MappingNode {
		entries /= 2
	}
	return i == splices[0] && entries == len(splices) && !slices.ContainsFunc(splices, func(other int) bool {
		return collectionSize(f.values[f.skeleton.slots[other].first]) > 0
	})
}

// removeLine takes the line away that is being written.
func (f *filling) removeLine(i int) {
	f.out = bytes.TrimRight(f.out, " ")
	if rest, ok := bytes.CutSuffix(f.out, []byte("\n")); ok {
		f.out = rest
	} else {
		f.skipBreak = len(f.out) == 0
	}
	f.spans[i].start = len(f.out)
}

// sameSpliced compares a map or list that others are spliced into with what became
// of it: its own entries, and theirs.
func (p *prover) sameSpliced(a, b *yaml.Node) error {
	wrong := p.before.problemAt(a, "", "cannot write a value here without changing more")
	step := 1
	if a.Kind == yaml.MappingNode {
		step = 2
	}
	rest := b.Content
	for i := 0; i < len(a.Content); i += step {
		value, spliced := p.spliced[a.Content[i]]
		if !spliced {
			if len(rest) < step {
				return wrong
			}
			for k := range step {
				if err := p.same(a.Content[i+k], rest[k]); err != nil {
					return err
				}
			}
			rest = rest[step:]
			continue
		}
		n := collectionSize(value) * step
		if len(rest) < n || !entriesMean(rest[:n], value) {
			return wrong
		}
		rest = rest[n:]
	}
	empty := len(b.Content) == 0
	if len(rest) > 0 || a.Kind != b.Kind || a.Style != b.Style && !empty || a.Anchor != b.Anchor {
		return wrong
	}
	return nil
}

// entriesMean reports whether nodes are the entries of a map, or the items of a list.
func entriesMean(nodes []*yaml.Node, value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for i, key := range slices.Sorted(maps.Keys(value)) {
			if !means(nodes[2*i], key) || !means(nodes[2*i+1], value[key]) {
				return false
			}
		}
	case []any:
		for i, item := range value {
			if !means(nodes[i], item) {
				return false
			}
		}
	}
	return true
}

// checkSpliced refuses a spliced map that has a key of the map around it.
func (f *filling) checkSpliced(m openMap, seen map[string]bool) error {
	for _, i := range f.skeleton.splices[m.node] {
		s := &f.skeleton.slots[i]
		value, _ := f.values[s.first].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if m.fixed[key] || seen[key] {
				return fail(s.first, "remove it here, or leave it out of the value: {{ omit … "+string(appendDoubleQuoted(nil, key))+" }}",
					"duplicate key %s: the value has it, and the map around it too", quoteForPeople(key))
			}
			seen[key] = true
		}
	}
	return nil
}
