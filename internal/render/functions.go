package render

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"k8srepo/internal/manifest"
)

// functions returns what templates may call in addition to some of text/template's own (see
// builtins): a closed list, each the same for the same arguments. No clock, randomness,
// environment or network. Names and order of arguments are those of Helm and sprig.
// Each is on the page docs/templates.md, with an example.
func (x *execution) functions() template.FuncMap {
	return template.FuncMap{
		// What is there, and what to do without it.
		"default": defaultTo, "required": required, "coalesce": coalesce, "empty": isEmpty, "ternary": ternary, "fail": fail,
		// Text. What it is made of may be numbers and booleans too.
		"lower":      x.text1(strings.ToLower),
		"upper":      x.text1(strings.ToUpper),
		"trim":       x.text1(strings.TrimSpace),
		"trimAll":    x.text2(func(cut, s string) string { return strings.Trim(s, cut) }),
		"trimPrefix": x.text2(func(prefix, s string) string { return strings.TrimPrefix(s, prefix) }),
		"trimSuffix": x.text2(func(suffix, s string) string { return strings.TrimSuffix(s, suffix) }),
		"contains":   x.test2(func(part, s string) bool { return strings.Contains(s, part) }),
		"hasPrefix":  x.test2(func(prefix, s string) bool { return strings.HasPrefix(s, prefix) }),
		"hasSuffix":  x.test2(func(suffix, s string) bool { return strings.HasSuffix(s, suffix) }),
		"nospace":    x.text1(func(s string) string { return strings.Join(strings.Fields(s), "") }),
		"replace":    x.replace, "repeat": x.repeat, "trunc": x.trunc, "substr": x.substr, "toString": x.textOf,
		"regexMatch": x.regexMatch, "regexReplaceAll": x.regexReplaceAll,
		"print": x.print1, "printf": x.printf, "println": x.println, "cat": x.cat,
		// Encodings.
		"toJson": x.toJSON, "toPrettyJson": x.toPrettyJSON, "toYaml": x.toYAML, "b64enc": x.text1(base64Encode), "b64dec": x.base64Decode,
		"sha256": x.sha256, "sha256sum": x.sha256,
		// Lists and maps.
		"list": func(items ...any) []any { return items }, "dict": dict, "get": get, "hasKey": hasKey, "keys": x.keys, "values": x.values,
		"pick": x.pick, "omit": x.omit, "merge": x.merge, "dig": dig,
		"first": first, "last": last, "rest": rest, "initial": initial, "append": x.append, "prepend": x.prepend, "concat": x.concat,
		"has": x.has, "without": x.without, "uniq": x.uniq, "compact": x.compact, "sortAlpha": x.sortAlpha,
		"join": x.join, "splitList": x.splitList, "split": x.split, "until": x.until,
		// Numbers.
		"add": add, "sub": sub, "mul": mul, "div": div, "mod": mod, "max": maxOf, "min": minOf, "int": toInt, "float64": toFloat,
		"eq": equal, "ne": notEqual, "lt": less, "le": lessOrEqual, "gt": greater, "ge": greaterOrEqual,
		// Templates and files.
		"include": x.include, "tpl": x.tpl, "file": x.file,
		// What templates are rewritten to call; authors cannot.
		"includeBlock": x.includeBlock, "truth": truth, "number": func(text string) manifest.Number { return manifest.Number(text) },
		"value": x.value,
	}
}

// hiddenFunctions are not for authors.
var hiddenFunctions = []string{"includeBlock", "truth", "number", "value"}

// functionNames returns the functions that authors may call, sorted, with text/template's.
func functionNames() []string {
	all := (&execution{}).functions()
	for _, name := range hiddenFunctions {
		delete(all, name)
	}
	return slices.Sorted(maps.Keys(all))
}

// builtins are the names of those of text/template's own functions that templates
// may call. The others are replaced, or for other things than manifests: html, js, call, …
var builtins = map[string]any{"and": 0, "index": 0, "slice": 0, "len": 0, "not": 0, "or": 0}

var (
	errUnset  = errors.New("the value is not set")
	errTag    = errors.New("a tag can only be printed as it is: at the end of an image, or alone in a value")
	errToYAML = &hintedError{"toYaml is only for a line of its own in a block of text", "leave it out: {{ .Vars.x }} is written as YAML, indented and quoted as its place needs it"}
)

// hintedError is an error of a function that says what to do.
type hintedError struct{ message, hint string }

func (e *hintedError) Error() string { return e.message }

// textOf returns the text of a string, number or boolean: of a number, as it was written.
func textOf(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case manifest.FileText:
		return string(v), nil
	case nil:
		return "", errUnset
	case Tag:
		return "", errTag
	case manifest.YAMLText:
		return "", errToYAML
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil // 1000000, not 1e+06
	case bool, int, int64, uint64, manifest.Number:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("%s is not text", describe(v))
}

// textOf is textOf, and counts its bytes.
func (x *execution) textOf(v any) (string, error) {
	text, err := textOf(v)
	if err == nil && len(text) > 64 {
		err = x.spendBytes(len(text))
	}
	return text, err
}

func (x *execution) texts(values ...any) ([]string, error) {
	texts := make([]string, len(values))
	for i, v := range values {
		var err error
		if texts[i], err = x.textOf(v); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// text1 makes a function of one text.
func (x *execution) text1(f func(string) string) any {
	return func(v any) (string, error) {
		s, err := x.textOf(v)
		if err != nil {
			return "", err
		}
		return x.bounded(f(s))
	}
}

// text2 makes a function of two texts.
func (x *execution) text2(f func(a, b string) string) any {
	return func(a, b any) (string, error) {
		s, err := x.texts(a, b)
		if err != nil {
			return "", err
		}
		return x.bounded(f(s[0], s[1]))
	}
}

// test2 makes a function that asks something of two texts.
func (x *execution) test2(f func(a, b string) bool) any {
	return func(a, b any) (bool, error) {
		s, err := x.texts(a, b)
		if err != nil {
			return false, err
		}
		return f(s[0], s[1]), nil
	}
}

// bounded returns a text that a function made, if it is not too long.
func (x *execution) bounded(s string) (string, error) {
	if len(s) <= 64 {
		return s, nil
	}
	return s, x.spendBytes(len(s))
}

// isUnset reports whether a value is not there: nil or an empty text. Unlike sprig's
// default, 0 and false are there.
func isUnset(v any) bool { return v == nil || v == "" || v == manifest.FileText("") }

// defaultTo is v, or def where v is unset or an empty string.
func defaultTo(def, v any) (any, error) {
	if isTag(v) {
		return nil, errTag
	}
	if isUnset(v) {
		return def, nil
	}
	return v, nil
}

// required is v, or an error with the message where v is unset or an empty string.
func required(message string, v any) (any, error) {
	if isTag(v) {
		return nil, errTag
	}
	if isUnset(v) {
		return nil, errors.New(message)
	}
	return v, nil
}

// coalesce returns the first value that is set.
func coalesce(values ...any) (any, error) {
	for _, v := range values {
		if isTag(v) {
			return nil, errTag
		}
		if !isUnset(v) {
			return v, nil
		}
	}
	return nil, nil
}

// isEmpty reports whether an if would not take a value.
func isEmpty(v any) bool {
	true, ok := template.IsTrue(truth(v))
	return !ok || !true
}

func ternary(yes, no, condition any) any {
	if isEmpty(condition) {
		return no
	}
	return yes
}

func fail(message any) (string, error) {
	text, err := textOf(message)
	if err == nil {
		err = errors.New(text)
	}
	return "", err
}

// truth returns a value for if and with, which ask whether it is zero: a number that is
// written as 0.0 is.
func truth(v any) any {
	if n, ok := v.(manifest.Number); ok {
		if f, ok := n.Float(); ok && f == 0 {
			return 0
		}
	}
	return v
}

func isTag(v any) bool {
	_, ok := v.(Tag)
	return ok
}

func (x *execution) toYAML(v any) (manifest.YAMLText, error) {
	data, err := x.plainData(v)
	return manifest.YAMLText{Value: data}, err
}

func describe(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string, manifest.FileText:
		return "a string"
	case bool:
		return "a boolean"
	case int, int64, uint64, float64, manifest.Number:
		return "a number"
	case []any:
		return "a list"
	case map[string]any, Vars, map[string]string:
		return "a map"
	case Tag:
		return "a tag"
	}
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Slice {
		return "a list"
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	what := strings.ToLower(t.Name())
	if what == "env" {
		what = "environment"
	}
	return "a whole " + what
}
