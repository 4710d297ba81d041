package render

import (
	"bytes"
	"fmt"
	"text/template"

	"k8srepo/internal/manifest"
)

// recorder takes what one execution of a template prints: text into out, values
// into values, with a mark in out for each.
type recorder struct {
	out     bytes.Buffer
	values  []any
	actions []int // of each value, the action that printed it
	tags    []int // the numbers of the values that are tags
}

// longestText is how much one template may print, values aside. Kubernetes takes no
// object of more than some MB; this is for ranges that never end.
const longestText = 16 << 20

var errTooLong = fmt.Errorf("the template prints more than %d MB", longestText>>20)

// Write takes text that the template prints.
func (r *recorder) Write(text []byte) (int, error) {
	if r.out.Len()+len(text) > longestText {
		return 0, errTooLong
	}
	return r.out.Write(text)
}

func (r *recorder) reset() {
	r.out.Reset()
	r.values, r.actions, r.tags = r.values[:0], r.actions[:0], r.tags[:0]
}

// functions are what marked templates call (see Templates.mark).
func (r *recorder) functions() template.FuncMap {
	return template.FuncMap{"value": r.value}
}

// noTag stands for a first tag that is not given, so that the image around it is
// a whole reference. It is never written: without a tag to run there is no file.
const noTag = "manifestgen.no-tag"

// valueError is a value that cannot be printed. Its message has a %s for the action.
type valueError struct {
	action        int
	message, hint string
}

func (e *valueError) Error() string { return e.message }

// value records a value that the action n prints, and returns its mark.
func (r *recorder) value(n int, v any) (string, error) {
	switch value := v.(type) {
	case nil:
		return "", &valueError{n, "%s is not set", "set it, or ask for it with if, with or default"}
	case Tag:
		r.tags = append(r.tags, len(r.values))
		if v = manifest.Tag(value.text); value.text == "" {
			v = manifest.Tag(noTag)
		}
	case Vars:
		v = map[string]any(value)
	case map[string]string:
		m := make(map[string]any, len(value))
		for key, text := range value {
			m[key] = text
		}
		v = m
	case string, bool, int, int64, uint64, float64, manifest.Number, []any, map[string]any:
	default:
		return "", &valueError{n, "%s is " + describe(v) + ", which cannot be printed", "print one of its fields"}
	}
	r.values = append(r.values, v)
	r.actions = append(r.actions, n)
	return manifest.Mark, nil
}
