package tree

import (
	"bytes"

	"k8srepo/internal/manifest"
)

// conflict is what Git left of a rendered file that it could not merge.
type conflict struct {
	ours, theirs side
	bases        []*manifest.Text // what is known of the base; the markers' own comes first
	edited       string           // what is wrong with which side; "" if nothing is
}

// side is one of the two versions that were merged.
type side struct {
	label string // as its marker has it, such as HEAD or a branch
	text  *manifest.Text
}

// A conflict's markers are seven characters, or more where .gitattributes says so
// (conflict-marker-size), with a label after it.
const markerSize = 7

// marker returns how many times c begins a line, and what follows it; 0 where the
// line is no conflict marker.
func marker(line []byte, c byte) (size int, label string) {
	rest := bytes.TrimLeft(line, string(c))
	size = len(line) - len(rest)
	if size < markerSize || len(rest) > 0 && rest[0] != ' ' {
		return 0, ""
	}
	return size, string(bytes.TrimSpace(rest))
}

// hasConflict reports whether a line of a file begins or ends a conflict.
func hasConflict(data []byte) bool {
	for _, c := range []byte("<>") {
		markers := bytes.Repeat([]byte{c}, markerSize)
		for rest, at := data, 0; ; rest = rest[at+markerSize:] {
			if at = bytes.Index(rest, markers); at < 0 {
				break
			}
			start := len(data) - len(rest) + at
			if start > 0 && data[start-1] != '\n' {
				continue
			}
			line, _, _ := bytes.Cut(data[start:], []byte("\n"))
			if size, _ := marker(bytes.TrimSuffix(line, []byte("\r")), c); size > 0 {
				return true
			}
		}
	}
	return false
}

// versions are the texts that the markers of a conflicted file give.
type versions struct {
	ours, theirs, base []byte
	labels             [2]string // of ours and theirs
	hasBase            bool      // every conflict shows its base (merge.conflictStyle diff3 or zdiff3)
}

// split takes a file with conflict markers apart. Ok is false where the markers are
// not complete.
func split(data []byte) (v versions, ok bool) {
	const (
		outside = iota
		inOurs
		inBase
		inTheirs
	)
	v.hasBase = true
	state, size, nested, shown := outside, 0, 0, false
	for line := range bytes.Lines(toLF(data)) {
		text := bytes.TrimSuffix(line, []byte("\n"))
		begins, beginLabel := marker(text, '<')
		ends, endLabel := marker(text, '>')
		_, isBase := markerOf(text, '|', size)
		_, isMiddle := markerOf(text, '=', size)
		switch {
		case state == outside && begins > 0:
			state, size, shown = inOurs, begins, false
			v.labels[0] = beginLabel
		case state == outside && ends > 0:
			return v, false
		case state == outside:
			v.ours, v.base, v.theirs = append(v.ours, line...), append(v.base, line...), append(v.theirs, line...)
		case state == inBase && begins > 0: // a base that is itself the result of a merge
			nested++
		case state == inBase && nested > 0:
			if ends > 0 {
				nested--
			}
		case begins == size:
			return v, false
		case state == inOurs && isBase:
			state, shown = inBase, true
		case state != inTheirs && isMiddle:
			v.hasBase = v.hasBase && shown
			state = inTheirs
		case state == inTheirs && ends == size:
			v.labels[1] = endLabel
			state = outside
		case ends == size:
			return v, false
		case state == inOurs:
			v.ours = append(v.ours, line...)
		case state == inBase:
			v.base = append(v.base, line...)
		default:
			v.theirs = append(v.theirs, line...)
		}
	}
	return v, state == outside
}

// markerOf is marker for one of a size.
func markerOf(line []byte, c byte, size int) (label string, ok bool) {
	n, label := marker(line, c)
	return label, n > 0 && n == size
}

// judgeConflict is judge for a file with conflict markers. Both versions must be as
// they were rendered: those of Git's index, which are whole, or else those that the
// markers show.
func judgeConflict(name string, data []byte, stages Stages) verdict {
	v, ok := split(data)
	ours, theirs := judgeRendered(name, v.ours), judgeRendered(name, v.theirs)
	c := &conflict{ours: side{v.labels[0], ours.body}, theirs: side{v.labels[1], theirs.body}}
	if v.hasBase {
		c.addBase(judgeRendered(name, v.base))
	}
	if stages.Base != nil {
		c.addBase(judgeRendered(name, stages.Base))
	}
	if stages.Ours != nil && stages.Theirs != nil {
		ours, theirs = judgeRendered(name, stages.Ours), judgeRendered(name, stages.Theirs)
	}
	if c.ours.text == nil || c.theirs.text == nil { // what Git merged by itself is no YAML
		c.ours.text, c.theirs.text = ours.body, theirs.body
	}
	all := verdict{whose: owned, conflict: c, template: ours.template}
	if all.template == "" {
		all.template = theirs.template
	}
	if all.template == "" {
		m := headerLine.FindSubmatch(data)
		if m == nil || m[1] == nil {
			return verdict{whose: foreign, fault: noHeader}
		}
		all.template, all.whose, all.fault = string(m[1]), edited, partialMarkers
		return all
	}
	switch {
	case !ok && stages.Ours == nil:
		all.whose, all.fault = edited, partialMarkers
	case ours.whose != owned:
		all.whose, all.fault, c.edited = edited, editedSide, notRendered("our side", c.ours.label, stages)
	case theirs.whose != owned:
		all.whose, all.fault, c.edited = edited, editedSide, notRendered("their side", c.theirs.label, stages)
	}
	return all
}

// notRendered says that a side is not as it was rendered.
func notRendered(side, label string, stages Stages) string {
	if label != "" {
		side += " (" + label + ")"
	}
	if stages.Ours == nil {
		return side + ", as its markers show it, is not as it was rendered; Git's index no longer has the whole of it"
	}
	return side + " was edited by hand"
}

func (c *conflict) addBase(v verdict) {
	if v.body != nil {
		c.bases = append(c.bases, v.body)
	}
}

// images merges what the two sides run: what both agree on, or what one of them moved
// from the base.
func (c *conflict) images() []ran {
	theirs := imagesOf(c.theirs.text)
	var bases [][]ran
	for _, b := range c.bases {
		bases = append(bases, imagesOf(b))
	}
	var merged []ran
	for _, our := range imagesOf(c.ours.text) {
		their, ok := find(theirs, our.key, our.repository)
		if !ok || their.run.Suffix == our.run.Suffix {
			merged = append(merged, our)
			continue
		}
		merged = append(merged, c.merge(our, their, bases))
	}
	for _, their := range theirs {
		if _, ok := find(merged, their.key, their.repository); !ok {
			merged = append(merged, their)
		}
	}
	return merged
}

// merge returns what an image runs of which the sides run different tags.
func (c *conflict) merge(our, their ran, bases [][]ran) ran {
	for _, base := range bases {
		before, ok := find(base, our.key, our.repository)
		switch {
		case ok && before.run.Suffix == our.run.Suffix:
			return their
		case ok && before.run.Suffix == their.run.Suffix:
			return our
		}
	}
	our.other = &their.run
	return our
}
