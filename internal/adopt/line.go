package adopt

import (
	"strings"
	"unicode/utf8"
)

// parts are a line, cut where a value stands: head + value + tail is the line.
type parts struct {
	head  string // indentation, dashes, key, colon, blanks, and the quote that opens
	value string // without quotes, as it is written between them
	tail  string // the quote that closes, blanks, and a comment
	quote byte   // ', " or 0
}

// splitLine cuts a line of structure. A line that is no entry and no item is all value
// behind its indentation.
func splitLine(line string) parts {
	rest := strings.TrimLeft(line, " ")
	for isDash(rest) {
		rest = strings.TrimLeft(rest[1:], " \t")
	}
	if _, value, ok := splitEntry(rest); ok {
		rest = value
	}
	value, tail := splitComment(rest)
	p := parts{head: line[:len(line)-len(rest)], value: value, tail: tail}
	if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && quotedLength(value) == n {
		p.quote = value[0]
		p.head, p.value, p.tail = p.head+value[:1], value[1:n-1], value[n-1:]+tail
	}
	return p
}

// splitText cuts a line of a block of text: it is all value behind its indentation.
func splitText(line string) parts {
	value := strings.Trim(line, " \t")
	at := strings.Index(line, value)
	return parts{head: line[:at], value: value, tail: line[at+len(value):]}
}

func isWord(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
}

// wholeIndex returns where a word stands in a text, from an offset on, with no letter or
// digit beside it; -1 where it does not.
func wholeIndex(s, word string, from int) int {
	if word == "" {
		return -1
	}
	for from <= len(s) {
		at := strings.Index(s[from:], word)
		if at < 0 {
			return -1
		}
		at += from
		end := at + len(word)
		if (at == 0 || !isWord(s[at-1]) || !isWord(word[0])) && (end == len(s) || !isWord(s[end]) || !isWord(word[len(word)-1])) {
			return at
		}
		from = at + 1
	}
	return -1
}

// replaceWhole replaces a word wherever it stands with no letter or digit beside it.
func replaceWhole(s, word, by string) string {
	if wholeIndex(s, word, 0) < 0 {
		return s
	}
	var b strings.Builder
	done := 0
	for at := wholeIndex(s, word, 0); at >= 0; at = wholeIndex(s, word, done) {
		b.WriteString(s[done:at] + by)
		done = at + len(word)
	}
	return b.String() + s[done:]
}

// common returns how many bytes some texts have in common at their beginnings and at
// their ends, cut back so that no word is split, and without overlap.
func common(texts []string) (prefix, suffix int) {
	first := texts[0]
	prefix, suffix = len(first), len(first)
	for _, t := range texts[1:] {
		n := 0
		for n < min(prefix, len(t)) && t[n] == first[n] {
			n++
		}
		prefix = n
		n = 0
		for n < min(suffix, len(t)) && t[len(t)-1-n] == first[len(first)-1-n] {
			n++
		}
		suffix = n
	}
	for prefix > 0 && splitsWord(texts, func(t string) int { return prefix }) {
		prefix--
	}
	for _, t := range texts {
		suffix = min(suffix, len(t)-prefix)
	}
	for suffix > 0 && splitsWord(texts, func(t string) int { return len(t) - suffix }) {
		suffix--
	}
	return prefix, suffix
}

// delimiters separate the words of a line of text: what is between them is one value.
const delimiters = " \t\"'`=,;()[]{}"

// commonWords is common, cut back to where a word of a line of text begins and ends.
func commonWords(texts []string) (before, after int) {
	first := texts[0]
	before, after = common(texts)
	for before > 0 && strings.IndexByte(delimiters, first[before-1]) < 0 {
		before--
	}
	for after > 0 && strings.IndexByte(delimiters, first[len(first)-after]) < 0 {
		after--
	}
	return before, after
}

// commonPhrase is commonWords where what is left in the middle stands for itself. It returns 0, 0
// where that is empty in one of the texts, or has half of a pair of quotes or brackets: then a
// person would change the whole line.
func commonPhrase(texts []string) (before, after int) {
	before, after = commonWords(texts)
	for _, t := range texts {
		if part := t[before : len(t)-after]; part == "" || !isPhrase(t[:before], part) {
			return 0, 0
		}
	}
	return before, after
}

// isPhrase reports whether quotes and brackets in a part of a text come in pairs, and whether no
// quotes end in it that begin before it.
func isPhrase(before, part string) bool {
	for _, quote := range []string{`"`, "'", "`"} {
		if n := strings.Count(part, quote); n%2 != 0 || n > 0 && strings.Count(before, quote)%2 != 0 {
			return false
		}
	}
	for _, pair := range []string{"()", "[]", "{}"} {
		if strings.Count(part, pair[:1]) != strings.Count(part, pair[1:]) {
			return false
		}
	}
	return true
}

// splitsWord reports whether an offset is within a word, a number, or a character, of one of
// the texts.
func splitsWord(texts []string, at func(string) int) bool {
	for _, t := range texts {
		i := at(t)
		if i <= 0 || i >= len(t) {
			continue
		}
		if isWord(t[i-1]) && isWord(t[i]) || !utf8.RuneStart(t[i]) {
			return true
		}
		digit := func(i int) bool { return i >= 0 && i < len(t) && t[i] >= '0' && t[i] <= '9' }
		if t[i] == '.' && digit(i-1) && digit(i+1) || t[i-1] == '.' && digit(i-2) && digit(i) {
			return true
		}
	}
	return false
}
