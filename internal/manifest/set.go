package manifest

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// SetImages returns the file with each of the images changed to what change makes of
// it, and proved: parsed again, it differs in their names, tags and digests only.
// It is f.Data itself where nothing changes. The error is a refusal, at a line.
func (f *File) SetImages(images []Image, change func(image.Ref) image.Ref) ([]byte, error) {
	var edits []edit
	changed := map[*yaml.Node]int{} // by how many of the images
	for _, i := range images {
		next := i.Becomes(change(i.Ref))
		if next.String() == i.Ref.String() && next.Name == i.Ref.Name {
			continue
		}
		more, err := i.edits(next)
		if err != nil {
			p := problem.All(err)[0]
			return nil, f.refuse(problem.At(i.Place, p.Hint, "%s", p.Message))
		}
		if slices.ContainsFunc(more, i.isShared) {
			return nil, f.refuseShared(i, "something that is no image")
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

// isShared reports whether an alias feeds what an edit changes to something that is no image. A
// map that gets an entry is one whose scalars may be elsewhere with it.
func (i Image) isShared(e edit) bool {
	if e.entries == nil {
		return i.other[e.node]
	}
	return slices.ContainsFunc(i.parts.nodes(), func(n *yaml.Node) bool { return i.other[n] })
}

func (f *File) refuseShared(i Image, user string) error {
	hint := "write the value out in the places of the aliases; where it is to follow, put the marker " + MarkerPrefix + " " + i.Ref.Name + " behind it"
	return f.refuse(problem.At(i.Place, hint, "an alias uses the image %s for %s", i.Ref, user))
}

// refuse makes problems refusals, with their lines.
func (f *File) refuse(problems ...*problem.Problem) error {
	for _, p := range problems {
		p.Refused = true
		p.Source = f.Line(p.Place.Line)
	}
	return problem.List(problems)
}

// Becomes returns what the image is after a change to next: a scalar that is marked
// as a tag, and holds no digest, does not get one.
func (i Image) Becomes(next image.Ref) image.Ref {
	if m := i.parts.marker; m != nil && m.tagOnly && next.Tag != "" {
		next.Digest = ""
	}
	return next
}

// edits returns what makes next of an image: the fewest bytes.
func (i Image) edits(next image.Ref) ([]edit, error) {
	p := i.parts
	var edits []edit
	if p.marker != nil && next.Name != i.Ref.Name {
		edits = append(edits, edit{comment: p.marker, text: next.Name})
		for _, m := range p.more {
			edits = append(edits, edit{comment: m, text: next.Name})
		}
	}
	if p.whole != nil {
		return append(edits, wholeEdit(p, i.Ref, next)), nil
	}
	set := func(n *yaml.Node, value string) {
		if n.Value != value && (value != "" || n.Tag != yaml.NodeTagNull) {
			edits = append(edits, edit{node: n, to: len(n.Value), text: value})
		}
	}
	if next.Name != i.Ref.Name && p.entries != nil {
		name, err := p.nameFor(next)
		if err != nil {
			return nil, err
		}
		set(p.name, name)
	}
	tag, digest := next.Tag, next.Digest
	if p.digest != nil {
		if p.digestKey == shaKey && !strings.Contains(p.digest.Value, ":") {
			digest = strings.TrimPrefix(digest, shaPrefix)
		}
		// A digest that is no longer wanted is emptied, which means none: its line stays.
		set(p.digest, digest)
	} else if digest != "" {
		if tag == "" {
			return nil, problem.New("pass --tag too: both are written as tag@digest", "there is no key for a digest alone")
		}
		if p.isFollowed() && !strings.Contains(p.tag.Value, "@") {
			return nil, problem.New("add an entry digest: \"\" beside the tag", "an alias with a marker follows the tag, and would get the digest too")
		}
		tag += "@" + digest
	}
	switch {
	case p.tag != nil:
		old := p.tag.Value[p.at:]
		if p.entries == nil { // marked: a block of text ends in a line break
			old = strings.TrimRight(old, " \t\r\n")
		}
		if text, _ := entryText(p.tag); text == "" && tag != "" || text != "" && tag != old {
			edits = append(edits, edit{node: p.tag, from: p.at, to: p.at + len(old), text: tag})
		}
	case tag != "":
		edits = append(edits, edit{entries: p.entries, key: p.addTag, text: tag})
	}
	return edits, nil
}

// isFollowed reports whether a marker stands behind an alias of the scalar.
func (p *parts) isFollowed() bool {
	return slices.ContainsFunc(append(p.more[:len(p.more):len(p.more)], p.marker), func(m *marker) bool { return m != nil && m.alias })
}

// wholeEdit returns the edit of a whole reference.
func wholeEdit(p parts, ref, next image.Ref) edit {
	e := edit{node: p.whole, from: p.at, to: p.at + len(ref.String()), text: next.String()}
	if next.Name == ref.Name {
		e.from, e.text = p.at+len(ref.Name), next.Suffix()
		if next.Digest == ref.Digest && next.Digest != "" {
			e.to, e.text = e.to-len("@"+next.Digest), next.With(next.Tag, "").Suffix()
		}
	}
	return e
}

// nameFor returns what the entry of the repository is to say for next.
func (p *parts) nameFor(next image.Ref) (string, error) {
	if p.name == nil {
		return "", problem.New("add a line newName: "+next.Name, "the entry has no newName to change")
	}
	registry, _ := entryText(p.registry)
	if registry == "" {
		return next.Name, nil
	}
	if name, below := strings.CutPrefix(next.Name, registry+"/"); below {
		return name, nil
	}
	if ref, err := image.ParseRepository(registry + "/" + next.Name); err == nil && ref.Repository() == next.Repository() {
		return next.Name, nil // on Docker Hub, whose name may be left out
	}
	return "", problem.New("", "the registry %s stands in an entry of its own, and %s is on another", registry, next.Name)
}
