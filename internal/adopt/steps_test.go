package adopt

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/manifest"
	"k8srepo/internal/render"
	"k8srepo/internal/tree"
)

// onDisk is a k8s repo in a folder, as it was at first.
type onDisk struct {
	*testing.T
	dir   string
	first map[string]string
}

func newOnDisk(t *testing.T, files map[string]string) *onDisk {
	d := &onDisk{t, t.TempDir(), files}
	for name, text := range files {
		d.write(name, text)
	}
	return d
}

func (d *onDisk) write(name, text string) {
	d.Helper()
	file := filepath.Join(d.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		d.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		d.Fatal(err)
	}
}

func (d *onDisk) read(name string) string {
	d.Helper()
	data, err := os.ReadFile(filepath.Join(d.dir, filepath.FromSlash(name)))
	if err != nil {
		d.Fatal(err)
	}
	return string(data)
}

// plan renders, and compares that with the disk.
func (d *onDisk) plan(files map[string][]byte, adopted []string) *tree.Plan {
	d.Helper()
	source := inventory.Overlay{FS: os.DirFS(d.dir), Files: files}
	inv, err := inventory.Load(source, schema.Compile)
	if err != nil {
		d.Fatal(err)
	}
	templates, err := render.ParseTemplates(source, inv)
	if err != nil {
		d.Fatal(err)
	}
	manifests, err := render.Render(templates, inv, inv.Environments)
	if err != nil {
		d.Fatal(err)
	}
	o := tree.Options{Others: true, Adopt: map[string]bool{}}
	for _, path := range adopted {
		o.Adopt[path] = true
	}
	for _, env := range inv.Environments {
		o.Environments = append(o.Environments, tree.Environment{Name: env.Name, Dir: env.Path, Namespace: env.Namespace, Complete: true, Renders: func(string) bool { return true }})
	}
	var wants []tree.Want
	for _, m := range manifests {
		wants = append(wants, tree.Want{Env: m.Env, Path: m.Path, Template: m.Template, Subject: strings.Split(m.Subject, ", "), Text: m.Text})
	}
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		d.Fatal(err)
	}
	defer root.Close()
	plan, err := tree.Diff(root, wants, o)
	if err != nil {
		d.Fatal(err)
	}
	return plan
}

// adopt adopts, writes, and checks: each manifest is what it was, header aside, and render
// would change nothing.
func (d *onDisk) adopt(layout string, o Options) *Result {
	d.Helper()
	var err error
	if o.Layout, err = ParseLayout(layout); err != nil {
		d.Fatal(err)
	}
	result, err := Run(os.DirFS(d.dir), o)
	if err != nil {
		d.Fatal(err)
	}
	if len(result.Adopted) > 0 {
		plan := d.plan(result.Files, result.Adopted)
		for _, c := range plan.Changes {
			d.write(c.Path, string(c.New))
		}
		for name, data := range result.Files {
			if data == nil {
				if err := os.Remove(filepath.Join(d.dir, name)); err != nil {
					d.Fatal(err)
				}
				continue
			}
			d.write(name, string(data))
		}
		if after := d.plan(nil, nil); len(after.Changes) > 0 {
			d.Errorf("render would change %d files: %s", len(after.Changes), after.Changes[0].Unified())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.first)) {
		now := d.read(name)
		if template, body, ok := tree.Rendered(name, []byte(now)); ok {
			now = string(body)
		} else if template != "" {
			d.Errorf("%s was edited", name)
		}
		if strings.HasSuffix(name, ".yaml") && strings.Contains(name, "/manifests/") && now != d.first[name] {
			d.Errorf("%s is\n%s\nand was\n%s", name, now, d.first[name])
		}
	}
	return result
}

// snapshot are the files that adopt writes.
func (d *onDisk) snapshot() map[string]string {
	d.Helper()
	list := map[string]string{}
	for _, pattern := range []string{"users.yaml", "environments/*", "templates/*.yaml", "templates/*/*"} {
		files, _ := filepath.Glob(filepath.Join(d.dir, pattern))
		for _, f := range files {
			name, _ := filepath.Rel(d.dir, f)
			if info, err := os.Stat(f); err == nil && !info.IsDir() {
				list[filepath.ToSlash(name)] = d.read(filepath.ToSlash(name))
			}
		}
	}
	return list
}

const servicePath = "{env}/manifests/{service}"

// TestSteps adopts a repository one service after the other: in the end it is what one run
// for all makes of it, and another run changes nothing.
func TestSteps(t *testing.T) {
	files := generate(2)
	for name := range files {
		if service := strings.Split(name, "/")[2]; !slices.Contains([]string{"api", "auth", "front", "order-api", "geo"}, service) {
			delete(files, name)
		}
	}
	all := newOnDisk(t, files)
	all.adopt(servicePath, Options{})
	steps := newOnDisk(t, files)
	for _, service := range []string{"api", "front", "geo"} {
		if result := steps.adopt(servicePath, Options{Services: []string{service}}); len(result.Adopted) == 0 {
			t.Fatalf("nothing of %s is adopted: %v", service, result.Left)
		}
	}
	steps.adopt(servicePath, Options{})
	want, got := all.snapshot(), steps.snapshot()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s in steps:\n%s\nat once:\n%s", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("in steps: %v\nat once: %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	if again := steps.adopt(servicePath, Options{}); len(again.Files) > 0 || len(again.Adopted) > 0 {
		t.Errorf("again: %v, %v", slices.Sorted(maps.Keys(again.Files)), again.Adopted)
	}
}

// TestStepsAfterChanges adopts a service after somebody has changed a template that was
// adopted: that one stays, and the service gets one of its own.
func TestStepsAfterChanges(t *testing.T) {
	files := generate(3)
	for name := range files {
		if service := strings.Split(name, "/")[2]; service != "api" && service != "auth" || !strings.Contains(name, "-deployment.") {
			delete(files, name)
		}
	}
	d := newOnDisk(t, files)
	d.adopt(servicePath, Options{Services: []string{"api"}})
	const template = "templates/service/deployment.yaml.tmpl"
	changed := "{{/* Ours. */}}\n" + d.read(template)
	d.write(template, changed)
	result := d.adopt(servicePath, Options{})
	if len(result.Adopted) != 3 {
		t.Errorf("adopted: %v, left: %v", result.Adopted, result.Left)
	}
	if now := d.read(template); !strings.Contains(now, strings.TrimSpace(changed)) || !strings.Contains(now, `{{- if ne .Service.Name "auth" }}`) {
		t.Errorf("the template is\n%s", now)
	}
}

// TestInterrupted completes a run that wrote the templates and the inventory, and some of
// the manifests.
func TestInterrupted(t *testing.T) {
	files := map[string]string{}
	for name, text := range generate(4) {
		if strings.Contains(name, "/api/") {
			files[name] = text
		}
	}
	d := newOnDisk(t, files)
	d.adopt(servicePath, Options{})
	want := d.snapshot()
	for i, name := range slices.Sorted(maps.Keys(files)) {
		if i%2 == 0 {
			d.write(name, files[name])
		}
	}
	d.adopt(servicePath, Options{})
	if got := d.snapshot(); !maps.Equal(got, want) {
		t.Errorf("it is\n%v\nand was\n%v", got, want)
	}
	if after := d.plan(nil, nil); len(after.Changes) > 0 {
		t.Errorf("%d files are not as they are rendered", len(after.Changes))
	}
}

// TestInventoryStays adopts into an inventory that is there: what people wrote stays.
func TestInventoryStays(t *testing.T) {
	deployment := func(env string, replicas string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: " + env + "}\nspec:\n  replicas: " + replicas + "\n  template:\n    spec:\n      containers:\n        - name: api\n          image: e/api:1\n"
	}
	users := "# People.\nteams: [{name: web}]\nservices:\n  - name: api   # the first\n    image: e/api\nusers:\n  - {name: alice, mission_type: web, services: [api]}\n"
	dev := "# Development.\ntemplates: [environment]  # for now\nvars: {greeting: hello}\n"
	variables := "# Ours.\ngreeting: hi\nreplicas: 9 # of something else\n"
	d := newOnDisk(t, map[string]string{
		"users.yaml": users, "environments/dev.yaml": dev, "templates/variables.yaml": variables,
		"templates/environment/config.yaml.tmpl":      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {a: {{ .Vars.greeting }}, b: \"{{ .Vars.replicas }}\"}\n",
		"dev/manifests/api/api-dev-deployment.yaml":   deployment("dev", "1"),
		"prod/manifests/api/api-prod-deployment.yaml": deployment("prod", "3"),
	})
	for _, c := range d.plan(nil, nil).Changes {
		d.write(c.Path, string(c.New))
	}
	d.adopt(servicePath, Options{})
	if got := d.read("users.yaml"); got != users {
		t.Errorf("users.yaml is\n%s", got)
	}
	if got, want := d.read("environments/dev.yaml"), strings.Replace(dev, "[environment]", "[environment, service]", 1); got != want {
		t.Errorf("environments/dev.yaml is\n%s", got)
	}
	if got, want := d.read("templates/variables.yaml"), variables+"deployment_replicas: 1\n"; got != want {
		t.Errorf("templates/variables.yaml is\n%s", got)
	}
	if file, err := manifest.Parse("", []byte(d.read("environments/prod.yaml"))); err != nil || !bytes.Contains(file.Data, []byte("deployment_replicas: 3")) {
		t.Errorf("environments/prod.yaml is\n%s", d.read("environments/prod.yaml"))
	}
}
