package manifest

import "strings"

// block reads a literal or folded scalar. Its indentation follows from its
// parent's, which the reader does not know: the one that makes the value is it.
func (r *reader) block() (scalar, bool) {
	start := r.at
	folded := r.peek() == '>'
	r.at++
	chomp := byte(0)
	for strings.IndexByte("+-0123456789", r.peek()) >= 0 && r.at < len(r.data) {
		if c := r.peek(); c == '+' || c == '-' {
			chomp = c
		}
		r.at++
	}
	for r.at < len(r.data) && breakLength(r.rest()) == 0 { // blanks, perhaps a comment
		r.at++
	}
	headerEnd := r.at
	r.at += breakLength(r.rest())
	content := r.at
	for indent := r.leadingSpaces() + 1; indent >= 0; indent-- {
		r.at, r.made, r.origin = content, nil, nil
		end := r.blockLines(indent, folded, chomp)
		if s, ok := r.finish(span{start, max(headerEnd, end)}, r.at); ok {
			return s, true
		}
	}
	return scalar{}, false
}

// leadingSpaces returns the largest indentation that text of the block at hand can have: that
// of its first line with something on it, or of the longest line before it.
func (r *reader) leadingSpaces() int {
	widest, width := 0, 0
	for at := r.at; at < len(r.data); {
		if r.data[at] == ' ' {
			width++
			at++
			continue
		}
		widest = max(widest, width)
		n := breakLength(r.data[at:])
		if n == 0 {
			break
		}
		at += n
		width = 0
	}
	return max(widest, width)
}

// blockLines reads the lines of a block scalar at an indentation, and returns
// where its last line with content ends. It leaves the reader behind the value.
func (r *reader) blockLines(indent int, folded bool, chomp byte) int {
	type lineBreak struct {
		from  int
		value []byte
	}
	var leading *lineBreak
	var trailing []lineBreak
	breaks := func() (column int) { // past empty lines and up to indent spaces
		for {
			column = 0
			for column < indent && r.peek() == ' ' {
				column++
				r.at++
			}
			n := breakLength(r.rest())
			if n == 0 {
				return column
			}
			trailing = append(trailing, lineBreak{r.at, breakValue(r.data[r.at : r.at+n])})
			r.at += n
		}
	}
	end, after := r.at, r.at
	leadingBlank := false
	for breaks() == indent && r.at < len(r.data) {
		blank := isBlank(r.peek())
		if leading != nil {
			if folded && !leadingBlank && !blank && leading.value[0] == '\n' {
				if len(trailing) == 0 {
					r.emit(leading.from, ' ')
				}
			} else {
				r.emit(leading.from, leading.value...)
			}
		}
		for _, b := range trailing {
			r.emit(b.from, b.value...)
		}
		leading, trailing = nil, nil
		leadingBlank = blank
		for r.at < len(r.data) && breakLength(r.rest()) == 0 {
			r.copyRune()
		}
		end, after = r.at, r.at
		if n := breakLength(r.rest()); n > 0 {
			leading = &lineBreak{r.at, breakValue(r.data[r.at : r.at+n])}
			r.at += n
		}
	}
	if chomp != '-' && leading != nil {
		r.emit(leading.from, leading.value...)
		after = leading.from + breakLength(r.data[leading.from:])
	}
	if chomp == '+' {
		for _, b := range trailing {
			r.emit(b.from, b.value...)
			after = b.from + breakLength(r.data[b.from:])
		}
	}
	r.at = after
	return end
}
