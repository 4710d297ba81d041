package manifest

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/lazyregexp"
)

// plainSafe reports whether s, written plainly on one line, is read as the string
// s by YAML 1.1 and 1.2. It is careful: some strings that it rejects would do.
func plainSafe(s string, flow bool) bool {
	if s == "" {
		return false
	}
	switch c := s[0]; {
	case c == '-' && len(s) > 1:
		next := strings.TrimPrefix(s[1:], "-") // such as --flag and -x, but no ---
		if next == "" || !isLetter(next[0]) {
			return false
		}
	case !isLetter(c) && !isDigit(c) && strings.IndexByte("/._+(<$;^", c) < 0 && c < utf8.RuneSelf:
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isLetter(c), isDigit(c):
		case strings.IndexByte("-_./+=@()<>~^$;%&*!|'\"`\\", c) >= 0:
		case c == ' ':
			if i+1 == len(s) || s[i+1] == ' ' || s[i+1] == '#' {
				return false
			}
		case c == ':':
			if i+1 == len(s) || s[i+1] == ' ' || flow {
				return false
			}
		case c == '#' && i > 0: // after a space it was refused above
		case strings.IndexByte(",[]{}?", c) >= 0 && !flow:
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError || !unicode.IsPrint(r) {
				return false
			}
			i += size - 1
		default:
			return false
		}
	}
	return !readsAsOther(s)
}

// readsAsOther reports whether YAML 1.1 or 1.2 reads the plain scalar s as
// something that is no string: a number, boolean, null, date, merge or value key.
func readsAsOther(s string) bool {
	switch c := s[0]; {
	case isDigit(c), c == '+', c == '-', c == '.':
		if strings.Trim(s, numeric) != "" {
			return false
		}
		if strings.Trim(s, "0123456789") == "" {
			return true
		}
	case len(s) <= 5 && isLetter(c):
		return otherWords[strings.ToLower(s)]
	case len(s) <= 5 && strings.IndexByte("yYnNtTfFoO~=<", c) >= 0: // yes, no, true, false, on, off, null, ~, =, <<
	default:
		return false
	}
	if s == "=" || s == "<<" || isBase60(s) || number.MatchString(s) || yaml.IsValueNonString(s) {
		return true
	}
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(s), &n); err != nil || len(n.Content) != 1 {
		return true
	}
	return n.Content[0].Tag != yaml.NodeTagString
}

// otherWords are the words that YAML 1.1 or 1.2 reads as booleans and null.
var otherWords = map[string]bool{"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true, "true": true, "false": true, "null": true}

// number is a number of YAML 1.1 or 1.2, however large: 12e5678 is one to some
// parsers, and a string to those that cannot hold it.
var number = lazyregexp.New(`^[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$|^[-+]?0(x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)$`)

// numeric is every character that a number or a date may have, in YAML 1.1 or
// 1.2: 0x1F, 0b1, 1_000, -1.5e+3, .inf, .NaN, 1:30, 2001-12-14t21:59:43.10Z.
const numeric = "0123456789abcdefABCDEFinINxXoOtTzZ+-._: "

// isBase60 reports whether s is a number in base 60, such as 1:30, of which YAML
// 1.1 speaks and the parsers here do not.
func isBase60(s string) bool {
	digits := strings.TrimLeft(s, "+-")
	if !strings.Contains(digits, ":") || digits == "" || !isDigit(digits[0]) {
		return false
	}
	return strings.Trim(digits, "0123456789_:.") == ""
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
