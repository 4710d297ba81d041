package render

import (
	"fmt"
	"strconv"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// number is a number as fmt's verbs print it: %s, %v and %q as it was written, the
// others by its value.
type number struct {
	text  string
	whole any // int64; nil where it is none
	value float64
}

func (n number) Format(state fmt.State, verb rune) {
	format := fmt.FormatString(state, verb)
	switch {
	case verb == 's' || verb == 'v' || verb == 'q':
		fmt.Fprintf(state, strings.Replace(format, "v", "s", 1), n.text)
	case strings.ContainsRune("eEfFgG", verb) || n.whole == nil:
		fmt.Fprintf(state, format, n.value)
	default:
		fmt.Fprintf(state, format, n.whole)
	}
}

// formatted returns values as fmt prints them the way that textOf does. Those of widths
// are numbers of Go.
func (x *execution) formatted(values []any, widths map[int]bool) ([]any, error) {
	list := make([]any, len(values))
	for i, v := range values {
		text, err := x.textOf(v)
		if err != nil {
			return nil, err
		}
		list[i] = text
		if _, isBool := v.(bool); isBool {
			list[i] = v
		}
		if !isNumber(v) {
			continue
		}
		n := number{text: text}
		if whole, err := intOf(v); err == nil {
			n.whole = whole
		}
		n.value, _ = floatOf(v)
		if list[i] = n; widths[i] {
			list[i], _ = strconv.Atoi(text)
		}
	}
	return list, nil
}

// print1 is fmt.Sprint, with numbers as they were written: there is a blank between
// two that are no strings.
func (x *execution) print1(values ...any) (string, error) {
	texts, err := x.texts(values...)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, text := range texts {
		if i > 0 && !isText(values[i]) && !isText(values[i-1]) {
			b.WriteByte(' ')
		}
		b.WriteString(text)
	}
	return x.bounded(b.String())
}

// println returns the values with blanks between them, and a line break.
func (x *execution) println(values ...any) (string, error) {
	text, err := x.cat(values...)
	return text + "\n", err
}

// cat returns the values that are set with blanks between them.
func (x *execution) cat(values ...any) (string, error) {
	var set []any
	for _, v := range values {
		if v != nil {
			set = append(set, v)
		}
	}
	texts, err := x.texts(set...)
	if err != nil {
		return "", err
	}
	return x.bounded(strings.Join(texts, " "))
}

// printf is fmt's, and refuses what fmt would complain of in the text itself.
func (x *execution) printf(format string, args ...any) (string, error) {
	widths, length := scanFormat(format, args)
	if length > maxString {
		return "", x.spendBytes(length)
	}
	list, err := x.formatted(args, widths)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf(format, list...)
	complaint := strings.Count(text, "%!") - strings.Count(format, "%!")
	for _, arg := range list {
		if s, ok := arg.(string); ok {
			complaint -= strings.Count(s, "%!")
		}
	}
	if complaint > 0 {
		return "", fmt.Errorf("printf %q does not fit its arguments: it makes %q", format, problem.Cut(text, 100))
	}
	return x.bounded(text)
}

// scanFormat returns which arguments of a format are widths or precisions, and the sum of
// these and of the texts that are printed without a precision: the result is about as long.
func scanFormat(format string, args []any) (widths map[int]bool, length int) {
	widths = map[int]bool{}
	next := 0 // the argument that is taken next
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		precise := false
		for i++; i < len(format); i++ {
			c := format[i]
			if strings.IndexByte("+-# .[0123456789*", c) < 0 {
				break
			}
			digits := len(format[i:]) - len(strings.TrimLeft(format[i:], "0123456789"))
			switch {
			case digits > 7:
				return widths, maxString + 1
			case digits > 0:
				n, _ := strconv.Atoi(format[i : i+digits])
				length += n
				i += digits - 1
			case c == '[':
				index, _, _ := strings.Cut(format[i+1:], "]")
				if n, err := strconv.Atoi(index); err == nil {
					next = n - 1
				}
				i += len(index) + 1
			case c == '.':
				precise = true
			case c == '*':
				if widths[next] = true; next >= 0 && next < len(args) {
					n, err := intOf(args[next])
					switch {
					case err == nil && (n < -maxString || n > maxString):
						return widths, maxString + 1
					case err == nil:
						length += int(max(n, -n))
					}
				}
				next++
			}
		}
		if i < len(format) && format[i] != '%' {
			if !precise && next >= 0 && next < len(args) {
				length += textLength(args[next])
			}
			next++
		}
	}
	return widths, length
}

// textLength returns the length of a text, or of a number as it was written; 0 for other values,
// which are short.
func textLength(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case manifest.FileText:
		return len(v)
	case manifest.Number:
		return len(v)
	}
	return 0
}
