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
	inv, err := loadAll(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return &Editor{fsys, inv}
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

// onDay is a date.
func onDay(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

// edits are other changes of users.yaml, as the lines that differ.
var edits = []struct {
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
	{"a team", func(e *Editor) (Edit, error) {
		return e.AddTeam(NewTeam{Name: "ops", Secrets: []Secret{{"B", "ops/b"}, {"A", "ops/a"}}})
	}, "-teams: [{name: web}, {name: data}]\n+teams: [{name: web}, {name: data}, {name: ops, secrets: {B: ops/b, A: ops/a}}]\n"},
	{"a service", addService(NewService{Name: "mail", Image: "e/mail", Tag: "1234567", Port: 80}, 0), "+  - {name: mail, image: e/mail, tag: \"1234567\", port: 80}\n"},
	{"a service with settings", addService(NewService{Name: "mail", Image: "e/mail", Tag: "1", Repository: "o/mail", Secrets: []Secret{{"A", "m/a"}},
		Settings: []Setting{{manifest.MustPath("vars.replicas"), manifest.Value{Kind: manifest.Int, Text: "2"}}}}, 0),
		"+  - {name: mail, image: e/mail, tag: \"1\", repository: o/mail, secrets: {A: m/a}, vars: {replicas: 2}}\n"},
	{"a service in an environment", addService(NewService{Name: "mail", Image: "e/mail", Tag: "1",
		In: map[string][]Setting{"dev": {{manifest.MustPath("vars.replicas"), manifest.Value{Kind: manifest.Int, Text: "2"}}, {manifest.MustPath("image"), manifest.NewString("e/dev")}}}}, 1),
		"+services:\n+  mail:\n+    vars:\n+      replicas: 2\n+    image: e/dev\n"},
	{"nobody's day", func(e *Editor) (Edit, error) { return e.Expire(onDay("2027-03-30")) }, ""},
	{"a day", func(e *Editor) (Edit, error) { return e.Expire(onDay("2027-03-31")) }, "+    state: absent\n"},
	{"an environment", func(e *Editor) (Edit, error) { return e.AddEnvironment(NewEnvironment{Name: "qa", From: "dev"}) },
		"+extends: dev\n+namespace: qa\n"},
	{"a copy", func(e *Editor) (Edit, error) {
		return e.AddEnvironment(NewEnvironment{Name: "qa", From: "dev", Copy: true})
	}, "+# dev\n+namespace: qa\n+templates: [user]\n"},
}

// TestEdits: other changes of users.yaml, as the lines that differ.
func TestEdits(t *testing.T) {
	for _, test := range edits {
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
			files := map[string][]byte{edit.File: edit.New}
			if edit.File != UsersFile {
				files[UsersFile] = []byte(strings.Replace(people, "users:\n", "  - {name: mail, image: e/mail}\nusers:\n", 1))
			}
			if _, err := loadAll(Overlay{e.FS, files}); err != nil {
				t.Error(err)
			}
		})
	}
}

// addService returns one of the edits that add a service.
func addService(s NewService, nth int) func(*Editor) (Edit, error) {
	return func(e *Editor) (Edit, error) {
		edits, err := e.AddService(s)
		if err != nil {
			return Edit{}, err
		}
		return edits[nth], nil
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
			"users.yaml:4:5: nothing is added to users: it has the anchor &a, and an entry written like its neighbours would share or redefine that", "change it by hand; or write out", problem.ExitRefused},
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
		{"an image with a tag", people, addService(NewService{Name: "mail", Image: "e/mail:1", Tag: "1"}, 0), "image is a repository, without a tag", "", problem.ExitTrouble},
		{"an environment that is not there", people, addService(NewService{Name: "Mail", Image: "e/mail", In: map[string][]Setting{"dve": nil}}, 0), "invalid name \"Mail\"\nunknown environment \"dve\"", "write mail", problem.ExitTrouble},
		{"a team that is there", people, func(e *Editor) (Edit, error) { return e.AddTeam(NewTeam{Name: "web"}) }, "users.yaml:1:9: the team web is there", "change it in users.yaml", problem.ExitRefused},
		{"a team without a name", people, func(e *Editor) (Edit, error) { return e.AddTeam(NewTeam{}) }, "this team has no name", "add a line name:", problem.ExitTrouble},
		{"a service without a name", people, addService(NewService{Image: "e/mail"}, 0), "this service has no name", "add a line name:", problem.ExitTrouble},
		{"a team that has to be added first", people, func(e *Editor) (Edit, error) { return e.AddUser(NewUser{Name: "erin", Team: "mobile"}) },
			`unknown team "mobile"`, "valid values: data, web; or add it: manifestgen team add mobile", problem.ExitTrouble},
		{"a change with several mistakes", people, func(e *Editor) (Edit, error) {
			return e.SetUser("alcie", UserChange{Team: "wbe", Services: []string{"serach"}, SetServices: true})
		}, "unknown service \"serach\"\nunknown team \"wbe\"\nunknown user \"alcie\"", "did you mean \"search\"? Else add it: manifestgen service add serach", problem.ExitTrouble},
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

// TestSetServicesMends: the list that is replaced may have services that are not there, and
// one twice; the lists of others may not.
func TestSetServicesMends(t *testing.T) {
	users := strings.Replace(people, "      - search # also\n", "      - gone\n      - search # also\n      - api # again\n", 1)
	fsys := files(map[string]string{"users.yaml": users})
	inv, err := LoadToSetServices(fsys, CompileSchema, "alice")
	if err != nil {
		t.Fatal(err)
	}
	edit, err := (&Editor{fsys, inv}).SetUser("alice", UserChange{SetServices: true, Services: []string{"api", "search"}})
	if err != nil || string(edit.New) != people {
		t.Errorf("got %s, %v", edit.New, err)
	}
	_, err = LoadToSetServices(fsys, CompileSchema, "bob")
	if want := "users.yaml:10:9: unknown service \"gone\"\nusers.yaml:12:9: duplicate service \"api\""; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestUndecided: values that name the other environment, and ARNs, but those that were set.
func TestUndecided(t *testing.T) {
	e := editor(t, people)
	n := NewEnvironment{Name: "qa", From: "stage", Settings: []Setting{{manifest.MustPath("domain"), manifest.NewString("qa.example.com")}, {manifest.MustPath("cluster"), manifest.NewString("a")}}}
	edit, err := e.AddEnvironment(n)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := loadAll(Overlay{e.FS, map[string][]byte{edit.File: edit.New}})
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
