package adopt

import (
	"strings"

	"k8srepo/internal/lazyregexp"
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
	derived  []piece // what prints the value instead, where other variables make it up
	variable *variable
	shared   bool            // its values are parts that stand in several places
	fixed    bool            // another hole is made of its values
	negated  bool            // of a presence: the variable says that the part is not there
	byCell   map[cell]string // see at
	known    []string        // see names
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
	holes  []*hole
}

// typeOf returns the type that values have where they stand: Null if they have several. Ok is
// false where what one of them means depends on the version of YAML, or on its quotes.
func typeOf(values []string, p position) (kind manifest.Kind, ok bool) {
	first, mixed := true, false
	for _, v := range values {
		if v == unset {
			continue
		}
		k := kindOf(v)
		if k == manifest.Null && !p.free() {
			return 0, false
		}
		if k == manifest.Null {
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
			mixed = true
		}
		first = false
	}
	if mixed {
		return manifest.Null, true
	}
	return kind, true
}

func isNumber(k manifest.Kind) bool { return k == manifest.Int || k == manifest.Float }

var (
	integer   = lazyregexp.New(`^-?(0|[1-9][0-9]{0,17})$`)
	fraction  = lazyregexp.New(`^-?(0|[1-9][0-9]*)\.[0-9]+$`)
	ambiguous = lazyregexp.New(`^(?i:[-+.]?[0-9][-+0-9._:xoabcdef]*|y|n|yes|no|on|off|null|~|[-+]?\.(inf|nan)|[0-9]{4}-.*|)$`)
)

// kindOf returns the type of a plain scalar; Null where a variable cannot hold it as it is.
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

// kind returns the type of a hole's variable.
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

// written returns a value as it is written into a file of the inventory.
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
