package manifest

import (
	"bytes"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

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
		f.mayHoldImages = f.mayHoldImages || isShapeKey(value)
	} else {
		plain = f.appendInStyle(s, value) || plain
	}
	if !plain {
		f.unproved = append(f.unproved, i)
	}
	return nil
}

const toYAMLHint = "leave it out: {{ .Vars.x }} is written as YAML, indented and quoted as its place needs it"

// join returns the string that a slot means.
func (f *filling) join(s *slot) (string, error) {
	var b strings.Builder
	block := s.node != nil && s.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	for i, text := range s.texts {
		if i > 0 {
			before := s.texts[i-1]
			lineBreak := strings.LastIndexByte(before, '\n')
			alone := block && (i == 1 || lineBreak >= 0) && strings.Trim(before[lineBreak+1:], " ") == "" && (text == "" || text[0] == '\n')
			value, err := f.textIn(s.first+i-1, len(before)-lineBreak-1, block, alone)
			if err != nil {
				return "", err
			}
			b.WriteString(value)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// textIn returns the text of a value that stands in a string, in a block of text perhaps, and
// alone on a line of it, where it begins at a column.
func (f *filling) textIn(placeholder, column int, block, alone bool) (string, error) {
	switch value := f.values[placeholder].(type) {
	case YAMLText:
		if !alone {
			return "", fail(placeholder, toYAMLHint, "toYaml is only for a line of its own in a block of text")
		}
		text, err := AppendYAML(nil, value.Value, column)
		return string(text), f.valueProblem(placeholder, err)
	case FileText:
		if alone {
			return indentLines(strings.TrimSuffix(string(value), "\n"), column), nil
		}
	case []any, map[string]any:
		hint := "give it a place of its own, without quotes and other text; in a text, toJson makes JSON of it"
		if block {
			hint = "write {{ toYaml … }} on a line of its own, or {{ toJson … }}"
		}
		return "", fail(placeholder, hint, "a list or a map cannot stand inside a string")
	}
	text, _, err := scalarText(f.values[placeholder])
	if alone {
		text = indentLines(text, column)
	}
	return text, f.valueProblem(placeholder, err)
}

// indentLines returns text whose lines behind the first stand at a column; blank ones stay empty.
func indentLines(text string, column int) string {
	if column == 0 || !hasBreak(text) {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if i > 0 && line != "" {
			lines[i] = strings.Repeat(" ", column) + line
		}
	}
	return strings.Join(lines, "\n")
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

// keepsBreaks reports whether the blank lines behind a block of text that keeps them, with "+", are
// the line breaks that value ends in.
func keepsBreaks(value string, following []byte) bool {
	text := strings.TrimRight(value, "\n")
	next := bytes.TrimLeft(following, "\n")
	return literalSafe(text) && len(next) > 0 && len(value)-len(text) == len(following)-len(next)+1 &&
		len(bytes.TrimLeft(next, " ")) > 0 && bytes.TrimLeft(next, " ")[0] != '\n'
}

// appendBlockText writes the string of a slot that is a block of text.
func (f *filling) appendBlockText(s *slot, value string) (plain bool) {
	data := f.skeleton.file.Data
	header, body, _ := strings.Cut(string(data[s.span.start:s.span.end]), "\n")
	comment := strings.TrimLeft(header, "|>+-0123456789")
	body = body[strings.LastIndex(body[:len(body)-len(strings.TrimLeft(body, " \n"))], "\n")+1:]
	indent := len(body) - len(strings.TrimLeft(body, " "))
	literal := s.node.Style&yaml.LiteralStyle != 0
	if literalSafe(value) && indent > 0 && !strings.Contains(header, "+") && (literal || hasBreak(strings.TrimSuffix(value, "\n"))) {
		f.out = appendLiteral(f.out, value, indent, comment)
		return isASCII(value, "")
	}
	following := data[min(s.span.end+1, len(data)):]
	if literal && strings.Contains(header, "+") && keepsBreaks(value, following) && indent > 0 {
		lines := appendLiteral(nil, strings.TrimRight(value, "\n"), indent, "+"+comment) // "|-+", and the lines
		f.out = append(append(f.out, '|'), lines[len("|-"):]...)
		return false
	}
	// Text that begins with blanks, or ends in more than one line break, needs a header
	// that says so. What follows the block must not be part of it then.
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
