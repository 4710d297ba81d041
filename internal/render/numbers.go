package render

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// intOf returns a whole number.
func intOf(v any) (int64, error) {
	switch n := v.(type) {
	case int:
		return int64(n), nil
	case int64:
		return n, nil
	case nil:
		return 0, errUnset
	case bool:
		return 0, errors.New("a boolean is not a number")
	}
	f, err := floatOf(v)
	if err != nil {
		return 0, err
	}
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		text, _ := textOf(v)
		return 0, fmt.Errorf("%s is not a whole number", text)
	}
	return int64(f), nil
}

// floatOf returns a number; a text that is one counts.
func floatOf(v any) (float64, error) {
	switch n := v.(type) {
	case int:
		return float64(n), nil
	case int64:
		return float64(n), nil
	case uint64:
		return float64(n), nil
	case float64:
		return n, nil
	case manifest.Number:
		if err := n.Ambiguous(); err != nil {
			return 0, err
		}
		if f, ok := n.Float(); ok {
			return f, nil
		}
	case string:
		if f, err := strconv.ParseFloat(n, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f, nil
		}
		return 0, fmt.Errorf("%q is not a number", problem.Cut(n, 40))
	case nil:
		return 0, errUnset
	case Tag:
		return 0, errTag
	}
	return 0, fmt.Errorf("%s is not a number", describe(v))
}

// calculate folds numbers: whole ones as such, else as fractions. Whole is false where the
// result has more than 64 bits.
func calculate(whole func(a, b int64) (int64, bool), fraction func(a, b float64) float64, values []any) (any, error) {
	var sum int64
	var exact = true
	for i, v := range values {
		n, err := intOf(v)
		if err != nil {
			exact = false
			break
		}
		if i == 0 {
			sum = n
			continue
		}
		if sum, exact = whole(sum, n); !exact {
			break
		}
	}
	if exact {
		return sum, nil
	}
	var result float64
	for i, v := range values {
		f, err := floatOf(v)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			result = f
		} else {
			result = fraction(result, f)
		}
	}
	if math.IsInf(result, 0) || math.IsNaN(result) {
		return nil, errors.New("the result is not a number")
	}
	return result, nil
}

func add(values ...any) (any, error) {
	return calculate(func(a, b int64) (int64, bool) { return a + b, (a+b > a) == (b > 0) }, func(a, b float64) float64 { return a + b }, values)
}

func sub(a, b any) (any, error) {
	return calculate(func(a, b int64) (int64, bool) { return a - b, (a-b < a) == (b > 0) }, func(a, b float64) float64 { return a - b }, []any{a, b})
}

func mul(values ...any) (any, error) {
	whole := func(a, b int64) (int64, bool) {
		return a * b, a == 0 || a*b/a == b && !(a == -1 && b == math.MinInt64)
	}
	return calculate(whole, func(a, b float64) float64 { return a * b }, values)
}

// div returns the whole part of a division of whole numbers, as in sprig.
func div(a, b any) (any, error) {
	if divisor, err := floatOf(b); err == nil && divisor == 0 {
		return nil, errors.New("division by zero")
	}
	whole := func(a, b int64) (int64, bool) { return a / b, !(a == math.MinInt64 && b == -1) }
	return calculate(whole, func(a, b float64) float64 { return a / b }, []any{a, b})
}

func mod(a, b any) (any, error) {
	if divisor, err := intOf(b); err != nil || divisor == 0 {
		return nil, cmp.Or(err, errors.New("division by zero"))
	}
	return calculate(func(a, b int64) (int64, bool) { return a % b, true }, math.Mod, []any{a, b})
}

func maxOf(values ...any) (any, error) {
	return calculate(func(a, b int64) (int64, bool) { return max(a, b), true }, math.Max, values)
}

func minOf(values ...any) (any, error) {
	return calculate(func(a, b int64) (int64, bool) { return min(a, b), true }, math.Min, values)
}

// toInt returns the whole part of a number.
func toInt(v any) (int64, error) {
	if n, err := intOf(v); err == nil {
		return n, nil
	}
	f, err := floatOf(v)
	if err == nil && !(f >= math.MinInt64 && f < math.MaxInt64) { // Go's conversion differs between processors
		text, _ := textOf(v)
		return 0, fmt.Errorf("%s is too large for a whole number", problem.Cut(text, 40))
	}
	return int64(f), err
}

func toFloat(v any) (float64, error) { return floatOf(v) }

func isNumber(v any) bool {
	switch v.(type) {
	case int, int64, uint64, float64, manifest.Number:
		return true
	}
	return false
}

// compare orders two numbers, two texts, or two booleans. The kinds of others do not
// fit; nothing is equal to nothing alone.
func compare(a, b any) (order int, err error) {
	switch {
	case isTag(a) || isTag(b):
		return 0, errTag
	case isNumber(a) && isNumber(b):
		x, errX := floatOf(a)
		y, errY := floatOf(b)
		if err := cmp.Or(errX, errY); err != nil {
			return 0, err
		}
		if i, err := intOf(a); err == nil {
			if j, err := intOf(b); err == nil {
				return cmp.Compare(i, j), nil
			}
		}
		return cmp.Compare(x, y), nil
	}
	if x, ok := a.(bool); ok {
		if y, ok := b.(bool); ok {
			if x == y {
				return 0, nil
			}
			return 1, nil
		}
	}
	if !isText(a) || !isText(b) {
		return 0, fmt.Errorf("%s cannot be compared with %s", describe(a), describe(b))
	}
	x, _ := textOf(a)
	y, _ := textOf(b)
	return strings.Compare(x, y), nil
}

func isText(v any) bool {
	switch v.(type) {
	case string, manifest.FileText:
		return true
	}
	return false
}

// equal reports whether the first value is one of the others.
func equal(a any, others ...any) (bool, error) {
	if len(others) == 0 {
		return false, errors.New("eq takes two values or more")
	}
	for _, b := range others {
		if a == nil || b == nil {
			if a == nil && b == nil {
				return true, nil
			}
			continue
		}
		order, err := compare(a, b)
		if err != nil || order == 0 {
			return err == nil, err
		}
	}
	return false, nil
}

func notEqual(a, b any) (bool, error) {
	same, err := equal(a, b)
	return !same, err
}

func ordered(a, b any) (int, error) {
	if _, isBool := a.(bool); isBool || a == nil || b == nil {
		return 0, fmt.Errorf("%s cannot be compared with %s", describe(a), describe(b))
	}
	return compare(a, b)
}

func less(a, b any) (bool, error) {
	order, err := ordered(a, b)
	return order < 0, err
}

func lessOrEqual(a, b any) (bool, error) {
	order, err := ordered(a, b)
	return order <= 0, err
}

func greater(a, b any) (bool, error) {
	order, err := ordered(a, b)
	return order > 0, err
}

func greaterOrEqual(a, b any) (bool, error) {
	order, err := ordered(a, b)
	return order >= 0, err
}

// toJSON returns a value as JSON on one line, its keys sorted.
func (x *execution) toJSON(v any) (string, error) { return x.encodeJSON(v, "") }

func (x *execution) toPrettyJSON(v any) (string, error) { return x.encodeJSON(v, "  ") }

func (x *execution) encodeJSON(v any, indent string) (string, error) {
	data, err := x.plainData(v)
	if err != nil {
		return "", err
	}
	if data, err = jsonNumbers(data); err != nil {
		return "", err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(data); err != nil {
		return "", err
	}
	return x.bounded(strings.TrimSuffix(b.String(), "\n"))
}

// jsonNumbers is data with numbers as JSON has them.
func jsonNumbers(v any) (any, error) {
	switch v := v.(type) {
	case manifest.Number:
		if err := v.Ambiguous(); err != nil {
			return nil, err
		}
		if json.Valid([]byte(v)) {
			return json.Number(v), nil
		}
		f, ok := v.Float()
		if !ok || math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, fmt.Errorf("JSON has no number %s", v)
		}
		return json.Number(strconv.FormatFloat(f, 'f', -1, 64)), nil
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, fmt.Errorf("JSON has no number %v", v)
		}
		return json.Number(strconv.FormatFloat(v, 'f', -1, 64)), nil
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			var err error
			if list[i], err = jsonNumbers(item); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, item := range v {
			var err error
			if m[key], err = jsonNumbers(item); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	return v, nil
}
