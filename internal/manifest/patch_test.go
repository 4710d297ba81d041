// The tables of edits make this file long: each case is a text before and after.

package manifest

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"k8srepo/internal/problem"
)

func mustPath(t testing.TB, s string) Path {
	t.Helper()
	p, err := ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// erin is a user to be added.
func erin() Value {
	var v Value
	v.Add("name", NewString("erin"))
	v.Add("mission_type", NewString("web"))
	v.Add("services", NewList("api", "search"))
	return v
}

// sides returns what a test's text is before and after: the lines marked with - are only
// before, those with + only after. A \ at the end of the text is no final line break.
func sides(text, newline string) (before, after string) {
	text = strings.TrimPrefix(text, "\n")
	for line := range strings.Lines(text) {
		line := strings.TrimSuffix(line, "\n")
		content := ""
		if line != "" {
			content = line[1:]
		}
		if line == "" || line[0] == ' ' || line[0] == '-' {
			before += content + newline
		}
		if line == "" || line[0] == ' ' || line[0] == '+' {
			after += content + newline
		}
	}
	if strings.HasSuffix(text, "\\\n") {
		before, after = strings.TrimSuffix(before, newline), strings.TrimSuffix(after, newline)
		before, after = strings.TrimSuffix(before, `\`), strings.TrimSuffix(after, `\`)
	}
	return before, after
}

// insertions are what InsertAt adds to lists of all styles: + is a line that comes.
var insertions = []struct{ name, text string }{
	{"as most write it", `
 users:
   - name: alice
     mission_type: web
     services: [api]
+  - name: erin
+    mission_type: web
+    services: [api, search]
 
 # The end.
`},
	{"no indentation of the list", `
 users:
 - name: alice
   mission_type: web
   services:
   - api
+- name: erin
+  mission_type: web
+  services:
+  - api
+  - search
 # teams follow
 teams: []
`},
	{"comments everywhere", `
 # top
 users: # people
   # first
   - name: alice # her name
     # between
     mission_type: web # her team
     services: [api] # hers
     # vars: {replicas: 2}
+  - name: erin
+    mission_type: web
+    services: [api, search]
   # - name: zoe
   #   mission_type: web
 
 # last
`},
	{"blank lines between users", `
 users:
 
   - name: alice
     mission_type: web
 
   # bob comes in May
   - name: bob
     mission_type: web
     services: [ api,search ]
+
+  - name: erin
+    mission_type: web
+    services: [ api,search ]
 
 
 teams:
   - name: web
`},
	{"a user a line", `
 users:
   - {name: alice, mission_type: web, services: [api]}  # the first
+  - {name: erin, mission_type: web, services: [api, search]}
`},
	{"a user a line, with blanks in the braces", `
 users:
   - { mission_type: web, name: alice, services: [ api ] }
+  - { mission_type: web, name: erin, services: [ api, search ] }
`},
	{"all on one line", `
-users: [{name: alice, mission_type: web}, {name: bob, mission_type: web}] # two
+users: [{name: alice, mission_type: web}, {name: bob, mission_type: web}, {name: erin, mission_type: web, services: [api, search]}] # two
 teams: []
`},
	{"brackets over several lines", `
 users: [
   {name: alice, mission_type: web}, # a
   {name: bob, mission_type: web}, # b
+  {name: erin, mission_type: web, services: [api, search]},
   # no more
 ]
`},
	{"brackets over several lines without a last comma", `
 users: [
   {name: alice, mission_type: web},
-  {name: bob, mission_type: web} # b
+  {name: bob, mission_type: web}, # b
+  {name: erin, mission_type: web, services: [api, search]}
   ]
`},
	{"Japanese", `
 # 利用者
 users:
   - name: alice   # アリス、東京
     mission_type: web　# 全角
     services: [api]  # 検索はまだ
+  - name: erin
+    mission_type: web
+    services: [api, search]
 # おわり
`},
	{"an empty list", `
 teams:
 - name: web
-users: []   # nobody yet
+users:   # nobody yet
+- name: erin
+  mission_type: web
+  services: [api, search]
 # the end
`},
	{"an empty list beside a list of words", `
 teams:
   - web
-users: [] # nobody yet
+users: # nobody yet
+  - name: erin
+    mission_type: web
+    services: [api, search]
`},
	{"an empty list beside a list in brackets", `
 teams: [web]
-users: []
+users: [{name: erin, mission_type: web, services: [api, search]}]
`},
	{"nothing behind the colon", `
 teams:
     -   name: web
 users:
+    -   name: erin
+        mission_type: web
+        services: [api, search]
   # nobody yet
`},
	{"an empty list and no other", `
-users: []
+users:
+  - name: erin
+    mission_type: web
+    services: [api, search]
`},
	{"no list at all", `
 teams:
   - name: web
     secrets: {A: b}
     # of the team
+users:
+  - name: erin
+    mission_type: web
+    services: [api, search]
 
 # the end
`},
	{"no final line break", `
 users:
   - name: alice
     services: [api]
+  - name: erin
+    mission_type: web
+    services: [api, search]\
`},
	{"aligned values and quotes", `
 users:
   - name:         "alice"
     mission_type: 'web'
     services:     ["api"]
+  - name:         "erin"
+    mission_type: 'web'
+    services:     ["api", "search"]
`},
	{"a dash on a line of its own", `
 users:
   -
     name: alice
     services:
       -   api
+  -
+    name: erin
+    mission_type: web
+    services:
+      -   api
+      -   search
`},
	{"another order of keys", `
 users:
   - services: [api]
     mission_type: web
     vars:
       note: |
         text

         more
     name: alice
+  - services: [api, search]
+    mission_type: web
+    name: erin
`},
	{"a block of text at the end", `
 users:
   - name: alice
     vars:
       note: |
         text
         # no comment
+  - name: erin
+    mission_type: web
+    services: [api, search]
 
 teams: []
`},
	{"a block of text that keeps its line breaks", `
 users:
   - name: alice
     vars:
       note: |+
         text
 
 
+  - name: erin
+    mission_type: web
+    services: [api, search]
 teams: []
`},
	{"a document's marks", `
 %YAML 1.2
 ---
 users:
   - name: alice
+  - name: erin
+    mission_type: web
+    services: [api, search]
 ...
`},
	{"JSON", `
 {
   "users": [
     {
       "name": "alice",
       "mission_type": "web",
       "services": ["api"]
-    }
+    },
+    {"name": "erin", "mission_type": "web", "services": ["api", "search"]}
   ]
 }
`},
	{"JSON without blanks", `
-{"users":[{"name":"alice","mission_type":"web"}]}
+{"users":[{"name":"alice","mission_type":"web"}, {"name":"erin","mission_type":"web","services": ["api", "search"]}]}
`},
	{"a flow list that is empty, in braces", `
-{users: [], teams: [{name: web}]}
+{users: [{name: erin, mission_type: web, services: [api, search]}], teams: [{name: web}]}
`},
	{"plain text over two lines", `
 users:
   - name: alice
     services: [api,
       search]
     vars: {note: a
       b}
+  - name: erin
+    mission_type: web
+    services: [api, search]
`},
	{"quoted keys", `
 "users":
   - "name": "alice"
     "mission_type": "web"
+  - "name": "erin"
+    "mission_type": "web"
+    "services": [api, search]
`},
	{"anchors elsewhere", `
 teams:
   - &web {name: web}
   - *web
 users:
   - name: alice
+  - name: erin
+    mission_type: web
+    services: [api, search]
`},
	{"an empty value at the end", `
 users:
   - name: alice
     services:
+  - name: erin
+    mission_type: web
+    services: [api, search]
`},
}

// TestPatchInsert adds a user to lists that people wrote by hand, each in a way of its own.
// Only the lines with a mark differ.
func TestPatchInsert(t *testing.T) {
	for _, test := range insertions {
		t.Run(test.name, func(t *testing.T) {
			for _, newline := range []string{"\n", "\r\n"} {
				before, want := sides(test.text, newline)
				for _, bom := range []string{"", "\ufeff"} {
					checkPatch(t, bom+before, bom+want, InsertAt(mustPath(t, "users"), erin()))
				}
			}
		})
	}
}

func checkPatch(t *testing.T, before, want string, patches ...Patch) {
	t.Helper()
	f, err := Parse("users.yaml", []byte(before))
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Patch(patches...)
	if err != nil {
		t.Errorf("%q: %v", before, err)
	} else if string(got) != want {
		t.Errorf("%s", diff.Diff("want", []byte(strings.ReplaceAll(want, "\r", "␍")), "got", []byte(strings.ReplaceAll(string(got), "\r", "␍"))))
	}
}

// patches are changes of all kinds: - is a line that goes, + one that comes.
var patches = []struct {
	name, text string
	patches    func(p func(string) Path) []Patch
}{
	{"an entry behind the last", `
 users:
   - name: alice
     services: [api] # hers
+    state: absent
     # vars: {}
   - {name: bob}
`, func(p func(string) Path) []Patch {
		return []Patch{SetAt(p("users[name=alice].state"), NewString("absent"))}
	}},
	{"an entry in braces", `
 users:
-  - { name: bob, services: [] }  # bob
+  - { name: bob, services: [], state: absent }  # bob
`, func(p func(string) Path) []Patch {
		return []Patch{SetAt(p("users[name=bob].state"), NewString("absent"))}
	}},
	{"a value in its quotes", `
 users:
   - name: bob
-    state: 'present'   # for now
+    state: 'absent'   # for now
     mission_type: web
`, func(p func(string) Path) []Patch {
		return []Patch{SetAt(p("users[name=bob].state"), NewString("absent"))}
	}},
	{"a value where there was none", `
-a: # nothing
+a: x # nothing
 b: y
`, func(p func(string) Path) []Patch { return []Patch{SetAt(p("a"), NewString("x"))} }},
	{"maps that are not there", `
 a: 1
+vars:
+  hpa:
+    max: "3"
`, func(p func(string) Path) []Patch { return []Patch{SetAt(p("vars.hpa.max"), NewString("3"))} }},
	{"items in and out", `
 users:
   - name: alice
     services:
       - api # main
-      - search # not any more
+      - front
       # - worker
     state: present
`, func(p func(string) Path) []Patch {
		return []Patch{DeleteAt(p("users[name=alice].services[1]")), InsertAt(p("users[name=alice].services"), NewString("front"))}
	}},
	{"items in and out of brackets", `
 users:
-  - {name: alice, services: [api, search, front]}
+  - {name: alice, services: [api, front, worker]}
`, func(p func(string) Path) []Patch {
		return []Patch{DeleteAt(p("users[0].services[1]")), InsertAt(p("users[0].services"), NewString("worker"))}
	}},
	{"all of a list", `
 users:
   - name: alice
-    services: [api, search]
+    services: [front]
`, func(p func(string) Path) []Patch {
		return []Patch{DeleteAt(p("users[0].services[1]")), DeleteAt(p("users[0].services[0]")), InsertAt(p("users[0].services"), NewString("front"))}
	}},
	{"a whole user", `
 users:
   - name: alice
 
   # stays
-  - name: bob # goes
-    # goes
-    services: [api]
 
   # carol
   - name: carol
`, func(p func(string) Path) []Patch { return []Patch{DeleteAt(p("users[name=bob]"))} }},
	{"the last user", `
 users:
   - name: alice
-
-  - name: bob
-    services: [api]
 
 # end
`, func(p func(string) Path) []Patch { return []Patch{DeleteAt(p("users[name=bob]"))} }},
	{"the only user", `
-users: # people
+users: [] # people
-  - name: bob
-    services: [api]
 teams: []
`, func(p func(string) Path) []Patch { return []Patch{DeleteAt(p("users[name=bob]"))} }},
	{"an item on a line in brackets", `
 users: [
   {name: alice}, # a
-  {name: bob}, # b
   {name: carol}
 ]
`, func(p func(string) Path) []Patch { return []Patch{DeleteAt(p("users[name=bob]"))} }},
	{"an entry", `
 a: 1
-path: x # p
 b: 2
`, func(p func(string) Path) []Patch { return []Patch{DeleteAt(p("path"))} }},
	{"a list as a whole", `
-labels:
-  - a
-  - b # last
+labels: [c] # last
 x: 1
`, func(p func(string) Path) []Patch { return []Patch{SetAt(p("labels"), NewList("c"))} }},
	{"into an empty map", `
-vars: {}
+vars:
+  replicas: x
`, func(p func(string) Path) []Patch { return []Patch{SetAt(p("vars.replicas"), NewString("x"))} }},
}

// TestPatch makes other changes.
func TestPatch(t *testing.T) {
	for _, test := range patches {
		t.Run(test.name, func(t *testing.T) {
			path := func(s string) Path { return mustPath(t, s) }
			for _, newline := range []string{"\n", "\r\n"} {
				before, want := sides(test.text, newline)
				checkPatch(t, before, want, test.patches(path)...)
			}
		})
	}
}

// TestPatchRefused: what cannot be changed without more is refused, at its place.
func TestPatchRefused(t *testing.T) {
	add := func(t *testing.T) Patch { return InsertAt(mustPath(t, "users"), erin()) }
	absent := func(t *testing.T) Patch { return SetAt(mustPath(t, "users[name=bob].state"), NewString("absent")) }
	for _, test := range []struct {
		name, text string
		patch      func(*testing.T) Patch
		want       string
	}{
		{"an alias for the list", "teams: &x [{name: a}]\nusers: *x\n", add, "users.yaml:2:8: users is an alias, *x: a change here would be one at its anchor too"},
		{"an anchor on the list", "users: &x\n  - name: a\nteams: *x\n", add, "users.yaml:1:8: users has the anchor &x: a change here would be one in its aliases too"},
		{"anchors in the list", "users:\n  - &a {name: a}\n  - <<: *a\n    name: b\n", add, "users.yaml:2:5: nothing is added to users: it has the anchor &a, and an entry written like its neighbours would share or redefine that"},
		{"an anchored user", "users:\n  - &b {name: bob}\n  - {<<: *b, name: carol}\n", absent, "users.yaml:2:5: users[name=bob].state has the anchor &b"},
		{"no list", "users: {name: a}\n", add, "users.yaml:1:8: users is no list"},
		{"no such user", "users: [{name: a}]\n", absent, "users.yaml:1:8: the path users[name=bob].state leads to no item of this list"},
		{"two of a name", "users:\n  - name: bob\n  - name: bob\n", absent, "leads here and to line 2"},
		{"a duplicate key", "users: []\nusers: []\n", add, "users.yaml:2:1: duplicate key"},
		{"two documents", "users: []\n---\nusers: []\n", add, "users.yaml: the file must hold one document"},
		{"nothing", "# nothing\n", add, "users.yaml: the file must hold one document"},
		{"a list with a comment in it", "labels:\n  - a # why\n  - b\n", func(t *testing.T) Patch { return SetAt(mustPath(t, "labels"), NewList("b")) }, "its comments would be lost"},
		{"a list on one line with its key", "- - a\n", func(t *testing.T) Patch { return DeleteAt(mustPath(t, "[0][0]")) }, "shares its first line"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := Parse("users.yaml", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			data, err := f.Patch(test.patch(t))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%q and %v, want %q", data, err, test.want)
			}
			if p := problem.All(err)[0]; p.Hint == "" && strings.Contains(test.want, "anchor") {
				t.Error("no hint")
			}
		})
	}
}
