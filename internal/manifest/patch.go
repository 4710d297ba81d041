package manifest

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/problem"
)

// Patch is one change of a document's content: a value is set, an item inserted, or
// an entry or item deleted. See SetAt, InsertAt and DeleteAt.
type Patch struct {
	op    op
	path  Path
	value Value
}

type op int

const (
	set op = iota
	insert
	remove
)

// SetAt sets the value at a path: one that is there is replaced, in its own style;
// else an entry is added behind the last one of its map. Maps that the path leads
// through and that are not there are made.
func SetAt(p Path, v Value) Patch { return Patch{set, p, v} }

// InsertAt adds an item behind the last one of the list at a path. A list that is
// not there is made.
func InsertAt(p Path, v Value) Patch { return Patch{insert, p, v} }

// DeleteAt deletes the entry or item at a path, with its lines and the comments in
// them. Comments above it stay.
func DeleteAt(p Path) Patch { return Patch{remove, p, Value{}} }

// NewString returns a string as a value to be written.
func NewString(s string) Value { return Value{Kind: String, Text: s} }

// NewList returns a list of strings as a value to be written.
func NewList(items ...string) Value {
	v := Value{Kind: List}
	for _, item := range items {
		v.Items = append(v.Items, NewString(item))
	}
	return v
}

// Add adds an entry to a map that is to be written.
func (v *Value) Add(key string, value Value) {
	v.Kind = Map
	v.Fields = append(v.Fields, Field{NewString(key), value})
}

// Patch returns the file's bytes with the changes made, one after the other, each in
// what the ones before it left. What is written looks like its neighbours; every other
// byte stays. The result is parsed again and must say what the file said, and the
// changes, and nothing else. The error is a refusal, at the place where the change cannot
// be made.
func (f *File) Patch(patches ...Patch) ([]byte, error) {
	for _, p := range patches {
		data, err := f.patch(p)
		if err != nil {
			return nil, refused(err)
		}
		if f, err = Parse(f.Name, data); err != nil {
			return nil, err
		}
	}
	return f.Data, nil
}

func refused(err error) error {
	var list problem.List
	for _, p := range problem.All(err) {
		r := *p
		r.Refused = true
		list.Add(&r)
	}
	return list.Err()
}

// patch makes one change, and proves it.
func (f *File) patch(p Patch) ([]byte, error) {
	if len(f.docs) != 1 {
		return nil, problem.At(problem.Place{File: f.Name}, "put everything into one document", "the file must hold one document to be changed")
	}
	if err := f.DuplicateKeys(); err != nil {
		return nil, err
	}
	t, err := f.follow(p.path)
	if err != nil {
		return nil, err
	}
	var cuts []cut
	switch p.op {
	case set:
		cuts, err = f.set(t, p.value)
	case insert:
		cuts, err = f.insert(t, p.value)
	case remove:
		cuts, err = f.remove(t)
	}
	if err != nil {
		return nil, err
	}
	data := applyCuts(f.Data, cuts)
	return data, f.provePatch(p, data)
}

// applyCuts returns data with cuts made, which do not overlap.
func applyCuts(data []byte, cuts []cut) []byte {
	slices.SortStableFunc(cuts, func(a, b cut) int { return a.start - b.start })
	out := make([]byte, 0, len(data)+256)
	done := 0
	for _, c := range cuts {
		out = append(append(out, data[done:c.start]...), c.text...)
		done = c.end
	}
	return append(out, data[done:]...)
}

// provePatch parses a file again after a change. It must say what the change makes of
// what the file said before.
func (f *File) provePatch(p Patch, data []byte) error {
	refuse := func(reason string) error {
		return f.problemAt(f.docs[0].root, "change it by hand", "%s cannot be changed without changing more: %s", p.path, reason)
	}
	after, err := Parse(f.Name, data)
	if err != nil {
		return refuse(strings.TrimPrefix(err.Error(), f.Name+":"))
	}
	if len(after.docs) != 1 {
		return refuse("one document would become several")
	}
	if err := after.DuplicateKeys(); err != nil {
		return err
	}
	var problems problem.List
	want, ok := p.applied(f.value(f.docs[0].root, &problems), p.path.steps)
	got := after.value(after.docs[0].root, &problems)
	switch {
	case len(problems) > 0:
		return problems.Err()
	case !ok || !sameValue(want, got):
		return refuse("something else would say another thing")
	}
	return nil
}

// applied returns what a change makes of a value.
func (p Patch) applied(v Value, steps []step) (Value, bool) {
	if len(steps) == 0 {
		switch {
		case p.op == set:
			return p.value, true
		case v.Kind == List || v.Kind == Null:
			return Value{Kind: List, Items: append(slices.Clone(v.Items), p.value)}, p.op == insert
		}
		return Value{}, false
	}
	last := len(steps) == 1 && p.op == remove
	if i := itemIndex(v, steps[0]); i >= 0 {
		v.Items = slices.Clone(v.Items)
		if last {
			v.Items = slices.Delete(v.Items, i, i+1)
			return v, true
		}
		below, ok := p.applied(v.Items[i], steps[1:])
		v.Items[i] = below
		return v, ok
	}
	if steps[0].item || v.Kind != Map && v.Kind != Null {
		return Value{}, false
	}
	i := slices.IndexFunc(v.Fields, func(f Field) bool { return f.Key.Text == steps[0].key })
	v.Kind, v.Fields = Map, slices.Clone(v.Fields)
	if last {
		if i < 0 {
			return Value{}, false
		}
		v.Fields = slices.Delete(v.Fields, i, i+1)
		return v, true
	}
	if i < 0 {
		i = len(v.Fields)
		v.Fields = append(v.Fields, Field{Key: NewString(steps[0].key)})
	}
	below, ok := p.applied(v.Fields[i].Value, steps[1:])
	v.Fields[i].Value = below
	return v, ok
}

// itemIndex returns which item of a list a step leads to, -1 where it leads to none.
func itemIndex(v Value, s step) int {
	if !s.item || v.Kind != List {
		return -1
	}
	if s.where == "" {
		if s.index < len(v.Items) {
			return s.index
		}
		return -1
	}
	return slices.IndexFunc(v.Items, func(item Value) bool {
		at, _ := item.Get(s.where)
		return at.Text == s.has
	})
}

// sameValue reports whether two values say the same, wherever they are written. The
// order of a map's entries says nothing.
func sameValue(a, b Value) bool {
	if a.Kind != b.Kind || len(a.Items) != len(b.Items) || len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Items {
		if !sameValue(a.Items[i], b.Items[i]) {
			return false
		}
	}
	for _, f := range a.Fields {
		other, ok := b.Get(f.Key.Text)
		if !ok || !sameValue(f.Value, other) {
			return false
		}
	}
	return a.Kind == List || a.Kind == Map || a.Kind == Null || a.Text == b.Text
}

// target is where a path leads to in a document.
type target struct {
	path Path
	way  []*yaml.Node // from the root to the last node that is there
	at   []int        // at[i] is the index of way[i+1] in way[i].Content
	rest []step       // what of the path leads further: keys of maps that are not there
}

// node returns the last node on the way.
func (t target) node() *yaml.Node { return t.way[len(t.way)-1] }

// neighbours returns the other items of the list that way[i] is an item of, in order.
func (t target) neighbours(i int) []*yaml.Node {
	if i == 0 || t.way[i-1].Kind != yaml.SequenceNode {
		return nil
	}
	return slices.Concat(t.way[i-1].Content[:t.at[i-1]], t.way[i-1].Content[t.at[i-1]+1:])
}

// follow goes along a path, as far as it leads. It refuses to go through an alias, or
// into what an anchor names: a change there is one in other places too.
func (f *File) follow(p Path) (target, error) {
	t := target{path: p, way: []*yaml.Node{f.docs[0].root}, rest: p.steps}
	for len(t.rest) > 0 {
		n, s := t.node(), t.rest[0]
		if err := f.refuseAnchor(n, p); err != nil {
			return target{}, err
		}
		if s.any || s.deep || p.nowhere {
			return target{}, problem.New(pathHint, "the path %s must lead to one place", p)
		}
		next := -1
		switch {
		case s.item && n.Kind == yaml.SequenceNode:
			for i, item := range n.Content {
				if s.where == "" && s.index == i || s.where != "" && text(item, s.where) == s.has {
					if next >= 0 {
						return target{}, f.problemAt(item, "rename or remove one of the two", "the path %s leads here and to line %d", p, n.Content[next].Line)
					}
					next = i
				}
			}
			if next < 0 {
				return target{}, f.problemAt(n, "", "the path %s leads to no item of this list", p)
			}
		case !s.item && n.Kind == yaml.MappingNode:
			for i := 0; i < len(n.Content); i += 2 {
				if n.Content[i].Value == s.key && n.Content[i].Kind == yaml.ScalarNode {
					next = i + 1
				}
			}
			if next < 0 {
				return t, nil
			}
		case !s.item && isNull(n):
			return t, nil
		default:
			return target{}, f.problemAt(n, "", "the path %s leads through this, which is %s", p, f.value(n, new(problem.List)).Kind)
		}
		t.way, t.at, t.rest = append(t.way, n.Content[next]), append(t.at, next), t.rest[1:]
	}
	return t, f.refuseAnchor(t.node(), p)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == yaml.NodeTagNull }

const sharedHint = "write out what the anchors and aliases stand for here, or make the change by hand"

// refuseAnchor refuses to change a node that an anchor or an alias makes part of other
// places.
func (f *File) refuseAnchor(n *yaml.Node, p Path) error {
	switch {
	case n.Kind == yaml.AliasNode:
		return f.problemAt(n, sharedHint, "%s is an alias, *%s: a change here would be one at its anchor too", p, n.Value)
	case n.Anchor != "":
		return f.problemAt(n, sharedHint, "%s has the anchor &%s: a change here would be one in its aliases too", p, n.Anchor)
	}
	return nil
}

// refuseAnchorsBelow refuses to change a list or map that has anchors or aliases in it. An
// item that is added is written like its neighbours, and would share or redefine what they
// name; what is replaced may be named elsewhere.
func (f *File) refuseAnchorsBelow(n *yaml.Node, p Path, o op) error {
	for _, child := range n.Content {
		if child.Kind != yaml.AliasNode && child.Anchor == "" {
			if err := f.refuseAnchorsBelow(child, p, o); err != nil {
				return err
			}
			continue
		}
		hint := "change it by hand; or write out what the anchors and aliases in " + p.String() + " stand for, and run the command again"
		if o == insert {
			return f.problemAt(child, hint, "nothing is added to %s: it has %s, and an entry written like its neighbours would share or redefine that", p, anchorOf(child))
		}
		return f.problemAt(child, hint, "%s is not replaced: it has %s, and other places may need that", p, anchorOf(child))
	}
	return nil
}

func anchorOf(n *yaml.Node) string {
	if n.Kind == yaml.AliasNode {
		return "the alias *" + n.Value
	}
	return "the anchor &" + n.Anchor
}
