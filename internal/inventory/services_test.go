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
		"twice, with a quoted key":  {"services:\n" + one + two + "  - {\"name\": api, image: example.com/other}\n", []string{"api"}},
		"a blank before the colon":  {"services:\n" + one + two + "  - {'name' : api, image: example.com/other}\n", []string{"api"}},
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

// TestLoadMentioning finds every service that LoadServices finds with one of the words.
func TestLoadMentioning(t *testing.T) {
	t.Parallel()
	const api, web = "  - {name: api, image: example.com/team/api}\n", "  - name: web\n    image: example.com/web\n    vars: {sidecar: proxy}\n"
	for name, c := range map[string]struct {
		users string
		words []string
		want  []string // names; what more there is does not matter
	}{
		"as usual":          {"teams: []\nservices:\n" + api + web, []string{"web"}, []string{"web"}},
		"several words":     {"services:\n" + api + web, []string{"api", "web"}, []string{"api", "web"}},
		"in another line":   {"services:\n" + api + web, []string{"proxy"}, []string{"web"}},
		"none":              {"services:\n" + api + web, []string{"nobody"}, nil},
		"in flow style":     {"services: [{name: api, image: example.com/api}]\n", []string{"api"}, []string{"api"}},
		"a quoted key":      {"\"services\":\n" + api, []string{"api"}, []string{"api"}},
		"JSON":              {`{"services": [{"name": "api", "image": "example.com/api"}]}`, []string{"api"}, []string{"api"}},
		"escaped":           {"services:\n  - {name: api, image: \"example.com/\\x61pi\"}\n" + web, []string{"api"}, []string{"api"}},
		"by an alias":       {"teams: [{name: a, secrets: {K: &i example.com/api}}]\nservices:\n  - {name: one, image: *i}\n" + web, []string{"api"}, []string{"one"}},
		"an item that is *": {"services:\n  - &s {name: api, image: example.com/api}\n" + web, []string{"api"}, []string{"api"}},
		"no users.yaml":     {"", []string{"api"}, nil},
	} {
		fsys := fstest.MapFS{}
		if c.users != "" {
			fsys[UsersFile] = &fstest.MapFile{Data: []byte(c.users)}
		}
		got, err := LoadMentioning(fsys, c.words)
		if _, wantErr := LoadServices(fsys); (err == nil) != (wantErr == nil) {
			t.Errorf("%s: got %v, want %v", name, err, wantErr)
		}
		for _, want := range c.want {
			if !slices.Contains(Names(got), want) {
				t.Errorf("%s: got %v, want %v", name, Names(got), c.want)
			}
		}
		if name == "as usual" && len(got) != 1 || name == "none" && len(got) != 0 {
			t.Errorf("%s: got %v: the others are not to be parsed", name, Names(got))
		}
	}
}
