package inventory

import (
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8srepo/internal/problem"
)

// files is a source folder: the named files over a small inventory.
func files(over map[string]string) fstest.MapFS {
	all := map[string]string{
		"users.yaml": `
teams: [{name: web}]
services:
  - {name: api, image: ecr.example/api, vars: {a: service}}
  - {name: worker, image: ecr.example/worker}
users:
  - {name: alice, mission_type: web, services: [worker, api]}
`,
		"environments/dev.yaml":    "templates: [service]\n",
		"templates/variables.yaml": "a: default\nn: 1\nf: 0.5\nm: {x: 1, y: 1}\nl: [1, 2]\nnothing: null\n",
	}
	maps.Copy(all, over)
	fsys := fstest.MapFS{}
	for name, text := range all {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func load(t *testing.T, over map[string]string) *Inventory {
	t.Helper()
	inv, err := loadAll(files(over))
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// TestVarsLayers sets the variable a in ever stronger layers, and looks at it as
// each kind of template sees it.
func TestVarsLayers(t *testing.T) {
	users := func(service, user string) string {
		return "teams: [{name: web}]\nservices: [{name: api, image: ecr.example/api, vars: {" + service + "}}, {name: worker, image: ecr.example/worker}]\n" +
			"users: [{name: alice, mission_type: web, services: [api, worker], vars: {" + user + "}}]\n"
	}
	env := func(vars, override string) string {
		return "templates: [service]\nvars: {" + vars + "}\nservices: {api: {vars: {" + override + "}}}\n"
	}
	for name, c := range map[string]struct {
		users, env                   string
		plain, api, alice, aliceInAP string // in the environment, for api, for alice, for alice's api
	}{
		"the default":               {users("", ""), env("", ""), "default", "default", "default", "default"},
		"the service's":             {users("a: service", ""), env("", ""), "default", "service", "default", "service"},
		"the environment's":         {users("a: service", ""), env("a: env", ""), "env", "env", "env", "env"},
		"the environment's service": {users("a: service", ""), env("a: env", "a: override"), "env", "override", "env", "override"},
		"the user's":                {users("a: service", "a: user"), env("a: env", "a: override"), "env", "override", "user", "user"},
	} {
		t.Run(name, func(t *testing.T) {
			inv := load(t, map[string]string{"users.yaml": c.users, "environments/dev.yaml": c.env})
			dev, api, alice := inv.Environment("dev"), inv.Service("api"), inv.Users[0]
			get := func(s *Service, u *User) string {
				v, _ := inv.Vars(dev, s, u).Get("a")
				return v.Text
			}
			got := [...]string{get(nil, nil), get(api, nil), get(nil, alice), get(api, alice)}
			if want := [...]string{c.plain, c.api, c.alice, c.aliceInAP}; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if v, _ := inv.Vars(dev, inv.Service("worker"), nil).Get("a"); v.Text != c.plain {
				t.Errorf("worker has %s, want %s", v.Text, c.plain)
			}
		})
	}
}

func TestExtends(t *testing.T) {
	inv := load(t, map[string]string{
		"environments/shared.yaml": `
abstract: true
kubernetes: 1.34
templates: [environment, service]
deploy: {strategy: pull-request, labels: [a, b], branch: main}
vars: {a: shared, m: {x: 7}}
services: {api: {vars: {n: 2}}, worker: {state: absent}}
`,
		"environments/dev.yaml":  "extends: shared\nvars: {m: {y: 8}}\n",
		"environments/prod.yaml": "extends: dev\ntemplates: [service]\nnamespace: production\ndeploy: {labels: [c]}\nservices: {worker: {state: present}}\n",
	})
	shared, dev, prod := inv.Environment("shared"), inv.Environment("dev"), inv.Environment("prod")
	if !shared.Abstract || dev.Abstract || prod.Abstract {
		t.Error("abstract is handed down, or not kept")
	}
	if dev.Namespace != "dev" || prod.Namespace != "production" || prod.Kubernetes != "1.34" {
		t.Errorf("got the namespaces %s and %s, and Kubernetes %s", dev.Namespace, prod.Namespace, prod.Kubernetes)
	}
	if want := []string{"service"}; !slices.Equal(prod.Templates, want) || len(dev.Templates) != 2 {
		t.Errorf("got %v and %v: a list replaces", prod.Templates, dev.Templates)
	}
	if want := (Deploy{Strategy: PullRequest, Branch: "main", Labels: []string{"c"}}); !reflect.DeepEqual(prod.Deploy, want) {
		t.Errorf("got %+v, want %+v", prod.Deploy, want)
	}
	if !dev.Overrides["worker"].Absent || prod.Overrides["worker"].Absent {
		t.Error("the state of a service is not handed down, or not replaced")
	}
	vars := inv.Vars(prod, inv.Service("api"), nil).Go().(map[string]any)
	if want := map[string]any{"x": int64(7), "y": int64(8)}; vars["a"] != "shared" || vars["n"] != int64(2) || !reflect.DeepEqual(vars["m"], want) {
		t.Errorf("got %v", vars)
	}
	// A value keeps the place where it was written, however far it was handed down.
	if v, _ := inv.Vars(prod, nil, nil).Get("a"); v.Place.String() != "environments/shared.yaml:6:11" {
		t.Errorf("got %s", v.Place)
	}
}

func TestLoadSortsAndResolves(t *testing.T) {
	inv := load(t, map[string]string{"users.yaml": `
users:
  - {name: zoe, mission_type: web, services: [worker, api]}
  - {name: alice, mission_type: data, state: absent}
services: [{name: worker, image: ecr.example/worker, tag: 0123}, {name: api, image: ecr.example/api, port: 80}]
teams: [{name: web, secrets: {K: web/k}}, {name: data}]
`})
	if got := Names(inv.Users); !slices.Equal(got, []string{"alice", "zoe"}) {
		t.Errorf("got the users %q", got)
	}
	zoe := inv.Users[1]
	if got := Names(zoe.Services); !slices.Equal(got, []string{"api", "worker"}) || zoe.Team != inv.Teams[1] || zoe.Services[1] != inv.Service("worker") {
		t.Errorf("zoe has %q in %v", got, zoe.Team)
	}
	if !inv.Users[0].Absent || zoe.Absent || inv.Service("worker").Tag != "0123" || inv.Service("api").Port != 80 || inv.Service("none") != nil {
		t.Error("something was not read")
	}
}

func TestNames(t *testing.T) {
	for name, valid := range map[string]bool{
		"a": true, "a-b": true, "a1": true, "1": true, strings.Repeat("a", 63): true,
		"-a": false, "a-": false, "A": false, "a.b": false, "a_b": false, "ä": false, "a b": false, strings.Repeat("a", 64): false, `"a\nb"`: false, "../a": false,
	} {
		_, err := loadAll(files(map[string]string{"users.yaml": "teams: [{name: " + name + "}]"}))
		if (err == nil) != valid {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, reserved := range []string{"users", "teams"} {
		if _, err := loadAll(files(map[string]string{"users.yaml": "services: [{name: " + reserved + ", image: a}]"})); err == nil || !strings.Contains(err.Error(), "reserved") {
			t.Errorf("a service %s: got %v", reserved, err)
		}
		if _, err := loadAll(files(map[string]string{"users.yaml": "teams: [{name: " + reserved + "}]\nusers: [{name: " + reserved + ", mission_type: " + reserved + "}]"})); err != nil {
			t.Errorf("a team and a user %s: got %v", reserved, err)
		}
	}
}

// TestCircles holds that a circle is told once, and whoever asks.
func TestCircles(t *testing.T) {
	fsys := files(map[string]string{
		"environments/a.yaml":   "extends: c\n",
		"environments/b.yaml":   "extends: a\n",
		"environments/c.yaml":   "extends: b\n",
		"environments/in.yaml":  "extends: b\n",
		"environments/own.yaml": "extends: own\n",
	})
	const circle, own = "environments/a.yaml:1:10: environments extend each other in a circle: a → c → b → a", "environments/own.yaml:1:10: environments extend each other in a circle: own → own"
	if _, err := loadAll(fsys); err == nil || err.Error() != circle+"\n"+own {
		t.Errorf("got %v", err)
	}
	for env, want := range map[string]string{"a": circle, "b": circle, "c": circle, "in": circle, "own": own} {
		if _, err := LoadPolicy(fsys, env); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", env, err, want)
		}
	}
}

func TestTwoEnvironmentsInOnePlace(t *testing.T) {
	files := fstest.MapFS{
		"users.yaml":                {Data: []byte("services: []\n")},
		"templates/variables.yaml":  {Data: []byte("")},
		"environments/staging.yaml": {Data: []byte("cluster: a\nnamespace: web\ntemplates: [service]\n")},
		"environments/uat.yaml":     {Data: []byte("extends: staging\n")},
		"environments/other.yaml":   {Data: []byte("extends: staging\ncluster: b\n")},
	}
	_, err := loadAll(files)
	if want := "environments/uat.yaml: the environment uat is in the same place as staging: namespace web of cluster a"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// Whichever name comes first, the one that extends the other is to be changed, and
	// its hosts are named.
	files["environments/staging.yaml"] = &fstest.MapFile{Data: []byte("namespace: web\ndomain: example.com\ntemplates: [service]\n")}
	files["environments/before.yaml"] = files["environments/uat.yaml"]
	delete(files, "environments/uat.yaml")
	_, err = loadAll(files)
	if want := "environments/before.yaml: the environment before is in the same place as staging: namespace web"; err == nil || err.Error() != want || !strings.Contains(problemText(err), "its hosts are the same") {
		t.Errorf("got %v, want %s", problemText(err), want)
	}
	delete(files, "environments/before.yaml")
	files["environments/uat.yaml"] = &fstest.MapFile{Data: []byte("extends: staging\nnamespace: uat\n")}
	if _, err := loadAll(files); err != nil {
		t.Error(err)
	}
}

// TestPipesAreNotRead gives users.yaml and an environment as pipes that nobody
// writes to.
func TestPipesAreNotRead(t *testing.T) {
	pipe := &fstest.MapFile{Mode: fs.ModeNamedPipe | 0o644}
	for _, file := range []string{"users.yaml", "environments/dev.yaml"} {
		fsys := files(nil)
		fsys[file] = pipe
		if _, err := loadAll(fsys); err == nil || !strings.Contains(err.Error(), file+": it is no regular file") {
			t.Errorf("%s: got %v", file, err)
		}
	}
}

// TestSecretKeys holds that keys in the secret store are checked, for teams and for
// services, and that what may be a secret is not repeated.
func TestSecretKeys(t *testing.T) {
	for key, want := range map[string]string{
		`""`: "is empty", `" "`: "is empty", "": "is empty", "/api/x": "must not begin with a slash", "//x": "must not begin with a slash",
		"postgres://api:hunter2@db.example/x": "is a URL", "https://example.com/x": "is a URL", "[a]": "must be a string",
	} {
		for name, users := range map[string]string{
			"team": "teams:\n  - {name: web, secrets: {K: ", "service": "services:\n  - {name: web, image: ecr.example/web, secrets: {K: ",
		} {
			_, err := loadAll(files(map[string]string{"users.yaml": users + key + "}}\n"}))
			if err == nil || !strings.Contains(err.Error(), "users.yaml:2:") || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %s: got %v, want %s", name, key, err, want)
			}
			if text := problemText(err); strings.Contains(text, "hunter2") {
				t.Errorf("%s: the secret is in %s", name, text)
			}
			if p := problem.All(err)[0]; strings.Contains(key, "://") && !p.Hidden {
				t.Errorf("%s, %s: its line is shown", name, key)
			}
		}
	}
	load(t, map[string]string{"users.yaml": "teams: [{name: web, secrets: {K: web/api-key, L: a}}]\nservices: [{name: api, image: ecr.example/api, vars: {a: x}}]\n"})
}

// TestKeysOfUsers holds what is said of keys that are missing, or have another name.
func TestKeysOfUsers(t *testing.T) {
	user := func(line string) map[string]string {
		return map[string]string{"users.yaml": "teams: [{name: web}, {name: data}]\nservices: [{name: api, image: ecr.example/api}]\nusers:\n  - " + line + "\n"}
	}
	for line, want := range map[string][]string{
		"{services: [api]}":                  {"users.yaml:4:5: this user has no mission_type", "users.yaml:4:5: this user has no name"},
		"{name: alice}":                      {"users.yaml:4:5: the user alice has no mission_type"},
		"{nmae: alice}":                      {"users.yaml:4:5: this user has no mission_type", "users.yaml:4:6: unknown key \"nmae\" in a user"},
		"{name: alice, team: web}":           {"users.yaml:4:19: unknown key \"team\" in a user"},
		"{team: web, favourite_colour: red}": {"users.yaml:4:5: this user has no name", "users.yaml:4:6: unknown key \"team\"", "users.yaml:4:17: unknown key \"favourite_colour\""},
	} {
		refused(t, user(line), want...)
	}
	_, err := loadAll(files(user("{name: alice, team: web}")))
	if got := problem.All(err)[0].Hint; got != `did you mean "mission_type"?` {
		t.Errorf("got the hint %s", got)
	}
	_, err = loadAll(files(user("{name: alice}")))
	if got := problem.All(err)[0].Hint; got != "add a line mission_type: … with the name of the user's team: data or web" {
		t.Errorf("got the hint %s", got)
	}
}
