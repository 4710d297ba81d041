package manifest

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"k8srepo/internal/problem"
)

// lineIndex is the offset of each line's first byte, made when first asked for.
//
// Lines end where the parser ends them: at LF, CRLF, a lone CR, and the Unicode
// breaks NEL, LS and PS (YAML 1.1, section 4.2), in comments and strings too.
type lineIndex struct{ starts []int }

var byteOrderMark = []byte("\xef\xbb\xbf")

func (l *lineIndex) of(data []byte) []int {
	if l.starts != nil {
		return l.starts
	}
	starts := make([]int, 1, 8+len(data)/24)
	if bytes.HasPrefix(data, byteOrderMark) {
		starts[0] = len(byteOrderMark) // the parser does not count it
	}
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case c != '\n' && c != '\r' && c != 0xC2 && c != 0xE2:
			i++
		default:
			if n := breakLength(data[i:]); n > 0 {
				i += n
				starts = append(starts, i)
			} else {
				i++
			}
		}
	}
	l.starts = starts
	return starts
}

// offset returns the byte at a line and column, both counted from 1, the column in
// characters; -1 where the file has no such place.
func (f *File) offset(line, col int) int {
	starts := f.lines.of(f.Data)
	if line < 1 || line > len(starts) {
		return -1
	}
	at := starts[line-1]
	for ; col > 1; col-- {
		if at >= len(f.Data) {
			return -1
		}
		_, size := utf8.DecodeRune(f.Data[at:])
		at += size
	}
	return at
}

// PlaceAt returns the line and column of a byte.
func (f *File) PlaceAt(offset int) problem.Place {
	starts := f.lines.of(f.Data)
	line, found := slices.BinarySearch(starts, offset)
	if found || line == 0 {
		line++
	}
	col := 1
	if start := starts[line-1]; start < offset {
		col += utf8.RuneCount(f.Data[start:offset])
	}
	return problem.Place{File: f.Name, Line: line, Col: col}
}

// breakLength returns the length of the line break that b starts with, 0 where it
// starts with none.
func breakLength(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '\n':
		return 1
	case '\r':
		if len(b) > 1 && b[1] == '\n' {
			return 2
		}
		return 1
	case 0xC2: // NEL
		if len(b) > 1 && b[1] == 0x85 {
			return 2
		}
	case 0xE2: // LS and PS
		if len(b) > 2 && b[1] == 0x80 && (b[2] == 0xA8 || b[2] == 0xA9) {
			return 3
		}
	}
	return 0
}

// breakValue returns what a line break becomes in a value: LF, but for LS and PS,
// which stay (YAML 1.1, section 5.4).
func breakValue(b []byte) []byte {
	if len(b) == 3 {
		return b
	}
	return []byte{'\n'}
}
