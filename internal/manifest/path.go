package manifest

import (
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

// Path leads from a document's root to a value, as in
//
//	image
//	api.image
//	spec.sources[0].helm.values.image
//	sidecars[name=proxy].image
//	jobs.*.image
//	metadata.annotations["example.com/image"]
//
// A step is a key, which stands in ["…"] where it has a dot or a bracket in it;
// [n] for the n-th item of a list, counted from 0; [key=value] for the items of
// which that is true; * for every key, [*] for every item, ** for any number of
// keys and items.
type Path struct {
	text    string
	steps   []step
	nowhere bool // it begins with $, which is no key: it leads to no value
}

type step struct {
	key        string // of a map
	any        bool   // every key, or every item
	deep       bool   // any number of keys and items
	item       bool   // of a list
	index      int
	where, has string // the item whose key where is has
}

var pathStep = lazyregexp.New(`^(?:\["((?:[^"\\]|\\.)*)"\]|\[([0-9]+)\]|\[(\*)\]|\[([^\]="]+)=([^\]]*)\]|\.?(\*\*?)|\.?([^.\[\]"*]+))`)

const pathHint = `write it as in api.image, items[0].image, items[name=api].image, jobs.*.image or labels["a.b/c"]`

// ParsePath reads a path. The error is a *problem.Problem.
//
// A path that begins with $, as JSONPath has it, is one that leads to no value.
func ParsePath(s string) (Path, error) {
	p := Path{text: s, nowhere: strings.HasPrefix(s, "$")}
	if p.nowhere {
		return p, nil
	}
	for rest := s; rest != ""; {
		m := pathStep.FindStringSubmatch(rest)
		if m == nil || rest == s && rest[0] == '.' {
			return Path{}, problem.New(pathHint, "the path %q goes wrong at %q", s, rest)
		}
		switch {
		case strings.HasPrefix(rest, `["`):
			p.steps = append(p.steps, step{key: strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[1])})
		case m[2] != "":
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return Path{}, problem.New("", "the path %q has a number too large", s)
			}
			p.steps = append(p.steps, step{item: true, index: n})
		case m[3] != "":
			p.steps = append(p.steps, step{item: true, any: true})
		case m[4] != "":
			p.steps = append(p.steps, step{item: true, where: m[4], has: m[5]})
		case m[6] != "":
			p.steps = append(p.steps, step{any: m[6] == "*", deep: m[6] == "**"})
		default:
			p.steps = append(p.steps, step{key: m[7]})
		}
		rest = rest[len(m[0]):]
	}
	if len(p.steps) == 0 {
		return Path{}, problem.New(pathHint, "an empty path")
	}
	return p, nil
}

// MustPath is ParsePath for a path that the program itself has written: it panics on one that is
// not valid.
func MustPath(s string) Path {
	p, err := ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

// Join returns the path that leads along p, and from there along q.
func (p Path) Join(q Path) Path {
	dot := "."
	if p.text == "" || strings.HasPrefix(q.text, "[") {
		dot = ""
	}
	return Path{text: p.text + dot + q.text, steps: slices.Concat(p.steps, q.steps), nowhere: p.nowhere || q.nowhere}
}

// String returns the path as it was written.
func (p Path) String() string { return p.text }

// walk calls visit with each node that the path leads to from root, once: with the
// alias, where there is one, and with the map or list that it is in.
func (p Path) walk(root *yaml.Node, visit func(n, in *yaml.Node)) {
	if p.nowhere {
		return
	}
	type state struct {
		n     *yaml.Node
		steps int
	}
	seen := map[state]bool{} // ** leads to a node on several ways
	var follow func(n, in *yaml.Node, steps []step)
	follow = func(n, in *yaml.Node, steps []step) {
		at := state{n, len(steps)}
		if seen[at] {
			return
		}
		seen[at] = true
		if len(steps) == 0 {
			visit(n, in)
			return
		}
		n = resolved(n)
		s, rest := steps[0], steps[1:]
		switch {
		case s.deep:
			follow(n, in, rest)
			for _, f := range fields(n) {
				follow(f.value, n, steps)
			}
			if n.Kind == yaml.SequenceNode {
				for _, item := range n.Content {
					follow(item, n, steps)
				}
			}
		case s.item && n.Kind == yaml.SequenceNode:
			for i, item := range n.Content {
				if s.any || s.where == "" && s.index == i || s.where != "" && text(resolved(item), s.where) == s.has {
					follow(item, n, rest)
				}
			}
		case !s.item && n.Kind == yaml.MappingNode:
			for _, f := range fields(n) {
				if s.any || resolved(f.key).Value == s.key {
					follow(f.value, n, rest)
				}
			}
		}
	}
	follow(root, nil, p.steps)
}
