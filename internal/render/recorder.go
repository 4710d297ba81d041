package render

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// recorder takes what one execution of a template prints: text into out, values
// into values, with a placeholder in out for each.
type recorder struct {
	out     bytes.Buffer
	isText  bool // values are written into out as they are
	values  []any
	actions []int // of each value, the action that printed it
	size    int   // the bytes of the values

	braces  []int   // the values that have template code in them
	joins   []join  // in the order of their offsets
	blocks  []block // that are not ended yet
	swallow bool    // the line break that follows belongs to a line that is gone
	alone   int     // a value that is printed at this offset is alone on its line
	events  []event // of a traced execution, in the order of the output
}

func (r *recorder) reset() {
	r.out.Reset()
	r.values, r.actions, r.braces, r.joins, r.blocks, r.events = r.values[:0], r.actions[:0], r.braces[:0], r.joins[:0], r.blocks[:0], r.events[:0]
	r.swallow, r.alone, r.size = false, -1, 0
}

// text takes text.
func (r *recorder) text(text []byte) {
	if len(text) == 0 {
		return
	}
	rest := bytes.TrimLeft(text, " \t")
	if len(r.joins) > 0 && len(rest) > 0 && rest[0] == '\n' {
		r.resolve()
	}
	if r.swallow {
		if len(rest) == 0 {
			return
		}
		r.swallow = false
		if rest[0] == '\n' {
			text = rest[1:]
			if n := len(r.events); n > 0 && r.events[n-1].offset == r.out.Len() {
				r.events[n-1].gone++
			}
		}
	}
	r.out.Write(text)
}

// noTag replaces a first tag that is not given, so that the image around it is
// a whole reference. It is never written: without a tag to run there is no file.
const noTag = "manifestgen.no-tag"

// valueError is a value that cannot be printed.
type valueError struct {
	place         problem.Place // of the action that prints it; the zero Place in a value's text
	message, hint string
}

func (e *valueError) Error() string { return e.message }

// value records a value that the action n prints, and returns its placeholder.
func (x *execution) value(n int, v any) (string, error) {
	r := x.rec
	alone := r.alone == r.out.Len()
	r.alone = -1
	a := &x.templates.actions[n]
	switch value := v.(type) {
	case nil:
		return "", &valueError{a.place, a.text + " is not set", "set it, or ask for it with if, with or default"}
	case Tag:
		if r.isText {
			return "", errTag
		}
		tag := manifest.Tag{Text: value.text, Repository: value.repository}
		if tag.Text == "" {
			tag.Text = noTag
		}
		v = tag
	case string:
		r.size += len(value)
	case manifest.FileText:
		r.size += len(value)
	case bool, int, int64, uint64, float64, manifest.Number, manifest.YAMLText:
	default:
		x.measured = 0
		data, err := x.plainData(v)
		r.size += x.measured
		if limit := (*limitError)(nil); errors.As(err, &limit) {
			return "", err
		}
		if err != nil {
			return "", &valueError{a.place, fmt.Sprintf("%s is %s, which cannot be printed", a.text, describe(v)), "print one of its fields"}
		}
		v = data
	}
	if r.isText {
		return "", x.valueText(v, alone)
	}
	if r.size > maxDocument {
		return "", tooLong(problem.Place{})
	}
	placeholder := manifest.Placeholder
	if alone {
		placeholder = r.splice(v)
	}
	if hasBraces(v) {
		r.braces = append(r.braces, len(r.values))
	}
	r.values = append(r.values, v)
	r.actions = append(r.actions, n)
	return placeholder, nil
}

// templateCode matches a template in a value, and not other braces.
var templateCode = lazyregexp.New(`\{\{-?\s*(\.[A-Z]|\$|(if|range|with|include|template|tpl|default) )`)

// hasBraces reports whether a value, which is printed unchanged, has template code in it.
func hasBraces(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "{{") && templateCode.MatchString(v)
	case []any:
		return slices.ContainsFunc(v, hasBraces)
	case map[string]any:
		for _, item := range v {
			if hasBraces(item) {
				return true
			}
		}
	}
	return false
}

// notices returns what people should know of what an execution printed.
func (x *execution) notices() []Notice {
	var list []Notice
	for _, i := range x.rec.braces {
		place := x.templates.actions[x.rec.actions[i]].place
		list = append(list, Notice{place, fmt.Sprintf("the value of {{ %s }} has template code in it and is printed unchanged; {{ tpl VALUE . }} evaluates it",
			x.templates.actions[x.rec.actions[i]].text)})
	}
	return list
}

// splice returns the placeholder of a value that is alone on its line: a map is
// spliced into the map around it, a list into the list.
func (r *recorder) splice(v any) string {
	placeholder := manifest.Placeholder
	switch v.(type) {
	case map[string]any:
		placeholder = manifest.MapEntry
	case []any:
		placeholder = manifest.ListEntry
	default:
		return placeholder
	}
	if _, ok := r.ownLine(); !ok {
		return manifest.Placeholder
	}
	return placeholder
}

// valueText prints a value into a text.
func (x *execution) valueText(v any, alone bool) error {
	yaml, isYAML := v.(manifest.YAMLText)
	if isYAML {
		v = yaml.Value
	}
	switch v.(type) {
	case map[string]any, []any:
		isYAML = isYAML || alone
		if !isYAML {
			text, err := x.toJSON(v)
			if err != nil {
				return err
			}
			return x.print([]byte(text))
		}
	}
	if !isYAML {
		text, err := x.textOf(v)
		if err != nil {
			return err
		}
		return x.print([]byte(text))
	}
	if _, ok := x.rec.ownLine(); !ok {
		return errToYAML
	}
	start, _ := x.rec.blankLine()
	text, err := manifest.AppendYAML(nil, v, x.rec.out.Len()-start)
	if err != nil {
		return err
	}
	return x.print(text)
}

// itemCost is how many steps a value in a map or list counts that is printed or encoded.
const itemCost = 8

// plainData returns a value with maps and lists as encoders have them: map[string]any and
// []any. What is neither data nor made of it is an error.
func (x *execution) plainData(v any) (any, error) { return x.plainBelow(v, 0) }

// plainBelow is plainData for a value at a depth in another one.
func (x *execution) plainBelow(v any, depth int) (any, error) {
	if plain, err := x.isPlain(v, depth); plain || err != nil {
		return v, err
	}
	switch v := v.(type) {
	case Vars:
		return x.plainBelow(map[string]any(v), depth)
	case map[string]string:
		m := make(map[string]any, len(v))
		for key, text := range v {
			m[key] = text
		}
		return m, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, item := range v {
			var err error
			if m[key], err = x.plainBelow(item, depth+1); err != nil {
				return nil, err
			}
		}
		return m, nil
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			var err error
			if list[i], err = x.plainBelow(item, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case manifest.FileText:
		return string(v), nil
	case manifest.YAMLText:
		return nil, errToYAML
	case Tag:
		return nil, errTag
	}
	return nil, fmt.Errorf("%s is not text", describe(v))
}

// isPlain reports whether a value is made of scalars, map[string]any and []any alone.
// A value that is in it many times counts as often. Its strings are measured.
func (x *execution) isPlain(v any, depth int) (bool, error) {
	items := func(n int) error {
		if depth >= maxLevels {
			return &limitError{message: fmt.Sprintf("a value of more than %d levels", maxLevels), hint: "look for a map or list that grows in a range"}
		}
		return x.charge(itemCost * n)
	}
	switch v := v.(type) {
	case string:
		x.measured += len(v)
		return true, nil
	case nil, bool, int, int64, uint64, float64, manifest.Number:
		return true, nil
	case map[string]any:
		if err := items(len(v)); err != nil {
			return false, err
		}
		for _, item := range v {
			if plain, err := x.isPlain(item, depth+1); !plain {
				return false, err
			}
		}
		return true, nil
	case []any:
		if err := items(len(v)); err != nil {
			return false, err
		}
		for _, item := range v {
			if plain, err := x.isPlain(item, depth+1); !plain {
				return false, err
			}
		}
		return true, nil
	}
	return false, nil
}
