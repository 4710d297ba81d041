package validate

import (
	"math"
	"strconv"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
)

// words are the plain scalars that kubectl and the API server read as booleans or null. They read
// YAML 1.1, where more words are booleans than in YAML 1.2.
var words = map[string]any{
	"": nil, "~": nil, "null": nil, "Null": nil, "NULL": nil,
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
	"true": true, "True": true, "TRUE": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
	"false": false, "False": false, "FALSE": false,
}

var floatPattern = lazyregexp.New(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// scalarOf returns a scalar as kubectl hands it to the API server: nil, bool, int64, float64, or
// string.
func scalarOf(v manifest.Value) any {
	if v.Plain {
		return plainScalar(v.Text)
	}
	switch v.Kind {
	case manifest.Null:
		return nil
	case manifest.String:
		return v.Text
	}
	return plainScalar(v.Text) // of a tag: !!int "1"
}

func plainScalar(text string) any {
	if text == "" {
		return nil
	}
	switch c := text[0]; {
	case c >= '0' && c <= '9', c == '+', c == '-', c == '.':
		return number(text)
	case strings.IndexByte("yYnNtTfFoO~", c) >= 0:
		if v, ok := words[text]; ok {
			return v
		}
	}
	return text
}

func number(text string) any {
	digits := strings.ReplaceAll(text, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return i
	}
	if _, err := strconv.ParseUint(digits, 0, 64); err == nil {
		f, _ := strconv.ParseFloat(digits, 64)
		return f
	}
	if floatPattern.MatchString(digits) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil {
			if f == math.Trunc(f) && math.Abs(f) < 1e18 {
				return int64(f)
			}
			return f
		}
	}
	return text
}

// keyOf returns a map's key as JSON has it.
func keyOf(v manifest.Value) string {
	if !v.Plain {
		return v.Text
	}
	switch key := plainScalar(v.Text).(type) {
	case bool:
		return strconv.FormatBool(key)
	case int64:
		return strconv.FormatInt(key, 10)
	case float64:
		return strconv.FormatFloat(key, 'g', -1, 64)
	}
	return v.Text
}
