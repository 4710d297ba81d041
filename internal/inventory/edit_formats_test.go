package inventory

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// marked returns what a text is before and after: lines with - are only before,
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
				inv, err := loadAll(Overlay{e.FS, map[string][]byte{edit.File: edit.New}})
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
