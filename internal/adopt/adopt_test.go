package adopt

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/render"
)

// repo is a k8s repo in memory.
func repo(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return fsys
}

func adoptAll(t *testing.T, fsys fs.FS, layout string, o Options) *Result {
	t.Helper()
	var err error
	if o.Layout, err = ParseLayout(layout); err != nil {
		t.Fatal(err)
	}
	result, err := Run(fsys, o)
	if err != nil {
		t.Fatal(err)
	}
	checkRendered(t, fsys, result)
	return result
}

// checkRendered renders what was inferred: each adopted manifest must be what it was, tags
// aside, and nothing else may be rendered. What is to be written is UTF-8.
func checkRendered(t *testing.T, fsys fs.FS, result *Result) {
	t.Helper()
	for name, data := range result.Files {
		if !utf8.Valid(data) {
			t.Errorf("%s is not UTF-8: %q", name, data)
		}
	}
	source := inventory.Overlay{FS: fsys, Files: result.Files}
	inv, err := inventory.Load(source, schema.Compile)
	if err != nil {
		t.Fatal(err)
	}
	templates, err := render.ParseTemplates(source, inv)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := render.Render(templates, inv, inv.Environments)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, m := range manifests {
		paths = append(paths, m.Path)
		data, err := fs.ReadFile(fsys, m.Path)
		if err != nil {
			t.Errorf("%s is rendered, and was not there", m.Path)
			continue
		}
		if _, same := m.Text.Match(data); !same {
			t.Errorf("%s differs:\n%s\nfrom %s", m.Path, m.Text.Data, data)
		}
	}
	if !slices.Equal(paths, result.Adopted) {
		t.Errorf("rendered: %v\nadopted: %v", paths, result.Adopted)
	}
}

// TestGenerated adopts a k8s repo of 17 services and 3 environments: every file is adopted
// or named, and the templates with their values take at most 40 % of the lines.
func TestGenerated(t *testing.T) {
	files := generate(1)
	result := adoptAll(t, repo(files), "{env}/manifests/{service}", Options{})
	var seen []string
	seen = append(seen, result.Adopted...)
	for _, l := range result.Left {
		seen = append(seen, l.Path)
		if !strings.Contains(l.Path, "-windows.") && !strings.Contains(l.Path, "-latin.") {
			t.Errorf("left: %s: %s", l.Path, l.Reason)
		}
	}
	slices.Sort(seen)
	if all := slices.Sorted(maps.Keys(files)); !slices.Equal(seen, all) {
		t.Errorf("%d files are adopted or left, of %d", len(seen), len(all))
	}
	before, after := 0, 0
	for _, path := range result.Adopted {
		before += strings.Count(files[path], "\n")
	}
	for _, data := range result.Files {
		after += bytes.Count(data, []byte("\n"))
		if bytes.Contains(data, []byte("tag:")) {
			t.Errorf("a tag stands in a value:\n%s", data)
		}
	}
	if 100*after > 40*before {
		t.Errorf("templates and values take %d lines, of %d", after, before)
	}
	t.Logf("%d lines instead of %d: %d %%", after, before, 100*after/before)
}

// TestCharacters has texts that differ within a character: no part of a template or a value is
// half of one.
func TestCharacters(t *testing.T) {
	manifest := func(a, b string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api}\ndata:\n  a: x # " + a + "\n  b: https://caf" + a + ".example.com/one\n" +
			"  c: ftp://caf" + a + ".example.com/" + b + "\n  d: |\n    say caf" + a + " " + b + "\n  e: [" + a + ", b]\n"
	}
	result := adoptAll(t, repo(map[string]string{
		"dev/manifests/api/api.yaml":     manifest("é", "two"),
		"staging/manifests/api/api.yaml": manifest("è", "two"),
		"prod/manifests/api/api.yaml":    manifest("開", "three"),
	}), servicePath, Options{})
	if len(result.Adopted) != 3 {
		t.Errorf("left: %v", result.Left)
	}
}

// TestParseLayout: each part of a path names the environment, and the service, at most once.
func TestParseLayout(t *testing.T) {
	for text, valid := range map[string]bool{
		"{env}/manifests/{service}": true, "{env}": true, "apps/{service}-{env}": true, "{env}/{env}-manifests": true, "./{env}/": true,
		"": false, "manifests/{service}": false, "{env}-{env}": false, "{env}/{service}/{service}-{service}": false, "../{env}": false, "/{env}": false, "{env}/{user}": false, "{env}/*": false,
	} {
		_, err := ParseLayout(text)
		if (err == nil) != valid {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// TestInvalidNames has namespaces, domains and services with names that the inventory does not
// take: a namespace or a domain stays text, and a service's files are left.
func TestInvalidNames(t *testing.T) {
	manifest := func(name, namespace, host string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: " + namespace + "}\ndata:\n  host: a." + host + "\n  hostname: b." + host + "\n"
	}
	long := strings.Repeat("a", 64)
	files := map[string]string{
		"dev/manifests/api/api.yaml": manifest("api", "Shop_1", "-dev.example.com"), "prod/manifests/api/api.yaml": manifest("api", "shop", "-prod.example.com"),
	}
	for _, service := range []string{"users", "teams", long} {
		for _, env := range []string{"dev", "prod"} {
			files[env+"/manifests/"+service+"/a.yaml"] = manifest(service, env, env+".example.com")
		}
	}
	result := adoptAll(t, repo(files), servicePath, Options{})
	if want := []string{"dev/manifests/api/api.yaml", "prod/manifests/api/api.yaml"}; !slices.Equal(result.Adopted, want) {
		t.Errorf("adopted: %v", result.Adopted)
	}
	if len(result.Left) != 6 {
		t.Errorf("left: %v", result.Left)
	}
	for _, l := range result.Left {
		if !strings.Contains(l.Reason, "no name of a service") {
			t.Errorf("%s: %s", l.Path, l.Reason)
		}
	}
}

// TestInvalidNameWithoutFolder has a service that is known by its workload alone, whose name the
// inventory does not take: another one can be given to it.
func TestInvalidNameWithoutFolder(t *testing.T) {
	files := map[string]string{}
	for _, env := range []string{"dev", "prod"} {
		files[env+"/manifests/a.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: users}\nspec: {template: {spec: {containers: [{name: a, image: \"example.com/users:1.0\"}]}}}\n"
	}
	layout, err := ParseLayout("{env}/manifests")
	if err != nil {
		t.Fatal(err)
	}
	result, err := Run(repo(files), Options{Layout: layout})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Left) != 2 || !strings.Contains(result.Left[0].Reason, "users is no name of a service: pass another one with --service") {
		t.Errorf("left: %v", result.Left)
	}
	if result := adoptAll(t, repo(files), "{env}/manifests", Options{Services: []string{"people"}}); len(result.Adopted) != 2 {
		t.Errorf("left: %v", result.Left)
	}
}

// TestInvalidEnvironment has a folder beside the environments whose name none can have: its
// files are left, and do not keep the copies elsewhere from being adopted.
func TestInvalidEnvironment(t *testing.T) {
	const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api}\n"
	files := map[string]string{"apps/templates/api/b.yaml": strings.ReplaceAll(text, "\n", "\r\n")}
	for _, env := range []string{"dev", "prod", "templates"} {
		files["apps/"+env+"/api/a.yaml"] = text
	}
	files["apps/dev/api/b.yaml"], files["apps/prod/api/b.yaml"] = strings.Replace(text, "api}", "b}", 1), strings.Replace(text, "api}", "b}", 1)
	result := adoptAll(t, repo(files), "apps/{env}/{service}", Options{})
	if len(result.Adopted) != 4 || len(result.Left) != 2 || !strings.Contains(result.Left[0].Reason, "templates is no name of an environment") {
		t.Errorf("adopted %v, left %v", result.Adopted, result.Left)
	}
}

// TestTogether leaves the copies of a file that cannot be adopted in one environment.
func TestTogether(t *testing.T) {
	const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	result := adoptAll(t, repo(map[string]string{
		"dev/manifests/api/a.yaml": text, "prod/manifests/api/a.yaml": strings.ReplaceAll(text, "\n", "\r\n"),
		"dev/manifests/api/b.yaml": strings.Replace(text, "name: a", "name: b", 1), "prod/manifests/api/b.yaml": strings.Replace(text, "name: a", "name: b", 1),
	}), servicePath, Options{})
	var left []string
	for _, l := range result.Left {
		left = append(left, l.Path+": "+l.Reason)
	}
	want := []string{"dev/manifests/api/a.yaml: its copy in prod cannot be adopted", "prod/manifests/api/a.yaml: its lines end in CR: rendered files have LF alone"}
	if !slices.Equal(left, want) {
		t.Errorf("left: %q", left)
	}
}

// TestTemplates compares templates and values with what a person would have written.
func TestTemplates(t *testing.T) {
	deployment := func(env, replicas, level, extra, probe string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\n  namespace: " + env + "\nspec:\n  replicas: " + replicas + " # " + env + "\n  template:\n    spec:\n      containers:\n        - name: api\n          image: \"e/api-" + env + ":" + strings.Repeat("1", 7) + env + "\"\n          env:\n            - name: LOG_LEVEL\n              value: " + level + "\n" + extra + "          resources:\n            limits: {memory: 1Gi}\n" + probe
	}
	const probe = "          livenessProbe:\n            httpGet: {path: /healthz, port: 80}\n"
	result := adoptAll(t, repo(map[string]string{
		"dev/manifests/api/deployment.yaml":     deployment("dev", "1", "debug", "", ""),
		"staging/manifests/api/deployment.yaml": deployment("staging", "1", "info", "", probe),
		"prod/manifests/api/deployment.yaml":    deployment("prod", "3", "info", "            - name: TIMEOUT\n              value: \"30\"\n", probe),
	}), servicePath, Options{})
	for name, want := range map[string]string{
		"templates/service/deployment.yaml.tmpl": `{{/* path: {service}/deployment.yaml */}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Service.Name }}
  namespace: {{ .Env.Namespace }}
spec:
  replicas: {{ .Vars.replicas }} # {{ if eq .Env.Name "dev" }}dev{{ else if eq .Env.Name "prod" }}prod{{ else }}staging{{ end }}
  template:
    spec:
      containers:
        - name: {{ .Service.Name }}
          image: "{{ .Service.Image }}:{{ .Tag }}"
          env:
            - name: LOG_LEVEL
              value: {{ .Vars.log_level }}
            {{- if eq .Env.Name "prod" }}
            - name: TIMEOUT
              value: "30"
            {{- end }}
          resources:
            limits: {memory: 1Gi}
          {{- if ne .Env.Name "dev" }}
          livenessProbe:
            httpGet: {path: /healthz, port: 80}
          {{- end }}
`,
		"templates/variables.yaml": "log_level: info\nreplicas: 1\n",
		"environments/dev.yaml":    "templates: [service]\nvars: {log_level: debug}\n",
		"environments/prod.yaml":   "templates: [service]\nvars: {replicas: 3}\nservices:\n  api: {image: e/api-prod}\n",
		"users.yaml":               "services:\n  - name: api\n    image: e/api-dev\n",
	} {
		if got := string(result.Files[name]); got != want {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
		}
	}
}
