package validate

import (
	"cmp"
	stdbase64 "encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// walker converts an object as it was written into the maps and lists that the API server's code
// reads, and checks it against its type on the way: unknown fields, wrong types, duplicates. So
// each of these problems has its place, and one does not hide another.
type walker struct {
	minor  uint8
	name   string // of the minor
	from   string // the module and version of an embedded definition; "" for others
	report func(Problem)

	ancestors []ancestor // the objects that the value at hand is in
}

// path is where a value is, from the inside out.
type path struct {
	outer *path
	key   string
	index int // where key is ""
}

func (p *path) String() string {
	if p == nil {
		return ""
	}
	outer := p.outer.String()
	switch {
	case p.key == "":
		return outer + "[" + strconv.Itoa(p.index) + "]"
	case strings.ContainsAny(p.key, "./[]"):
		return outer + "[" + p.key + "]"
	case outer == "":
		return p.key
	}
	return outer + "." + p.key
}

func (w *walker) add(code problem.Code, at *path, place problem.Place, hint, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	field := at.String()
	if field != "" {
		message = field + ": " + message
	}
	w.report(Problem{Code: code, Field: field, Place: place, Message: message, Hint: hint})
}

// value converts a value of type t.
func (w *walker) value(v manifest.Value, t *fieldType, at *path) any {
	switch v.Kind {
	case manifest.Map:
		return w.mapping(v, t, at)
	case manifest.List:
		return w.list(v, t, at)
	}
	scalar := scalarOf(v)
	switch {
	case scalar != nil:
		w.scalar(scalar, v, t, at)
	case t != nil && t.notNull:
		w.add(problem.WrongFieldType, at, v.Place, "remove the line, or give it a value", "it must be %s, not null", typeNames[t.kind])
	}
	return scalar
}

func (w *walker) mapping(v manifest.Value, t *fieldType, at *path) any {
	out := make(map[string]any, len(v.Fields))
	switch {
	case t == nil || t.kind == anything:
		for _, f := range v.Fields {
			out[keyOf(f.Key)] = w.value(f.Value, nil, nil)
		}
		return out
	case t.kind != anObject && t.kind != aMap:
		w.wrongType(v, t, at)
		return out
	}
	if t.kind == anObject {
		w.ancestors = append(w.ancestors, ancestor{at, t.object})
		defer func() { w.ancestors = w.ancestors[:len(w.ancestors)-1] }()
	}
	for i, f := range v.Fields {
		key := keyOf(f.Key)
		item := t.item
		if t.kind == anObject {
			if item = t.object.field(key, w.minor); item == nil {
				w.unknownField(f, key, t.object, at)
				continue
			}
		}
		// A key that is written twice in the same way is an error of the file.
		if _, twice := out[key]; twice && !slices.ContainsFunc(v.Fields[:i], func(g manifest.Field) bool { return g.Key.Text == f.Key.Text }) {
			w.add(problem.DuplicateEntry, &path{outer: at, key: key}, f.Key.Place, "remove one of the two", "the key is written twice")
		}
		out[key] = w.value(f.Value, item, &path{outer: at, key: key})
	}
	return out
}

func (w *walker) unknownField(f manifest.Field, key string, in *objectType, at *path) {
	here := &path{outer: at, key: key}
	if when := w.otherMinors(in, key); when != "" {
		w.add(problem.FieldUnknown, here, f.Key.Place, "", "Kubernetes %s does not have this field; it is there %s", w.name, when)
		return
	}
	names := in.names(w.minor)
	near := cmp.Or(problem.Nearest(key, names), beginning(key, names))
	hint := ""
	if near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	} else if hint = w.elsewhere(key); hint == "" {
		hint = problem.DidYouMean(key, names)
	}
	if w.from != "" && near == "" {
		if hint != "" {
			hint += "; "
		}
		hint += fmt.Sprintf("the definition is that of %s: if your cluster's differs, put it into schemas/", w.from)
	}
	w.add(problem.FieldUnknown, here, f.Key.Place, hint, "there is no such field")
}

// otherMinors says which other minors have a field: from the first later one, else until the last
// earlier one; "" where none has it.
func (w *walker) otherMinors(in *objectType, key string) (when string) {
	for i, name := range loadKubernetes().minors {
		switch bit := uint8(1) << i; {
		case in.field(key, bit) == nil:
		case bit > w.minor:
			return "from " + name
		default:
			when = "only until " + name
		}
	}
	return when
}

func (w *walker) list(v manifest.Value, t *fieldType, at *path) any {
	out := make([]any, len(v.Items))
	var item *fieldType
	switch {
	case t == nil || t.kind == anything:
	case t.kind != aList:
		w.wrongType(v, t, at)
		return out
	default:
		item = t.item
	}
	var seen map[string]manifest.Value
	for i, one := range v.Items {
		here := &path{outer: at, index: i}
		out[i] = w.value(one, item, here)
		if t == nil || !t.set && t.keys == nil {
			continue
		}
		id, ok := w.identity(out[i], one, t, here)
		if !ok {
			continue
		}
		if first, twice := seen[id]; twice {
			w.duplicate(one, first, id, here)
			continue
		}
		if seen == nil {
			seen = make(map[string]manifest.Value, len(v.Items))
		}
		seen[id] = one
	}
	return out
}

func (w *walker) duplicate(second, first manifest.Value, id string, at *path) {
	place := second.Place
	w.add(problem.DuplicateEntry, at, place, fmt.Sprintf("remove one of the two; the first is in line %d", first.Place.Line), "the entry %s is there twice", id)
}

// identity returns what no two items of a list may share.
func (w *walker) identity(item any, v manifest.Value, t *fieldType, at *path) (id string, ok bool) {
	if t.set {
		return fmt.Sprintf("%#v", item), true
	}
	m, isMap := item.(map[string]any)
	if !isMap {
		if item == nil {
			w.add(problem.WrongFieldType, at, v.Place, "", "a null is no entry of this list")
		}
		return "", false // else its type was reported
	}
	var b strings.Builder
	for i, key := range t.keys {
		if i > 0 {
			b.WriteString(", ")
		}
		value, written := m[key.name]
		switch {
		case value == nil && key.fallback != nil:
			value = *key.fallback
		case !written:
			w.add(problem.FieldRequired, at, v.Place, "", "%s is required: it tells the entries of this list apart", key.name)
			return "", false
		}
		fmt.Fprintf(&b, "%s %v", key.name, value)
	}
	return b.String(), true
}

// scalar checks a scalar that is not null.
func (w *walker) scalar(scalar any, v manifest.Value, t *fieldType, at *path) {
	if t == nil || t.kind == anything {
		return
	}
	integer, isInt := scalar.(int64)
	text, isText := scalar.(string)
	_, isFloat := scalar.(float64)
	_, isBool := scalar.(bool)
	fits := false
	switch t.kind {
	case aString:
		fits = isText
	case aBool:
		fits = isBool
	case anInt64:
		fits = isInt
	case anInt32:
		fits = isInt
		if isInt && (integer > math.MaxInt32 || integer < math.MinInt32) {
			w.add(problem.ValueRefused, at, v.Place, "", "%d is out of the range of a 32-bit integer", integer)
		}
	case aNumber:
		fits = isInt || isFloat
	case intOrText:
		fits = isInt || isText
	case aQuantity:
		if fits = isInt || isFloat || isText; isText {
			if _, err := resource.ParseQuantity(strings.TrimSpace(text)); err != nil {
				w.add(problem.ValueRefused, at, v.Place, quantityHint(text), "%q is not a quantity", text)
			}
		}
	case aTime:
		if fits = isText; isText {
			if _, err := time.Parse(time.RFC3339, text); err != nil {
				w.add(problem.ValueRefused, at, v.Place, `write it as "2006-01-02T15:04:05Z"`, "%q is not a time", text)
			}
		}
	case base64:
		if fits = isText; isText {
			if _, err := stdbase64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(text)); err != nil {
				w.add(problem.ValueRefused, at, v.Place, "it is encoded with base64; stringData takes plain text", "this is not base64")
			}
		}
	}
	if !fits {
		w.wrongType(v, t, at)
	}
}

// quantityHint says how a quantity is written that people get wrong.
func quantityHint(text string) string {
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit := strings.TrimSpace(text[len(number):])
	number = strings.TrimSpace(number)
	if number == "" {
		return "write a number with a unit: 250m, 2, 512Mi, 1Gi"
	}
	units := map[string]string{"kb": "Ki", "k": "k", "kib": "Ki", "ki": "Ki", "mb": "Mi", "mib": "Mi", "mi": "Mi", "gb": "Gi", "gib": "Gi", "gi": "Gi",
		"g": "G", "tb": "Ti", "tib": "Ti", "ti": "Ti", "core": "", "cores": "", "cpu": "", "cpus": ""}
	if right, ok := units[strings.ToLower(unit)]; ok {
		return "write " + number + right
	}
	return "the units are m, k, M, G, T, Ki, Mi, Gi, Ti"
}

// typeNames are the types as problems name them.
var typeNames = map[kindOf]string{aString: "a string", anInt64: "an integer", anInt32: "an integer", aNumber: "a number", aBool: "a boolean",
	aQuantity: "a quantity", intOrText: "an integer or a string", aTime: "a time", base64: "a string", anObject: "a map", aList: "a list", aMap: "a map"}

func (w *walker) wrongType(v manifest.Value, t *fieldType, at *path) {
	got := v.Kind.String()
	hint := ""
	if v.Kind != manifest.Map && v.Kind != manifest.List {
		switch scalar := scalarOf(v).(type) {
		case bool:
			got = "a boolean"
		case int64, float64:
			got = "a number"
		case string:
			got = "a string"
			if t.kind == anInt32 || t.kind == anInt64 || t.kind == aBool {
				switch plainScalar(scalar).(type) {
				case int64, bool:
					hint = "leave the quotes out"
				}
			}
		}
		if t.kind == aString || t.kind == base64 || t.kind == aTime {
			hint = "put it in quotes: " + strconv.Quote(v.Text)
		}
		if t.kind == aList && hint == "" {
			hint = "write a list: [" + v.Text + "]"
		}
	}
	w.add(problem.WrongFieldType, at, v.Place, hint, "it must be %s, not %s", typeNames[t.kind], got)
}
