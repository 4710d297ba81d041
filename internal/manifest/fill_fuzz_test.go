package manifest

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	sigsyaml "sigs.k8s.io/yaml"

	"k8srepo/internal/testmain"
)

func FuzzFill(f *testing.F) {
	for i, s := range hostile {
		if testmain.Tried(i) {
			f.Add(s)
		}
	}
	f.Fuzz(func(t *testing.T, s string) { checkPlaces(t, s) })
}

func checkPlaces(t *testing.T, value string) {
	t.Helper()
	for _, place := range places {
		text := place.text
		if strings.HasPrefix(text, "{") {
			text = `{"apiVersion": v1, kind: A, metadata: {name: x}, ` + text[1:]
		} else {
			text = object + text + "\n"
		}
		compare(t, text, place.before+value+place.after, value, func(got map[string]any) any { return got["v"] })
	}
	for _, text := range []string{"v:\n- «»", "v:\n- 1\n-   «»\n- 2", "v: [«»]", "v: [1, 'x«»']"} {
		compare(t, object+text+"\n", value, value, func(got map[string]any) any {
			list, _ := got["v"].([]any)
			for _, item := range list {
				if s, ok := item.(string); ok {
					return strings.TrimPrefix(s, map[bool]string{true: "x"}[strings.Contains(text, "x«»")])
				}
			}
			return list
		})
	}
	for _, text := range []string{"v:\n  «»: 1", "v: {«»: 1}", "v:\n  '«»': 1", "v:\n  \"«»\":\n    1"} {
		compare(t, object+text+"\n", value, value, func(got map[string]any) any {
			m, _ := got["v"].(map[string]any)
			for key := range m {
				return key
			}
			return m
		})
	}
	compare(t, object+"v: «»\nw: 1\n", value, map[string]any{"k": []any{value, map[string]any{value: value}}}, func(got map[string]any) any {
		m, _ := got["v"].(map[string]any)
		list, _ := m["k"].([]any)
		if len(list) == 2 && reflect.DeepEqual(list[1], map[string]any{value: value}) {
			return list[0]
		}
		return got["v"]
	})
}

// compare fills text, and checks that pick finds want in what kubectl reads. A
// value that is refused is fine where it is no text, or a bad key.
func compare(t *testing.T, text, want string, value any, pick func(map[string]any) any) {
	t.Helper()
	place := holedOf(t, text)
	filled, err := place.fill(value)
	if err != nil {
		var p *PlaceholderProblem
		if errors.As(err, &p) && (strings.Contains(p.Message, "UTF-8") || strings.Contains(p.Message, "key")) {
			return
		}
		t.Fatalf("%q in %q: %v", value, text, err)
	}
	var got map[string]any
	if err := sigsyaml.UnmarshalStrict(filled.Data, &got); err != nil {
		t.Fatalf("%q in %q gives\n%s\n%v", value, text, filled.Data, err)
	}
	if found := pick(got); found != want {
		t.Fatalf("%q in %q gives\n%s\nread as %q, want %q", value, text, filled.Data, found, want)
	}
	if keys := place.keys(t); keys != len(got) {
		t.Fatalf("%q in %q gives\n%s\nwhich has %d keys, and should have %d", value, text, filled.Data, len(got), keys)
	}
}

// holed is a text with holes that many values are filled into.
type holed struct {
	text     string
	skeleton *Skeleton // which no value was filled into
	harmless int       // how many keys it has with a harmless value; 0 where that was not asked for
}

// holedTexts are those of compare.
var holedTexts = map[string]*holed{}

func holedOf(t *testing.T, text string) *holed {
	t.Helper()
	known := holedTexts[text]
	if known == nil {
		s, err := ParseSkeleton("t.yaml", []byte(strings.ReplaceAll(text, "«»", Placeholder)))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		known = &holed{text: text, skeleton: s}
		holedTexts[text] = known
	}
	return known
}

// fill fills each place with a value. The skeleton is as good as new: all is proved.
func (p *holed) fill(value any) (*Text, error) {
	s := p.skeleton
	unused := &Skeleton{file: s.file, slots: s.slots, objects: s.objects, maps: s.maps, splices: s.splices, toParse: s.toParse, placeholders: s.placeholders, lines: s.lines}
	return unused.Fill(slices.Repeat([]any{value}, s.placeholders))
}

// keys returns how many keys the document has, whatever the value is.
func (p *holed) keys(t *testing.T) int {
	t.Helper()
	if p.harmless > 0 {
		return p.harmless
	}
	var structure map[string]any
	filled, err := p.fill("harmless")
	if err == nil {
		err = sigsyaml.UnmarshalStrict(filled.Data, &structure)
	}
	if err != nil {
		t.Fatalf("%q: %v", p.text, err)
	}
	p.harmless = len(structure)
	return p.harmless
}
