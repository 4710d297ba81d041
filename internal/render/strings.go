package render

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

func (x *execution) replace(old, new, s any) (string, error) {
	t, err := x.texts(old, new, s)
	if err != nil {
		return "", err
	}
	if n := len(t[2]) + strings.Count(t[2], t[0])*len(t[1]); n > maxString {
		return "", x.spendBytes(n)
	}
	return x.bounded(strings.ReplaceAll(t[2], t[0], t[1]))
}

func (x *execution) repeat(count, s any) (string, error) {
	n, err := intOf(count)
	if err != nil {
		return "", err
	}
	text, err := x.textOf(s)
	if err != nil {
		return "", err
	}
	if n < 0 {
		n = 0
	}
	if n > maxString || n*int64(len(text)) > maxString {
		return "", x.spendBytes(maxString + 1)
	}
	return x.bounded(strings.Repeat(text, int(n)))
}

// trunc returns the first n characters of a text; the last ones where n is negative.
func (x *execution) trunc(n, s any) (string, error) {
	count, err := intOf(n)
	if err != nil {
		return "", err
	}
	text, err := x.textOf(s)
	runes := []rune(text)
	switch {
	case err != nil:
		return "", err
	case count >= 0 && count < int64(len(runes)):
		return string(runes[:count]), nil
	case count < 0 && count > -int64(len(runes)):
		return string(runes[len(runes)+int(count):]), nil
	}
	return text, nil
}

// substr returns the characters of a text from start up to end; to its end where end is
// negative or past it.
func (x *execution) substr(start, end, s any) (string, error) {
	from, err := intOf(start)
	if err != nil {
		return "", err
	}
	to, err := intOf(end)
	if err != nil {
		return "", err
	}
	text, err := x.textOf(s)
	if err != nil {
		return "", err
	}
	runes := []rune(text)
	n := int64(len(runes))
	if to < 0 || to > n {
		to = n
	}
	from = min(max(from, 0), to)
	return string(runes[from:to]), nil
}

func (x *execution) regexMatch(pattern, s any) (bool, error) {
	t, err := x.texts(pattern, s)
	if err != nil {
		return false, err
	}
	re, err := x.pattern(t[0], t[1])
	if err != nil {
		return false, err
	}
	return re.MatchString(t[1]), nil
}

// maxPattern is how many bytes a pattern may have: what it compiles to may be a thousand
// times as large.
const maxPattern = 1000

// pattern compiles a pattern, and counts the steps of a match with a text: as many as the
// compiled pattern has instructions, for each byte, take a fifth of 100 nanoseconds.
func (x *execution) pattern(pattern, s string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, &limitError{message: fmt.Sprintf("a pattern of more than %d characters", maxPattern), hint: "match the parts one by one"}
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if err := x.charge(len(prog.Inst) * (10 + len(s)/5)); err != nil {
		return nil, err
	}
	return regexp.Compile(pattern)
}

func (x *execution) regexReplaceAll(pattern, s, by any) (string, error) {
	t, err := x.texts(pattern, s, by)
	if err != nil {
		return "", err
	}
	re, err := x.pattern(t[0], t[1])
	if err != nil {
		return "", err
	}
	if n := 2 * (len(t[1]) + 1) * (len(t[2]) + 1); n > maxReplaced && replacedLength(re, t[1], t[2]) > maxReplaced {
		return "", x.spendBytes(n)
	}
	return x.bounded(re.ReplaceAllString(t[1], t[2]))
}

// maxReplaced is how long a text may become by the estimate of replacedLength, in bytes. It is
// above maxString because the estimate may be too high.
const maxReplaced = 16 * maxString

// replacedLength returns the length that a text has at most when each match of a pattern is
// replaced: each $ in the replacement stands for the whole match, or for a part of it.
func replacedLength(re *regexp.Regexp, s, by string) int {
	matches := re.FindAllStringIndex(s, -1)
	matched := 0
	for _, m := range matches {
		matched += m[1] - m[0]
	}
	return len(s) - matched + len(matches)*len(by) + matched*strings.Count(by, "$")
}

// sha256 returns the checksum of a text, or of the JSON of any other value.
func (x *execution) sha256(v any) (string, error) {
	text, err := x.textOrJSON(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

func (x *execution) textOrJSON(v any) (string, error) {
	data, err := x.plainData(v)
	if limit := (*limitError)(nil); errors.As(err, &limit) {
		return "", err
	}
	if err == nil && data != nil && !isPlainScalar(data) {
		return x.toJSON(data)
	}
	return x.textOf(v)
}

func isPlainScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func base64Encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func (x *execution) base64Decode(v any) (string, error) {
	s, err := x.textOf(v)
	if err != nil {
		return "", err
	}
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf("b64dec: %w", err)
	}
	if !utf8.Valid(data) {
		return "", errors.New("b64dec: what is encoded is not text")
	}
	return x.bounded(string(data))
}
