package bump

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Mention is a place that names a target with another tag, and is no image that an
// edit can change: text, a comment, a map without a tag.
type Mention struct {
	Place problem.Place
	Text  string // what stands there, such as ecr.repo/api:1.0
	Why   string // why it was left
}

func (m Mention) String() string { return fmt.Sprintf("%s: %s: %s", m.Place, m.Text, m.Why) }

// reference is a repository's name in some bytes, with what follows it.
type reference struct {
	at, end     int // of the name and its tag and digest
	tag, digest string
}

// text returns the reference as it is written in data.
func (r reference) text(data []byte) string { return string(data[r.at:r.end]) }

// references yields the places where a name stands whole: not as a part of a
// longer name.
func references(data []byte, name string) iter.Seq[reference] {
	return func(yield func(reference) bool) {
		for from := 0; ; {
			at := bytes.Index(data[from:], []byte(name))
			if at < 0 {
				return
			}
			at += from
			from = at + 1
			end := at + len(name)
			begins := at == 0 || !inName(data[at-1]) || bytes.HasSuffix(data[:at], []byte("://"))
			if !begins || end < len(data) && inName(data[end]) {
				continue
			}
			r := reference{at: at, end: end}
			if n := max(tagLength(data[end:]), expressionLength(data[end:])); n > 0 {
				r.tag, r.end = string(data[end+1:end+1+n]), end+1+n
			}
			if rest := data[r.end:]; bytes.HasPrefix(rest, []byte("@sha256:")) {
				n := len("@sha256:")
				for n < len(rest) && isHex(rest[n]) {
					n++
				}
				r.digest, r.end = string(rest[1:n]), r.end+n
			}
			if !yield(r) {
				return
			}
		}
	}
}

// tagLength returns the length of the tag behind the colon that b starts with, 0 where
// there is none.
func tagLength(b []byte) int {
	if len(b) < 2 || b[0] != ':' {
		return 0
	}
	n := 0
	for n+1 < len(b) && n < 128 && inTag(b[n+1]) {
		n++
	}
	return n
}

// expressions are what a template or a substitution begins and ends with.
var expressions = [][2]string{{"{{", "}}"}, {"${", "}"}, {"$(", ")"}}

// expressionLength returns the length of the expression behind the colon that b starts with,
// which another program replaces by a tag; 0 where there is none.
func expressionLength(b []byte) int {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	for _, e := range expressions {
		if rest, ok := bytes.CutPrefix(line, []byte(":"+e[0])); ok {
			if inside, _, closed := bytes.Cut(rest, []byte(e[1])); closed {
				return len(e[0]) + len(inside) + len(e[1])
			}
		}
	}
	return 0
}

func inTag(c byte) bool { return inName(c) && c != '/' }

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

// inName reports whether a byte is one that goes on with a repository's name.
func inName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' || c == '/'
}

// spellings returns a repository as it was given, in full, and as short as Docker has
// it, the longest first.
func spellings(ref image.Ref) []string {
	list := []string{ref.Name, ref.Repository(), ref.Familiar()}
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(list)
}

// mentionsIn returns the places in a file that name a target with another tag than the new
// one, and are outside of the images that were found, so that no edit changes them.
func (r *Request) mentionsIn(f *manifest.File, found *manifest.Found) []Mention {
	var list []Mention
	var images [][2]int
	for _, i := range found.Images {
		if r.Target(i.Ref) == nil {
			continue
		}
		if start, end, whole := f.Span(i); whole {
			images = append(images, [2]int{start, end})
		}
	}
	seen := map[int]bool{} // one spelling may lie in another
	for _, t := range r.Targets {
		for _, name := range r.namesOf(t) {
			for ref := range references(f.Data, name) {
				inside := slices.ContainsFunc(images, func(s [2]int) bool { return s[0] <= ref.at && ref.at < s[1] })
				if inside || seen[ref.end] || ref.tag == "" && ref.digest == "" || r.isCurrent(t, ref.tag, ref.digest) {
					continue
				}
				seen[ref.end] = true
				list = append(list, Mention{f.PlaceAt(ref.at), ref.text(f.Data), notAnImage})
			}
		}
	}
	list = append(list, r.mentionsInPassages(f)...)
	for _, b := range found.Bare {
		if r.Target(b.Ref) != nil {
			list = append(list, Mention{b.Place, b.Ref.Name, "a map without a tag; --field makes it an image"})
		}
	}
	for _, u := range found.Unread {
		switch {
		case r.Target(u.Ref) == nil:
		case u.Tag == "":
			list = append(list, Mention{u.Place, u.Ref.Name + ":", "its tag is empty: write one in"})
		default:
			list = append(list, Mention{u.Place, u.Ref.Name, "the value beside it is no tag: " + u.Tag})
		}
	}
	for _, m := range found.Markers {
		if r.Target(m.Repository) != nil {
			list = append(list, Mention{m.Place, manifest.MarkerPrefix + " " + m.Repository.Name, "a marker marks nothing here: put it behind a value, on the value's line"})
		}
	}
	slices.SortStableFunc(list, func(a, b Mention) int { return comparePlaces(a.Place, b.Place) })
	return list
}

const notAnImage = "text or a comment, not an image"

// isCurrent reports whether a mention says what is to run.
func (r *Request) isCurrent(t Target, tag, digest string) bool {
	return tag == r.Tag && (digest == "" || digest == r.Digest || digest == t.Digest)
}

// mentionsInPassages reads text and comments as YAML, and returns the images in them that are
// split over a repository and a tag. Whole references are found by mentionsIn.
func (r *Request) mentionsInPassages(f *manifest.File) []Mention {
	var list []Mention
	for _, passage := range f.Passages(r.Mentions) {
		inner, err := manifest.Scan(f.Name, passage.Data)
		if err != nil {
			continue
		}
		for _, i := range inner.Images() {
			t := r.Target(i.Ref)
			if _, _, whole := inner.Span(i); whole || t == nil || i.Marked() || i.Ref.Suffix() == "" || r.isCurrent(*t, i.Ref.Tag, i.Ref.Digest) {
				continue
			}
			list = append(list, Mention{passage.Place(i.Place), i.Ref.String(), notAnImage})
		}
	}
	return list
}

func comparePlaces(a, b problem.Place) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
}

// namesOf returns all spellings of a target's repositories.
func (q *Query) namesOf(t Target) []string {
	names := spellings(t.Repository)
	if t.Rename.Name != "" {
		names = append(names, spellings(t.Rename)...)
	}
	return names
}

// imageKeys are keys behind which a repository without a tag is a reference, in a
// file that cannot be parsed.
var imageKeys = []string{"image", "baseImage", "repository", "newName"}

// holdsReference reports whether a file that cannot be parsed holds a target as a
// reference: with a tag or a digest, or behind a key of an image. A bare word may
// be anything.
func (q *Query) holdsReference(data []byte) bool {
	if isUTF16(data) {
		data = fromUTF16(data)
	}
	for _, text := range [][]byte{data, unescaped(data)} {
		for _, t := range q.Targets {
			for _, name := range q.namesOf(t) {
				for ref := range references(text, name) {
					if ref.tag != "" || ref.digest != "" || endsWithKey(text[:ref.at], imageKeys...) || templated(text[ref.end:]) || bytes.HasSuffix(text[:ref.at], []byte(manifest.MarkerPrefix+" ")) {
						return true
					}
				}
				if host, rest, below := strings.Cut(name, "/"); below && behindKey(text, host, "registry") && behindKey(text, rest, imageKeys...) {
					return true
				}
			}
		}
	}
	return false
}

// templated reports whether a tag or a digest follows a name, though not one that can be
// read: that of a template, as in :{{ or @{{, or a part of one.
func templated(rest []byte) bool {
	for _, start := range []string{":{", ":$", "@"} {
		if bytes.HasPrefix(rest, []byte(start)) {
			return true
		}
	}
	return false
}

// behindKey reports whether a value stands whole behind one of some keys.
func behindKey(data []byte, value string, keys ...string) bool {
	for ref := range references(data, value) {
		if endsWithKey(data[:ref.at], keys...) {
			return true
		}
	}
	return false
}

// endsWithKey reports whether one of some keys, and its colon, ends before a value.
func endsWithKey(before []byte, keys ...string) bool {
	line := string(before[bytes.LastIndexByte(before, '\n')+1:])
	line = strings.TrimRight(line, " \t\"'")
	line, isKey := strings.CutSuffix(line, ":")
	if !isKey {
		return false
	}
	line = strings.TrimRight(line, " \t\"'")
	for _, key := range keys {
		if rest, ok := strings.CutSuffix(line, key); ok && (rest == "" || !inName(rest[len(rest)-1])) {
			return true
		}
	}
	return false
}
