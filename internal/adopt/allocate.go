package adopt

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/manifest"
)

// allocate gives holes their variables, and those their names. Taken are names that are
// somebody else's. The variables are sorted by name.
func allocate(holes []*hole, explain *explainer, taken []string) []*variable {
	derive(holes, explain)
	shareParts(holes)
	derive(holes, explain)
	var list []*variable
	for _, h := range holes {
		if h.derived != nil {
			continue
		}
		i := slices.IndexFunc(list, func(v *variable) bool { return v.takes(h) })
		if i < 0 {
			list = append(list, &variable{kind: h.kind(), values: map[cell]string{}, lists: map[string]manifest.Value{}})
			i = len(list) - 1
		}
		list[i].join(h)
	}
	nameAll(list, taken)
	slices.SortFunc(list, func(x, y *variable) int { return strings.Compare(x.name, y.name) })
	return list
}

// join adds a hole to a variable.
func (v *variable) join(h *hole) {
	h.variable = v
	v.holes = append(v.holes, h)
	h.negated = len(v.holes) > 1 && h.role == presence && v.opposite(h)
	for i, c := range h.cells {
		if _, known := v.values[c]; !known || !h.negated {
			v.values[c] = h.values[i]
		}
	}
	for text, list := range h.lists {
		v.lists[text] = list
	}
}

// takes reports whether a hole can be one more place of a variable: its own line has the same
// name for it, and no cell has another value; or all cells have the same value, and the values
// are not the same by chance.
func (v *variable) takes(h *hole) bool {
	first := v.holes[0]
	if v.kind != h.kind() || v.perService() != (h.cells[0].service != "") || (first.role == several) != (h.role == several) {
		return false
	}
	overlap, same := 0, true
	for i, c := range h.cells {
		if value, known := v.values[c]; known {
			overlap++
			same = same && value == h.values[i]
		}
	}
	whole := overlap == len(h.cells) && overlap == len(v.values)
	if h.role == presence {
		return first.role == presence && whole && (same || v.opposite(h))
	}
	if !same || first.role == presence {
		return false
	}
	own := h.own()
	switch {
	case own == first.own() && (!vague[own] || h.names()[0] == first.names()[0]):
		return true
	case own == first.own() && whole:
		return distinctCount(h.values) > 1
	}
	return whole && (distinctive(h.values) || distinctCount(h.values) > 2 && len(h.cells) > 5)
}

// opposite reports whether a presence is everywhere what a variable is not.
func (v *variable) opposite(h *hole) bool {
	for i, c := range h.cells {
		if v.values[c] == h.values[i] || v.values[c] == "" {
			return false
		}
	}
	return len(h.cells) == len(v.values)
}

// distinctCount returns how many different values there are.
func distinctCount(values []string) int {
	return len(slices.Compact(slices.Sorted(slices.Values(values))))
}

func (v *variable) perService() bool {
	for c := range v.values {
		return c.service != ""
	}
	return false
}

// distinctive reports whether two places that have these values mean the same by them:
// they are no small numbers, booleans or words of a few letters.
func distinctive(values []string) bool {
	for _, v := range values {
		if letters(v) < 4 || v == "true" || v == "false" {
			return false
		}
	}
	return true
}

func letters(s string) int {
	n := 0
	for i := range len(s) {
		if s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' {
			n++
		}
	}
	return n
}

// derive finds the holes whose values are made of facts and of the values of other holes:
// a URL of a host that stands alone elsewhere.
func derive(holes []*hole, explain *explainer) {
	var list []*hole
	for _, h := range holes {
		if h.role == printed && h.derived == nil {
			list = append(list, h)
		}
	}
	slices.SortStableFunc(list, func(a, b *hole) int { return cmp.Compare(a.length(), b.length()) })
	var parts []fact
	var of []*hole
	for _, h := range list {
		if !h.fixed {
			if h.derived = h.madeOf(explain, parts, of); h.derived != nil {
				continue
			}
		}
		if (distinctive(h.values) || h.shared) && !slices.ContainsFunc(of, h.equals) {
			parts, of = append(parts, fact{expr: "\x00" + strconv.Itoa(len(of)), of: h.at}), append(of, h)
		}
	}
}

func (h *hole) equals(other *hole) bool {
	return slices.Equal(h.values, other.values) && slices.Equal(h.cells, other.cells)
}

// length returns the mean length of a hole's values, in bytes.
func (h *hole) length() int {
	n := 0
	for _, v := range h.values {
		n += len(v)
	}
	return n / len(h.values)
}

// at returns a hole's value in a cell, "" where it has none.
func (h *hole) at(c cell) string {
	if h.byCell == nil {
		h.byCell = make(map[cell]string, len(h.cells))
		for i, c := range h.cells {
			h.byCell[c] = h.values[i]
		}
	}
	return h.byCell[c]
}

// madeOf returns the pieces that make a hole's values of others, with text between them.
func (h *hole) madeOf(explain *explainer, parts []fact, of []*hole) []piece {
	usable := make([]fact, 0, len(parts))
	for i, f := range parts {
		if !of[i].equals(h) && len(of[i].cells) >= len(h.cells) && strings.Contains(h.values[0], f.of(h.cells[0])) && f.of(h.cells[0]) != "" {
			usable = append(usable, f)
		}
	}
	if len(usable) == 0 {
		return nil
	}
	slices.Reverse(usable) // the longest first
	pieces := newExplainer(append(usable, explain.facts...)).explain(h.values, h.cells, false)
	if pieces == nil || len(pieces) == 1 {
		return nil
	}
	for i, p := range pieces {
		if n, isHole := strings.CutPrefix(p.expr, "\x00"); isHole {
			index, _ := strconv.Atoi(n)
			pieces[i] = piece{hole: of[index]}
			of[index].fixed = true
		}
	}
	return pieces
}

// minParts is in how many places a part of a value stands that says little by itself.
const minParts = 3

// shareParts has holes print a part of their values, where that part is the same in
// several places and the rest of the values is not: a host that is in two URLs.
func shareParts(holes []*hole) {
	parts := map[string][]*hole{}
	var keys []string
	for _, h := range holes {
		if h.role != printed || h.derived != nil || h.fixed || len(h.values) < 2 {
			continue
		}
		before, after := common(h.values)
		var key strings.Builder
		for i, v := range h.values {
			key.WriteString(h.cells[i].env + "/" + h.cells[i].service + "=" + v[before:len(v)-after] + "\x00")
		}
		if parts[key.String()] == nil {
			keys = append(keys, key.String())
		}
		parts[key.String()] = append(parts[key.String()], h)
	}
	for _, key := range keys {
		list := parts[key]
		before, after := common(list[0].values)
		short := &hole{values: list[0].values}
		short.shorten(before, after)
		differ := slices.ContainsFunc(list, func(h *hole) bool { return !slices.Equal(h.values, list[0].values) })
		enough := distinctive(short.values) || len(list) >= minParts && letters(short.values[0]) > 1
		if len(list) < 2 || !differ || !enough || slices.Contains(short.values, "") {
			continue
		}
		for _, h := range list {
			h.shorten(common(h.values))
			h.shared = true
		}
	}
}

// shorten leaves text that all values have around the hole.
func (h *hole) shorten(before, after int) {
	first := h.values[0]
	h.before, h.after = h.before+first[:before], first[len(first)-after:]+h.after
	values := make([]string, len(h.values))
	for i, v := range h.values {
		values[i] = v[before : len(v)-after]
	}
	h.values, h.byCell = values, nil
	if h.before+h.after != "" {
		h.position.inText = true // whatever it is, it is a part of a text
	}
}
