package inventory

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestLoadNamed finds the same as LoadServices, or fails with the same words.
func TestLoadNamed(t *testing.T) {
	t.Parallel()
	const one, two = "  - name: api\n    image: example.com/api\n    vars: {env: {name: web}}\n", "  - {name: web, image: example.com/web}\n"
	for name, c := range map[string]struct {
		users string
		names []string
	}{
		"as usual":                  {"teams:\n  - name: web\nservices:\n" + one + "\n  # the front\n" + two + "users:\n  - name: api\n", []string{"api"}},
		"in one line":               {"services:\n" + one + two, []string{"web"}},
		"both":                      {"services:\n" + one + two, []string{"web", "api"}},
		"not indented":              {"services:\n- name: api\n  image: example.com/api\n- name: web\n  image: example.com/web\nusers: []\n", []string{"web"}},
		"quoted":                    {"services:\n  - image: example.com/api\n    name: \"api\" # it\n", []string{"api"}},
		"in flow style":             {"services: [{name: api, image: example.com/api}]\n", []string{"api"}},
		"by an alias":               {"teams: [{name: &n api}]\nservices:\n  - {name: *n, image: example.com/api}\n", []string{"api"}},
		"escaped":                   {"services:\n  - {name: \"\\x61pi\", image: example.com/api}\n", []string{"api"}},
		"the key is quoted":         {"services:\n  - {\"name\": api, image: example.com/api}\n", []string{"api"}},
		"unknown":                   {"services:\n" + one, []string{"apj"}},
		"twice":                     {"services:\n" + one + one, []string{"api"}},
		"twice, once escaped":       {"services:\n" + one + "services:\n" + one, []string{"api"}},
		"without an image":          {"services:\n  - name: api\n" + two, []string{"api"}},
		"CRLF":                      {strings.ReplaceAll("services:\n"+one+two, "\n", "\r\n"), []string{"web"}},
		"a second document":         {"services:\n" + one + "---\nservices: []\n", []string{"api"}},
		"a text that looks like it": {"services:\n  - name: api\n    image: example.com/api\n    vars:\n      text: |\n        - name: web\n" + two, []string{"web"}},
		"a conflict":                {"services:\n<<<<<<< ours\n" + one + "=======\n" + one + ">>>>>>> theirs\n", []string{"api"}},
	} {
		fsys := fstest.MapFS{UsersFile: {Data: []byte(c.users)}}
		want, wantErr := LoadServices(fsys)
		if wantErr == nil && name != "unknown" {
			want = slices.DeleteFunc(want, func(s *Service) bool { return !slices.Contains(c.names, s.Name) })
		}
		got, err := LoadNamed(fsys, c.names)
		got = slices.DeleteFunc(got, func(s *Service) bool { return name != "unknown" && wantErr == nil && !slices.Contains(c.names, s.Name) })
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v, want %v, %v", name, got, err, want, wantErr)
		}
	}
}
