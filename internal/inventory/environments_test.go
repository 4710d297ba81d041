package inventory

import (
	"maps"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"k8srepo/internal/problem"
)

// refused loads files, and compares what is wrong with what is wanted: a message a
// line, in order, of which each may be a beginning.
func refused(t *testing.T, over map[string]string, want ...string) {
	t.Helper()
	_, err := loadAll(files(over))
	if err == nil {
		t.Errorf("%v: got no error, want %q", over, want)
		return
	}
	got := strings.Split(err.Error(), "\n")
	if len(got) != len(want) {
		t.Errorf("got %q, want %q", got, want)
		return
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q …", got[i], want[i])
		}
	}
}

func TestPath(t *testing.T) {
	env := func(name, lines string) map[string]string {
		return map[string]string{"environments/" + name + ".yaml": "templates: [service]\n" + lines}
	}
	inv := load(t, map[string]string{
		"environments/dev.yaml":  "templates: [service]\npath: ./clusters/dev/apps/\n",
		"environments/qa.yaml":   "extends: dev\n",
		"environments/devx.yaml": "extends: dev\npath: clusters/dev/apps-x\n",
	})
	for name, want := range map[string]string{"dev": "clusters/dev/apps", "qa": "qa/manifests", "devx": "clusters/dev/apps-x"} {
		if got := inv.Environment(name).Path; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for _, path := range []string{"/abs", "..", "a/../../b", "../x", `a\b`, "environments", "templates/x", "holds", ".git/x", "schemas", ".github"} {
		refused(t, env("dev", "path: '"+path+"'\n"), "environments/dev.yaml:2:7: path ")
	}
	for _, c := range []struct{ dev, qa, want string }{
		{"path: x\n", "path: x\n", "environments/qa.yaml:2:7: the path x of the environment qa overlaps with x, the path of dev"},
		{"path: x\n", "path: x/y\n", "environments/qa.yaml:2:7: the path x/y of"},
		{"path: x/y\n", "path: x\n", "environments/qa.yaml:2:7: the path x of"},
		{"path: qa\n", "", "environments/dev.yaml:2:7: the path qa of the environment dev overlaps with qa/manifests, the path of qa"},
		{"path: .\n", "path: x\n", "environments/qa.yaml:2:7: the path x of"},
	} {
		over := env("dev", c.dev)
		maps.Copy(over, env("qa", c.qa))
		refused(t, over, c.want)
	}
	refused(t, env("dev", "abstract: true\npath: x\n"), "environments/dev.yaml:3:7: the environment dev is abstract and has no manifests, so path has no effect")
	for _, path := range []string{".", "'{service}'", "'{service}/dev'"} {
		over := env("dev", "path: "+path+"\n")
		over["users.yaml"] = "services: [{name: schemas, image: ecr.example/x}]\n"
		over["templates/variables.yaml"] = "x: 1\n"
		refused(t, over, `users.yaml:1:12: the name "schemas" is reserved where the folder of a service is at the k8s repo's root, as in environments/dev.yaml`)
	}
}

// TestReservedEnvironments: the manifests of an environment are in a folder of its name, so
// it cannot have the name of a folder that holds none.
func TestReservedEnvironments(t *testing.T) {
	for _, name := range []string{"environments", "templates", "schemas", "holds"} {
		file := "environments/" + name + ".yaml"
		refused(t, map[string]string{file: "templates: [service]\n"}, file+`: the name "`+name+`" is reserved`)
		if _, err := editor(t, people).AddEnvironment(NewEnvironment{Name: name, From: "dev"}); err == nil || !strings.Contains(err.Error(), "is reserved") {
			t.Errorf("an environment %s is added: %v", name, err)
		}
	}
}

// TestExtendsUnknown: the hint has the environments that there are, whoever reads the file, and
// never the environment itself.
func TestExtendsUnknown(t *testing.T) {
	for base, want := range map[string]string{
		"sharde": `environments/dev.yaml:1:10: extends an unknown environment "sharde"` + "\nhint: did you mean \"shared\"?\n",
		"dve":    `environments/dev.yaml:1:10: extends an unknown environment "dve"` + "\nhint: valid values: empty, list, shared\n",
		"list":   "environments/dev.yaml:1:10: extends the environment \"list\", whose file cannot be used\nhint: \n",
		"empty":  "environments/dev.yaml:1:10: extends the environment \"empty\", whose file cannot be used\nhint: \n",
	} {
		fsys := files(map[string]string{
			"environments/dev.yaml": "extends: " + base + "\n", "environments/shared.yaml": "abstract: true\n", "environments/list.yaml": "[]\n", "environments/empty.yaml": "",
		})
		_, loaded := loadAll(fsys)
		_, alone := LoadEnvironment(fsys, "dev")
		for _, err := range []error{loaded, alone} {
			if text := problemText(err); !strings.HasPrefix(text, want) {
				t.Errorf("%s: got %s, want %s", base, text, want)
			}
		}
	}
}

func TestLoadPaths(t *testing.T) {
	paths, err := LoadPaths(fstest.MapFS{
		"environments/dev.yaml":  {Data: []byte("extends: shared\npath: clusters/dev\nvars: 7\n")},
		"environments/qa.yaml":   {Data: []byte("extends: dev\n")},
		"environments/base.yaml": {Data: []byte("abstract: true\n")},
		"environments/README.md": {Data: []byte("path: x\n")},
	})
	if want := map[string]string{"dev": "clusters/dev", "qa": "qa/manifests"}; err != nil || !maps.Equal(paths, want) {
		t.Errorf("got %v, %v, want %v", paths, err, want)
	}
	if paths, err := LoadPaths(fstest.MapFS{}); err != nil || len(paths) != 0 {
		t.Errorf("got %v, %v where there is no environment", paths, err)
	}
	_, err = LoadPaths(fstest.MapFS{
		"environments/dev.yaml": {Data: []byte("path: x\n")},
		"environments/qa.yaml":  {Data: []byte("path: x/y\n")},
	})
	if err == nil || !strings.Contains(err.Error(), "overlaps") {
		t.Errorf("got %v for two paths that overlap", err)
	}
}

// TestImage says which repository a service has in each of some environments that
// extend each other; tagbump reads them without users.yaml.
func TestImage(t *testing.T) {
	fsys := files(map[string]string{
		"users.yaml":                  "services: [{name: api, image: ecr.example/team/api}, {name: db, image: postgres}]\n",
		"environments/dev.yaml":       "templates: [service]\n",
		"environments/staging.yaml":   "extends: dev\nregistry: other.example:5000\n",
		"environments/prod.yaml":      "extends: dev\nregistry: prod.example\nservices: {api: {image: ecr.example/api-prod}}\n",
		"environments/prod-next.yaml": "extends: prod\nregistry: next.example\n",
		"environments/prod-old.yaml":  "extends: prod\n",
		"templates/variables.yaml":    "x: 1\n",
	})
	inv, err := loadAll(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for env, want := range map[string][2]string{
		"dev":       {"ecr.example/team/api", "postgres"},
		"staging":   {"other.example:5000/team/api", "other.example:5000/postgres"},
		"prod":      {"ecr.example/api-prod", "prod.example/postgres"},
		"prod-next": {"next.example/api-prod", "next.example/postgres"},
		"prod-old":  {"ecr.example/api-prod", "prod.example/postgres"},
	} {
		alone, err := LoadEnvironment(fsys, env)
		if err != nil {
			t.Errorf("%s: %v", env, err)
			continue
		}
		for _, e := range []*Environment{inv.Environment(env), alone} {
			if got := [2]string{e.Image(inv.Service("api")), e.Image(inv.Service("db"))}; got != want {
				t.Errorf("%s: got %q, want %q", env, got, want)
			}
		}
	}
	for registry, want := range map[string]string{
		"https://x.example": "registry is a host, not a URL", "x.example/team": "registry is a host, without a path",
		"not-a-host": "registry \"not-a-host\" is not valid", "a b": "registry \"a b\" is not valid", "''": "registry \"\" is not valid",
	} {
		over := map[string]string{"environments/dev.yaml": "templates: [service]\nregistry: " + registry + "\n"}
		if registry == "''" {
			continue
		}
		refused(t, over, "environments/dev.yaml:2:11: "+want)
		if _, err := LoadEnvironment(files(over), "dev"); err == nil {
			t.Errorf("the registry %s is taken by LoadEnvironment", registry)
		}
	}
	refused(t, map[string]string{"environments/dev.yaml": "templates: [service]\nservices: {api: {image: ecr.example/api:1}}\n"}, "environments/dev.yaml:2:25: image is a repository, without a tag")
}

func TestDeployKeys(t *testing.T) {
	inv := load(t, map[string]string{"environments/qa.yaml": `templates: [service]
deploy: {strategy: pull-request, branch: main, after: dev, order: semver, draft: true, labels: [a], assignees: [b], reviewers: [c], team_reviewers: [d]}
`})
	want := Deploy{Strategy: PullRequest, Branch: "main", After: "dev", Order: OrderSemver, Draft: true, Labels: []string{"a"}, Assignees: []string{"b"}, Reviewers: []string{"c"}, TeamReviewers: []string{"d"}}
	if got := inv.Environment("qa").Deploy; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	refused(t, map[string]string{"environments/dev.yaml": "templates: [service]\ndeploy: {order: calver, strategi: push}\n"},
		"environments/dev.yaml:2:17: order must be commit or semver or none, not \"calver\"", "environments/dev.yaml:2:25: unknown key \"strategi\" in deploy")
}

// TestDeployAfter has environments that wait for what cannot come. Who moves tags gets the
// message that the inventory gives.
func TestDeployAfter(t *testing.T) {
	env := func(lines string) string { return "templates: [service]\n" + lines }
	for name, c := range map[string]struct {
		files    map[string]string
		want     []string
		policies []string // of the environments whose policy has the first message
	}{
		"itself": {
			map[string]string{"qa": env("deploy: {after: qa}\n")},
			[]string{"environments/qa.yaml:2:17: the environment qa is deployed after itself"},
			[]string{"qa"},
		},
		"itself, inherited": {
			map[string]string{"base": "abstract: true\ndeploy:\n  after: qa\n", "qa": env("extends: base\n"), "prod": env("extends: base\n")},
			[]string{"environments/base.yaml:3:10: the environment qa inherits this, and is deployed after itself"},
			[]string{"qa"},
		},
		"an abstract one": {
			map[string]string{"base": "abstract: true\n", "qa": env("extends: base\ndeploy: {after: base}\n")},
			[]string{"environments/qa.yaml:3:17: deploy.after names base, which is abstract: nothing runs there"},
			[]string{"qa"},
		},
		"an abstract one, inherited from it": {
			map[string]string{"base": "abstract: true\ndeploy: {after: base}\n", "qa": env("extends: base\n")},
			[]string{"environments/base.yaml:2:17: deploy.after names base, which is abstract: nothing runs there"},
			[]string{"qa"},
		},
		"itself, abstract": {
			map[string]string{"base": "abstract: true\ndeploy: {after: base}\n"},
			[]string{"environments/base.yaml:2:17: deploy.after names base, which is abstract: nothing runs there"},
			nil,
		},
		"a circle": {
			map[string]string{"qa": env("deploy: {after: uat}\n"), "uat": env("deploy: {after: prod}\n"), "prod": env("deploy: {after: qa}\n"), "later": env("deploy: {after: qa}\n")},
			[]string{"environments/prod.yaml:2:17: environments are deployed after each other in a circle: prod → qa → uat → prod"},
			[]string{"qa", "uat", "prod"},
		},
		"an unknown one": {
			map[string]string{"base": "abstract: true\ndeploy: {after: stging}\n", "staging": env(""), "qa": env("extends: base\n")},
			[]string{`environments/base.yaml:2:17: unknown environment "stging"`},
			nil,
		},
	} {
		over := map[string]string{}
		for name, text := range c.files {
			over["environments/"+name+".yaml"] = text
		}
		t.Run(name, func(t *testing.T) {
			refused(t, over, c.want...)
			for _, env := range c.policies {
				p, err := LoadPolicy(files(over), env)
				if err != nil || p.Unmet == nil || !strings.HasPrefix(p.Unmet.Error(), c.want[0]) {
					t.Errorf("the policy of %s: got %v, %v, want %s", env, p.Unmet, err, c.want[0])
				}
				if problem.ExitStatus(p.Unmet) != problem.ExitRefused {
					t.Errorf("the policy of %s: got exit status %d", env, problem.ExitStatus(p.Unmet))
				}
			}
		})
	}
}

// TestDeployAfterOthers: what may be meant is neither the environment itself, nor an abstract one.
func TestDeployAfterOthers(t *testing.T) {
	env := func(lines string) string { return "templates: [service]\n" + lines }
	_, err := loadAll(files(map[string]string{"environments/qa.yaml": env("deploy: {after: ua}\n"), "environments/uab.yaml": "abstract: true\n"}))
	if want := "environments/qa.yaml:2:17: unknown environment \"ua\"\nhint: valid value: dev\n"; problemText(err) != want {
		t.Errorf("got %s, want %s", problemText(err), want)
	}
	// One after the other, however many, is no circle; nor is what only leads to an environment.
	over := map[string]string{"environments/qa.yaml": env("deploy: {after: dev}\n"), "environments/prod.yaml": env("deploy: {after: qa}\n"), "environments/next.yaml": env("extends: prod\n")}
	load(t, over)
	if p, err := LoadPolicy(files(over), "next"); err != nil || p.Unmet != nil {
		t.Errorf("got %v, %v", p.Unmet, err)
	}
}

// TestEnvironmentFolder has a folder with the name of an environment's file: its manifests
// would be pruned as those of an environment that is gone.
func TestEnvironmentFolder(t *testing.T) {
	refused(t, map[string]string{"environments/qa.yaml/qa.yaml": "templates: [service]\n"},
		"environments/qa.yaml: it is a folder, and an environment is a file")
	load(t, map[string]string{"environments/old/qa.yaml": "templates: [service]\n"})
	// For who moves tags, it is no policy either, which would ask for nothing.
	if _, err := LoadPolicy(files(map[string]string{"environments/qa.yaml/qa.yaml": "templates: [service]\n"}), "qa"); err == nil || !strings.HasPrefix(err.Error(), "environments/qa.yaml: ") {
		t.Errorf("the policy of a folder: got %v", err)
	}
	// A file that is there decides, whatever its name is.
	for _, name := range []string{".qa", "old/qa"} {
		if p, err := LoadPolicy(files(map[string]string{"environments/" + name + ".yaml": "deploy: {strategy: pull-request}\n"}), name); err != nil || p.Strategy != PullRequest {
			t.Errorf("the policy of %s: got %+v, %v", name, p, err)
		}
	}
}

func TestExternal(t *testing.T) {
	inv := load(t, map[string]string{"environments/dev.yaml": "templates: [service]\nexternal:\n  - {kind: Gateway, name: public, namespace: gateway}\n  - {kind: StorageClass, name: gp3}\n"})
	got := inv.Environment("dev").External
	if len(got) != 2 || got[0].Kind != "Gateway" || got[0].Name != "public" || got[0].Namespace != "gateway" || got[1].Namespace != "" || got[1].Place.Line != 4 {
		t.Errorf("got %+v", got)
	}
	refused(t, map[string]string{"environments/dev.yaml": "templates: [service]\nexternal: [{kind: gateway, name: x}, {name: y}, {kind: Role, nmae: z}]\n"},
		"environments/dev.yaml:2:19: unknown kind \"gateway\": nothing refers to such an object", "environments/dev.yaml:2:38: this external object has no kind", "environments/dev.yaml:2:62: unknown key \"nmae\"")
}

func TestExpires(t *testing.T) {
	user := func(expires string) map[string]string {
		return map[string]string{"users.yaml": "teams: [{name: web}]\nservices: [{name: api, image: ecr.example/api}]\nusers: [{name: alice, mission_type: web, expires: " + expires + "}]\n"}
	}
	for _, written := range []string{"2027-03-31", `"2027-03-31"`} {
		if got, want := load(t, user(written)).User("alice").Expires, time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
			t.Errorf("%s: got %v, want %v", written, got, want)
		}
	}
	for _, written := range []string{"2027-02-30", "31.3.2027", "2027-3-31", "20270331", "soon", "[]", "2027-03-31T00:00:00Z"} {
		refused(t, user(written), "users.yaml:3:51: expires must be a day")
	}
}

func TestCheckVersion(t *testing.T) {
	for _, c := range []struct {
		wants, version string
		refused        string
	}{
		{`">=1.4"`, "v1.4.0", ""},
		{`">=1.4"`, "v1.10.0", ""},
		{`">=1.4"`, "2.0.0", ""},
		{`">= 1.4.2"`, "v1.4.3+dirty", ""},
		{`">=1.4"`, "v1.3.9", "users.yaml:1:14: this repository wants manifestgen >=1.4; this is 1.3.9"},
		{`">=1.4"`, "v1.4.0-rc.1", "users.yaml:1:14: this repository wants manifestgen >=1.4; this is 1.4.0-rc.1"},
		{`">=1.4.1"`, "v1.4.0", "users.yaml:1:14: this repository wants"},
		{`">=1"`, "v1.4.0", `users.yaml:1:14: manifestgen ">=1" is not valid`},
		{`"1.4"`, "v1.4.0", `users.yaml:1:14: manifestgen "1.4" is not valid`},
		{"1.4", "v1.4.0", "users.yaml:1:14: manifestgen 1.4 is not valid"},
		{`">=1.0"`, "(devel)", ""},
		{`">=99.0"`, "(devel)", "users.yaml:1:14: this repository wants manifestgen >=99.0; this is " + FormatVersion},
		{`">=99.0"`, "v0.0.0-20261126010203-0123456789ab+dirty", "users.yaml:1:14: this repository wants"},
	} {
		// What a newer version may write besides is not looked at.
		err := CheckVersion(fstest.MapFS{"users.yaml": {Data: []byte("manifestgen: " + c.wants + "\nnewer: {key: 1}\nusers: 7\n")}}, c.version)
		if (err != nil) != (c.refused != "") || err != nil && !strings.HasPrefix(err.Error(), c.refused) {
			t.Errorf("%s, %s: got %v, want %s", c.wants, c.version, err, c.refused)
		}
	}
	// However it is written, and whatever is wrong below.
	for _, users := range []string{"# x\n\nmanifestgen: '>=99.0' # soon\nteam: [\n", "{manifestgen: '>=99.0'}\n", "teams: []\n\"manifestgen\" : '>=99.0'\n"} {
		if err := CheckVersion(fstest.MapFS{"users.yaml": {Data: []byte(users)}}, "v1.4.0"); err == nil || !strings.Contains(err.Error(), "wants manifestgen >=99.0") {
			t.Errorf("%q: got %v", users, err)
		}
	}
	err := CheckVersion(fstest.MapFS{"users.yaml": {Data: []byte("# x\nmanifestgen: >=1.4\nusers: []\n")}}, "v1.4.0")
	if want := `users.yaml:2:14: the version >=1.4 needs quotes`; err == nil || err.Error() != want || !strings.Contains(problemText(err), `write manifestgen: ">=1.4"`) {
		t.Errorf("got %v, want %s", err, want)
	}
	for name, fsys := range map[string]fstest.MapFS{"no file": {}, "no key": {"users.yaml": {Data: []byte("users: []\n")}}, "no YAML": {"users.yaml": {Data: []byte("a: [\n")}}} {
		if err := CheckVersion(fsys, "v1.0.0"); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
