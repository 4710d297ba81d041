package trace

import (
	"fmt"
	"strings"

	"k8srepo/internal/lazyregexp"
)

// Trail leads from the dot of a template to a value in it: names of fields and keys
// of maps (string), numbers of items (int). It may end in a KeyOf or an InDict.
type Trail []any

// KeyOf is a key of a map itself, rather than its value.
type KeyOf string

// InDict is the key of a template's dict that a value was put under. It ends a trail. A step
// below it must be that key, and takes it off the trail: see Trails.Below.
type InDict string

// Trails lead to all values that one value was made from.
type Trails []Trail

// Pairs returns the trails of a dict, from its keys (string), each followed by the trails of its
// value (Trails). Other pairs are left out.
func Pairs(pairs ...any) Trails {
	var all Trails
	for i := 0; i+1 < len(pairs); i += 2 {
		key, isText := pairs[i].(string)
		source, isSource := pairs[i+1].(Trails)
		if isText && isSource {
			all = append(all, source.Below(InDict(key))...)
		}
	}
	return all
}

// Below returns the trails, each with more steps. A trail into a dict is left out where the steps
// lead to another key of the dict.
func (f Trails) Below(names ...any) Trails {
	paths := make(Trails, 0, len(f))
	for _, p := range f {
		rest := names
		for len(p) > 0 && len(rest) > 0 {
			key, ok := p[len(p)-1].(InDict)
			if _, nested := rest[0].(InDict); !ok || nested {
				break
			}
			if rest[0] != string(key) {
				p = nil
				break
			}
			p, rest = p[:len(p)-1], rest[1:]
		}
		if p != nil {
			paths = append(paths, append(p[:len(p):len(p)], rest...))
		}
	}
	return paths
}

var plainStep = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// String returns the path as people would write it.
func (p Trail) String() string {
	var b strings.Builder
	for i, step := range p {
		switch s := step.(type) {
		case KeyOf:
			return "the key " + string(s) + " of " + p[:i].String()
		case string:
			if plainStep.MatchString(s) {
				b.WriteString("." + s)
			} else {
				fmt.Fprintf(&b, "[%q]", s)
			}
		default:
			fmt.Fprintf(&b, "[%v]", s)
		}
	}
	return b.String()
}
