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

// Running is an image in a Text, with the bytes that say what runs. Those are the
// cluster's business, not the template's: see Text.Blank.
type Running struct {
	Ref       image.Ref
	Container string // as Image has it; "" in a filled Skeleton, which would have to be parsed for it
	Line      int    // counted from 1
	Tagged    bool   // false where a template puts a tag here, and its value is empty

	Suffix  Bytes // from behind the name to the reference's end, such as ":tag@digest"
	Comment Bytes // from behind the scalar to the line's end: blanks and a comment, or nothing
}

// Bytes is a run of bytes in a Text, from Start up to End.
type Bytes struct{ Start, End int }

// Text is the file as a Text. The error tells of documents that are no objects.
func (f *File) Text() (*Text, error) {
	t := &Text{Data: f.Data}
	for _, i := range f.images(true) {
		if i.parts.whole == nil {
			continue // a kustomization's, which nobody renders
		}
		s, err := f.find(i.parts.whole)
		if err != nil {
			return nil, err
		}
		ref, tagged, err := parseUnfinished(i.parts.whole.Value)
		if err != nil {
			return nil, err
		}
		t.addImage(ref, s.span, tagged)
		t.Images[len(t.Images)-1].Container = i.Container
	}
	slices.SortFunc(t.Images, func(a, b Running) int { return a.Suffix.Start - b.Suffix.Start })
	var err error
	t.Objects, err = f.Objects()
	return t, err
}

// addImage adds the image whose scalar, quotes and all, is the bytes at.
func (t *Text) addImage(ref image.Ref, at span, tagged bool) {
	scalar := t.Data[at.start:at.end]
	suffix := Bytes{Start: at.start + bytes.Index(scalar, []byte(ref.Name)) + len(ref.Name)}
	suffix.End = suffix.Start + len(ref.Suffix())
	if !tagged {
		suffix.End++ // the colon before the tag that is not there
	}
	t.Images = append(t.Images, Running{
		Ref:     ref,
		Line:    1 + bytes.Count(t.Data[:at.start], []byte("\n")),
		Tagged:  tagged,
		Suffix:  suffix,
		Comment: Bytes{at.end, at.end + commentLength(t.Data[at.end:])},
	})
}

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

// Blank calls write with the text's bytes, in order, less those that say what
// runs: each image's tag and digest, and the comment behind it.
func (t *Text) Blank(write func([]byte)) {
	done := 0
	for _, i := range t.Images {
		write(t.Data[done:i.Suffix.Start])
		write(t.Data[i.Suffix.End:i.Comment.Start])
		done = i.Comment.End
	}
	write(t.Data[done:])
}

// Run is what an image runs: its tag and digest, and the comment behind them.
type Run struct{ Suffix, Comment string }

// Run is what the i-th image runs.
func (t *Text) Run(i int) Run {
	r := t.Images[i]
	return Run{string(t.Data[r.Suffix.Start:r.Suffix.End]), string(t.Data[r.Comment.Start:r.Comment.End])}
}

// Match tells whether data is the text but for what its images run, and if so,
// what they run in data. It parses nothing: where data has the text's bytes
// round about, its images stand where the text's do.
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
	for _, i := range t.Images {
		if !same(i.Suffix.Start) {
			return nil, false
		}
		suffix := data[at : at+suffixLength(data[at:])]
		at += len(suffix)
		done = i.Suffix.End
		if !same(i.Comment.Start) {
			return nil, false
		}
		comment := data[at : at+commentLength(data[at:])]
		at += len(comment)
		done = i.Comment.End
		runs = append(runs, Run{string(suffix), string(comment)})
	}
	return runs, bytes.Equal(data[at:], t.Data[done:])
}

// suffixLength is how many bytes b starts with that a tag and a digest can have.
func suffixLength(b []byte) int {
	if len(b) == 0 || b[0] != ':' && b[0] != '@' {
		return 0
	}
	for i, c := range b {
		if !isLetter(c) && !isDigit(c) && bytes.IndexByte([]byte(":@._-+"), c) < 0 {
			return i
		}
	}
	return len(b)
}

// WithRuns is the text's bytes with what its images run replaced.
func (t *Text) WithRuns(runs []Run) []byte {
	out := make([]byte, 0, len(t.Data)+16*len(runs))
	done := 0
	for n, i := range t.Images {
		out = append(out, t.Data[done:i.Suffix.Start]...)
		out = append(out, runs[n].Suffix...)
		out = append(out, t.Data[i.Suffix.End:i.Comment.Start]...)
		out = append(out, runs[n].Comment...)
		done = i.Comment.End
	}
	return append(out, t.Data[done:]...)
}
