package inventory

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// editor is one of an inventory whose users.yaml is a text.
func editor(t *testing.T, users string) *Editor {
	t.Helper()
	fsys := fstest.MapFS{
		"users.yaml":               {Data: []byte(users)},
		"environments/dev.yaml":    {Data: []byte("# dev\nnamespace: dev\npath: clusters/dev\ntemplates: [user]\n")},
		"environments/base.yaml":   {Data: []byte("abstract: true\n")},
		"environments/stage.yaml":  {Data: []byte("extends: base\ncluster: stage-a\ndomain: stage.example.com\ntemplates: [user]\nvars: {certificate: 'arn:aws:acm:1', bucket: logs-stage}\n")},
		"templates/variables.yaml": {Data: []byte("note: null\nreplicas: 1\ncertificate: null\nbucket: null\n")},
	}
	inv, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return &Editor{fsys, inv}
}

// marked returns what a text with marks is before and after: lines with - are only before,
// lines with + only after.
func marked(text string) (before, after string) {
	for line := range strings.Lines(strings.TrimPrefix(text, "\n")) {
		if line[0] != '+' {
			before += line[1:]
		}
		if line[0] != '-' {
			after += line[1:]
		}
	}
	return before, after
}

// names are the teams and services of the users below, for the tests of formats.
const names = `
 teams: [{name: web}, {name: data}]
 services: [{name: api, image: e/api}, {name: search, image: e/search}]
`

// formats are users.yaml files as people write them; + marks what a user comes to.
var formats = []struct{ name, text string }{
	{"plain", names + `
 users:
   - name: alice
     mission_type: data
     services: [api]
+  - name: erin
+    mission_type: web
+    services: [api, search]
`},
	{"comments everywhere", `
 # 1
 teams: # 2
   # 3
   - name: web # 4
   # 5
   - {name: data} # 6
 services: # 7
   - name: api # 8
     image: e/api # 9
   - {name: search, image: e/search}
 # 10
 users: # 11
   # 12
   - name: alice # 13
     # 14
     mission_type: data # 15
     # 16
     services: [api] # 17
     # 18
+  - name: erin
+    mission_type: web
+    services: [api, search]
   # 19
 # 20
`},
	{"users first", `
 users:
   - name: alice
     mission_type: data
     services: [api]
+  - name: erin
+    mission_type: web
+    services: [api, search]
 
 # The teams.
` + strings.TrimPrefix(names, "\n")},
	{"lists at the margin", names + `
 users:
 - name: alice
   mission_type: data
   services:
   - api
+- name: erin
+  mission_type: web
+  services:
+  - api
+  - search
`},
	{"deep lists", names + `
 users:
     -   name: alice
         mission_type: data
         services:
             -   api # only
+    -   name: erin
+        mission_type: web
+        services:
+            -   api
+            -   search
`},
	{"flow items", names + `
 users:
   - {name: alice, mission_type: data, services: [api]} # a
+  - {name: erin, mission_type: web, services: [api, search]}
   # - {name: zoe}
`},
	{"padded flow items", names + `
 users:
   - { name: alice,  mission_type: data,  services: [ api ] }
+  - { name: erin,  mission_type: web,  services: [ api, search ] }
`},
	{"a flow list on one line", names + `
-users: [{name: alice, mission_type: data}] # all
+users: [{name: alice, mission_type: data}, {name: erin, mission_type: web, services: [api, search]}] # all
`},
	{"a flow list over lines", names + `
 users: [
   {name: alice, mission_type: data}, # a
   {name: bob, mission_type: data},   # b
+  {name: erin, mission_type: web, services: [api, search]},
 ] # all
`},
	{"a flow list over lines without a last comma", names + `
 users: [
-  {name: alice, mission_type: data} # a
+  {name: alice, mission_type: data}, # a
+  {name: erin, mission_type: web, services: [api, search]}
 ]
`},
	{"an empty list", `
 teams:
 - name: web
 services:
 - {name: api, image: e/api}
 - {name: search, image: e/search}
-users: [] # nobody
+users: # nobody
+- {name: erin, mission_type: web, services: [api, search]}
`},
	{"an empty list between others", `
 services: [{name: api, image: e/api}, {name: search, image: e/search}]
-users: []
+users: [{name: erin, mission_type: web, services: [api, search]}]
 teams: [{name: web}]
`},
	{"no users", `
 teams:
   - name: web
 services:
   - name: api
     image: e/api
   - name: search
     image: e/search
+users:
+  - name: erin
+    mission_type: web
+    services: [api, search]
 # the end
`},
	{"Japanese", names + `
 # 利用者一覧　（五十音順）
 users:
   - name: alice   # 「アリス」
     mission_type: data   # データ班
     services: [api]   # 検索は使わない
     vars: {note: "日本語：はい"}
+  - name: erin
+    mission_type: web
+    services: [api, search]
 # 以上
`},
	{"blank lines and a heading each", names + `
 users:
 
   # --- alice ---
   - name: alice
     mission_type: data
 
   # --- bob ---
   - name: bob
     mission_type: data
+
+  - name: erin
+    mission_type: web
+    services: [api, search]
 
 
`},
	{"quotes and columns", names + `
 users:
   - name:          "alice"
     mission_type:  'data'
     services:      ["api"]
+  - name:          "erin"
+    mission_type:  'web'
+    services:      ["api", "search"]
`},
	{"another order", names + `
 users:
   - services: [api]
     name: alice
     mission_type: data
+  - services: [api, search]
+    name: erin
+    mission_type: web
`},
	{"state in every entry", names + `
 users:
   - name: alice
     mission_type: data
     services: [api]
     state: present
   - name: bob
     mission_type: data
     services: []
     state: absent
+  - name: erin
+    mission_type: web
+    services: [api, search]
+    state: present
`},
	{"text at the end", names + `
 users:
   - name: alice
     mission_type: data
     vars:
       note: |+
         # no comment
 
         - name: nobody
 
+  - name: erin
+    mission_type: web
+    services: [api, search]
`},
	{"dashes alone", names + `
 users:
   -
     name: alice
     mission_type: data
+  -
+    name: erin
+    mission_type: web
+    services: [api, search]
`},
	{"JSON", `
 {"teams": [{"name": "web"}, {"name": "data"}],
  "services": [{"name": "api", "image": "e/api"}, {"name": "search", "image": "e/search"}],
  "users": [
-   {"name": "alice", "mission_type": "data"}
+   {"name": "alice", "mission_type": "data"},
+   {"name": "erin", "mission_type": "web", "services": ["api", "search"]}
  ]}
`},
	{"anchors in other lists, and marks of documents", `
 %YAML 1.1
 ---
 teams:
   - &web {name: web, secrets: &s {A: a}}
   - {name: data, secrets: *s}
 services:
   - {name: api, image: e/api}
   - {name: search, image: e/search}
 users:
   - name: alice
     mission_type: data
+  - name: erin
+    mission_type: web
+    services: [api, search]
 ...
`},
}

// TestAddUser: only the new lines differ, whatever the file looks like; with CRLF, and with
// no final line break too.
func TestAddUser(t *testing.T) {
	erin := NewUser{Name: "erin", Team: "web", Services: []string{"api", "search"}}
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			before, want := marked(strings.ReplaceAll(f.text, "\n\n", "\n"))
			cases := [][2]string{{before, want}, {strings.ReplaceAll(before, "\n", "\r\n"), strings.ReplaceAll(want, "\n", "\r\n")}}
			if f.name != "text at the end" { // its last line breaks belong to the text
				cases = append(cases, [2]string{strings.TrimRight(before, "\n"), strings.TrimRight(want, "\n")})
			}
			for _, c := range cases {
				e := editor(t, c[0])
				edit, err := e.AddUser(erin)
				if err != nil {
					t.Fatalf("%v\n%s", err, c[0])
				}
				if string(edit.Old) != c[0] || string(edit.New) != c[1] {
					t.Errorf("%s", diff.Diff("want", []byte(c[1]), "got", edit.New))
				}
				inv, err := Load(Overlay{e.FS, map[string][]byte{edit.File: edit.New}})
				if err != nil {
					t.Fatal(err)
				}
				u := inv.User("erin")
				if len(inv.Users) != len(e.Inventory.Users)+1 || u == nil || u.Absent || u.Team.Name != "web" || strings.Join(Names(u.Services), " ") != "api search" {
					t.Errorf("erin is %+v", u)
				}
			}
		})
	}
}

const people = `teams: [{name: web}, {name: data}]
services:
  - {name: api, image: e/api}
  - {name: search, image: e/search}
users:
  - name: alice # a
    mission_type: web
    services: # hers
      - api # main
      - search # also
  - {name: bob, mission_type: data, services: [api, search], state: absent}
  - name: carol
    mission_type: data
    expires: 2027-03-31 # a guest
`

// TestEdits: other changes of users.yaml, as the lines that differ.
func TestEdits(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, test := range []struct {
		name string
		edit func(*Editor) (Edit, error)
		want string
	}{
		{"remove", func(e *Editor) (Edit, error) { return e.RemoveUser("alice") }, "+    state: absent\n"},
		{"remove one who is absent", func(e *Editor) (Edit, error) { return e.RemoveUser("bob") }, ""},
		{"purge", func(e *Editor) (Edit, error) { return e.PurgeUser("carol") }, "-  - name: carol\n-    mission_type: data\n-    expires: 2027-03-31 # a guest\n"},
		{"team", func(e *Editor) (Edit, error) { return e.SetUser("alice", UserChange{Team: "data"}) }, "-    mission_type: web\n+    mission_type: data\n"},
		{"services", func(e *Editor) (Edit, error) {
			return e.SetUser("alice", UserChange{Services: []string{"api"}, SetServices: true})
		}, "-      - search # also\n"},
		{"the same services", func(e *Editor) (Edit, error) {
			return e.SetUser("alice", UserChange{Services: []string{"search", "api"}, SetServices: true})
		}, ""},
		{"no services", func(e *Editor) (Edit, error) { return e.SetUser("alice", UserChange{SetServices: true}) },
			"-    services: # hers\n-      - api # main\n-      - search # also\n+    services: [] # hers\n"},
		{"services where there were none", func(e *Editor) (Edit, error) {
			return e.SetUser("carol", UserChange{Services: []string{"api"}, SetServices: true})
		}, "+    services: [api]\n"},
		{"present", func(e *Editor) (Edit, error) { return e.SetUser("bob", UserChange{Present: true}) },
			"-  - {name: bob, mission_type: data, services: [api, search], state: absent}\n+  - {name: bob, mission_type: data, services: [api, search]}\n"},
		{"a service", func(e *Editor) (Edit, error) {
			return e.AddService(NewService{Name: "mail", Image: "e/mail", Tag: "1234567", Port: 80})
		}, "+  - {name: mail, image: e/mail, tag: \"1234567\", port: 80}\n"},
		{"nobody's day", func(e *Editor) (Edit, error) { return e.Expire(day("2027-03-30")) }, ""},
		{"a day", func(e *Editor) (Edit, error) { return e.Expire(day("2027-03-31")) }, "+    state: absent\n"},
		{"an environment", func(e *Editor) (Edit, error) { return e.AddEnvironment(NewEnvironment{Name: "qa", From: "dev"}) },
			"+extends: dev\n+namespace: qa\n"},
		{"a copy", func(e *Editor) (Edit, error) {
			return e.AddEnvironment(NewEnvironment{Name: "qa", From: "dev", Copy: true})
		}, "+# dev\n+namespace: qa\n+templates: [user]\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := editor(t, people)
			edit, err := test.edit(e)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			for line := range strings.Lines(string(diff.Diff("a", edit.Old, "b", edit.New))) {
				if (line[0] == '+' || line[0] == '-') && !strings.HasPrefix(line, "+++") && !strings.HasPrefix(line, "---") {
					got += line
				}
			}
			if got != test.want || edit.Changes() != (test.want != "") {
				t.Errorf("the difference is\n%swant\n%s", got, test.want)
			}
			if _, err := Load(Overlay{e.FS, map[string][]byte{edit.File: edit.New}}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestEditsRefused: what cannot be, and why.
func TestEditsRefused(t *testing.T) {
	anchored := "teams: [{name: web}]\nservices: [{name: api, image: e/api}]\nusers:\n  - &a {name: alice, mission_type: web}\n  - <<: *a\n    name: bob\n"
	aliased := "teams: [{name: web}]\nservices: [{name: api, image: e/api}]\nusers:\n  - {name: alice, mission_type: web, services: &s [api]}\n  - {name: bob, mission_type: web, services: *s}\n"
	for _, test := range []struct {
		name, users string
		edit        func(*Editor) (Edit, error)
		want, hint  string
		status      int
	}{
		{"anchors", anchored, func(e *Editor) (Edit, error) { return e.AddUser(NewUser{Name: "erin", Team: "web"}) },
			"users.yaml:4:5: the items of users are written with anchors and aliases (here &a)", "write out what the anchors and aliases stand for", problem.ExitRefused},
		{"an alias", aliased, func(e *Editor) (Edit, error) { return e.SetUser("bob", UserChange{SetServices: true}) },
			"users.yaml:5:46: users[name=bob].services[0] is an alias, *s", "write out", problem.ExitRefused},
		{"an anchor that others use", anchored, func(e *Editor) (Edit, error) { return e.RemoveUser("alice") }, "users.yaml:4:5: users[name=alice].state has the anchor &a", "write out", problem.ExitRefused},
		{"one who is there", people, func(e *Editor) (Edit, error) { return e.AddUser(NewUser{Name: "alice", Team: "web"}) },
			"users.yaml:6:5: the user alice is there", "manifestgen user set alice", problem.ExitRefused},
		{"one who is absent", people, func(e *Editor) (Edit, error) { return e.AddUser(NewUser{Name: "bob", Team: "web"}) },
			"users.yaml:11:5: the user bob is there, and absent", "manifestgen user set bob --present", problem.ExitRefused},
		{"a team and a service that are misspelt", people, func(e *Editor) (Edit, error) {
			return e.AddUser(NewUser{Name: "erin", Team: "wbe", Services: []string{"serach"}})
		}, "unknown service \"serach\"\nunknown team \"wbe\"", `did you mean "search"?`, problem.ExitTrouble},
		{"no name", people, func(e *Editor) (Edit, error) { return e.AddUser(NewUser{Name: "Erin", Team: "web"}) }, `invalid name "Erin"`, "write erin", problem.ExitTrouble},
		{"a service twice", people, func(e *Editor) (Edit, error) {
			return e.SetUser("alice", UserChange{Services: []string{"api", "api"}, SetServices: true})
		}, `duplicate service "api"`, "", problem.ExitTrouble},
		{"nobody", people, func(e *Editor) (Edit, error) { return e.RemoveUser("alcie") }, `unknown user "alcie"`, `did you mean "alice"?`, problem.ExitTrouble},
		{"a copy of an abstract one", people, func(e *Editor) (Edit, error) {
			return e.AddEnvironment(NewEnvironment{Name: "qa", From: "base", Copy: true})
		}, "environments/base.yaml: the environment base is abstract", "leave out --copy", problem.ExitTrouble},
		{"an image with a tag", people, func(e *Editor) (Edit, error) {
			return e.AddService(NewService{Name: "mail", Image: "e/mail:1", Tag: "1"})
		}, "image is a repository, without a tag", "", problem.ExitTrouble},
	} {
		t.Run(test.name, func(t *testing.T) {
			edit, err := test.edit(editor(t, test.users))
			if err == nil || !strings.Contains(err.Error(), test.want) || edit.Changes() {
				t.Fatalf("got %v, want %s", err, test.want)
			}
			if hint := problem.All(err)[0].Hint; !strings.Contains(hint, test.hint) {
				t.Errorf("the hint is %q, want %q", hint, test.hint)
			}
			if got := problem.ExitStatus(err); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
		})
	}
}

// TestUndecided: values that name the other environment, and ARNs, but those that were set.
func TestUndecided(t *testing.T) {
	e := editor(t, people)
	n := NewEnvironment{Name: "qa", From: "stage", Settings: []Setting{{pathOf("domain"), manifest.NewString("qa.example.com")}, {pathOf("cluster"), manifest.NewString("a")}}}
	edit, err := e.AddEnvironment(n)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := Load(Overlay{e.FS, map[string][]byte{edit.File: edit.New}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range inv.Undecided(n) {
		got = append(got, u.Place.String()+" "+u.Path+" "+u.Text)
	}
	want := "environments/stage.yaml:5:21 vars.certificate arn:aws:acm:1, environments/stage.yaml:5:46 vars.bucket logs-stage"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
