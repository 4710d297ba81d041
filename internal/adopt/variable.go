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
	boolean  bool // it says whether a part is there
	cells    []cell
	values   []string // by cell
	variable *variable
}

// position is what stands around a value.
type position struct {
	quote  byte // ', " or 0
	inText bool // in a block of text
}

// variable is a variable that adopt makes.
type variable struct {
	name   string
	kind   manifest.Kind
	values map[cell]string
	order  []cell
}

// typeOf is the type that values have where they stand; ok is false where they have no
// common one, or where what they mean depends on the version of YAML.
func typeOf(values []string, p position) (kind manifest.Kind, ok bool) {
	free := p.quote != 0 || p.inText
	for i, v := range values {
		k := kindOf(v)
		if k == manifest.Null {
			if !free {
				return 0, false
			}
			k = manifest.String
		}
		switch {
		case i == 0, k == kind:
			kind = k
		case isNumber(k) && isNumber(kind):
			kind = manifest.Float
		case free:
			kind = manifest.String
		default:
			return 0, false
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
	kind := manifest.Bool
	if !h.boolean {
		kind, _ = typeOf(h.values, h.position)
	}
	names := h.names()
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
	v := &variable{name: name, kind: kind, values: map[cell]string{}}
	a.variables = append(a.variables, v)
	a.byName[name] = v
	a.join(h, v)
}

func (a *allocator) join(h *hole, v *variable) {
	h.variable = v
	for i, c := range h.cells {
		if _, known := v.values[c]; !known {
			v.order = append(v.order, c)
		}
		v.values[c] = h.values[i]
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

func (v *variable) perService() bool { return v.order[0].service != "" }

// same reports whether a hole has the values of a variable wherever the variable has
// some, and those are no coincidence.
func (v *variable) same(h *hole) bool {
	if len(h.cells) != len(v.values) || !distinctive(h.values) && !h.boolean {
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
// they are no small numbers, booleans or single words of a few letters.
func distinctive(values []string) bool {
	for _, v := range values {
		letters := strings.Count(strings.Map(func(r rune) rune {
			if r|0x20 >= 'a' && r|0x20 <= 'z' {
				return 'a'
			}
			return '0'
		}, v), "a")
		if letters < 4 || v == "true" || v == "false" {
			return false
		}
	}
	return true
}

// inOrder are the holes of templates, in the order in which they get their names.
func inOrder(templates []*template) []*hole {
	var list []*hole
	for _, t := range templates {
		list = append(list, t.holes...)
	}
	return list
}

// used returns the variables that templates print or ask for, by name.
func (a *allocator) used() []*variable {
	list := slices.Clone(a.variables)
	slices.SortFunc(list, func(x, y *variable) int { return strings.Compare(x.name, y.name) })
	return list
}
