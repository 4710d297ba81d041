package validate_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/testmain"
	"k8srepo/internal/validate"
	"k8srepo/internal/validate/mistakes"
)

// differs matches the mistakes that an API server takes and validate refuses, on purpose: see
// docs/validation.md.
var differs = regexp.MustCompile(` is (99999999999999999999|3000000000)$`)

// TestServerVerdicts makes the mistakes in testdata/objects that API servers were asked about, and
// compares the verdicts. An object is made once for all servers.
func TestServerVerdicts(t *testing.T) {
	records := readRecords(t)
	var names []string
	for _, record := range records {
		names = slices.AppendSeq(names, maps.Keys(record.Refused))
	}
	slices.Sort(names)
	tried := map[string]bool{} // of each name that a record has, whether its mistake is made
	for i, name := range slices.Compact(names) {
		tried[name] = testmain.Tried(i)
	}
	made := readMistakes(t, func(name string) bool { return tried[name] })
	for _, record := range records {
		t.Run(record.Release, func(t *testing.T) { testVerdicts(t, record, tried, made) })
	}
}

// readRecords returns the records of API servers.
func readRecords(t *testing.T) []mistakes.Record {
	files, err := filepath.Glob("testdata/verdicts/v*.txt.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("no records: %v", err)
	}
	var records []mistakes.Record
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		record, err := mistakes.ReadRecord(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(record.Refused) < 1000 {
			t.Errorf("%s has only %d verdicts", file, len(record.Refused))
		}
		records = append(records, record)
	}
	return records
}

// parsed is what is read of a text: objects, or why there are none.
type parsed struct {
	objects []manifest.Value
	err     error
}

// readMistakes makes the mistakes with a wanted name, and returns them by it. Most are put together
// from scalars that were parsed for an earlier one; the first of a sort is parsed as a whole too,
// to see that it is the same.
func readMistakes(t *testing.T, wanted func(name string) bool) map[string]parsed {
	originals, err := mistakes.Read("testdata/objects")
	if err != nil {
		t.Fatal(err)
	}
	made, sorts, parts := map[string]parsed{}, map[string]bool{}, composer{scalars: map[any]manifest.Value{}}
	for _, original := range originals {
		list, err := mistakes.Make(original, wanted)
		if err != nil {
			t.Fatal(err)
		}
		parts.parts = map[uintptr]manifest.Value{}
		for _, m := range list {
			parts.fault = nil
			value := parts.value(t, m.Object)
			if parts.fault != nil {
				made[m.Name] = parse(mistakes.Text(m.Object))
				continue
			}
			p := parsed{objects: validate.Objects([]manifest.Value{value})}
			made[m.Name] = p
			if sorts[m.What] {
				continue
			}
			sorts[m.What] = true
			whole := parse(mistakes.Text(m.Object))
			if whole.err != nil || !slices.EqualFunc(whole.objects, p.objects, sameMeaning) {
				t.Errorf("%s: %v; it is parsed as\n%+v\nand put together as\n%+v", m.Name, whole.err, whole.objects, p.objects)
			}
		}
	}
	return made
}

func parse(text []byte) parsed {
	file, err := manifest.Parse("x.yaml", text)
	if err != nil {
		return parsed{err: err}
	}
	values, err := file.Values()
	return parsed{validate.Objects(values), err}
}

// composer puts the values of trees together: what is not a map or a list is parsed once, and trees
// share the parts that they have in common.
type composer struct {
	scalars map[any]manifest.Value
	parts   map[uintptr]manifest.Value // of maps and lists, by their address
	line    int                        // of the last value: each is in a line of its own
	fault   error                      // why the tree must be parsed as a whole
}

func (c *composer) value(t *testing.T, tree any) manifest.Value {
	switch tree := tree.(type) {
	case map[string]any:
		return c.part(tree, func(v *manifest.Value) {
			v.Kind, v.Fields = manifest.Map, make([]manifest.Field, 0, len(tree))
			for _, key := range slices.Sorted(maps.Keys(tree)) {
				v.Fields = append(v.Fields, manifest.Field{Key: c.value(t, key), Value: c.value(t, tree[key])})
			}
		})
	case []any:
		return c.part(tree, func(v *manifest.Value) {
			v.Kind, v.Items = manifest.List, make([]manifest.Value, 0, len(tree))
			for _, item := range tree {
				v.Items = append(v.Items, c.value(t, item))
			}
		})
	case mistakes.Doubled:
		c.fault = errors.New("a key twice is for the parser to refuse")
		return manifest.Value{}
	}
	v := c.scalar(t, tree)
	v.Place = c.place()
	return v
}

// part returns the value of a map or a list, which fill makes where none has it yet.
func (c *composer) part(tree any, fill func(*manifest.Value)) manifest.Value {
	address := reflect.ValueOf(tree).Pointer()
	v, known := c.parts[address]
	if !known {
		v.Place = c.place()
		fill(&v)
		c.parts[address] = v
	}
	return v
}

func (c *composer) place() problem.Place {
	c.line++
	return problem.Place{File: "x.yaml", Line: c.line, Col: 1}
}

// scalar parses what stands for a scalar; it may be a small map or list.
func (c *composer) scalar(t *testing.T, tree any) manifest.Value {
	v, known := c.scalars[tree]
	if known {
		return v
	}
	p := parse(slices.Concat([]byte("["), mistakes.Text(tree), []byte("]")))
	if p.err != nil {
		c.fault = p.err
		return v
	}
	if len(p.objects) != 1 || len(p.objects[0].Items) != 1 {
		t.Fatalf("%v is no scalar: %+v", tree, p.objects)
	}
	v = p.objects[0].Items[0]
	c.scalars[tree] = v
	return v
}

// sameMeaning reports whether two values are the same but for their places.
func sameMeaning(a, b manifest.Value) bool {
	return a.Kind == b.Kind && a.Text == b.Text && a.Plain == b.Plain && slices.EqualFunc(a.Items, b.Items, sameMeaning) &&
		slices.EqualFunc(a.Fields, b.Fields, func(f, g manifest.Field) bool { return sameMeaning(f.Key, g.Key) && sameMeaning(f.Value, g.Value) })
}

// testVerdicts compares what is refused of the mistakes with what the server of a record refused.
func testVerdicts(t *testing.T, record mistakes.Record, tried map[string]bool, made map[string]parsed) {
	v := validator(t, record.Release[1:strings.LastIndex(record.Release, ".")])
	for _, name := range slices.Sorted(maps.Keys(record.Refused)) {
		if !tried[name] {
			continue
		}
		want := record.Refused[name]
		p, ok := made[name]
		if !ok {
			t.Fatalf("%q is not made any more: record it anew", name)
		}
		got, unknown, said := refuses(v, p)
		if got != want && !unknown && !(got && differs.MatchString(name)) {
			t.Errorf("%s: refused %v, and the server says %v\n%s", name, got, want, said)
		}
	}
}

// refuses reports whether an object is refused or of an unknown kind, and what is said of it.
func refuses(v *validate.Validator, p parsed) (refused, unknown bool, said string) {
	if p.err != nil {
		return true, false, p.err.Error()
	}
	for _, object := range p.objects {
		verdict := v.Object(object, "default")
		unknown = unknown || verdict.Unknown
		for _, p := range verdict.Refused {
			refused, said = true, said+p.Message+"\n"
		}
	}
	return refused, unknown, said
}
