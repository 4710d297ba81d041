package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/problem"
)

// Fill writes values into the placeholders, in their order. The error is a *PlaceholderProblem
// where a value is to blame.
func (s *Skeleton) Fill(values []any) (*Text, error) {
	f, err := s.fill(values)
	if err != nil {
		return nil, err
	}
	t, err := f.text()
	if err == nil {
		f.track(t)
	}
	return t, err
}

// track sets the images and marked scalars that end in a Tag.
func (f *filling) track(t *Text) {
	for i := range f.skeleton.slots {
		slot := &f.skeleton.slots[i]
		if _, _, ok := f.tagIn(slot); !ok {
			continue
		}
		for n := range t.Images {
			if at := t.Images[n].Suffix.Start; f.spans[i].start <= at && at <= f.spans[i].end {
				t.Images[n].Tracked = true
			}
		}
	}
}

// maxText is how many bytes a filled text may have.
const maxText = 16 << 20

func (s *Skeleton) fill(values []any) (*filling, error) {
	if len(values) != s.placeholders {
		return nil, fmt.Errorf("%s: %d values for %d placeholders", s.file.Name, len(values), s.placeholders)
	}
	f := &filling{skeleton: s, values: values, filled: make([]string, len(s.slots)), spans: make([]span, len(s.slots)),
		out: make([]byte, 0, len(s.file.Data)+16*len(values))}
	done := 0
	for i := range s.slots {
		slot := &s.slots[i]
		f.out = append(f.out, s.file.Data[done:slot.start]...)
		if err := f.write(i, slot); err != nil {
			return nil, err
		}
		if len(f.out) > maxText {
			return nil, fail(slot.first, "look for a large value in a range", "the manifest is larger than %d MB", maxText>>20)
		}
		if done = slot.end; f.skipBreak && done < len(s.file.Data) && s.file.Data[done] == '\n' {
			done++
		}
		f.skipBreak = false
	}
	f.out = append(f.out, s.file.Data[done:]...)
	return f, f.checkKeys()
}

// checkKeys refuses values that make two keys of one map equal.
func (f *filling) checkKeys() error {
	for _, m := range f.skeleton.maps {
		seen := make(map[string]bool, len(m.open))
		for _, key := range m.open {
			i := slices.IndexFunc(f.skeleton.slots, func(s slot) bool { return s.node == key })
			name := f.filled[i]
			if m.fixed[name] || seen[name] {
				return fail(f.skeleton.slots[i].first, "take a name of its own for each", "duplicate key %s", quoteForPeople(name))
			}
			seen[name] = true
		}
		if err := f.checkSpliced(m, seen); err != nil {
			return err
		}
	}
	return nil
}

// Filled is a scalar with placeholders in it, and what it was filled with.
type Filled struct {
	In, Out Bytes // in the skeleton's text, and in the filled one
	First   int   // the number of its first placeholder
	Marks   int
}

// Filled are the scalars with placeholders in them, in their order, as Fill fills them.
func (s *Skeleton) Filled(values []any) ([]Filled, error) {
	f, err := s.fill(values)
	if err != nil {
		return nil, err
	}
	var list []Filled
	for i, slot := range s.slots {
		if n := len(slot.texts) - 1; n > 0 {
			list = append(list, Filled{Bytes{slot.start, slot.end}, Bytes{f.spans[i].start, f.spans[i].end}, slot.first, n})
		}
	}
	return list, nil
}

// filling is one Fill.
type filling struct {
	skeleton      *Skeleton
	values        []any
	out           []byte
	filled        []string // each slot's value, as far as it is a string
	spans         []span   // each slot's bytes in out
	followed      []followed
	unproved      []int // slots whose values are not plain
	mayHoldImages bool  // some value may hold images of its own

	skipBreak bool // the line break that follows belongs to a line that is gone
}

func fail(placeholder int, hint, format string, args ...any) error {
	return &PlaceholderProblem{Placeholder: placeholder, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// write writes one slot.
func (f *filling) write(i int, s *slot) error {
	f.spans[i].start = len(f.out)
	err := f.checkTag(i, s)
	switch {
	case err != nil:
		return err
	case s.into != nil:
		err = f.writeSplice(i, s)
	case len(s.texts) == 1: // an image without a value in it
		f.filled[i] = s.value
		f.out = append(f.out, f.skeleton.file.Data[s.start:s.end]...)
	case s.isWhole():
		err = f.writeWhole(i, s)
	default:
		err = f.writeString(i, s)
	}
	f.spans[i].end = len(f.out)
	f.writeMarker(i, s)
	return err
}

// valueProblem is an error of a value, as a problem of its placeholder.
func (f *filling) valueProblem(placeholder int, err error) error {
	ambiguous := (*AmbiguousError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ambiguous):
		return &PlaceholderProblem{Placeholder: placeholder, Message: "the number " + err.Error(), Hint: ambiguous.Hint(), Code: problem.AmbiguousNumber}
	}
	return fail(placeholder, "", "%v", err)
}

// isWhole reports whether a slot is one value and nothing else: it keeps its type.
func (s *slot) isWhole() bool {
	return !s.key && len(s.texts) == 2 && s.texts[0] == "" && s.texts[1] == "" && (s.node.Style == 0 || s.node.Kind != yaml.ScalarNode)
}

func (f *filling) writeWhole(i int, s *slot) error {
	value := f.values[s.first]
	var err error
	switch _, isYAML := value.(YAMLText); {
	case isYAML:
		return fail(s.first, toYAMLHint, "toYaml is only for a line of its own in a block of text")
	case s.line:
		f.out, err = appendFlow(f.out, value)
	case collectionSize(value) > 0 && !s.inline:
		f.out = bytes.TrimRight(f.out, " ")
		f.spans[i].start = len(f.out)
		f.out = append(f.out, '\n')
		f.out, err = appendBlock(appendIndent(f.out, s.indent), value, s.indent)
	default:
		f.out, err = appendBlock(f.out, value, s.indent)
	}
	if err != nil {
		return f.valueProblem(s.first, err)
	}
	if collectionSize(value) > 0 {
		f.unproved = append(f.unproved, i)
		f.mayHoldImages = f.mayHoldImages || mayHoldImages(value)
	} else if text, isString, err := scalarText(value); err == nil {
		f.filled[i] = text
		if isString && !isPlain(text) {
			f.unproved = append(f.unproved, i)
		}
	}
	return nil
}

// writeString writes a slot that is a string: a key, or a scalar that has quotes,
// or text around its values.
func (f *filling) writeString(i int, s *slot) error {
	value, err := f.join(s)
	if err != nil {
		return err
	}
	f.filled[i] = value
	plain := isPlain(value)
	if s.key {
		if hasBreak(value) {
			return fail(s.first, "take a name of one line", "a key cannot hold the line break in %s", quoteForPeople(value))
		}
		if f.out, err = appendKey(f.out, value, s.flow); err != nil {
			return fail(s.first, "shorten it", "%v", err)
		}
	} else {
		plain = f.appendInStyle(s, value) || plain
	}
	if !plain {
		f.unproved = append(f.unproved, i)
	}
	return nil
}

const toYAMLHint = "leave it out: {{ .Vars.x }} is written as YAML, indented and quoted as its place needs it"

// join is the string that a slot means.
func (f *filling) join(s *slot) (string, error) {
	var b strings.Builder
	block := s.node != nil && s.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	for i, text := range s.texts {
		if i > 0 {
			value, err := f.textIn(s.first+i-1, b.String(), text, block)
			if err != nil {
				return "", err
			}
			b.WriteString(value)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// textIn is the text of a value that stands in a string, between before and after.
func (f *filling) textIn(placeholder int, before, after string, block bool) (string, error) {
	column := len(before) - 1 - strings.LastIndexByte(before, '\n')
	alone := block && strings.Trim(before[len(before)-column:], " ") == "" && (after == "" || after[0] == '\n')
	switch value := f.values[placeholder].(type) {
	case YAMLText:
		if !alone {
			return "", fail(placeholder, toYAMLHint, "toYaml is only for a line of its own in a block of text")
		}
		text, err := AppendYAML(nil, value.Value, column)
		return string(text), f.valueProblem(placeholder, err)
	case FileText:
		if alone {
			return strings.ReplaceAll(strings.TrimSuffix(string(value), "\n"), "\n", "\n"+strings.Repeat(" ", column)), nil
		}
	case []any, map[string]any:
		hint := "give it a place of its own, without quotes and other text; in a text, toJson makes JSON of it"
		if block {
			hint = "write {{ toYaml … }} on a line of its own, or {{ toJson … }}"
		}
		return "", fail(placeholder, hint, "a list or a map cannot stand inside a string")
	}
	text, _, err := scalarText(f.values[placeholder])
	return text, f.valueProblem(placeholder, err)
}

// appendInStyle writes a string in the style of its slot where that can hold it,
// else in double quotes. Plain reports that it is plain in that style.
func (f *filling) appendInStyle(s *slot, value string) (plain bool) {
	switch style := s.node.Style &^ yaml.TaggedStyle; {
	case style&yaml.DoubleQuotedStyle != 0:
		f.out = appendDoubleQuoted(f.out, value)
		return isASCII(value, `"\`+"\n")
	case style&yaml.SingleQuotedStyle != 0 && printable(value):
		f.out = append(f.out, '\'')
		f.out = append(f.out, strings.ReplaceAll(value, "'", "''")...)
		f.out = append(f.out, '\'')
		return isASCII(value, "'\n")
	case style&yaml.SingleQuotedStyle != 0:
		f.out = appendDoubleQuoted(f.out, value)
	case style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return f.appendBlockText(s, value)
	default:
		f.out = appendString(f.out, value, s.flow)
	}
	return false
}

// appendBlockText writes the string of a slot that is a block of text.
func (f *filling) appendBlockText(s *slot, value string) (plain bool) {
	data := f.skeleton.file.Data
	header, body, _ := strings.Cut(string(data[s.start:s.end]), "\n")
	comment := strings.TrimLeft(header, "|>+-0123456789")
	body = body[strings.LastIndex(body[:len(body)-len(strings.TrimLeft(body, " \n"))], "\n")+1:]
	indent := len(body) - len(strings.TrimLeft(body, " "))
	literal := s.node.Style&yaml.LiteralStyle != 0
	if literalSafe(value) && indent > 0 && !strings.Contains(header, "+") && (literal || hasBreak(strings.TrimSuffix(value, "\n"))) {
		f.out = appendLiteral(f.out, value, indent, comment)
		return isASCII(value, "")
	}
	// Text that begins with blanks, or ends in more than one line break, needs a header
	// that says so. What follows the block must not be part of it then.
	following := data[min(s.end+1, len(data)):]
	ends := len(following) == 0 || len(bytes.TrimLeft(following, " ")) > 0 && bytes.TrimLeft(following, " ")[0] != '\n'
	if text := strings.TrimRight(value, "\n"); text != "" && text[0] != '\n' && indent > s.parent && indent-s.parent < 10 && !strings.Contains(header, "+") && ends &&
		(literal || hasBreak(text)) && literalSafe("x"+text) {
		f.out = append(f.out, '|')
		if text[0] == ' ' || text[0] == '\t' {
			f.out = strconv.AppendInt(f.out, int64(indent-s.parent), 10)
		}
		lines := appendLiteral(nil, "x"+text, indent, "") // "|-", and the lines
		breaks := len(value) - len(text)
		if breaks > 1 {
			f.out = append(f.out, '+')
		} else if breaks == 0 {
			f.out = append(f.out, '-')
		}
		f.out = append(f.out, comment...)
		lines = bytes.Replace(lines[len("|-"):], []byte("x"), nil, 1)
		f.out = append(f.out, lines...)
		for range breaks - 1 {
			f.out = append(f.out, '\n')
		}
		return false
	}
	f.out = append(appendString(f.out, value, s.flow), comment...)
	return false
}

// text is the filled text with what is known of it.
func (f *filling) text() (*Text, error) {
	s := f.skeleton
	if f.mayHoldImages || s.dynamic || !f.known() {
		after, err := f.prove()
		if err != nil {
			return nil, err
		}
		if f.mayHoldImages || s.dynamic {
			return after.Text()
		}
		f.remember()
	}
	t := &Text{Data: f.out}
	if err := f.addFollowed(t); err != nil {
		return nil, err
	}
	for i := range s.slots {
		if s.slots[i].image == nil {
			continue
		}
		if err := f.addPlaced(t, i, &s.slots[i]); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(t.Images, func(a, b Running) int { return a.Suffix.Start - b.Suffix.Start })
	for _, o := range s.objects {
		object := o.Object
		object.Place.Line, object.NameLine = f.line(object.Place.Line), f.line(object.NameLine)
		f.take(o.apiVersion, &object.APIVersion)
		f.take(o.kind, &object.Kind)
		f.take(o.namespace, &object.Namespace)
		f.take(o.name, &object.Name)
		if object.Name == "" {
			return nil, &PlaceholderProblem{Placeholder: s.slots[o.name].first, Message: fmt.Sprintf("this %s gets no name", object.Kind),
				Hint: "give it a name that is a string", Code: problem.NotAnObject}
		}
		t.Objects = append(t.Objects, object)
	}
	return t, nil
}

// line is where a line of the skeleton is in the filled text.
func (f *filling) line(n int) int {
	line, s := n, f.skeleton
	if bytes.Count(f.out, []byte("\n")) == s.lines {
		return n
	}
	for i := range s.slots {
		if slot := &s.slots[i]; slot.node.Line < n {
			line += bytes.Count(f.out[f.spans[i].start:f.spans[i].end], []byte("\n")) - bytes.Count(s.file.Data[slot.start:slot.end], []byte("\n"))
		}
	}
	return line
}

// take sets a field to what its slot was filled with, if it has one.
func (f *filling) take(slot int, field *string) {
	if slot >= 0 {
		*field = f.filled[slot]
	}
}

// prove parses the filled text, and compares it with the skeleton: the structure
// must be the skeleton's, and each slot must mean its values.
func (f *filling) prove() (*File, error) {
	s := f.skeleton
	after, err := Parse(s.file.Name, f.out)
	if err != nil {
		return nil, fail(0, "", "a value breaks the YAML: %v", err)
	}
	// A list or map in the place of a scalar moves comments from node to node.
	changes := changes{values: make(map[*yaml.Node]any, len(s.slots)), spliced: map[*yaml.Node]any{}}
	for i := range s.slots {
		if slot := &s.slots[i]; slot.into != nil {
			changes.spliced[slot.node] = f.values[slot.first]
		} else if slot.isWhole() {
			changes.values[slot.node] = f.values[slot.first]
		} else if len(slot.texts) > 1 {
			changes.values[slot.node] = f.filled[i]
		}
	}
	if err := changes.prove(s.file, after); err != nil {
		for _, p := range problem.All(err) {
			for i := range s.slots {
				if slot := &s.slots[i]; slot.node.Line == p.Place.Line && slot.node.Column == p.Place.Col {
					return nil, fail(slot.first, "", "%s", p.Message)
				}
			}
		}
		return nil, err
	}
	return after, nil
}

// known reports whether fillings were proved that had the same bytes in each slot
// that is not plain. Slots do not touch each other, so it need not have been one.
func (f *filling) known() bool {
	s := f.skeleton
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, i := range f.unproved {
		if _, ok := s.known[f.written(i)]; !ok {
			return false
		}
	}
	return s.proved
}

// remember notes what was proved.
func (f *filling) remember() {
	s := f.skeleton
	s.lock.Lock()
	defer s.lock.Unlock()
	s.proved = true
	if s.known == nil {
		s.known = map[written]struct{}{}
	}
	for _, i := range f.unproved {
		if len(s.known) < maxKnown {
			s.known[f.written(i)] = struct{}{}
		}
	}
}

func (f *filling) written(slot int) written {
	return written{slot, string(f.out[f.spans[slot].start:f.spans[slot].end])}
}

// isPlain reports whether s is so plain that no place reads it as anything but a
// word, a number or a boolean, quoted or not: words, paths, addresses and image
// references, without what YAML has a use for. So it need not be proved.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isLetter(c), isDigit(c), c == '/':
		case i > 0 && strings.IndexByte("-._", c) >= 0:
		case i > 0 && i+1 < len(s) && strings.IndexByte(":@+= ", c) >= 0 && (isLetter(s[i+1]) || isDigit(s[i+1]) || s[i+1] == '/'):
		default:
			return false
		}
	}
	return true
}

// isASCII reports whether s is printable ASCII and line breaks, and has none of
// the bytes in except.
func isASCII(s, except string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '\n' && (c < ' ' || c > '~') || strings.IndexByte(except, c) >= 0 {
			return false
		}
	}
	return true
}

// imageKeys are keys that an image, or a part of one, goes by.
var imageKeys = map[string]bool{
	"image": true, "reference": true, "repository": true, "baseImage": true, "newName": true, "registry": true,
	"tag": true, "newTag": true, "digest": true, "sha": true, "version": true,
}

// mayHoldImages reports whether a value has a key that an image goes by.
func mayHoldImages(value any) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, mayHoldImages)
	case map[string]any:
		for key, item := range value {
			if imageKeys[key] || mayHoldImages(item) {
				return true
			}
		}
	}
	return false
}
