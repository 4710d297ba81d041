package manifest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"k8srepo/internal/lazyregexp"
)

// Number is a number as it was written, where a number of Go would be printed in
// another way: 1.10, 012, 1e6, and one that is too large for Go.
type Number string

// AmbiguousError is a number whose meaning depends on the version of YAML.
type AmbiguousError struct {
	Number   Number
	old, new string // what YAML 1.1 and 1.2 read; "" is a text
}

func (e *AmbiguousError) Error() string {
	readings := [2]string{e.old, e.new}
	for i, r := range readings {
		if r == "" {
			readings[i] = "text"
		}
	}
	return fmt.Sprintf("%s is %s in YAML 1.1 and %s in YAML 1.2", e.Number, readings[0], readings[1])
}

// Hint says how to write the number.
func (e *AmbiguousError) Hint() string {
	numbers := e.old
	switch {
	case e.old == "":
		numbers = e.new
	case e.new != "" && e.new != e.old:
		numbers += " or " + e.new
	}
	return fmt.Sprintf("write %s, or %q if it is text", numbers, string(e.Number))
}

var (
	leadingZero = lazyregexp.New(`^[-+]?0[0-9_]+$`)
	radix       = lazyregexp.New(`^[-+]?0[box][0-9a-fA-F_]+$`)
)

// Ambiguous returns an *AmbiguousError where YAML 1.1 and 1.2, or the parsers that follow
// them, read different things.
func (n Number) Ambiguous() error {
	text := string(n)
	decimal := strings.ReplaceAll(text, "_", "")
	e := &AmbiguousError{Number: n}
	switch {
	case isBase60(text):
		e.old = base60(text)
	case leadingZero.MatchString(text):
		if i, ok := new(big.Int).SetString(decimal, 0); ok {
			e.old = i.String()
		}
		if i, ok := new(big.Int).SetString(decimal, 10); ok && decimal == text {
			e.new = i.String()
		}
	case radix.MatchString(text):
		i, ok := new(big.Int).SetString(decimal, 0)
		if !ok {
			return nil
		}
		switch text[strings.IndexAny(text, "box")] {
		case 'b':
			e.old = i.String()
		case 'o':
			e.new = i.String()
		default:
			e.old, e.new = i.String(), i.String()
		}
	case strings.Contains(text, "_"):
		e.old = decimal
	default:
		return nil
	}
	if e.old == e.new && !radix.MatchString(text) {
		return nil // such as 00
	}
	return e
}

// base60 returns the value of a number in base 60, such as 1:30.
func base60(text string) string {
	digits := strings.TrimLeft(strings.ReplaceAll(text, "_", ""), "+-")
	sum := 0.0
	for part := range strings.SplitSeq(digits, ":") {
		value, _ := strconv.ParseFloat(part, 64)
		sum = sum*60 + value
	}
	if strings.HasPrefix(text, "-") {
		sum = -sum
	}
	return strconv.FormatFloat(sum, 'f', -1, 64)
}

// Float returns the number as YAML 1.1 reads it.
func (n Number) Float() (float64, bool) {
	if isBase60(string(n)) {
		f, err := strconv.ParseFloat(base60(string(n)), 64)
		return f, err == nil
	}
	plain := strings.ToLower(strings.ReplaceAll(string(n), "_", ""))
	if i, ok := new(big.Int).SetString(plain, 0); ok {
		f, _ := new(big.Float).SetInt(i).Float64()
		return f, true
	}
	if strings.HasSuffix(plain, ".inf") || strings.HasSuffix(plain, ".nan") {
		plain = strings.Replace(plain, ".", "", 1)
	}
	f, err := strconv.ParseFloat(plain, 64)
	return f, err == nil
}

// MarshalJSON returns the number as it was written where JSON has it so, else by its
// value, and as text where it is ambiguous.
func (n Number) MarshalJSON() ([]byte, error) {
	if json.Valid([]byte(n)) {
		return []byte(n), nil
	}
	f, ok := n.Float()
	if !ok || n.Ambiguous() != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return json.Marshal(string(n))
	}
	return json.Marshal(f)
}
