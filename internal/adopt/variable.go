package adopt

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/manifest"
)

// hole is a place in a template where copies differ, and no fact says how.
type hole struct {
	template *template
	slot     *slot // nil for the condition of the whole template
	position position
	role     role
	cells    []cell
	values   []string                  // by cell, as they are written; unset where there is none
	lists    map[string]manifest.Value // of a list or a map, by its text
	before   string                    // text around the value that all copies have
	after    string
	variable *variable
}

// role is what a hole is for.
type role int8

const (
	printed  role = iota // a value that every copy has
	optional             // a value that some copies have
	presence             // whether a part is there
	several              // a list or a map, printed by range
)

// unset is the value of an optional value that is not there.
const unset = "\x00"

// position is what stands around a value.
type position struct {
	quote  byte // ', " or 0
	inText bool // in a block of text
}

// free reports whether a value of any type can be printed there as it is.
func (p position) free() bool { return p.quote != 0 || p.inText }

// variable is a variable that adopt makes.
type variable struct {
	name   string
	kind   manifest.Kind // Null for one that has values of several types
	values map[cell]string
	lists  map[string]manifest.Value
}

// typeOf is the type that values have where they stand: Null if they have several. Ok is
// false where what one of them means depends on the version of YAML, or on its quotes.
func typeOf(values []string, p position) (kind manifest.Kind, ok bool) {
	first := true
	for _, v := range values {
		if v == unset {
			continue
		}
		k := kindOf(v)
		if k == manifest.Null {
			if !p.free() {
				return 0, false
			}
			k = manifest.String
		}
		switch {
		case first || k == kind:
			kind = k
		case isNumber(k) && isNumber(kind):
			kind = manifest.Float
		case p.free():
			kind = manifest.String
		default:
			kind = manifest.Null
		}
		if first = false; kind == manifest.Null {
			break
		}
	}
	return kind, true
}

func isNumber(k manifest.Kind) bool { return k == manifest.Int || k == manifest.Float }

var (
	integer   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)
	fraction  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)\.[0-9]+$`)
	ambiguous = regexp.MustCompile(`^(?i:[-+.]?[0-9][-+0-9._:xoabcdef]*|y|n|yes|no|on|off|null|~|[-+]?\.(inf|nan)|[0-9]{4}-.*|)$`)
)

// kindOf is the type of a plain scalar; Null where a variable cannot hold it as it is.
func kindOf(v string) manifest.Kind {
	switch {
	case v == "true" || v == "false":
		return manifest.Bool
	case integer.MatchString(v):
		return manifest.Int
	case fraction.MatchString(v):
		return manifest.Float
	case ambiguous.MatchString(v), strings.EqualFold(v, "true"), strings.EqualFold(v, "false"), strings.IndexByte("[{&*!|>%@`\"'", v[0]) >= 0:
		return manifest.Null
	}
	return manifest.String
}

// kind is the type of a hole's variable.
func (h *hole) kind() manifest.Kind {
	switch h.role {
	case presence:
		return manifest.Bool
	case several:
		for _, v := range h.lists {
			return v.Kind
		}
	}
	kind, _ := typeOf(h.values, h.position)
	return kind
}

// written is a value as it is written into a file of the inventory.
func (v *variable) written(value string) manifest.Value {
	switch {
	case value == unset:
		return manifest.Value{Kind: manifest.Null, Text: "null"}
	case v.kind == manifest.List || v.kind == manifest.Map:
		return v.lists[value]
	case v.kind == manifest.Null:
		return manifest.Value{Kind: kindOf(value), Text: value}
	}
	return manifest.Value{Kind: v.kind, Text: value}
}

// allocator gives holes their variables.
type allocator struct {
	taken     map[string]bool // names that are somebody else's
	variables []*variable
	byName    map[string]*variable
}

func newAllocator(taken []string) *allocator {
	a := &allocator{taken: map[string]bool{}, byName: map[string]*variable{}}
	for _, name := range taken {
		a.taken[name] = true
	}
	return a
}

// allocate gives a hole a variable: one that has its name, or says the same everywhere,
// if there is one, else a new one.
func (a *allocator) allocate(h *hole) {
	kind, names := h.kind(), h.names()
	for _, name := range names {
		if v := a.byName[name]; v != nil && v.fits(h, kind) {
			a.join(h, v)
			return
		}
	}
	for _, v := range a.variables {
		if v.kind == kind && v.same(h) {
			a.join(h, v)
			return
		}
	}
	name := ""
	for _, n := range names {
		if a.byName[n] == nil && !a.taken[n] {
			name = n
			break
		}
	}
	for i := 2; name == ""; i++ {
		if n := names[len(names)-1] + "_" + strconv.Itoa(i); a.byName[n] == nil && !a.taken[n] {
			name = n
		}
	}
	v := &variable{name: name, kind: kind, values: map[cell]string{}, lists: map[string]manifest.Value{}}
	a.variables = append(a.variables, v)
	a.byName[name] = v
	a.join(h, v)
}

func (a *allocator) join(h *hole, v *variable) {
	h.variable = v
	for i, c := range h.cells {
		v.values[c] = h.values[i]
	}
	for text, list := range h.lists {
		v.lists[text] = list
	}
}

// fits reports whether a variable of a hole's name can be the hole's: where both say
// something they say the same.
func (v *variable) fits(h *hole, kind manifest.Kind) bool {
	if v.kind != kind || v.perService() != (h.cells[0].service != "") {
		return false
	}
	for i, c := range h.cells {
		if value, known := v.values[c]; known && value != h.values[i] {
			return false
		}
	}
	return true
}

func (v *variable) perService() bool {
	for c := range v.values {
		return c.service != ""
	}
	return false
}

// same reports whether a hole has the values of a variable wherever the variable has
// some, and those are no coincidence.
func (v *variable) same(h *hole) bool {
	if len(h.cells) != len(v.values) || h.role != presence && !distinctive(h.values) {
		return false
	}
	for i, c := range h.cells {
		if value, known := v.values[c]; !known || value != h.values[i] {
			return false
		}
	}
	return true
}

// distinctive reports whether two places that have these values mean the same by them:
// they are no small numbers, booleans or words of a few letters.
func distinctive(values []string) bool {
	for _, v := range values {
		letters := 0
		for i := range len(v) {
			if v[i]|0x20 >= 'a' && v[i]|0x20 <= 'z' {
				letters++
			}
		}
		if letters < 4 || v == "true" || v == "false" {
			return false
		}
	}
	return true
}

// sorted returns the variables by name.
func (a *allocator) sorted() []*variable {
	list := slices.Clone(a.variables)
	slices.SortFunc(list, func(x, y *variable) int { return strings.Compare(x.name, y.name) })
	return list
}

// shareParts has holes print a part of their values, where that part is the same in
// several places and the rest of the values is not: a host that is in a URL too.
func shareParts(holes []*hole) {
	type key struct{ cells, values string }
	parts := map[key][]*hole{}
	cut := func(h *hole) (before, after int, k key) {
		before, after = common(h.values)
		var mids, cells []string
		for i, v := range h.values {
			mids = append(mids, v[before:len(v)-after])
			cells = append(cells, h.cells[i].env+"/"+h.cells[i].service)
		}
		return before, after, key{strings.Join(cells, " "), strings.Join(mids, "\x00")}
	}
	for _, h := range holes {
		if h.role == printed && len(h.values) > 1 {
			_, _, k := cut(h)
			parts[k] = append(parts[k], h)
		}
	}
	for k, list := range parts {
		mids := strings.Split(k.values, "\x00")
		differ := slices.ContainsFunc(list, func(h *hole) bool { return !slices.Equal(h.values, list[0].values) })
		if len(list) < 2 || !differ || !distinctive(mids) {
			continue
		}
		for _, h := range list {
			h.shorten(common(h.values))
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
	h.values = values
}
