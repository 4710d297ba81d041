package manifest

import (
	"reflect"
	"strings"
	"testing"

	"k8srepo/internal/problem"
)

func TestSyntaxProblemIsWhereTheParserStopped(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		line int
		want string
	}{
		"indentation":         {"a:\n  b: 1\n  c:\n    d: 1\n   e: 1\nf: 1\n", 5, "expected key"},
		"indentation of list": {"a:\n - b: 1\n - c: 1\n b: 1\nf: 1\n", 4, "expected '-'"},
		"tab":                 {"a:\n\tb: 1\n", 2, "cannot start any token"},
		"open brace":          {"a:\n  b: {c: 1\nd: 1\ne: 1\n", 2, "expected ',' or '}'"},
		"open bracket, end":   {"a: 1\nb: [c", 2, "expected ',' or ']'"},
		"open quote":          {"a: 1\nb: 'c\nd: 1\n", 2, "end of stream"},
		"colon":               {"a: 1\nb: c: d\ne: 1\n", 2, "mapping values"},
		"first line":          {"@a: 1\n", 1, "cannot start any token"},
		"second document":     {"a: 1\n---\nb: c: d\n", 3, "mapping values"},
		"directive":           {"# a\n%YAML 1.2\na: 1\n", 2, "followed by no ---"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(c.text))
			all := problem.All(err)
			if len(all) != 1 || all[0].Place.Line != c.line || !strings.Contains(all[0].Message, c.want) {
				t.Errorf("got %v, want line %d and %q", err, c.line, c.want)
			}
		})
	}
}

func TestValueKeepsLargeIntegers(t *testing.T) {
	f, err := Parse("x.yaml", []byte("[12345678901234567890123, -12345678901234567890123, 1e30]"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := f.Values()
	if err != nil {
		t.Fatal(err)
	}
	got, want := values[0].Go(), []any{Number("12345678901234567890123"), Number("-12345678901234567890123"), Number("1e30")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

func TestValueAt(t *testing.T) {
	f, err := Parse("x.yaml", []byte("a: {b: {c: 1}, n: null}\n"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := f.Values()
	if err != nil {
		t.Fatal(err)
	}
	for keys, want := range map[string]string{"": "1:1", "a": "1:4", "a b c": "1:12", "a n": "1:19", "a x": "", "a x c": "", "a b c d": ""} {
		got := values[0].At(strings.Fields(keys)...)
		if want != "" {
			want = "x.yaml:" + want
		}
		if got.Place.String() != want {
			t.Errorf("%q is at %q, want %q", keys, got.Place, want)
		}
	}
}

// TestBooleanWithATag: yes and on are true where the tag !!bool says that they are booleans.
func TestBooleanWithATag(t *testing.T) {
	f, err := Parse("x.yaml", []byte("[!!bool yes, !!bool ON, !!bool y, !!bool no, !!bool off, true, False, yes]"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := f.Values()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := values[0].Go(), []any{true, true, true, false, false, true, false, "yes"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

// TestAliasForAKey: what it stands for is the key, not its own name.
func TestAliasForAKey(t *testing.T) {
	f, err := Parse("x.yaml", []byte("metadata: {labels: {&kind a: b}, name: x}\n*kind : c\napiVersion: v1\nkind: Pod\n"))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := f.Objects()
	if err != nil || len(objects) != 1 || objects[0].String() != "Pod x" {
		t.Errorf("got %v, %v", objects, err)
	}
}

func TestAMergeConflictIsToldAsThat(t *testing.T) {
	_, err := Parse("users.yaml", []byte("# a\u2028# b\nusers:\n<<<<<<< HEAD\n=======\n>>>>>>> theirs\n"))
	if all := problem.All(err); len(all) != 1 || all[0].Place.Line != 4 || all[0].Source != "<<<<<<< HEAD" {
		t.Errorf("behind a line separator: got %v", err)
	}

	_, err = Parse("users.yaml", []byte("users:\n  - name: a\n<<<<<<< HEAD\n    state: absent\n=======\n>>>>>>> theirs\n"))
	if err == nil || err.Error() != "users.yaml:3: a merge conflict was left here" {
		t.Errorf("got %v", err)
	}
}

func TestAnAddedKeyIsNeverADuplicate(t *testing.T) {
	for text, ok := range map[string]bool{
		"{a: 1, b: 2}\n": true, "a: 1\nb: 2\n": true,
		"{a: 1, tag: 2}\n": false, "a: 1\ntag: 2\n": false, "a: 1\n'tag': 2\n": false, "x: &t tag\ny: {a: 1, *t : 2}\n": false,
	} {
		f, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		entries := f.docs[0].root
		if y := lookup(entries, "y"); y != nil {
			entries = y
		}
		if out, err := f.splice([]edit{{entries: entries, key: "tag", text: "v1"}}); (err == nil) != ok {
			t.Errorf("%q became %q, %v", text, out, err)
		}
	}
}
