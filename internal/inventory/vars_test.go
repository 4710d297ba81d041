package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8srepo/internal/manifest"
)

// layersOf is an inventory whose layers set the variable m, or others, as given: a
// line of variables for each of the layers that has one.
type layersOf struct {
	defaults           string
	service            string
	base, env          string // env extends base
	baseService, onAPI string // for the service api
	user               string
}

func (c layersOf) files() fstest.MapFS {
	vars := func(s string) string { return "vars: {" + s + "}" }
	return fstest.MapFS{
		"templates/variables.yaml": {Data: []byte(c.defaults + "\n")},
		"users.yaml": {Data: []byte("teams: [{name: web}]\nservices:\n  - {name: api, image: ecr.example/api, " + vars(c.service) + "}\n" +
			"users:\n  - {name: alice, mission_type: web, services: [api], " + vars(c.user) + "}\n")},
		"environments/base.yaml": {Data: []byte("abstract: true\n" + vars(c.base) + "\nservices: {api: {" + vars(c.baseService) + "}}\n")},
		"environments/dev.yaml":  {Data: []byte("extends: base\ntemplates: [service]\n" + vars(c.env) + "\nservices: {api: {" + vars(c.onAPI) + "}}\n")},
	}
}

// flow is a value as it is written in flow style, with its keys sorted.
func flow(v manifest.Value) string {
	switch v.Kind {
	case manifest.Map:
		var fields []string
		for _, f := range v.Fields {
			fields = append(fields, f.Key.Text+": "+flow(f.Value))
		}
		slices.Sort(fields)
		return "{" + strings.Join(fields, ", ") + "}"
	case manifest.Null:
		return "null"
	}
	if v.Kind == manifest.List {
		var items []string
		for _, item := range v.Items {
			items = append(items, flow(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return v.Text
}

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct {
		layers layersOf
		want   string // the variables of alice's api
	}{
		"maps merge, key by key, at any depth":      {layersOf{defaults: "m: {}", service: "m: {a: {x: 1, y: 1}}", env: "m: {b: 2, a: {y: 2}}", user: "m: {a: {z: 3}}"}, "{m: {a: {x: 1, y: 2, z: 3}, b: 2}}"},
		"scalars replace":                           {layersOf{defaults: "m: 1", service: "m: 2", env: "m: 3", user: "m: 4"}, "{m: 4}"},
		"lists replace":                             {layersOf{defaults: "m: [1]", service: "m: [2, 3]", env: "m: [4]"}, "{m: [4]}"},
		"an integer may stand for a number":         {layersOf{defaults: "m: 0.5", env: "m: 2"}, "{m: 2}"},
		"a map may replace what is not set":         {layersOf{defaults: "m: null", env: "m: {a: 1}"}, "{m: {a: 1}}"},
		"null removes a key":                        {layersOf{defaults: "m: {a: 1, b: 2}", env: "m: {a: null}"}, "{m: {b: 2}}"},
		"~ removes too":                             {layersOf{defaults: "m: {a: 1, b: 2}", env: "m: {a: ~}"}, "{m: {b: 2}}"},
		"null removes a map":                        {layersOf{defaults: "m: {}", service: "m: {a: {x: 1}, b: 2}", env: "m: {a: null}"}, "{m: {b: 2}}"},
		"null sets a variable back":                 {layersOf{defaults: "m: 1", service: "m: 2", env: "m: null"}, "{m: null}"},
		"a stronger layer sets it again":            {layersOf{defaults: "m: {a: {x: 1}}", env: "m: {a: null}", user: "m: {a: {x: 3}}"}, "{m: {a: {x: 3}}}"},
		"null in the base of an environment":        {layersOf{defaults: "m: {}", service: "m: {a: 1, b: 2}", base: "m: {a: null}", env: "m: {c: 3}"}, "{m: {b: 2, c: 3}}"},
		"null through a chain":                      {layersOf{defaults: "m: {}", base: "m: {a: 1, b: 2}", env: "m: {a: null}"}, "{m: {b: 2}}"},
		"null of an environment reaches services":   {layersOf{defaults: "m: {}", service: "m: {a: 1}", base: "m: {a: 2}", env: "m: {a: null}"}, "{m: {}}"},
		"null for a service":                        {layersOf{defaults: "m: {}", env: "m: {a: 1, b: 2}", onAPI: "m: {a: null}"}, "{m: {b: 2}}"},
		"null for a service, in the base":           {layersOf{defaults: "m: {}", env: "m: {a: 1, b: 2}", baseService: "m: {a: null}"}, "{m: {b: 2}}"},
		"null of a user, deep down":                 {layersOf{defaults: "m: {}", env: "m: {a: {b: {x: 1, y: 2}, c: 3}}", user: "m: {a: {b: {x: null}}}"}, "{m: {a: {b: {y: 2}, c: 3}}}"},
		"an empty map empties":                      {layersOf{defaults: "m: {a: 1}", env: "m: {}"}, "{m: {}}"},
		"an empty map empties below":                {layersOf{defaults: "m: {}", service: "m: {a: {x: 1}, b: 2}", env: "m: {a: {}}"}, "{m: {a: {}, b: 2}}"},
		"nothing merges into what was emptied":      {layersOf{defaults: "m: {}", service: "m: {a: 1}", base: "m: {}", env: "m: {b: 2}"}, "{m: {b: 2}}"},
		"what was emptied in a chain stays":         {layersOf{defaults: "m: {}", service: "m: {a: 1}", base: "m: {b: 2}", env: "m: {}", onAPI: "m: {c: 3}"}, "{m: {c: 3}}"},
		"an empty list empties":                     {layersOf{defaults: "m: [1]", service: "m: [2]", env: "m: []"}, "{m: []}"},
		"empty vars say nothing":                    {layersOf{defaults: "m: {a: 1}"}, "{m: {a: 1}}"},
		"null in a list is data":                    {layersOf{defaults: "m: []", env: "m: [null, {a: null}]"}, "{m: [null, {a: null}]}"},
		"null beside what is new is no more":        {layersOf{defaults: "m: {}", service: "m: {a: {x: 1}}", env: "m: {a: null}", user: "m: {b: {y: 1}}"}, "{m: {b: {y: 1}}}"},
		"a chain's vars, then those for a service":  {layersOf{defaults: "m: 0", base: "m: 1", baseService: "m: 2", env: "m: 3"}, "{m: 2}"},
		"an alias is what it stands for":            {layersOf{defaults: "m: {a: 1, b: 2}\nn: {a: 3, b: 4}", env: "m: &x {a: null}, n: *x"}, "{m: {b: 2}, n: {b: 4}}"},
		"a default that is not set, deep down":      {layersOf{defaults: "m: {a: null, b: 1}", env: "m: {b: 2}"}, "{m: {a: null, b: 2}}"},
		"a default that is not set, and set":        {layersOf{defaults: "m: {a: null, b: 1}", env: "m: {a: {x: 1}}"}, "{m: {a: {x: 1}, b: 1}}"},
		"a scalar that becomes a map, where open":   {layersOf{defaults: "m: {}", service: "m: {a: 1}", env: "m: {a: {x: 2}}"}, "{m: {a: {x: 2}}}"},
		"null of what only an environment has":      {layersOf{defaults: "m: {}", env: "m: {a: 1}", user: "m: {a: null}"}, "{m: {}}"},
		"null of what only one service has, of all": {layersOf{defaults: "m: {}", service: "m: {a: 1}", env: "m: {a: null}"}, "{m: {}}"},
	} {
		t.Run(name, func(t *testing.T) {
			inv, err := loadAll(c.layers.files())
			if err != nil {
				t.Fatal(err)
			}
			before := flow(inv.Defaults)
			if got := flow(inv.Vars(inv.Environment("dev"), inv.Service("api"), inv.User("alice"))); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if after := flow(inv.Defaults); after != before {
				t.Errorf("the defaults are now %s, and were %s", after, before)
			}
		})
	}
}

// TestMergeKeepsPlaces holds that a value is where it was written last.
func TestMergeKeepsPlaces(t *testing.T) {
	inv, err := loadAll(layersOf{defaults: "m: {a: 1, b: 2}\nn: 1", env: "m: {a: 5}, n: null"}.files())
	if err != nil {
		t.Fatal(err)
	}
	vars := inv.Vars(inv.Environment("dev"), nil, nil)
	for path, want := range map[string]string{"m.a": "environments/dev.yaml:3:15", "m.b": "templates/variables.yaml:1:14", "n": "environments/dev.yaml:3:22"} {
		if v := vars.At(strings.Split(path, ".")...); v.Place.String() != want {
			t.Errorf("%s is at %s, want %s", path, v.Place, want)
		}
	}
}

// TestNullWithoutEffect holds that a null that removes nothing is an error where it
// is written.
func TestNullWithoutEffect(t *testing.T) {
	for name, c := range map[string]struct {
		layers layersOf
		want   string
	}{
		"a service's":               {layersOf{defaults: "m: {}", service: "m: {a: null}"}, "users.yaml:3:55: this null removes nothing: no weaker layer sets m.a"},
		"a service's, set later":    {layersOf{defaults: "m: {}", service: "m: {a: null}", env: "m: {a: 1}"}, "users.yaml:3:55: this null"},
		"an environment's":          {layersOf{defaults: "m: {}", service: "m: {ab: 1}", env: "m: {abc: null}"}, "environments/dev.yaml:3:17: this null removes nothing: no weaker layer sets m.abc"},
		"that only a stronger sets": {layersOf{defaults: "m: {}", env: "m: {a: null}", onAPI: "m: {a: 1}"}, "environments/dev.yaml:3:15: this null"},
		"a base's":                  {layersOf{defaults: "m: {}", base: "m: {a: null}", env: "m: {a: 1}"}, "environments/base.yaml:2:15: this null"},
		"a user's":                  {layersOf{defaults: "m: {}", user: "m: {a: {b: null}}"}, "users.yaml:5:73: this null"},
		"for a service":             {layersOf{defaults: "m: {}", onAPI: "m: {a: null}"}, "environments/dev.yaml:4:32: this null"},
		"a variable that is unset":  {layersOf{defaults: "m: null", env: "m: null"}, "environments/dev.yaml:3:11: this null removes nothing: no weaker layer sets m"},
	} {
		if _, err := loadAll(c.layers.files()); err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestNothingBehindAKey(t *testing.T) {
	for name, c := range map[string]struct {
		layers layersOf
		want   string
	}{
		"a variable":      {layersOf{defaults: "m: {a: 1}", env: "m: "}, "environments/dev.yaml:3:11: m has no value"},
		"a key":           {layersOf{defaults: "m: {a: 1}", env: "m: {a: }"}, "environments/dev.yaml:3:15: m.a has no value"},
		"in an open map":  {layersOf{defaults: "m: {}", env: "m: {a: {b: }}"}, "environments/dev.yaml:3:19: m.a.b has no value"},
		"in a list":       {layersOf{defaults: "m: []", env: "m: [{a: }]"}, "environments/dev.yaml:3:16: m[0].a has no value"},
		"a default":       {layersOf{defaults: "m:"}, "templates/variables.yaml:1:3: m has no value"},
		"in a default":    {layersOf{defaults: "m: {a: }"}, "templates/variables.yaml:1:8: m.a has no value"},
		"an empty string": {layersOf{defaults: "m: {a: x}", env: `m: {a: ""}`}, ""},
	} {
		_, err := loadAll(c.layers.files())
		if c.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// TestTypes sets variables of each type to values of each other.
func TestTypes(t *testing.T) {
	values := map[string]string{"a boolean": "true", "an integer": "7", "a number": "1.5", "a string": "text", "a list": "[1]", "a map": "{x: 1}", "null": "null"}
	for want, def := range values {
		for is, value := range values {
			for _, deep := range []bool{false, true} {
				defaults, vars, name := "v: "+def, "{v: "+value+"}", "v"
				col := 11
				if deep {
					defaults, vars, name = "v: {w: "+def+"}", "{v: {w: "+value+"}}", "v.w"
					col = 15
				}
				_, err := loadAll(files(map[string]string{
					"users.yaml": "{}", "templates/variables.yaml": defaults + "\n", "environments/dev.yaml": "templates: []\nvars: " + vars + "\n",
				}))
				text := ""
				switch {
				case want == "null" && is == "null":
					text = fmt.Sprintf("environments/dev.yaml:2:%d: this null removes nothing", col)
				case want != is && want != "null" && is != "null" && (want != "a number" || is != "an integer"):
					text = fmt.Sprintf("environments/dev.yaml:2:%d: the variable %s must be %s", col, name, want)
				}
				if (err == nil) != (text == "") || err != nil && !strings.HasPrefix(err.Error(), text) {
					t.Errorf("a default that is %s, a value that is %s: got %v, want %s", want, is, err, text)
				}
			}
		}
	}
}

// TestClosedMaps says which keys a map takes, and what is said of others.
func TestClosedMaps(t *testing.T) {
	env := func(defaults, vars string) map[string]string {
		return map[string]string{"users.yaml": "{}", "templates/variables.yaml": defaults + "\n", "environments/dev.yaml": "templates: []\nvars: {" + vars + "}\n"}
	}
	for _, c := range []struct{ defaults, vars string }{
		{"m: {}", "m: {a: {b: 1}}"}, {"m: null", "m: {a: {b: 1}}"}, {"m: {a: {}}", "m: {a: {b: 1}}"}, {"m: {a: null}", "m: {a: {b: 1}}"},
		{"m: {a: {b: 2}}", "m: {a: {b: 1}}"}, {"m: [{a: 1}]", "m: [{b: 1}, 7]"},
	} {
		load(t, env(c.defaults, c.vars))
	}
	refused(t, env("resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}", "resources: {limit: {memory: 2Gi}, requests: {cpus: 1}}"),
		"environments/dev.yaml:2:20: unknown key \"limit\" in resources", "environments/dev.yaml:2:53: unknown key \"cpus\" in resources.requests")
	refused(t, env("m: {a: 1}", "m: {b: null}"), "environments/dev.yaml:2:12: unknown key \"b\" in m")
	refused(t, env("hpa: {max: 3}", `hpa: {max: "ten"}`), "environments/dev.yaml:2:19: the variable hpa.max must be an integer, as its default in templates/variables.yaml:1:12 is; this is a string")
	_, err := loadAll(files(env("resources: {limits: {a: 1}}", "resources: {limits: {b: 2}}")))
	const lines = "properties:\n      resources:\n        properties:\n          limits:\n            additionalProperties: true"
	if err == nil || !strings.Contains(problemText(err), lines) {
		t.Errorf("got %s, want the lines\n%s", problemText(err), lines)
	}
}

// TestNoVariablesFile holds that one missing file is one problem, with a count.
func TestNoVariablesFile(t *testing.T) {
	fsys := layersOf{service: "a: 1, b: 2", env: "a: 3", user: "c: {d: 1}"}.files()
	delete(fsys, "templates/variables.yaml")
	fsys["templates/service/x.yaml.tmpl"] = &fstest.MapFile{}
	_, err := loadAll(fsys)
	if want := "templates/variables.yaml: no such file, and 3 variables are set in 4 places"; err == nil || err.Error() != want || !strings.Contains(problemText(err), ": a, b, c\n") {
		t.Errorf("got %v, want %s", problemText(err), want)
	}
}

// FuzzLoad holds that no inventory makes Load panic, and that what it returns can be
// merged for everyone.
func FuzzLoad(f *testing.F) {
	for _, c := range []layersOf{
		{defaults: "m: {a: 1, b: {x: 1}}", service: "m: {a: null}", base: "m: {}", env: "m: {b: {x: 2}}", onAPI: "m: {b: null}", user: "m: {a: 3}"},
		{defaults: "m: &a {a: 1}\nn: {<<: *a, b: [1, {c: null}]}", env: "n: {b: []}"},
	} {
		files := c.files()
		f.Add(string(files["users.yaml"].Data), string(files["environments/dev.yaml"].Data), string(files["templates/variables.yaml"].Data), "properties: {m: {additionalProperties: {type: integer}}}\n")
	}
	f.Fuzz(func(t *testing.T, users, env, defaults, schema string) {
		fsys := layersOf{}.files()
		for name, text := range map[string]string{"users.yaml": users, "environments/dev.yaml": env, "templates/variables.yaml": defaults, SchemaFile: schema} {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		_ = CheckVersion(fsys, "v1.4.0")
		_, _ = LoadPaths(fsys)
		_, _ = LoadEnvironment(fsys, "dev")
		inv, err := loadAll(fsys)
		if err != nil {
			return
		}
		for _, e := range inv.Environments {
			for _, s := range append([]*Service{nil}, inv.Services...) {
				for _, u := range append([]*User{nil}, inv.Users...) {
					if vars := inv.Vars(e, s, u); len(vars.Fields) < len(inv.Defaults.Fields) {
						t.Fatalf("a variable is gone: %s", vars)
					}
				}
			}
		}
	})
}
