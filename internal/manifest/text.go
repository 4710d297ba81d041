package manifest

import (
	"bytes"
	"slices"
	"strings"

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
	Container string // as Image has it; "" in a filled Skeleton, which would have to be parsed for it
	Line      int    // counted from 1
	Tagged    bool   // false where the tag is empty or malformed
	Pod       bool   // it is of a container or a volume of a pod
	Tracked   bool   // a template wrote it with .Tag, so that tagbump moves it; false in a parsed File
	Marked    bool   // a marker behind the scalar binds it to the image
	TagOnly   bool   // it is Marked, and the tag alone, without a repository

	Suffix  Bytes // from behind the name to the reference's end, such as ":tag@digest"; the whole scalar if TagOnly
	Comment Bytes // from behind the scalar to the line's end: blanks and a comment, or nothing
}

// Tag is a value of Fill that says which tag runs. Where it ends an image
// reference, that image is Tracked.
type Tag struct {
	Text       string
	Repository string // of the image whose tag it is
}

// Bytes is a run of bytes in a Text, from Start up to End.
type Bytes struct{ Start, End int }

// Text is the file as a Text. The error tells of documents that are no objects.
func (f *File) Text() (*Text, error) {
	t := &Text{Data: f.Data}
	for _, i := range f.findImages(rendered, nil).Images {
		if err := t.add(f, i); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(t.Images, func(a, b Running) int { return a.Suffix.Start - b.Suffix.Start })
	var err error
	t.Objects, err = f.Objects()
	return t, err
}

// add adds an image that was found in a file.
func (t *Text) add(f *File, i Image) error {
	n := i.parts.tagOrDigest()
	if n == nil {
		return nil // the digest alone, or a place where a tag is added
	}
	s, err := f.find(n)
	if err != nil {
		return err
	}
	ref, tagged := i.Ref, !i.parts.malformed
	if i.parts.whole != nil {
		ref, tagged, err = parseUnfinished(n.Value)
		if err != nil && !i.parts.pod {
			return nil
		}
		if err != nil {
			return err
		}
	}
	if i.parts.marker != nil || i.parts.whole == nil {
		t.addMarked(ref, s.span, i.parts.whole == nil, tagged)
	} else {
		t.addImage(ref, s.span, tagged)
	}
	t.Images[len(t.Images)-1].Container, t.Images[len(t.Images)-1].Pod = i.Where, i.parts.pod
	return nil
}

// addImage adds the image whose scalar, quotes and all, is the bytes at.
func (t *Text) addImage(ref image.Ref, at span, tagged bool) {
	r := t.reference(ref, at, tagged)
	r.Comment = Bytes{at.end, at.end + commentLength(t.Data[at.end:])}
	t.Images = append(t.Images, r)
}

// addMarked adds a scalar, quotes and all the bytes at, that a marker behind it
// binds to an image. The marker is no part of what runs. If tagOnly, the scalar is
// the tag of ref; else it is ref.
func (t *Text) addMarked(ref image.Ref, at span, tagOnly, tagged bool) {
	r := Running{Ref: ref, Line: t.lineAt(at.start), Tagged: tagged, TagOnly: true, Suffix: Bytes{at.start, at.end}}
	if !tagOnly {
		r = t.reference(ref, at, tagged)
	}
	r.Marked, r.Comment = true, Bytes{at.end, at.end}
	t.Images = append(t.Images, r)
}

// reference is the place of a reference whose scalar is the bytes at, without a comment.
func (t *Text) reference(ref image.Ref, at span, tagged bool) Running {
	scalar := t.Data[at.start:at.end]
	suffix := Bytes{Start: at.start + bytes.Index(scalar, []byte(ref.Name)) + len(ref.Name)}
	suffix.End = suffix.Start + len(ref.Suffix())
	if !tagged {
		suffix.End++ // the colon before the tag that is not there
	}
	return Running{Ref: ref, Line: t.lineAt(at.start), Tagged: tagged, Suffix: suffix}
}

// lineAt is the line of a byte, counted from 1.
func (t *Text) lineAt(at int) int { return 1 + bytes.Count(t.Data[:at], []byte("\n")) }

// parseUnfinished parses a reference that may lack its tag, as in "repository:".
func parseUnfinished(s string) (ref image.Ref, tagged bool, err error) {
	if name, untagged := strings.CutSuffix(s, ":"); untagged {
		ref, err = image.ParseRepository(name)
		return ref, false, err
	}
	ref, err = image.Parse(s)
	return ref, true, err
}

// commentLength is how much of b, up to its first line break, is blanks and a
// comment behind a scalar; 0 where something else follows.
func commentLength(b []byte) int {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	rest := bytes.TrimLeft(line, " \t")
	if len(rest) == 0 || len(rest) < len(line) && rest[0] == '#' {
		return len(line)
	}
	return 0
}

// Blank calls write with the text's bytes, in order, less those that say what the
// chosen images run: each one's tag and digest, and the comment behind it.
func (t *Text) Blank(write func([]byte), chosen func(Running) bool) {
	done := 0
	for _, i := range t.Images {
		if !chosen(i) {
			continue
		}
		write(t.Data[done:i.Suffix.Start])
		write(t.Data[i.Suffix.End:i.Comment.Start])
		done = i.Comment.End
	}
	write(t.Data[done:])
}

// Run is what an image runs: its tag and digest, and the comment behind them.
type Run struct {
	Suffix  string // ":tag", "@digest", or both; "" for a reference without either
	Comment string
	Quote   byte // around a tag that stands alone: ', " or 0 for none
}

// Run is what the i-th image runs.
func (t *Text) Run(i int) Run {
	r := t.Images[i]
	run := Run{Suffix: string(t.Data[r.Suffix.Start:r.Suffix.End]), Comment: string(t.Data[r.Comment.Start:r.Comment.End])}
	if !r.TagOnly || run.Suffix == "" {
		return run
	}
	if c := run.Suffix[0]; c == '"' || c == '\'' {
		run.Quote = c
		run.Suffix = run.Suffix[1 : len(run.Suffix)-1]
	}
	run.Suffix = ":" + run.Suffix
	return run
}

// Match reports whether data is the text but for what its images run, and if so,
// what they run in data. What a Tracked image runs must be a valid tag, digest or
// both; any other image runs what the text says. It parses nothing: where data has
// the text's bytes around its images, they stand where the text's do.
func (t *Text) Match(data []byte) (runs []Run, ok bool) {
	done, at := 0, 0
	same := func(end int) bool {
		piece := t.Data[done:end]
		if !bytes.HasPrefix(data[at:], piece) {
			return false
		}
		at += len(piece)
		return true
	}
	for n, i := range t.Images {
		if !i.Tracked {
			runs = append(runs, t.Run(n))
			continue
		}
		if !same(i.Suffix.Start) {
			return nil, false
		}
		run, length := i.read(data[at:])
		if length == 0 {
			return nil, false
		}
		at += length
		done = i.Suffix.End
		if !same(i.Comment.Start) {
			return nil, false
		}
		if !i.Marked {
			length := commentLength(data[at:])
			run.Comment = string(data[at : at+length])
			at += length
		}
		done = i.Comment.End
		runs = append(runs, run)
	}
	return runs, bytes.Equal(data[at:], t.Data[done:])
}

// read reads what a place runs at the beginning of data, and how many bytes say so;
// 0 where they say nothing valid.
func (r Running) read(data []byte) (run Run, length int) {
	if !r.TagOnly {
		suffix := data[:tagLength(data)]
		if !validSuffix(suffix) {
			return Run{}, 0
		}
		return Run{Suffix: string(suffix)}, len(suffix)
	}
	inner := data
	if len(data) > 0 && (data[0] == '"' || data[0] == '\'') {
		run.Quote, inner = data[0], data[1:]
	}
	tag := inner[:tagLength(inner)]
	run.Suffix = ":" + string(tag)
	length = len(tag)
	if run.Quote != 0 {
		if length >= len(inner) || inner[length] != run.Quote {
			return Run{}, 0
		}
		length += 2
	} else if !plainSafe(string(tag), false) {
		return Run{}, 0
	}
	if !validSuffix([]byte(run.Suffix)) {
		return Run{}, 0
	}
	return run, length
}

// tagLength is how many bytes b starts with that a tag and a digest can have.
func tagLength(b []byte) int {
	for i, c := range b {
		if !isLetter(c) && !isDigit(c) && strings.IndexByte(":@._-+", c) < 0 {
			return i
		}
	}
	return len(b)
}

// validSuffix reports whether b is a valid ":tag", "@digest" or both. Most are a tag
// alone, which is a word of up to 128 letters, digits, "_", "." and "-".
func validSuffix(b []byte) bool {
	if len(b) > 1 && len(b) <= 129 && b[0] == ':' && b[1] != '.' && b[1] != '-' && bytes.IndexAny(b[1:], ":@+") < 0 {
		return true
	}
	ref, err := image.Parse("a" + string(b))
	return err == nil && ref.Suffix() == string(b) && ref.Suffix() != ""
}

// WithRuns is the text's bytes with what its images run replaced.
func (t *Text) WithRuns(runs []Run) []byte {
	out := make([]byte, 0, len(t.Data)+16*len(runs))
	done := 0
	for n, i := range t.Images {
		out = append(out, t.Data[done:i.Suffix.Start]...)
		run := runs[n]
		if run.Quote == 0 && i.TagOnly {
			run.Quote = t.Run(n).Quote
		}
		out = i.append(out, run)
		out = append(out, t.Data[i.Suffix.End:i.Comment.Start]...)
		if !i.Marked {
			out = append(out, runs[n].Comment...)
		}
		done = i.Comment.End
	}
	return append(out, t.Data[done:]...)
}

// append writes what a place runs.
func (r Running) append(out []byte, run Run) []byte {
	if !r.TagOnly {
		return append(out, run.Suffix...)
	}
	tag := strings.TrimPrefix(run.Suffix, ":")
	if run.Quote != 0 {
		return append(append(append(out, run.Quote), tag...), run.Quote)
	}
	return appendString(out, tag, false)
}

// Difference returns the offset in data where it first differs from the text in more
// than what its images run; len(data) if it does not.
func (t *Text) Difference(data []byte) int {
	done, at := 0, 0
	same := func(end int) bool {
		piece := t.Data[done:end]
		for i := range piece {
			if at >= len(data) || data[at] != piece[i] {
				return false
			}
			at++
		}
		return true
	}
	for _, i := range t.Images {
		if !i.Tracked {
			continue
		}
		if !same(i.Suffix.Start) {
			return at
		}
		_, length := i.read(data[at:])
		if length == 0 {
			return at
		}
		at += length
		if done = i.Suffix.End; !same(i.Comment.Start) {
			return at
		}
		if !i.Marked {
			at += commentLength(data[at:])
		}
		done = i.Comment.End
	}
	same(len(t.Data))
	return at
}
