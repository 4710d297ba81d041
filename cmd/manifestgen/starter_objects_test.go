package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"k8srepo/internal/manifest"
)

// object is a rendered Kubernetes object of the starter.
type object struct {
	env, file string
	fields    map[string]any
}

// at is what stands at a path such as spec.selector; nil where nothing does.
func (o object) at(path string) any {
	return at(o.fields, path)
}

func at(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func (o object) text(path string) string {
	s, _ := o.at(path).(string)
	return s
}

func (o object) list(path string) []any {
	list, _ := o.at(path).([]any)
	return list
}

func (o object) kind() string { return o.text("kind") }

// id is the object's environment, namespace and name: what is referred to by others.
func (o object) id() string {
	return o.env + " " + o.text("metadata.namespace") + "/" + o.text("metadata.name")
}

func (o object) String() string { return fmt.Sprintf("%s: %s %s", o.file, o.kind(), o.id()) }

// pod is the object's pod template; ok is false where it has none.
func (o object) pod() (template object, ok bool) {
	for _, path := range []string{"spec.template", "spec.jobTemplate.spec.template"} {
		if fields, has := o.at(path).(map[string]any); has && at(fields, "spec.containers") != nil {
			return object{o.env, o.file, fields}, true
		}
	}
	return object{}, false
}

// starter is this repository's own inventory, rendered: its objects and its files.
func starter(t *testing.T) ([]object, map[string]string) {
	t.Helper()
	rendered, err := renderedStarter()
	if err != nil {
		t.Fatal(err)
	}
	return rendered.objects, rendered.files
}

type starterFiles struct {
	objects []object
	files   map[string]string
}

// renderedStarter renders it once for all tests, which only read it.
var renderedStarter = sync.OnceValues(func() (starterFiles, error) {
	rendered := starterFiles{files: map[string]string{}}
	plan, err := (&renderOptions{source: "../..", out: "no-such-folder"}).plan()
	if err != nil {
		return rendered, err
	}
	for _, c := range plan.Changes {
		rendered.files[c.Path] = string(c.New)
		env, _, _ := strings.Cut(c.Path, "/")
		file, err := manifest.Parse(c.Path, c.New)
		if err != nil {
			return rendered, err
		}
		documents, err := file.Values()
		if err != nil {
			return rendered, err
		}
		for _, d := range documents {
			if fields, ok := d.Go().(map[string]any); ok {
				rendered.objects = append(rendered.objects, object{env, c.Path, fields})
			}
		}
	}
	return rendered, nil
})
