package console

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Writer writes text as data: what others wrote, such as the name of a file or a line of a
// diff, is shown and does nothing. Characters that a terminal obeys, or that change the
// order of the characters around them, are shown by their numbers. In GitHub Actions no
// line is a workflow command: the runner takes "::command" after blanks, and "##[command]"
// anywhere in a line, for one.
//
// Source: ActionCommand.cs of github.com/actions/runner. It ends lines at a carriage return
// too.
type Writer struct {
	w      io.Writer
	syntax syntax
	inLog  bool // GitHub Actions reads what is written

	midLine bool // something other than blanks and a first colon was written on this line
	colon   bool // the line begins with a colon, after blanks
	hashes  int  // how many # were written last
}

// syntax is how a character is written where it must not appear itself.
type syntax struct {
	hidden  func(r rune) string // a character that cannot be seen
	bracket string              // [
	colon   string              // :
}

var (
	textSyntax = syntax{hidden: number, bracket: `\[`, colon: `\:`}
	htmlSyntax = syntax{hidden: number, bracket: "&#91;", colon: "&#58;"}
	jsonSyntax = syntax{hidden: jsonNumber, bracket: `\u005b`, colon: ":"} // no line of it begins with a colon
)

// NewWriter returns a Writer to w. inActions says that GitHub Actions reads what is written.
func NewWriter(w io.Writer, inActions bool) *Writer {
	return &Writer{w: w, syntax: textSyntax, inLog: inActions}
}

// Write writes whole characters: one that is cut in two shows its bytes.
func (w *Writer) Write(p []byte) (int, error) {
	var b strings.Builder
	b.Grow(len(p))
	for rest := p; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch char := rest[:size]; {
		case r == utf8.RuneError && size == 1:
			w.add(&b, fmt.Sprintf(`\x%02x`, rest[0]), 'x')
		case r == '\r' && len(rest) > 1 && rest[1] == '\n':
			b.WriteByte('\r') // the end of a line, with the next character
		case r != '\n' && r != '\t' && isHidden(r):
			w.add(&b, w.syntax.hidden(r), 'x')
		default:
			w.add(&b, string(char), r)
		}
		rest = rest[size:]
	}
	if _, err := io.WriteString(w.w, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// add adds text, which stands for r, and keeps track of what the line would be to GitHub
// Actions.
func (w *Writer) add(b *strings.Builder, text string, r rune) {
	switch {
	case !w.inLog:
	case r == ':' && !w.midLine && w.colon:
		text = w.syntax.colon
	case r == '[' && w.hashes >= 2:
		text = w.syntax.bracket
	}
	b.WriteString(text)
	switch {
	case r == '\n':
		w.midLine, w.colon = false, false
	case r == ':' && !w.midLine && !w.colon:
		w.colon = true
	case w.colon || !unicode.IsSpace(r):
		w.midLine = true
	}
	if w.hashes++; r != '#' {
		w.hashes = 0
	}
}

// command writes what is ours and meant to be obeyed: colours, workflow commands.
func (w *Writer) command(text string) { _, _ = io.WriteString(w.w, text) }

// in returns a Writer to the same place, in another syntax.
func (w *Writer) in(s syntax) *Writer { return &Writer{w: w.w, syntax: s, inLog: w.inLog} }

// isHidden reports whether a character cannot be seen as what it is: the controls, those
// that set the direction of writing, and others without a shape. Two of these, which
// languages need between letters, are not hidden.
func isHidden(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner, arabicLetterMark, softHyphen = '\u200c', '\u200d', '\u061c', '\u00ad'
	switch {
	case r == zeroWidthNonJoiner, r == zeroWidthJoiner:
		return false
	case r == arabicLetterMark, r == softHyphen, unicode.IsControl(r):
		return true
	}
	return r >= 0x2000 && unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// number returns a character by its number, as Go and others write it.
func number(r rune) string {
	switch {
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// jsonNumber returns a character as JSON writes it.
func jsonNumber(r rune) string {
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// Clean returns a text as a Writer writes it.
func Clean(text string, inActions bool) string {
	var b strings.Builder
	_, _ = NewWriter(&b, inActions).Write([]byte(text))
	return b.String()
}
