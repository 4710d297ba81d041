package validate

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// refuseField adds an error of the API server's code.
func (o *object) refuseField(e *field.Error) {
	if strings.Contains(e.Detail, "some validation rules were not checked") {
		return // the errors that it follows from are reported
	}
	bad, name := o.badValue(e)
	code := problem.ValueRefused
	switch e.Type {
	case field.ErrorTypeRequired:
		code = problem.FieldRequired
	case field.ErrorTypeDuplicate:
		code = problem.DuplicateEntry
	case field.ErrorTypeTypeInvalid:
		code = problem.WrongFieldType
	}
	message := strings.TrimSuffix(strings.TrimSpace(e.ErrorBody()), ":")
	if m := formatMessage.FindStringSubmatch(message); name == "" && m != nil {
		message, name = m[1], m[2]
	}
	// The API server repeats the field in the messages of schemas.
	message = strings.Replace(message, name+" in body ", "", 1)
	message = regexText.ReplaceAllString(message, ")")
	if _, values, ok := strings.Cut(message, ": supported values: "); ok && name != e.Field && bad != "" {
		// The message has the whole map: bad alone is shorter.
		message = fmt.Sprintf("unsupported value: %q: supported values: %s", bad, values)
	}
	o.refuse(code, name, o.find(name, bad), o.hintFor(e, bad), "%s", lowerFirst(message))
}

// warnText adds a warning of the API server's code, which begins with its field where it has one.
func (o *object) warnText(text string) {
	name, rest, ok := strings.Cut(text, ": ")
	if !ok || strings.ContainsAny(name, " \"") {
		name, rest = "", text
	}
	o.warn(problem.ServerWarns, name, o.find(name, nil), "", "%s", rest)
}

func lowerFirst(s string) string {
	r := []rune(s)
	if len(r) > 1 && unicode.IsUpper(r[0]) && !unicode.IsUpper(r[1]) {
		r[0] = unicode.ToLower(r[0])
	}
	return string(r)
}

// regexText is the end of messages that have explained the rule in words and examples.
var regexText = lazyregexp.New(`, +regex used for validation is '[^']*'\)$`)

// formatMessage is a message of schemas about the format of a number, which has its field at the
// end.
var formatMessage = lazyregexp.New(`^(?i:invalid value: "": )Checked value (must be of type \S+ with format \S+) in (\S+)$`)

var quotedWord = lazyregexp.New(`"((?:[^"\\]|\\.)*)"`)

func quotedWords(s string) []string {
	var words []string
	for _, m := range quotedWord.FindAllStringSubmatch(s, -1) {
		words = append(words, m[1])
	}
	return words
}

// find returns where a field was written, or the nearest field around it that was. A value that is
// refused, bad, is looked for below that place; it may be nil.
func (o *object) find(name string, bad any) problem.Place {
	at, key := o.source, o.source.Place
	rest := name
	for rest != "" {
		next, nextKey, behind, ok := step(at, rest)
		if !ok {
			break
		}
		at, key, rest = next, nextKey, behind
	}
	word, isText := textOf(bad)
	if isText && word != "" {
		if place, ok := findText(at, word); ok {
			return place
		}
	}
	if rest == "" && at.Kind != manifest.Map && at.Kind != manifest.List && at.Kind != manifest.Null {
		return at.Place
	}
	return key
}

// step follows the first part of a field's path: .key, [key] or [index].
func step(v manifest.Value, path string) (next manifest.Value, place problem.Place, rest string, ok bool) {
	path = strings.TrimPrefix(path, ".")
	if v.Kind == manifest.List {
		index, rest, closed := strings.Cut(strings.TrimPrefix(path, "["), "]")
		n, err := strconv.Atoi(index)
		if !closed || err != nil || n < 0 || n >= len(v.Items) || !strings.HasPrefix(path, "[") {
			return manifest.Value{}, problem.Place{}, "", false
		}
		return v.Items[n], v.Items[n].Place, rest, true
	}
	best := -1 // the longest key that fits: keys may have dots
	for i, f := range v.Fields {
		behind, fits := cutKey(path, keyOf(f.Key))
		if fits && (best < 0 || len(behind) < len(rest)) {
			best, rest = i, behind
		}
	}
	if best < 0 {
		return manifest.Value{}, problem.Place{}, "", false
	}
	return v.Fields[best].Value, v.Fields[best].Key.Place, rest, true
}

func cutKey(path, key string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(path, "["+key+"]"); ok {
		return rest, true
	}
	rest, ok = strings.CutPrefix(path, key)
	return rest, ok && key != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// findText returns where a string stands as a key or a value; it must be there once.
func findText(v manifest.Value, text string) (place problem.Place, ok bool) {
	found := 0
	var walk func(v manifest.Value)
	walk = func(v manifest.Value) {
		for _, f := range v.Fields {
			if f.Key.Text == text {
				found, place = found+1, f.Key.Place
			}
			walk(f.Value)
		}
		for _, item := range v.Items {
			walk(item)
		}
		if v.Kind != manifest.Map && v.Kind != manifest.List && v.Text == text {
			found, place = found+1, v.Place
		}
	}
	walk(v)
	return place, found == 1
}

// textOf returns a value whose type is a string's, or a pointer to one; ok is false for others and
// nil.
func textOf(value any) (text string, ok bool) {
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.String {
		return "", false
	}
	return v.String(), true
}
