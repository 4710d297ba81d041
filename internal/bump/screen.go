package bump

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"k8srepo/internal/image"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
)

// Most files of a repository hold none of the images, and parsing a file costs a hundred
// times what searching its bytes does. So the bytes are searched first: Mentions must never
// pass over a file that has an image in it, and may keep others.

// Mentions reports whether a file may hold one of the targets: cheaply, from its
// bytes. The last element of a repository must be there, unless escapes may hide
// it.
func (q *Query) Mentions(data []byte) bool {
	if q.Unscreened || len(q.Targets) == 0 {
		return true
	}
	if isUTF16(data) {
		data = fromUTF16(data)
	}
	for i := range q.Targets {
		t := &q.Targets[i]
		if containsName(data, t.Repository.Base()) || t.Rename.Name != "" && containsName(data, t.Rename.Base()) {
			return true
		}
	}
	return hidesLetters(data) || hasWrongMarker(data)
}

// hasWrongMarker reports whether a file may have a marker that names no repository, which
// is refused wherever it is.
func hasWrongMarker(data []byte) bool {
	for {
		_, rest, found := bytes.Cut(data, []byte(manifest.MarkerPrefix))
		if !found {
			return false
		}
		name, _, _ := bytes.Cut(rest, []byte("\n"))
		name = bytes.TrimSpace(name)
		if len(name) == 0 || strings.Trim(string(name), "abcdefghijklmnopqrstuvwxyz0123456789./-_:") != "" || bytes.IndexByte(name, ':') >= 0 {
			if _, err := image.ParseRepository(string(name)); err != nil {
				return true
			}
		}
		data = rest
	}
}

// containsName reports whether a name is in data, and not as a part of a longer one.
func containsName(data []byte, name string) bool {
	for {
		at := bytes.Index(data, []byte(name))
		if at < 0 {
			return false
		}
		end := at + len(name)
		begins := at == 0 || data[at-1] == '/' || !inName(data[at-1]) || at > 1 && data[at-2] == '\\' // "\tapi"
		if begins && (end == len(data) || !inName(data[end])) {
			return true
		}
		data = data[at+1:]
	}
}

// hidesLetters reports whether a file has an escape that can stand for a letter, or
// that joins two lines.
func hidesLetters(data []byte) bool {
	for {
		at := bytes.IndexByte(data, '\\')
		if at < 0 || at+1 == len(data) {
			return false
		}
		switch data[at+1] {
		case 'x', 'u', 'U', '\n', '\r', 0xC2, 0xE2: // the last two begin line breaks of Unicode
			return true
		}
		data = data[at+2:]
	}
}

var escape = lazyregexp.New(`\\(?:/|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n[ \t]*)`)

// unescaped is data with the escapes of double quotes resolved that a repository
// can be written with.
func unescaped(data []byte) []byte {
	return escape.ReplaceAllFunc(data, func(text []byte) []byte {
		switch text[1] {
		case '/':
			return text[1:]
		case '\r', '\n':
			return nil
		}
		code, err := strconv.ParseUint(string(text[2:]), 16, 32)
		if err != nil {
			return text
		}
		return utf8.AppendRune(nil, rune(code))
	})
}

// isUTF16 reports whether a file is UTF-16, by its first characters (YAML 1.2,
// section 5.2).
func isUTF16(data []byte) bool {
	return len(data) > 1 && (data[0] == 0 || data[1] == 0 || data[0] == 0xFE && data[1] == 0xFF || data[0] == 0xFF && data[1] == 0xFE)
}

// fromUTF16 returns a UTF-16 file as UTF-8, to look for names in it.
func fromUTF16(data []byte) []byte {
	high, low := 0, 1
	if data[1] == 0 || data[0] == 0xFF {
		high, low = 1, 0
	}
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) > 1; data = data[2:] {
		units = append(units, uint16(data[high])<<8|uint16(data[low]))
	}
	return []byte(string(utf16.Decode(units)))
}
