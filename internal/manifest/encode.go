package manifest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Values that are written into YAML are Go's own: string, bool, int, int64,
// uint64, float64, []any and map[string]any; Number, Tag and FileText. Maps are
// written in the order of their keys.

// FileText is the text of a file. Alone on a line of a block of text, its last line
// break is that line's own.
type FileText string

// YAMLText is a value that is written as YAML into a block of text.
type YAMLText struct{ Value any }

// AppendYAML appends a value as YAML whose first byte stands at a column.
func AppendYAML(dst []byte, v any, column int) ([]byte, error) { return appendBlock(dst, v, column) }

// appendString writes s as a scalar on one line, where a block or flow
// collection has it: plain where that means the same string, else quoted.
func appendString(dst []byte, s string, flow bool) []byte {
	if plainSafe(s, flow) {
		return append(dst, s...)
	}
	return appendDoubleQuoted(dst, s)
}

// appendDoubleQuoted writes s in double quotes, on one line, with everything
// escaped that is not printable.
func appendDoubleQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped writes s as it stands between double quotes.
func appendEscaped(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case unicode.IsPrint(r) && r != utf8.RuneError:
			dst = utf8.AppendRune(dst, r)
		case r < 0x100:
			dst = fmt.Appendf(dst, `\x%02x`, r)
		case r < 0x10000:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		}
	}
	return dst
}

// literalSafe reports whether s can stand in a literal block scalar ("|") as it is.
func literalSafe(s string) bool {
	if s == "" || strings.IndexByte(" \t\n", s[0]) >= 0 || strings.HasSuffix(s, "\n\n") {
		return false
	}
	for _, r := range s {
		if r != '\n' && r != '\t' && (!unicode.IsPrint(r) || r == utf8.RuneError) {
			return false
		}
	}
	return true
}

// appendLiteral writes s, for which literalSafe holds, as a literal block scalar
// whose lines are indented by indent; header follows the indicator, such as a
// comment. It ends without a line break.
func appendLiteral(dst []byte, s string, indent int, header string) []byte {
	text, ended := strings.CutSuffix(s, "\n")
	dst = append(dst, '|')
	if !ended {
		dst = append(dst, '-')
	}
	dst = append(dst, header...)
	for line := range strings.SplitSeq(text, "\n") {
		dst = append(dst, '\n')
		if line != "" {
			dst = appendIndent(dst, indent)
			dst = append(dst, line...)
		}
	}
	return dst
}

// printable reports whether s needs no escape: it is on one line, and every
// character of it can be seen.
func printable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

func appendIndent(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

// scalarText returns a value that is no list or map as text, and whether that text is
// a string (else it is to stand plainly: a number, a boolean).
func scalarText(v any) (text string, isString bool, err error) {
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			return "", false, fmt.Errorf("the value %q is not UTF-8 text", v)
		}
		return v, true, nil
	case Tag:
		return v.Text, true, nil
	case FileText:
		return string(v), true, nil
	case bool:
		return strconv.FormatBool(v), false, nil
	case int:
		return strconv.Itoa(v), false, nil
	case int64:
		return strconv.FormatInt(v, 10), false, nil
	case uint64:
		return strconv.FormatUint(v, 10), false, nil
	case float64:
		return floatText(v), false, nil
	case Number:
		return string(v), false, nil
	}
	return "", false, fmt.Errorf("a %T is no value that YAML can hold", v)
}

// plainText is scalarText of a value that stands alone: a number must mean the same to
// every parser.
func plainText(v any) (text string, isString bool, err error) {
	if n, ok := v.(Number); ok {
		if err := n.Ambiguous(); err != nil {
			return "", false, err
		}
	}
	return scalarText(v)
}

// floatText returns a number as JSON has it: 1000000 and not 1e+06.
func floatText(v float64) string {
	switch abs := math.Abs(v); {
	case math.IsInf(v, 1):
		return ".inf"
	case math.IsInf(v, -1):
		return "-.inf"
	case math.IsNaN(v):
		return ".nan"
	case abs != 0 && (abs < 1e-6 || abs >= 1e21):
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0" // it stays a float
	}
	return text
}

// appendFlow writes a value as it stands in a flow collection, on one line.
func appendFlow(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			var err error
			if dst, err = appendFlow(dst, item); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case map[string]any:
		dst = append(dst, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			var err error
			if dst, err = appendKey(dst, key, true); err != nil {
				return nil, err
			}
			if dst, err = appendFlow(append(dst, ": "...), v[key]); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	}
	return appendScalar(dst, v, true)
}

// appendScalar writes what is neither a map nor a list, and holds no line break that a block would
// keep.
func appendScalar(dst []byte, v any, inFlow bool) ([]byte, error) {
	if v == nil {
		return append(dst, "null"...), nil
	}
	text, isString, err := plainText(v)
	if err != nil {
		return nil, err
	}
	if isString {
		return appendString(dst, text, inFlow), nil
	}
	return append(dst, text...), nil
}

// appendBlock writes a value whose first byte stands at column indent, and whose
// further lines are indented by as much. It ends without a line break.
func appendBlock(dst []byte, v any, indent int) ([]byte, error) {
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			return append(dst, "[]"...), nil
		}
		for i, item := range v {
			if i > 0 {
				dst = append(dst, '\n')
				dst = appendIndent(dst, indent)
			}
			dst = append(dst, "- "...)
			var err error
			if dst, err = appendBlock(dst, item, indent+2); err != nil {
				return nil, err
			}
		}
		return dst, nil
	case map[string]any:
		if len(v) == 0 {
			return append(dst, "{}"...), nil
		}
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				dst = append(dst, '\n')
				dst = appendIndent(dst, indent)
			}
			var err error
			if dst, err = appendKey(dst, key, false); err != nil {
				return nil, err
			}
			if dst, err = appendEntry(append(dst, ':'), v[key], indent); err != nil {
				return nil, err
			}
		}
		return dst, nil
	case string:
		if hasBreak(v) && literalSafe(v) {
			return appendLiteral(dst, v, max(indent, 2), ""), nil
		}
	case FileText:
		return appendBlock(dst, string(v), indent)
	}
	return appendScalar(dst, v, false)
}

// appendEntry writes what follows "key:" in a block mapping whose keys stand at
// column indent: on the same line, or on the next ones.
func appendEntry(dst []byte, v any, indent int) ([]byte, error) {
	if collectionSize(v) > 0 {
		dst = append(dst, '\n')
		return appendBlock(appendIndent(dst, indent+2), v, indent+2)
	}
	return appendBlock(append(dst, ' '), v, indent+2)
}

// collectionSize returns the length of a list or map, 0 for any other value.
func collectionSize(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return 0
}

// longestKey is how many characters a key can have (YAML 1.1, section 9.3.2).
const longestKey = 1000

// appendKey writes a mapping's key. A key is a string, whatever it looks like.
func appendKey(dst []byte, key string, flow bool) ([]byte, error) {
	if !utf8.ValidString(key) {
		return nil, fmt.Errorf("the key %q is not UTF-8 text", key)
	}
	before := len(dst)
	dst = appendString(dst, key, flow)
	if len(dst)-before > longestKey {
		return nil, fmt.Errorf("the key %s is longer than YAML allows", quoteForPeople(key))
	}
	return dst, nil
}

// AppendFlow appends a value on one line, as it stands in a flow collection. Numbers
// and booleans are written as they are; the order of a map's entries is kept.
func AppendFlow(dst []byte, v Value) []byte {
	switch v.Kind {
	case List:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendFlow(dst, item)
		}
		return append(dst, ']')
	case Map:
		dst = append(dst, '{')
		for i, f := range v.Fields {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(appendString(dst, f.Key.Text, true), ": "...)
			dst = AppendFlow(dst, f.Value)
		}
		return append(dst, '}')
	case String:
		return appendString(dst, v.Text, true)
	case Null:
		return append(dst, "null"...)
	}
	return append(dst, v.Text...)
}
