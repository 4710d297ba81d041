package validate

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run -C ../.. ./internal/validate/gen

// The table's format is described in gen/kubernetes.go and gen/lifecycle.go.
//
//go:embed kubernetes.txt.gz
var kubernetesTable []byte

// kubernetes is the table of all minors: which kinds they serve, and which fields these have.
type kubernetes struct {
	minors []string // "1.32", oldest first; a minor's bit is 1<<index
	kinds  map[groupVersionKind]*served
	types  map[string]*objectType
	lives  map[groupVersionKind]lifecycle // of each kind that was ever served
}

type groupVersionKind struct{ group, version, kind string }

func (k groupVersionKind) apiVersion() string {
	if k.group == "" {
		return k.version
	}
	return k.group + "/" + k.version
}

// served is a kind of one version, and the minors that have it.
type served struct {
	minors     uint8
	namespaced bool
	object     *objectType
}

// lifecycle is when a kind's version goes; "" where it stays.
type lifecycle struct {
	deprecated, removed string // minors
	replacement         string // an apiVersion; "" where there is none
}

// objectType is an object with declared fields. A field whose type changed between minors has
// several entries.
type objectType struct {
	fields map[string][]typedField
	extra  *fieldType // of fields that are not declared; nil where they are an error
}

type typedField struct {
	minors uint8
	typ    *fieldType
}

// kindOf is what sort of value a field takes.
type kindOf byte

const (
	aString   kindOf = 's'
	anInt64   kindOf = 'i'
	anInt32   kindOf = 'j'
	aNumber   kindOf = 'n'
	aBool     kindOf = 'b'
	aQuantity kindOf = 'q'
	intOrText kindOf = 'p'
	aTime     kindOf = 't'
	base64    kindOf = 'y'
	anything  kindOf = '*'
	anObject  kindOf = '#'
	aList     kindOf = '['
	aMap      kindOf = '{'
)

// fieldType is the type of a field.
type fieldType struct {
	kind    kindOf
	object  *objectType // of anObject
	item    *fieldType  // of aList and aMap
	set     bool        // a list without equal items
	keys    []listKey   // a list whose items are told apart by them
	notNull bool        // null does not stand for a missing value: of custom resources
}

// listKey is a field that tells the items of a list apart.
type listKey struct {
	name     string
	fallback *string // the value of an item that has none; nil where each must have one
}

var loadKubernetes = sync.OnceValue(func() *kubernetes {
	k, err := parseTable(kubernetesTable)
	if err != nil {
		panic("validate: the embedded table: " + err.Error())
	}
	return k
})

func parseTable(compressed []byte) (*kubernetes, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	k := &kubernetes{kinds: map[groupVersionKind]*served{}, types: map[string]*objectType{}, lives: map[groupVersionKind]lifecycle{}}
	types := map[string]*fieldType{} // by text: most fields share theirs
	var current *objectType
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		switch {
		case f[0] == "minors":
			k.minors = f[1:]
		case f[0] == "kind" && len(f) == 7:
			minors, err := strconv.ParseUint(f[1], 16, 8)
			if err != nil {
				return nil, err
			}
			k.kinds[groupVersionKind{notDash(f[2]), f[3], f[4]}] = &served{uint8(minors), f[5] == "namespaced", k.object(f[6])}
		case f[0] == "life" && len(f) == 7:
			k.lives[groupVersionKind{notDash(f[1]), f[2], f[3]}] = lifecycle{notDash(f[4]), notDash(f[5]), notDash(f[6])}
		case f[0] == "type" && len(f) == 2:
			current = k.object(f[1])
		case len(f) == 3 && current != nil:
			minors, err := strconv.ParseUint(f[1], 16, 8)
			if err != nil {
				return nil, err
			}
			t := types[f[2]]
			if t == nil {
				t = k.typeOf(f[2])
				types[f[2]] = t
			}
			current.fields[f[0]] = append(current.fields[f[0]], typedField{uint8(minors), t})
		default:
			return nil, fmt.Errorf("unknown line %q", lines.Text())
		}
	}
	return k, lines.Err()
}

// notDash returns a word of the table, which writes - for nothing.
func notDash(word string) string { return strings.TrimPrefix(word, "-") }

func (k *kubernetes) object(name string) *objectType {
	o := k.types[name]
	if o == nil {
		o = &objectType{fields: map[string][]typedField{}}
		k.types[name] = o
	}
	return o
}

func (k *kubernetes) typeOf(text string) *fieldType {
	t := &fieldType{kind: kindOf(text[0])}
	rest := text[1:]
	switch t.kind {
	case anObject:
		t.object = k.object(rest)
	case aMap:
		t.item = k.typeOf(rest)
	case aList:
		if keys, item, keyed := strings.Cut(rest, "]"); keyed && !strings.HasPrefix(rest, "[") {
			rest = item
			if t.set = keys == "!"; !t.set {
				for key := range strings.SplitSeq(keys, ",") {
					one := listKey{name: key}
					if name, fallback, ok := strings.Cut(key, "="); ok {
						one = listKey{name, &fallback}
					}
					t.keys = append(t.keys, one)
				}
			}
		}
		t.item = k.typeOf(rest)
	}
	return t
}

// field returns the type of a field for a minor; nil where there is none.
func (o *objectType) field(name string, minor uint8) *fieldType {
	for _, f := range o.fields[name] {
		if f.minors&minor != 0 {
			return f.typ
		}
	}
	return o.extra
}

// names returns the fields that a minor knows.
func (o *objectType) names(minor uint8) []string {
	var names []string
	for name := range o.fields {
		if o.field(name, minor) != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Minors returns the Kubernetes minors that objects can be validated for, oldest first: "1.32".
func Minors() []string { return slices.Clone(loadKubernetes().minors) }

// bit returns a minor's bit; ok is false where the table does not know it.
func (k *kubernetes) bit(minor string) (bit uint8, ok bool) {
	i := slices.Index(k.minors, minor)
	if i < 0 {
		return 0, false
	}
	return 1 << i, true
}
