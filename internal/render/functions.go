package render

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"text/template"

	"k8srepo/internal/manifest"
)

// functions are what templates may call beside some of text/template's own (see
// builtins): a closed list, each the same for the same arguments. No clock, randomness,
// environment, files or network.
var functions = template.FuncMap{
	"default":  defaultTo,
	"required": required,
	"join":     join,
	"lower":    func(s any) (string, error) { return onText(strings.ToLower, s) },
	"upper":    func(s any) (string, error) { return onText(strings.ToUpper, s) },
	"trimPrefix": func(prefix string, s any) (string, error) {
		return onText(func(t string) string { return strings.TrimPrefix(t, prefix) }, s)
	},
	"trimSuffix": func(suffix string, s any) (string, error) {
		return onText(func(t string) string { return strings.TrimSuffix(t, suffix) }, s)
	},
	"replace": func(old, new string, s any) (string, error) {
		return onText(func(t string) string { return strings.ReplaceAll(t, old, new) }, s)
	},
	"contains": func(part string, s any) (bool, error) {
		text, err := textOf(s)
		return strings.Contains(text, part), err
	},
	"sha256": func(s any) (string, error) { return onText(hexSum, s) },
	// As text/template has them, but for texts only: of anything else they would
	// print what Go makes of it, addresses in memory too.
	"print":  print,
	"printf": printf,
}

// builtins are the names of those of text/template's own functions that templates
// may call. The others are for other things than manifests: html, js, call, …
var builtins = map[string]any{
	"and": 0, "index": 0, "slice": 0, "len": 0, "not": 0, "or": 0,
	"eq": 0, "ge": 0, "gt": 0, "le": 0, "lt": 0, "ne": 0,
}

var (
	errUnset = errors.New("the value is not set")
	errTag   = errors.New("a tag can only be printed as it is, at the end of an image: image: {{ .Service.Image }}:{{ .Tag }}")
)

func isUnset(v any) bool { return v == nil || v == "" }

func allTexts(values []any) error {
	for _, v := range values {
		if _, err := textOf(v); err != nil {
			return err
		}
	}
	return nil
}

// print is fmt's, with numbers as YAML has them.
func print(args ...any) (string, error) {
	if err := allTexts(args); err != nil {
		return "", err
	}
	for i, arg := range args {
		args[i] = plain(arg)
	}
	return fmt.Sprint(args...), nil
}

// plain is a value that %s and %v print as YAML has it, rather than as Go does:
// 1000000 is not 1e+06.
func plain(v any) any {
	switch v := v.(type) {
	case int:
		return plainInt(v)
	case int64:
		return plainInt(v)
	case float64:
		return plainFloat(v)
	}
	return v
}

type plainInt int64

func (n plainInt) String() string { return strconv.FormatInt(int64(n), 10) }

type plainFloat float64

func (n plainFloat) String() string { return strconv.FormatFloat(float64(n), 'f', -1, 64) }

// printf is fmt's, and refuses what fmt would complain of in the text itself.
func printf(format string, args ...any) (string, error) {
	if err := allTexts(args); err != nil {
		return "", err
	}
	for i, arg := range args {
		args[i] = plain(arg)
	}
	text := fmt.Sprintf(format, args...)
	complaint := strings.Count(text, "%!") - strings.Count(format, "%!")
	for _, arg := range args {
		complaint -= strings.Count(fmt.Sprint(arg), "%!")
	}
	if complaint > 0 {
		return "", fmt.Errorf("printf %q does not fit what follows it: it makes %q", format, text)
	}
	return text, nil
}

// defaultTo is v, or def where v is unset or an empty string.
func defaultTo(def, v any) any {
	if isUnset(v) {
		return def
	}
	return v
}

// required is v, or an error with the message where v is unset or an empty string.
func required(message string, v any) (any, error) {
	if isUnset(v) {
		return nil, errors.New(message)
	}
	return v, nil
}

// join is the texts of a list with a separator between them.
func join(separator string, list any) (string, error) {
	items, ok := list.([]any)
	if !ok {
		return "", fmt.Errorf("join wants a list, not %s", describe(list))
	}
	texts := make([]string, len(items))
	for i, item := range items {
		var err error
		if texts[i], err = textOf(item); err != nil {
			return "", err
		}
	}
	return strings.Join(texts, separator), nil
}

// onText applies f to a value's text.
func onText(f func(string) string, v any) (string, error) {
	text, err := textOf(v)
	if err != nil {
		return "", err
	}
	return f(text), nil
}

// textOf is the text of a string, number or boolean.
func textOf(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case nil:
		return "", errUnset
	case Tag:
		return "", errTag
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil // 1000000, not 1e+06
	case bool, int, int64, uint64, manifest.Number:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("%s is no text", describe(v))
}

func describe(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int, int64, uint64, float64, manifest.Number:
		return "a number"
	case []any:
		return "a list"
	case map[string]any, Vars, map[string]string:
		return "a map"
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

func hexSum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
