package manifest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"k8srepo/internal/image"
)

// blank is a part of a Text that says what an image runs, so that it is no part of
// what a template has rendered: its tag, or the digest that has an entry of its own.
type blank struct {
	image    int // its number in Text.Images
	isDigest bool
	value    Bytes
	comment  Bytes // behind the value; empty where it is not tagbump's
}

// blanks appends those of the chosen images to a list, in the order of the bytes.
func (t *Text) blanks(list []blank, chosen func(Running) bool) []blank {
	sorted := true
	for n := range t.Images {
		i := &t.Images[n]
		if !chosen(*i) {
			continue
		}
		list = append(list, blank{n, false, i.Suffix, i.Comment})
		if i.DigestKey != "" {
			list, sorted = append(list, blank{n, true, i.Digest, Bytes{i.Digest.End, i.Digest.End}}), false
		}
	}
	if !sorted {
		slices.SortFunc(list, func(a, b blank) int { return cmp.Compare(a.value.Start, b.value.Start) })
	}
	return list
}

func isTracked(r Running) bool { return r.Tracked }

// Blank calls write with the text's bytes, in order, less those that say what the
// chosen images run: each one's tag and digest, and the comment behind it.
func (t *Text) Blank(write func([]byte), chosen func(Running) bool) {
	done := 0
	var few [4]blank // most texts have no more
	for _, b := range t.blanks(few[:0], chosen) {
		write(t.Data[done:b.value.Start])
		write(t.Data[b.value.End:b.comment.Start])
		done = b.comment.End
	}
	write(t.Data[done:])
}

// Run is what an image runs: its tag and digest, and the comment behind them.
type Run struct {
	Suffix  string // ":tag", "@digest", or both; "" for a reference without either
	Comment string
	Quote   byte   // around a tag that stands alone: ', " or 0 for none
	Digest  string // as the entry of the digest has it, quotes and all
}

// Run returns what the i-th image runs.
func (t *Text) Run(i int) Run {
	r := &t.Images[i]
	run := Run{Suffix: string(t.Data[r.Suffix.Start:r.Suffix.End]), Comment: string(t.Data[r.Comment.Start:r.Comment.End])}
	if !r.TagOnly || run.Suffix == "" {
		return run
	}
	if c := run.Suffix[0]; c == '"' || c == '\'' {
		run.Quote = c
		run.Suffix = run.Suffix[1 : len(run.Suffix)-1]
	}
	run.Suffix = ":" + run.Suffix
	if r.Tagged { // its bytes may be null, have escapes, or be a block of text
		run.Suffix = r.Ref.Suffix()
	}
	if r.DigestKey != "" {
		own := t.ownDigest(r)
		if digest, length, ok := r.readDigest(own, own); ok && length == len(own) {
			run.addDigest(digest, own)
		}
	}
	return run
}

// addDigest adds what the entry of a digest says, which is its text.
func (run *Run) addDigest(digest string, text []byte) {
	if run.Digest = string(text); digest != "" {
		tag, _, _ := strings.Cut(run.Suffix, "@")
		run.Suffix = tag + "@" + digest
	}
}

// Match reports whether data is the text but for what its images run, and if so,
// what they run in data. What a Tracked image runs must be a valid tag, digest or
// both; any other image runs what the text says. It parses nothing: where data has
// the text's bytes around its images, they stand where the text's do.
func (t *Text) Match(data []byte) (runs []Run, ok bool) {
	if len(t.Images) > 0 {
		runs = make([]Run, len(t.Images))
	}
	for n, i := range t.Images {
		if !i.Tracked {
			runs[n] = t.Run(n)
		}
	}
	at, ok := t.compare(data, runs)
	if !ok || at < len(data) {
		return nil, false
	}
	return runs, true
}

// Difference returns the offset in data where it first differs from the text in more
// than what its images run; len(data) if it does not.
func (t *Text) Difference(data []byte) int {
	at, _ := t.compare(data, make([]Run, len(t.Images)))
	return at
}

// compare reads data along the text, up to where they differ, and notes what the
// Tracked images run. It reports whether the text came to its end.
func (t *Text) compare(data []byte, runs []Run) (at int, same bool) {
	done := 0
	follow := func(end int) bool {
		piece, rest := t.Data[done:end], data[at:]
		if bytes.HasPrefix(rest, piece) {
			at += len(piece)
			return true
		}
		for i := 0; i < len(rest) && rest[i] == piece[i]; i++ {
			at++
		}
		return false
	}
	var digests []blank // read when all tags are known
	var few [4]blank
	for _, b := range t.blanks(few[:0], isTracked) {
		i := &t.Images[b.image]
		if !follow(b.value.Start) {
			return at, false
		}
		length := 0
		if b.isDigest {
			_, n, ok := i.readDigest(t.ownDigest(i), data[at:])
			if !ok {
				return at, false
			}
			length, b.value = n, Bytes{at, at + n}
			digests = append(digests, b)
		} else if runs[b.image], length = i.read(data[at:]); length == 0 {
			return at, false
		}
		at += length
		if done = b.value.End; b.isDigest {
			done = i.Digest.End
		}
		if !follow(b.comment.Start) {
			return at, false
		}
		if !b.isDigest && !i.Marked {
			length := commentLength(data[at:])
			runs[b.image].Comment = string(data[at : at+length])
			at += length
		}
		done = b.comment.End
	}
	for _, b := range digests {
		text := data[b.value.Start:b.value.End]
		i := &t.Images[b.image]
		digest, _, _ := i.readDigest(t.ownDigest(i), text)
		runs[b.image].addDigest(digest, text)
	}
	return at, follow(len(t.Data))
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

// setDigest notes the entry of a digest, whose scalar is the bytes at. The space before
// it is a part of it: tagbump adds one where the entry says nothing.
func (t *Text) setDigest(r *Running, key string, at span) {
	if at.start > 0 && t.Data[at.start-1] == ' ' && at.start < at.end {
		at.start--
	}
	r.DigestKey, r.Digest = key, Bytes{at.start, at.end}
}

// readDigest reads the entry of a digest at the beginning of data: the digest, "" for
// none, and how many bytes say so. Own is what the text has there.
func (r Running) readDigest(own, data []byte) (digest string, length int, ok bool) {
	rest := data
	if len(own) == 0 || own[0] == ' ' {
		if !bytes.HasPrefix(data, []byte(" ")) || len(own) == 0 && bytes.HasPrefix(data, []byte(" #")) {
			return "", 0, len(own) == 0
		}
		rest = data[1:]
	}
	var quote []byte
	if len(rest) > 0 && (rest[0] == '"' || rest[0] == '\'') {
		quote, rest = rest[:1], rest[1:]
	}
	n := 0
	for n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n]) || rest[n] == ':' || rest[n] == '~') {
		n++
	}
	digest, length = string(rest[:n]), len(data)-len(rest)+n+len(quote)
	switch {
	case !bytes.HasPrefix(rest[n:], quote):
		return "", 0, false
	case digest == "" && quote != nil, quote == nil && (digest == "~" || digest == "null"):
		return "", length, true
	case r.DigestKey == shaKey && !strings.Contains(digest, ":"):
		digest = shaPrefix + digest
	}
	_, err := image.Parse("a@" + digest)
	return digest, length, err == nil
}

// ownDigest returns the bytes of the digest's entry.
func (t *Text) ownDigest(r *Running) []byte { return t.Data[r.Digest.Start:r.Digest.End] }

// WithRuns returns the text's bytes with what its images run replaced. An image that runs
// what the text says keeps its bytes: a tag such as 1.10 or null may stand there plainly.
func (t *Text) WithRuns(runs []Run) []byte {
	out := make([]byte, 0, len(t.Data)+16*len(runs))
	done := 0
	var few [4]blank
	for _, b := range t.blanks(few[:0], func(Running) bool { return true }) {
		i, run, own := &t.Images[b.image], runs[b.image], t.Run(b.image)
		out = append(out, t.Data[done:b.value.Start]...)
		switch {
		case run == own:
			out = append(out, t.Data[b.value.Start:b.value.End]...)
		case b.isDigest:
			out = t.appendDigest(out, i, run)
		case run.Quote == 0 && i.TagOnly:
			run.Quote = own.Quote
			out = i.append(out, run)
		default:
			out = i.append(out, run)
		}
		out = append(out, t.Data[b.value.End:b.comment.Start]...)
		if !b.isDigest && !i.Marked {
			out = append(out, run.Comment...)
		}
		done = b.comment.End
	}
	return append(out, t.Data[done:]...)
}

// append writes what a place runs.
func (r Running) append(out []byte, run Run) []byte {
	if !r.TagOnly {
		return append(out, run.Suffix...)
	}
	tag := strings.TrimPrefix(run.Suffix, ":")
	if r.DigestKey != "" {
		tag, _, _ = strings.Cut(tag, "@")
	}
	if run.Quote != 0 {
		return append(append(append(out, run.Quote), tag...), run.Quote)
	}
	return appendString(out, tag, false)
}

// appendDigest writes the entry of a digest, as the run or the text has it if that
// says the same.
func (t *Text) appendDigest(out []byte, r *Running, run Run) []byte {
	_, want, _ := strings.Cut(run.Suffix, "@")
	own := t.ownDigest(r)
	for _, text := range [][]byte{[]byte(run.Digest), own} {
		if digest, length, ok := r.readDigest(own, text); ok && digest == want && length == len(text) {
			return append(out, text...)
		}
	}
	if r.DigestKey == shaKey && (len(own) == 0 || !bytes.Contains(own, []byte(":"))) {
		want = strings.TrimPrefix(want, shaPrefix)
	}
	if len(own) == 0 || own[0] == ' ' {
		out = append(out, ' ')
	}
	if bytes.ContainsRune(own, '"') {
		return appendDoubleQuoted(out, want)
	}
	return appendString(out, want, true)
}
