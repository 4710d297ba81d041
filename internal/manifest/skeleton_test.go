package manifest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	sigsyaml "sigs.k8s.io/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/testmain"
)

// fill is a template's text with each «» a placeholder, filled with values.
func fill(t *testing.T, text string, values ...any) (*Text, error) {
	t.Helper()
	s, err := ParseSkeleton("t.yaml", []byte(strings.ReplaceAll(text, "«»", Placeholder)))
	if err != nil {
		return nil, err
	}
	return s.Fill(values)
}

const object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"

func TestFillWritesValuesAsData(t *testing.T) {
	list := []any{"a", "no", int64(1)}
	mapping := map[string]any{"b": true, "a": []any{map[string]any{"name": "x", "value": "1"}}, "c": map[string]any{}}
	for name, c := range map[string]struct {
		text   string
		values []any
		want   string
	}{
		"plain string":                 {"v: «»", []any{"abc"}, "v: abc"},
		"string that reads as boolean": {"v: «»", []any{"no"}, `v: "no"`},
		"boolean":                      {"v: «»", []any{false}, "v: false"},
		"integer":                      {"v: «»", []any{int64(1000000)}, "v: 1000000"},
		"float":                        {"v: «»", []any{1e6}, "v: 1000000.0"},
		"large integer":                {"v: «»", []any{Number("123456789012345678901234567890")}, "v: 123456789012345678901234567890"},
		"number in quotes is text":     {`v: "«»"`, []any{int64(8080)}, `v: "8080"`},
		"number in a string is text":   {"v: «»m", []any{int64(250)}, "v: 250m"},
		"digits put together are text": {"v: «»«»", []any{"1", "2"}, `v: "12"`},
		"colon":                        {"v: «»", []any{"a: b"}, `v: "a: b"`},
		"comment":                      {"v: «»", []any{"a # b"}, `v: "a # b"`},
		"empty":                        {"v: «»", []any{""}, `v: ""`},
		"prefix":                       {"v: dev-«»", []any{"x: y"}, `v: "dev-x: y"`},
		"single quotes":                {"v: '«»'", []any{"it's"}, "v: 'it''s'"},
		"line break in single quotes":  {"v: '«»'", []any{"a\nb"}, `v: "a\nb"`},
		"double quotes":                {`v: "«»"`, []any{`a"b\`}, `v: "a\"b\\"`},
		"line breaks":                  {"v: «»", []any{"a\nb\n"}, "v: |\n  a\n  b"},
		"list item":                    {"v:\n  - «»", []any{"*a"}, "v:\n  - \"*a\""},
		"flow list":                    {"v: [«», «»]", []any{"a,b", "c"}, `v: ["a,b", c]`},
		"key":                          {"v: {«»: 1}", []any{"y"}, `v: {"y": 1}`},
		"literal":                      {"v: |\n    a «»\n    b\nw: 1", []any{"x\ny"}, "v: |\n    a x\n    y\n    b\nw: 1"},
		"literal keeps its comment":    {"v: |- # c\n  «»\nw: 1", []any{"x"}, "v: |- # c\n  x\nw: 1"},
		"list":                         {"v: «»\nw: 1", []any{list}, "v:\n  - a\n  - \"no\"\n  - 1\nw: 1"},
		"list with a comment behind":   {"v: «»  # c", []any{list}, "v: [a, \"no\", 1]  # c"},
		"empty list":                   {"v: «»", []any{[]any{}}, "v: []"},
		"map":                          {"v:\n  w: «»\n", []any{mapping}, "v:\n  w:\n    a:\n      - name: x\n        value: \"1\"\n    b: true\n    c: {}\n"},
		"map as a list item":           {"v:\n- «»\n", []any{mapping}, "v:\n- a:\n    - name: x\n      value: \"1\"\n  b: true\n  c: {}\n"},
		"map on its own line":          {"v:\n    «»\n", []any{mapping}, "v:\n    a:\n      - name: x\n        value: \"1\"\n    b: true\n    c: {}\n"},
		"map in a flow":                {"v: [«»]", []any{mapping}, `v: [{a: [{name: x, value: "1"}], b: true, c: {}}]`},
		"string with breaks in a map":  {"v: «»", []any{map[string]any{"a": "x\ny\n"}}, "v:\n  a: |\n    x\n    y"},
		"behind an anchor":             {"v: &a «»\nw: *a", []any{mapping["a"]}, "v: &a\n  - name: x\n    value: \"1\"\nw: *a"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := fill(t, object+c.text, c.values...)
			if err != nil {
				t.Fatal(err)
			}
			if want := object + strings.TrimSuffix(c.want, "\n") + "\n"; string(got.Data) != want {
				t.Errorf("got\n%s\nwant\n%s", got.Data, want)
			}
		})
	}
}

func TestFillRefusesWhatAPlaceCannotHold(t *testing.T) {
	for name, c := range map[string]struct {
		text        string
		values      []any
		placeholder int
		want        string
	}{
		"a comment":              {"a: «» # «»", []any{"x", "y"}, 1, "comment"},
		"a key with a break":     {"«»: x", []any{"a\nb"}, 0, "line break"},
		"a very long key":        {"«»: x", []any{strings.Repeat("k", 2000)}, 0, "longer"},
		"a list in a string":     {"v: x-«»-«»", []any{"x", []any{"y"}}, 1, "inside a string"},
		"a map in quotes":        {"v: '«»'", []any{map[string]any{"a": 1}}, 0, "inside a string"},
		"bytes that are no text": {"v: «»", []any{"\xff"}, 0, "UTF-8"},
		"and alone in a block":   {"v: |-\n  «»", []any{"\xff"}, 0, "UTF-8"},
		"an empty name":          {"---\napiVersion: v1\nkind: A\nmetadata: {x: «», name: «»}", []any{"x", ""}, 1, "no name"},
		"a list for a name":      {"---\napiVersion: v1\nkind: A\nmetadata: {x: «», name: «»}", []any{"x", []any{"a"}}, 1, "no name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fill(t, object+c.text, c.values...)
			var p *PlaceholderProblem
			if !errors.As(err, &p) || p.Placeholder != c.placeholder || !strings.Contains(p.Message, c.want) {
				t.Errorf("got %#v (%v), want placeholder %d and %q", p, err, c.placeholder, c.want)
			}
		})
	}
}

func TestParseSkeletonRefusesAKeyThatStandsTwice(t *testing.T) {
	_, err := fill(t, object+"a: {b: 1}\na: {«»: 1, «»: 2}\n", "x", "y")
	if got, want := fmt.Sprint(err), "t.yaml:5:1: duplicate key \"a\""; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err = fill(t, object+"a: {«»: 1, «»: 2}\n", "x", "y"); err != nil {
		t.Errorf("keys that may differ: %v", err)
	}
}

func TestFillKnowsImagesAndObjects(t *testing.T) {
	text, err := fill(t, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: «»-api
  namespace: «»
spec:
  containers:
    - name: api
      image: «»:«» # kept
    - image: "nginx:1.27"
  initContainers: «»
`, "alice", "dev", "ecr.repo/api", "", []any{map[string]any{"image": "busybox"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := text.Objects[0].String(); got != "Deployment dev/alice-api" {
		t.Errorf("got object %s", got)
	}
	var got []string
	for i, image := range text.Images {
		got = append(got, image.Ref.Name, text.Run(i).Suffix, text.Run(i).Comment)
	}
	want := []string{"ecr.repo/api", ":", " # kept", "nginx", ":1.27", "", "busybox", "", ""}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMatchFindsWhatRuns(t *testing.T) {
	text, err := fill(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\ncontainers:\n- image: «»:«»\n- image: 'x:2'\nend: 1\n", "ecr.repo/api", Tag{Text: "1", Repository: "ecr.repo/api"})
	if err != nil {
		t.Fatal(err)
	}
	digest := "@sha256:" + strings.Repeat("0", 64)
	file := strings.Replace(string(text.Data), "api:1", "api:9f2c1ab"+digest+" # by tagbump", 1)
	runs, ok := text.Match([]byte(file))
	want := []Run{{Suffix: ":9f2c1ab" + digest, Comment: " # by tagbump"}, {Suffix: ":2"}}
	if !ok || !reflect.DeepEqual(runs, want) {
		t.Errorf("got %q, %t, want %q", runs, ok, want)
	}
	if got := string(text.WithRuns(runs)); got != file {
		t.Errorf("got\n%s\nwant\n%s", got, file)
	}
	for _, edited := range []string{
		strings.Replace(file, "end: 1", "end: 2", 1),
		strings.Replace(file, "api:9", "api-worker:9", 1),
		strings.Replace(file, " # by tagbump", " x", 1),
		strings.Replace(file, "x:2", "x:3", 1), // a tag that the template wrote out
		file + "more: 1\n",
		file[:len(file)-1],
	} {
		if _, ok := text.Match([]byte(edited)); ok {
			t.Errorf("this matches:\n%s", edited)
		}
	}
	for suffix, valid := range map[string]bool{
		":2": true, digest: true, ":2" + digest: true, ":" + strings.Repeat("a", 128): true, ":_a": true,
		"": false, ":": false, "@": false, ":a:b": false, ":2@": false, ":-x": false, ":.x": false, "@sha256:abc": false,
		":2@sha256:": false, digest + ":2": false, ":" + strings.Repeat("a", 129): false, ":2+3": false,
	} {
		if _, ok := text.Match([]byte(strings.Replace(string(text.Data), "api:1", "api"+suffix, 1))); ok != valid {
			t.Errorf("api%s: matches is %t, want %t", suffix, ok, valid)
		}
	}
}

func TestMarkedScalars(t *testing.T) {
	const name, marker = "ecr.repo/api", " # tagbump: ecr.repo/api"
	data := "a: b2" + marker + "\nb: \"b2\"" + marker + "\nc: ecr.repo/api:b2" + marker + "\n"
	ref, err := image.Parse(name + ":b2")
	if err != nil {
		t.Fatal(err)
	}
	text := &Text{Data: []byte(data)}
	for _, c := range []struct {
		scalar  string
		tagOnly bool
	}{{"b2", true}, {`"b2"`, true}, {name + ":b2", false}} {
		start := strings.Index(data, ": "+c.scalar) + 2
		text.addMarked(ref, scalar{span: span{start, start + len(c.scalar)}, value: c.scalar, first: start}, c.tagOnly, true)
		text.Images[len(text.Images)-1].Tracked = true
	}
	moved := "a: \"1.10\"" + marker + "\nb: '1.10'" + marker + "\nc: ecr.repo/api:1.10" + marker + "\n"
	runs, ok := text.Match([]byte(moved))
	want := []Run{{Suffix: ":1.10", Quote: '"'}, {Suffix: ":1.10", Quote: '\''}, {Suffix: ":1.10"}}
	if !ok || !reflect.DeepEqual(runs, want) {
		t.Fatalf("got %q, %t, want %q", runs, ok, want)
	}
	if got := string(text.WithRuns(runs)); got != moved {
		t.Errorf("got\n%s\nwant\n%s", got, moved)
	}
	for i := range runs { // as taken from an image
		runs[i] = Run{Suffix: ":1.10", Comment: " # of the image"}
	}
	if got, want := string(text.WithRuns(runs)), strings.ReplaceAll(moved, "'", `"`); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, edited := range []string{"a: 1.10", "a:", "a: \"1.10", "a: -x", "a: a:b"} {
		if _, ok := text.Match([]byte(strings.Replace(data, "a: b2", edited, 1))); ok {
			t.Errorf("%s matches", edited)
		}
	}
	var blanked strings.Builder
	text.Blank(func(b []byte) { blanked.Write(b) }, func(Running) bool { return true })
	if got, want := blanked.String(), "a: "+marker+"\nb: "+marker+"\nc: ecr.repo/api"+marker+"\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// hostile are strings that text templates of YAML have choked on.
var hostile = []string{
	"", " ", "a", "no", "y", "null", "~", "true", "1", "0o17", "010", "1_000", "12e4", ".inf", "2026-11-20", "1:30", "=", "<<", "-", "--", "---", "--- a", "...",
	"*a", "&a", "!!x", "!x", "# x", "x # y", "x #y", "a: b", "a:", ": ", ":", "- a", "? a", "{{", "{", "[a", "}", "]", ",", "a, b", "%TAG", "@a", "`a`", "'", `"`, `\`, `\n`,
	"a\nb", "a\n", "\na", "a\n\n", "a\n\nb\n", " a", "a ", "a  b", "\ta", "a\tb", "a\t", "\t", "\n", "a\r\nb", "\r", "\u0085", "a\u0085b", "\u2028", "a\u2029b", "\ufeff", "a\ufeff",
	"日本語", "é", "🙂", "a🙂: b", "\x00", "\x07", "\x7f", "\u200b", "\ufffd", "\uffff", Placeholder, "a" + Placeholder, "|", ">", "|-\n a", "a\n  b\n c", "a \nb", "  \n", "a\n   ", "0x1F", "+1", "-1", "1.", ".5", "1e3",
	strings.Repeat("long ", 200), "a'b\"c", "key: value\nother: value\n", "#", "a#b", "<", "x\n# y\n",
}

// places are texts with one placeholder, each in a kind of place of its own, and where
// its value is then found.
var places = []struct{ text, before, after string }{
	{"v: «»", "", ""},
	{"v: «» # comment", "", ""},
	{"v: «»   ", "", ""},
	{"v: dev-«»", "dev-", ""},
	{"v: «»-dev", "", "-dev"},
	{"v: a «» b", "a ", " b"},
	{"v: \"«»\"", "", ""},
	{"v: \"a «»\"", "a ", ""},
	{"v: '«»'", "", ""},
	{"v: 'it''s «»'", "it's ", ""},
	{"v: |-\n  «»", "", ""},
	{"v: |\n  a «»\n  b", "a ", "\nb\n"},
	{"v: |+\n  «»\n\n\nx: 1", "", "\n\n\n"},
	{"v: >-\n  a\n  «»\nx: 1", "a ", ""},
	{"v: !!str «»", "", ""},
	{"x: {a: 1}\nv: «»\ny: 1", "", ""},
	{"x: [1]\nv:\n    «»\ny: 1", "", ""},
	{"x: &a «»\nv: *a", "", ""},
	{"{x: 1, v: «», y: 2}", "", ""},
	{"{x: 1, v: a«», y: 2}", "a", ""},
	{"{\"v\": \"«»\"}", "", ""},
	{"# before\nv: «» # beside: {\n# behind\nw: 1", "", ""},
	{"x: [a, # beside\n  {b: «»}]\nv: «»", "", ""},
	{"v: &a «» # c\nw: [*a, {k: *a}]", "", ""},
	{"x: &m {k: «»}\nw: {<<: *m}\nv: x-«»", "x-", ""},
	{"? «»\n: 1\nv: «»", "", ""},
	{"x: {«»: [«», {«»: «»}]}\nv: «»", "", ""},
	{"x: |2-\n    «»\nv: «»", "", ""},
	{"x: >+ # c\n  «»\n\nv: '«»' # c", "", ""},
	{"v: \"a\\tb\\u0020«»\"", "a\tb ", ""},
	{"x:\n- - «»\n  - k: «»\n    «»: «»\nv: «»\n", "", ""},
	{"x: \"«»\\\n  «»\"\nv: «»\n", "", ""},
}

// TestFillLargeStrings puts a fourth of a megabyte, and a sixteenth of one that has to be escaped, into several places.
func TestFillLargeStrings(t *testing.T) {
	for i, s := range []string{strings.Repeat("a: b # \n", 1<<13), strings.Repeat("\"'\\ ", 1<<14), strings.Repeat("x", 1<<18)} {
		if !testmain.Tried(i) {
			continue
		}
		for _, text := range []string{"v: «»\nw: 1\n", "v: '«»'\nw: 1\n", "v: |-\n  «»\nw: 1\n"} {
			compare(t, object+text, s, s, func(got map[string]any) any { return got["v"] })
		}
	}
}

// TestFillKeepsDocumentsApart puts every hostile string into each of three documents.
func TestFillKeepsDocumentsApart(t *testing.T) {
	for _, s := range hostile {
		text := "# first\n" + object + "v: «»\n---\n" + object + "v: \"«»\"\nw: '«»'\n---\n" + object + "v: |-\n  «»\n"
		filled, err := fill(t, text, s, s, s, s)
		if err != nil {
			if !strings.Contains(err.Error(), "UTF-8") {
				t.Errorf("%q: %v", s, err)
			}
			continue
		}
		docs := strings.Split(string(filled.Data), "\n---\n")
		if len(docs) != 3 {
			t.Errorf("%q makes %d documents of 3:\n%s", s, len(docs), filled.Data)
			continue
		}
		for i, doc := range docs {
			if i < 2 {
				doc += "\n" // which the split took
			}
			var got map[string]any
			if err := sigsyaml.UnmarshalStrict([]byte(doc), &got); err != nil || got["v"] != s {
				t.Errorf("%q gives\n%s\n%v", s, doc, err)
			}
		}
	}
}

func TestFillRefusesKeysThatBecomeEqual(t *testing.T) {
	for _, text := range []string{"v: {a: 1, «»: 2}", "v:\n  x: {«»: 1, 'a': 2}"} {
		if _, err := fill(t, object+text+"\n", "a"); err == nil || !strings.Contains(err.Error(), "duplicate key") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := fill(t, object+"v: {«»: 1, «»: 2}\n", "a", "a"); err == nil {
		t.Error("two values that are the same key are let pass")
	}
}

// A skeleton that was filled before proves less than a new one, which proves
// everything. Both must write the same.
func TestFillProvesOnceWhatItWritesOften(t *testing.T) {
	const text = object + "data:\n  a: «»\n  b: x-«»\n  c: \"«», «»\"\n  d: '«»'\n  «»: 1\n  e: [«», {f: «»}]\n  g: |\n    «» #\n    - «»\n  h: >\n    «»\n  i: «»\n"
	used, err := ParseSkeleton("t.yaml", []byte(strings.ReplaceAll(text, "«»", Placeholder)))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	word := func() any {
		b := make([]byte, random.IntN(8))
		for i := range b {
			const common, rare = "ab0/", "-._/:@+= 019xeEnoytf~#,'\"\\\n{}[]&*!|>%?é\t"
			if b[i] = common[random.IntN(len(common))]; random.IntN(3) == 0 {
				b[i] = rare[random.IntN(len(rare))]
			}
		}
		return strings.ToValidUTF8(string(b), "é")
	}
	for i := range 500 {
		if !testmain.Tried(i) {
			continue
		}
		values := make([]any, used.placeholders)
		for i := range values {
			values[i] = word()
		}
		values[used.placeholders-1] = map[string]any{"x": []any{word(), int64(random.IntN(3))}}
		got, err := used.Fill(values)
		proved, errProved := fill(t, text, values...)
		if (err == nil) != (errProved == nil) {
			t.Fatalf("%q: got error %v, want %v", values, err, errProved)
		}
		if err == nil && string(got.Data) != string(proved.Data) {
			t.Fatalf("got\n%s\nwant\n%s", got.Data, proved.Data)
		}
	}
}
