package manifest

import (
	"bytes"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
)

// Text is the bytes of a manifest, and what is known of them without a tree.
type Text struct {
	Data    []byte
	Images  []Running // in the order of the bytes
	Objects []Object
}

// Running is a place in a Text that says which tag of an image runs: an image
// reference, or a marked scalar that follows one. See Text.Blank.
type Running struct {
	Ref       image.Ref
	Where     string // as Image has it; "" in a filled Skeleton, which would have to be parsed for it
	Line      int    // counted from 1
	Tagged    bool   // false where the tag is empty or malformed
	Pod       bool   // it is of a container or a volume of a pod
	Tracked   bool   // a template wrote it with .Tag, so that tagbump moves it; false in a parsed File
	Marked    bool   // the comment behind the scalar is a marker, or there is none to keep
	TagOnly   bool   // it is the tag alone, without a repository: marked, or an entry of a map
	DigestKey string // of the entry beside a tag that has the digest; "" where there is none

	Suffix  Bytes // from behind the name to the reference's end, such as ":tag@digest"; the whole scalar if TagOnly
	Comment Bytes // from behind the scalar to the line's end: blanks and a comment, or nothing
	Digest  Bytes // the scalar of DigestKey, and a space before it; empty in "digest:"
}

// Tag is a value of Fill that says which tag runs. Where it ends an image
// reference, that image is Tracked.
type Tag struct {
	Text       string
	Repository string // of the image whose tag it is
}

// Bytes is a run of bytes in a Text, from Start up to End.
type Bytes struct{ Start, End int }

// Text returns the file as a Text. The error lists documents that are no objects.
func (f *File) Text() (*Text, error) {
	t := &Text{Data: f.Data}
	added := map[*yaml.Node]bool{} // aliases may make one tag that of several images
	for _, i := range f.findImages(rendered, nil).Images {
		n := i.parts.tagNode()
		if n == nil || added[n] {
			continue // the digest alone, or a place where a tag is added
		}
		added[n] = true
		if err := t.add(f, i, n); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(t.Images, func(a, b Running) int { return a.Suffix.Start - b.Suffix.Start })
	var err error
	t.Objects, err = f.Objects()
	return t, err
}

// add adds an image that was found in a file, whose tag is in the scalar n.
func (t *Text) add(f *File, i Image, n *yaml.Node) error {
	s, err := f.find(n)
	if err != nil {
		return err
	}
	ref, tagged := i.Ref, !i.parts.malformed
	if i.parts.whole != nil {
		ref, tagged, err = parseUnfinished(n.Value, i.parts.assigned)
		if err != nil && !i.parts.pod {
			return nil
		}
		if err != nil {
			return err
		}
	}
	if i.parts.marker != nil || i.parts.whole == nil {
		t.addMarked(ref, s, i.parts.whole == nil, tagged)
	} else {
		t.addImage(ref, s, tagged)
	}
	r := &t.Images[len(t.Images)-1]
	r.Where, r.Pod = i.Where, i.parts.pod
	if d := i.parts.digest; d != nil && d.Kind == yaml.ScalarNode {
		s, err := f.find(d)
		if err != nil {
			return err
		}
		t.setDigest(r, i.parts.digestKey, s.span)
	}
	return nil
}

// addImage adds the image of a scalar whose value ends with its reference, and blanks.
func (t *Text) addImage(ref image.Ref, s scalar, tagged bool) {
	r := t.reference(ref, s, tagged)
	r.Comment = Bytes{s.end, s.end + commentLength(t.Data[s.end:])}
	t.Images = append(t.Images, r)
}

// addMarked adds a scalar that a marker behind it binds to an image. The marker is no part
// of what runs. If tagOnly, the scalar is the tag of ref; else its value ends with ref.
func (t *Text) addMarked(ref image.Ref, s scalar, tagOnly, tagged bool) {
	r := Running{Ref: ref, Line: t.lineAt(s.start), Tagged: tagged, TagOnly: true, Suffix: Bytes{s.start, s.end}}
	if !tagOnly {
		r = t.reference(ref, s, tagged)
	}
	r.Marked, r.Comment = true, Bytes{s.end, s.end}
	t.Images = append(t.Images, r)
}

// reference returns the place of the reference that ends a scalar's value, without a comment.
func (t *Text) reference(ref image.Ref, s scalar, tagged bool) Running {
	end := len(strings.TrimRight(s.value, blanks))
	suffix := end - len(ref.Suffix())
	if !tagged {
		suffix-- // the colon before the tag that is not there
	}
	return Running{Ref: ref, Line: t.lineAt(s.start), Tagged: tagged, Suffix: Bytes{s.offset(suffix), s.offset(end)}}
}

// lineAt returns the line of a byte, counted from 1.
func (t *Text) lineAt(at int) int { return 1 + bytes.Count(t.Data[:at], []byte("\n")) }

// parseUnfinished parses a reference that may lack its tag, as in "repository:". If
// assigned, it may stand behind "name=".
func parseUnfinished(s string, assigned bool) (ref image.Ref, tagged bool, err error) {
	s = strings.Trim(s, blanks)
	if _, reference, found := strings.Cut(s, "="); assigned && found {
		s = reference
	}
	if name, untagged := strings.CutSuffix(s, ":"); untagged {
		ref, err = image.ParseRepository(name)
		return ref, false, err
	}
	ref, err = image.Parse(s)
	return ref, true, err
}

// commentLength returns how much of b, up to its first line break, is blanks and a
// comment behind a scalar; 0 where something else follows.
func commentLength(b []byte) int {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	rest := bytes.TrimLeft(line, " \t")
	if len(rest) == 0 || len(rest) < len(line) && rest[0] == '#' {
		return len(line)
	}
	return 0
}

// tagLength returns how many bytes b starts with that a tag and a digest can have.
func tagLength(b []byte) int {
	for i, c := range b {
		if !isLetter(c) && !isDigit(c) && strings.IndexByte(":@._-+", c) < 0 {
			return i
		}
	}
	return len(b)
}

// validSuffix reports whether b, which has no other characters than tagLength counts, is a
// valid ":tag", "@digest" or both. Most are a tag alone, of up to 128 characters.
func validSuffix(b []byte) bool {
	if len(b) > 1 && len(b) <= 129 && b[0] == ':' && b[1] != '.' && b[1] != '-' && !bytes.ContainsAny(b[1:], ":@+") {
		return true
	}
	ref, err := image.Parse("a" + string(b))
	return err == nil && ref.Suffix() == string(b) && ref.Suffix() != ""
}
