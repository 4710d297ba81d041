package manifest

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// SetImages is the file with each of the images changed to what change makes of
// it, and proved: parsed again, it differs in their names, tags and digests only.
// It is f.Data itself where nothing changes. The error is a refusal, at a line.
func (f *File) SetImages(images []Image, change func(image.Ref) image.Ref) ([]byte, error) {
	var edits []edit
	changed := map[*yaml.Node]int{} // by how many of the images
	for _, i := range images {
		next := change(i.Ref)
		if next.String() == i.Ref.String() {
			continue
		}
		if i.shared {
			return nil, f.refuseShared(i, "something that is no image")
		}
		more, err := i.edits(next)
		if err != nil {
			return nil, f.refuse(problem.At(i.Place, "", "%v", err))
		}
		for _, e := range more {
			if e.node != nil {
				if changed[e.node]++; changed[e.node] > 1 && slices.Contains(edits, e) {
					continue
				}
			}
			edits = append(edits, e)
		}
	}
	if len(edits) == 0 {
		return f.Data, nil
	}
	for _, i := range images {
		for _, n := range i.parts.nodes() {
			if changed[n] > 0 && changed[n] != i.users[n] {
				return nil, f.refuseShared(i, "another image")
			}
		}
	}
	out, err := f.splice(edits)
	if err != nil {
		return nil, f.refuse(problem.All(err)...)
	}
	return out, nil
}

func (f *File) refuseShared(i Image, user string) error {
	return f.refuse(problem.At(i.Place, "write the value out in the places of the aliases", "an alias uses the image %s for %s", i.Ref, user))
}

// refuse makes problems refusals, with their lines.
func (f *File) refuse(problems ...*problem.Problem) error {
	for _, p := range problems {
		p.Refused = true
		p.Source = f.Line(p.Place.Line)
	}
	return problem.List(problems)
}

// edits are what makes next of an image: the fewest bytes.
func (i Image) edits(next image.Ref) ([]edit, error) {
	p := i.parts
	if p.whole != nil {
		e := edit{node: p.whole, from: p.at, to: p.at + len(i.Ref.String()), text: next.String()}
		if next.Name == i.Ref.Name {
			e.from, e.text = p.at+len(i.Ref.Name), next.Suffix()
			if next.Digest == i.Ref.Digest && next.Digest != "" {
				e.to, e.text = e.to-len("@"+next.Digest), next.With(next.Tag, "").Suffix()
			}
		}
		return []edit{e}, nil
	}
	var edits []edit
	set := func(n *yaml.Node, key, value string) {
		switch {
		case n == nil && value != "":
			edits = append(edits, edit{entries: p.entries, key: key, text: value})
		case n != nil && (n.Value != value || n.Tag == yaml.NodeTagNull) && !(value == "" && n.Tag == yaml.NodeTagNull):
			edits = append(edits, edit{node: n, to: len(n.Value), text: value})
		}
	}
	if next.Name != i.Ref.Name {
		name := next.Name
		if p.registry != nil && p.registry.Value != "" {
			var below bool
			if name, below = strings.CutPrefix(name, p.registry.Value+"/"); !below {
				return nil, problem.New("", "the registry %s stands in an entry of its own, and %s is on another", p.registry.Value, next.Name)
			}
		}
		set(p.name, p.keys.name, name)
	}
	set(p.tag, p.keys.tag, next.Tag)
	// A digest that is no longer wanted is emptied, which means none: its line stays.
	set(p.digest, p.keys.digest, next.Digest)
	return edits, nil
}
