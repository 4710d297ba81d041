package main

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"k8srepo/internal/console"
	"k8srepo/internal/manifest"
	"k8srepo/internal/rules"
)

// findPatches finds the files that kustomizations in the linted folders name as patches. A patch is
// no whole object: the API server never sees it.
func (l *linter) findPatches() {
	l.patches = map[string]bool{}
	for _, f := range l.files {
		if !f.inFolder || f.err != nil || !rules.IsKustomizationFile(f.name) {
			continue
		}
		objects, err := parseObjects(f.name, f.data)
		if err != nil {
			continue // file reports it
		}
		for _, kustomization := range objects {
			for _, name := range patchesOf(kustomization) {
				l.patches[path.Join(path.Dir(f.name), name)] = true
			}
		}
	}
}

// patchesOf returns the files that a kustomization names as patches. A patch that it holds itself
// is a text of several lines.
func patchesOf(kustomization manifest.Value) []string {
	var names []string
	add := func(v manifest.Value) {
		if v.Text != "" && !strings.Contains(v.Text, "\n") {
			names = append(names, v.Text)
		}
	}
	for _, key := range []string{"patches", "patchesJson6902"} {
		for _, patch := range kustomization.At(key).Items {
			add(patch.At("path"))
		}
	}
	for _, patch := range kustomization.At("patchesStrategicMerge").Items {
		add(patch)
	}
	return names
}

// leaveOut reports whether a file is left out because it was found in a folder and holds no
// Kubernetes objects, or a patch. The rules take from a kustomization which images it tags.
func (l *linter) leaveOut(f lintFile, objects []manifest.Value) bool {
	if !f.inFolder || len(objects) == 0 {
		return false
	}
	if l.patches[f.name] {
		l.result.Others++
		l.patched = append(l.patched, f.name)
		return true
	}
	for _, object := range objects {
		if isObject(object) && !rules.IsKustomization(object) {
			return false
		}
	}
	for _, object := range objects {
		if rules.IsKustomization(object) {
			l.collect(object, f.root)
		}
	}
	l.result.Others++
	l.other = cmp.Or(l.other, f.name)
	return true
}

// leftOut reports the files that were left out.
func (l *linter) leftOut(con *console.Console) {
	if n := l.result.Others - len(l.patched); n > 0 {
		con.Notice(fmt.Sprintf("left out %s without Kubernetes objects, such as %s", count(n, "file"), l.other))
	}
	if n := len(l.patched); n > 0 {
		con.Notice(fmt.Sprintf("left out %s that kustomize applies as patches, such as %s: lint what kustomize build prints", count(n, "file"), l.patched[0]))
	}
}
