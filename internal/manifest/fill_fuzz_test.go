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
	filled, err := fill(t, text, slices.Repeat([]any{value}, strings.Count(text, "«»"))...)
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
	var structure map[string]any
	harmless, err := fill(t, text, slices.Repeat([]any{any("harmless")}, strings.Count(text, "«»"))...)
	if err == nil {
		err = sigsyaml.UnmarshalStrict(harmless.Data, &structure)
	}
	if err != nil || len(structure) != len(got) {
		t.Fatalf("%q in %q gives\n%s\nwhich has other keys than it should (%v)", value, text, filled.Data, err)
	}
}
