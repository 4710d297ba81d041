package manifest

import (
	"bytes"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// followed is a slot whose value follows the tag of an image by a marker.
type followed struct {
	slot    int
	tag     Tag
	tagOnly bool
}

// tagIn returns the Tag that a slot prints, and the number of its placeholder.
func (f *filling) tagIn(s *slot) (tag Tag, placeholder int, ok bool) {
	for placeholder = s.first; placeholder < s.first+len(s.texts)-1; placeholder++ {
		if tag, ok = f.values[placeholder].(Tag); ok {
			return tag, placeholder, true
		}
	}
	return Tag{}, 0, false
}

// checkTag refuses a Tag where nothing could move it. Where no image is, the slot
// gets a marker.
func (f *filling) checkTag(i int, s *slot) error {
	tag, placeholder, ok := f.tagIn(s)
	if !ok {
		return nil
	}
	last := len(s.texts) - 1
	ends := placeholder == s.first+last-1 && s.texts[last] == ""
	refuse := func(message, hint string) error {
		return &PlaceholderProblem{Placeholder: placeholder, Message: message, Hint: hint, Code: problem.WrongTag}
	}
	whole := "write {{ .Service.Image }}:{{ .Tag }}, or {{ .Tag }} alone"
	part := f.imageOf(s)
	switch style := s.node.Style &^ yaml.TaggedStyle; {
	case part.isWhole():
		if !ends || !strings.HasSuffix(s.texts[last-1], ":") {
			return refuse("a tag belongs at the end of an image", "write image: {{ .Service.Image }}:{{ .Tag }}")
		}
		return nil
	case part.isTag():
		if !ends || last != 1 || s.texts[0] != "" {
			return refuse("the tag of this image is joined with other text", "write {{ .Tag }} alone")
		}
		return nil
	case part.isDigest():
		return refuse("a tag is no digest", "leave the digest empty: tagbump fills it in with --digest")
	case s.key:
		return refuse("a tag cannot stand in a key", whole+", as a value")
	case s.flow:
		return refuse("a tag in [ ] or { } cannot be followed: there is no place for its marker", "write the value on a line of its own")
	case style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return refuse("a tag in a block of text cannot be followed: there is no place for its marker", "write it as a value of its own, on a line of its own")
	case bytes.Contains(f.skeleton.file.Data[s.span.start:s.span.end], []byte("\n")):
		return refuse("a tag in a value of several lines cannot be followed", "write the value on one line")
	}
	before, err := f.join(&slot{first: s.first, texts: s.texts[:last]})
	if !ends || err != nil || before != "" && before != tag.Repository+":" {
		return refuse("a tag joined with other text cannot be followed", whole)
	}
	rest := f.skeleton.file.Data[s.span.end:]
	if n := bytes.IndexByte(rest, '\n'); n >= 0 {
		rest = rest[:n]
	}
	if comment := strings.TrimSpace(string(rest)); comment != "" && comment != MarkerPrefix+" "+tag.Repository {
		return refuse("the marker that follows a tag needs the place of the comment behind it", "write the comment on a line of its own")
	}
	f.followed = append(f.followed, followed{i, tag, before == ""})
	return nil
}

// writeMarker writes the marker behind a slot that follows a tag, if it is not there.
func (f *filling) writeMarker(i int, s *slot) {
	if n := len(f.followed); n == 0 || f.followed[n-1].slot != i {
		return
	}
	rest, _, _ := bytes.Cut(f.skeleton.file.Data[s.span.end:], []byte("\n"))
	if len(bytes.TrimSpace(rest)) == 0 {
		f.out = append(f.out, " "+MarkerPrefix+" "+f.followed[len(f.followed)-1].tag.Repository...)
	}
}

// placed is the image that a slot is a part of: of a whole reference, or the tag.
type placed struct {
	parts parts
	ref   image.Ref  // as the skeleton has it; zero where placeholders are in it
	node  *yaml.Node // that the slot has
}

func (p *placed) isWhole() bool { return p != nil && p.node == p.parts.whole }

func (p *placed) isTag() bool { return p != nil && p.node == p.parts.tag }

func (p *placed) isDigest() bool { return p != nil && p.node == p.parts.digest }

// imageOf returns the image that a slot is a part of, nil where there is none: what the values
// say may decide that.
func (f *filling) imageOf(s *slot) *placed {
	if p := s.image; p == nil || !p.parts.needsPath || strings.Contains(f.textOf(p.parts.name), "/") {
		return p
	}
	return nil
}

// addPlaced adds the image of the i-th slot to what is known of a text.
func (f *filling) addPlaced(t *Text, i int, p *placed) error {
	if p.isDigest() {
		return nil // it is added with the tag
	}
	s, value := &f.skeleton.slots[i], f.filled[i]
	_, _, tracked := f.tagIn(s)
	if p.isWhole() {
		ref, tagged, err := parseUnfinished(value, p.parts.assigned)
		switch {
		case err != nil && (p.parts.pod || tracked):
			return fail(s.first, "", "%v", err)
		case err != nil:
		case p.parts.marker != nil:
			t.addMarked(ref, f.scalar(i, value), false, tagged)
		default:
			t.addImage(ref, f.scalar(i, value), tagged)
		}
		if err == nil {
			t.Images[len(t.Images)-1].Pod = p.parts.pod
		}
		return nil
	}
	repository := f.repositoryOf(p)
	ref, err := image.ParseRepository(repository)
	if len(s.texts) == 1 {
		value, _ = entryText(s.node)
	}
	if tag, digest, ok := image.SplitTag(value); err == nil && (ok || value == "") {
		t.addMarked(ref.With(tag, digest), f.scalar(i, value), true, true)
		f.addDigest(t, p)
	} else if tracked {
		return fail(s.first, "", "%s is not a repository, so nothing can move its tag", quoteForPeople(repository))
	}
	return nil
}

// scalar returns a slot's scalar in the filled text, with the reference or the tag that its
// value is, less a "name=" before it where Fill wrote it.
func (f *filling) scalar(i int, value string) scalar {
	slot, at := &f.skeleton.slots[i], f.spans[i]
	if len(slot.texts) == 1 { // as the skeleton has it
		s, moved := slot.scalar, at.start-slot.span.start
		s.span, s.first, s.origin = at, s.first+moved, slices.Clone(s.origin)
		for n := range s.origin {
			s.origin[n] += moved
		}
		return s
	}
	value = strings.TrimRight(value[strings.LastIndexByte(value, '=')+1:], blanks) // what is left is written without escapes
	return scalar{span: at, value: value, first: at.start + bytes.LastIndex(f.out[at.start:at.end], []byte(value))}
}

// repositoryOf returns the repository of an image whose tag stands alone, as the values make it.
func (f *filling) repositoryOf(p *placed) string {
	switch {
	case p.parts.marker != nil:
		return p.parts.marker.ref.Name
	case p.ref.Name != "":
		return p.ref.Name
	}
	name := f.textOf(p.parts.name)
	if name == "" {
		if old, err := image.Parse(f.textOf(p.parts.replaces)); err == nil {
			return old.Name
		}
	}
	if registry := f.textOf(p.parts.registry); registry != "" {
		return registry + "/" + name
	}
	return name
}

// addDigest adds the entry of the digest to the image that was added last.
func (f *filling) addDigest(t *Text, p *placed) {
	at := slices.IndexFunc(f.skeleton.slots, func(s slot) bool { return s.node == p.parts.digest && s.image.isDigest() })
	if at < 0 {
		return
	}
	r := &t.Images[len(t.Images)-1]
	t.setDigest(r, p.parts.digestKey, f.spans[at])
	if digest, _, ok := r.readDigest(t.ownDigest(r), t.ownDigest(r)); ok && digest != "" {
		r.Ref = r.Ref.With(r.Ref.Tag, digest)
	}
}

// textOf returns what a scalar of the skeleton says when it is filled; "" where a value makes a
// list or a map of it.
func (f *filling) textOf(n *yaml.Node) string {
	if n == nil || n.Tag == yaml.NodeTagNull {
		return ""
	}
	for i := range f.skeleton.slots {
		if s := &f.skeleton.slots[i]; s.node == n && len(s.texts) > 1 {
			text, _ := f.join(s) // the slot may not be written yet
			return text
		}
	}
	return n.Value
}

// addFollowed adds the marked scalars to what is known of a text.
func (f *filling) addFollowed(t *Text) error {
	for _, m := range f.followed {
		ref, err := image.Parse(m.tag.Repository + ":" + m.tag.Text)
		if err != nil {
			return fail(f.skeleton.slots[m.slot].first, "", "%v", err)
		}
		t.addMarked(ref, f.scalar(m.slot, f.filled[m.slot]), m.tagOnly, true)
	}
	return nil
}
