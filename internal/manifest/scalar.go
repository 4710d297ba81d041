package manifest

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// span is a run of bytes of a file, from start up to end.
type span struct{ start, end int }

// scalar is a scalar node found in the file's bytes.
//
// The parser says where a scalar starts, and what it means; not where it ends,
// nor which byte of the file made which byte of the value. find reads the bytes
// once more, by the rules of the scalar's style, and keeps that.
type scalar struct {
	span   // of the whole scalar: with its quotes or its block indicator, without its last line break
	value  string
	origin []int // origin[i] is the offset of the byte that made value[i], origin[len(value)] that of what follows; nil where the value stands byte for byte
	first  int   // where the value starts, when origin is nil
}

// offset returns where value[i] was made; for i == len(value), where the content ends.
func (s scalar) offset(i int) int {
	if s.origin == nil {
		return s.first + i
	}
	return s.origin[i]
}

// find locates a scalar. It fails where the bytes at the node's place do not say
// what the parser says they do: then nothing may be written there.
func (f *File) find(n *yaml.Node) (scalar, error) {
	r := reader{data: f.Data, at: f.offset(n.Line, n.Column), value: n.Value}
	if r.at < 0 || n.Kind != yaml.ScalarNode {
		return scalar{}, f.ambiguous(n)
	}
	if n.Column == 1 && bytes.HasPrefix(r.rest(), byteOrderMark) && !strings.HasPrefix(n.Value, string(byteOrderMark)) {
		r.at += len(byteOrderMark) // the parser passes it over where a line begins
	}
	properties := r.skipProperties()
	var s scalar
	var ok bool
	switch style := n.Style &^ yaml.TaggedStyle; {
	case style == 0 && n.Value == "" && properties > 0: // what follows is another node's
		r.at = properties
		s, ok = r.plain()
	case style&yaml.DoubleQuotedStyle != 0:
		s, ok = r.quoted('"')
	case style&yaml.SingleQuotedStyle != 0:
		s, ok = r.quoted('\'')
	case style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		s, ok = r.block()
	default:
		s, ok = r.plain()
	}
	if !ok {
		return scalar{}, f.ambiguous(n)
	}
	return s, nil
}

func (f *File) ambiguous(n *yaml.Node) error {
	return f.problemAt(n, "write the value plainly, on one line", "cannot be sure which bytes make the value %s", quoteForPeople(n.Value))
}

// reader reads one scalar from data, starting at at, keeping where each byte of
// its value came from.
type reader struct {
	data  []byte
	at    int
	value string // what the parser says that the scalar means

	made   []byte
	origin []int
}

func (r *reader) peek() byte {
	if r.at < len(r.data) {
		return r.data[r.at]
	}
	return 0
}

func (r *reader) rest() []byte { return r.data[min(r.at, len(r.data)):] }

// emit adds bytes to the value, all of them made at offset from.
func (r *reader) emit(from int, text ...byte) {
	r.made = append(r.made, text...)
	for range text {
		r.origin = append(r.origin, from)
	}
}

// copyRune takes the character at the reader's place into the value.
func (r *reader) copyRune() {
	_, size := utf8.DecodeRune(r.rest())
	for range size {
		r.emit(r.at, r.data[r.at])
		r.at++
	}
}

// finish returns the scalar that was read, if it means what the parser says.
func (r *reader) finish(s span, contentEnd int) (scalar, bool) {
	if string(r.made) != r.value {
		return scalar{}, false
	}
	return scalar{span: s, value: r.value, origin: append(r.origin, contentEnd)}, true
}

// skipProperties goes past an anchor and a tag, in either order, and the space
// behind them: no scalar starts with their indicators. It returns where the last of
// them ends, 0 where there is none.
func (r *reader) skipProperties() (end int) {
	if c := r.peek(); c != '&' && c != '!' {
		return 0
	}
	for {
		switch r.peek() {
		case '&':
			r.at++
			for c := r.peek(); isLetter(c) || isDigit(c) || c == '_' || c == '-'; c = r.peek() {
				r.at++
			}
			end = r.at
		case '!':
			for r.at < len(r.data) && !isBlank(r.peek()) && breakLength(r.rest()) == 0 {
				r.at++
			}
			end = r.at
		case ' ', '\t':
			r.at++
		case '#':
			for r.at < len(r.data) && breakLength(r.rest()) == 0 {
				r.at++
			}
		default:
			n := breakLength(r.rest())
			if n == 0 {
				return end
			}
			r.at += n
		}
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// plain reads a plain scalar: as much as it takes to make the value.
func (r *reader) plain() (scalar, bool) {
	start := r.at
	if bytes.HasPrefix(r.rest(), []byte(r.value)) && !hasBreak(r.value) {
		return scalar{span: span{start, start + len(r.value)}, value: r.value, first: start}, true
	}
	for len(r.made) < len(r.value) && r.at < len(r.data) {
		if isBlank(r.peek()) || breakLength(r.rest()) > 0 {
			r.fold()
		} else {
			r.copyRune()
		}
	}
	return r.finish(span{start, r.at}, r.at)
}

// quoted reads a scalar in single or double quotes.
func (r *reader) quoted(quote byte) (scalar, bool) {
	start := r.at
	if r.peek() != quote {
		return scalar{}, false
	}
	r.at++
	if end := r.at + len(r.value); end < len(r.data) && r.data[end] == quote &&
		string(r.data[r.at:end]) == r.value && !hasBreak(r.value) && !strings.ContainsAny(r.value, `'"\`) {
		return scalar{span: span{start, end + 1}, value: r.value, first: r.at}, true
	}
	for r.at < len(r.data) {
		c := r.peek()
		switch {
		case c == quote && quote == '\'' && r.at+1 < len(r.data) && r.data[r.at+1] == quote:
			r.emit(r.at, quote)
			r.at += 2
		case c == quote:
			end := r.at
			return r.finish(span{start, end + 1}, end)
		case c == '\\' && quote == '"':
			if !r.escape() {
				return scalar{}, false
			}
		case isBlank(c) || breakLength(r.rest()) > 0:
			r.fold()
		default:
			r.copyRune()
		}
	}
	return scalar{}, false
}

// fold reads a run of blanks and line breaks inside a plain or quoted scalar. On
// one line it stays as it is; over a line break the blanks go, one break becomes
// a space, and more of them become one fewer.
func (r *reader) fold() {
	from := r.at
	for isBlank(r.peek()) {
		r.at++
	}
	n := breakLength(r.rest())
	if n == 0 {
		for i := from; i < r.at; i++ {
			r.emit(i, r.data[i])
		}
		return
	}
	leading := breakValue(r.data[r.at : r.at+n])
	r.at += n
	var trailing []byte
	for {
		for isBlank(r.peek()) {
			r.at++
		}
		n := breakLength(r.rest())
		if n == 0 {
			break
		}
		trailing = append(trailing, breakValue(r.data[r.at:r.at+n])...)
		r.at += n
	}
	switch {
	case leading[0] != '\n':
		r.emit(from, append(leading[:len(leading):len(leading)], trailing...)...)
	case len(trailing) == 0:
		r.emit(from, ' ')
	default:
		r.emit(from, trailing...)
	}
}

// escapes are the one-character escapes of double quotes (YAML 1.1, section 5.6,
// and \/ of YAML 1.2).
var escapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
	' ': " ", '"': `"`, '\'': "'", '\\': `\`, '/': "/", 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

// escape reads a backslash and what it stands for.
func (r *reader) escape() bool {
	from := r.at
	r.at++
	if n := breakLength(r.rest()); n > 0 { // the line goes on, without its indentation
		r.at += n
		for {
			for isBlank(r.peek()) {
				r.at++
			}
			n := breakLength(r.rest())
			if n == 0 {
				return true
			}
			r.emit(r.at, breakValue(r.data[r.at:r.at+n])...)
			r.at += n
		}
	}
	c := r.peek()
	r.at++
	if text, ok := escapes[c]; ok {
		r.emit(from, []byte(text)...)
		return true
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if digits == 0 || len(r.rest()) < digits {
		return false
	}
	code, ok := hexadecimal(r.rest()[:digits])
	if !ok {
		return false
	}
	r.at += digits
	if rest := r.rest(); utf16.IsSurrogate(code) && len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' { // in JSON
		if low, ok := hexadecimal(rest[2:6]); ok {
			if pair := utf16.DecodeRune(code, low); pair != utf8.RuneError {
				code = pair
				r.at += 6
			}
		}
	}
	r.emit(from, utf8.AppendRune(nil, code)...)
	return true
}

func hexadecimal(digits []byte) (code rune, ok bool) {
	n, err := strconv.ParseUint(string(digits), 16, 32)
	return rune(n), err == nil
}

func hasBreak(s string) bool { return strings.ContainsAny(s, "\n\r\u0085\u2028\u2029") }

// quoteForPeople returns a value in quotes, shortened.
func quoteForPeople(s string) string {
	const maxRunes = 60
	if r := []rune(s); len(r) > maxRunes {
		s = string(r[:maxRunes]) + "…"
	}
	return string(appendDoubleQuoted(nil, s))
}
