package main

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/render"
	"k8srepo/internal/rules"
	"k8srepo/internal/tree"
)

// ruleObjects collects what the rules across objects need to know of manifests. Those that differ in
// a user's name alone are parsed once.
type ruleObjects struct {
	of [][]rules.Object // by manifest

	lock  sync.Mutex
	known map[textKey]knownObjects
}

// knownObjects are those of a text, with the user's name that it has.
type knownObjects struct {
	user    string
	objects []*rules.Object
}

func newRuleObjects(manifests int) *ruleObjects {
	return &ruleObjects{of: make([][]rules.Object, manifests), known: map[textKey]knownObjects{}}
}

// reuse takes the objects of the i-th manifest from another that has the same text but for the user's
// name.
func (r *ruleObjects) reuse(i int, key textKey, user string) bool {
	r.lock.Lock()
	known, ok := r.known[key]
	r.lock.Unlock()
	if ok {
		r.of[i] = known.renamed(user)
	}
	return ok
}

// add takes the objects of the i-th manifest from its documents.
func (r *ruleObjects) add(i int, key textKey, user string, documents []manifest.Value) {
	known := knownObjects{user: user}
	for _, document := range documents {
		if o := rules.Read(document); o != nil {
			known.objects = append(known.objects, o)
		}
	}
	r.lock.Lock()
	if len(r.known) < maxVerdicts {
		r.known[key] = known
	}
	r.lock.Unlock()
	r.of[i] = known.renamed(user)
}

// renamed returns copies with another user's name.
func (k *knownObjects) renamed(user string) []rules.Object {
	objects := make([]rules.Object, len(k.objects))
	for i, o := range k.objects {
		objects[i] = o.Renamed(k.user, user)
		objects[i].User = user
	}
	return objects
}

// checkRules checks the rules across objects, cluster by cluster.
func (o *renderOptions) checkRules(inv *inventory.Inventory, manifests []render.Manifest, objects *ruleObjects) (refused, warned []render.Finding) {
	clusters := o.clusters(inv)
	for i := range manifests {
		m := &manifests[i]
		env, cluster := clusters.environments[m.Env], clusters.of[m.Env]
		for n := range objects.of[i] {
			object := &objects.of[i][n]
			object.Env, object.Document, object.Source = env, i, m.Template
			cluster.Objects = append(cluster.Objects, object)
		}
	}
	for _, f := range rules.Check(clusters.list) {
		finding := render.Finding{Manifest: &manifests[f.Object.Document], Line: f.Place.Line, Code: f.Rule.Code, Message: f.Message, Hint: f.Hint, Hidden: f.Hidden, Remarks: f.Notes}
		for _, also := range f.Also {
			finding.Also = append(finding.Also, render.Also{Manifest: &manifests[also.Object.Document], Line: also.Place.Line, Text: also.Text})
		}
		if f.Error || o.strict {
			refused = append(refused, finding)
		} else {
			warned = append(warned, finding)
		}
	}
	return refused, warned
}

// ruleClusters are the clusters of the environments that are rendered.
type ruleClusters struct {
	list         []*rules.Cluster
	of           map[string]*rules.Cluster // by environment
	environments map[string]*rules.Environment
}

func (o *renderOptions) clusters(inv *inventory.Inventory) *ruleClusters {
	clusters := &ruleClusters{of: map[string]*rules.Cluster{}, environments: map[string]*rules.Environment{}}
	byName := map[string]*rules.Cluster{}
	for _, env := range inv.Environments {
		if env.Abstract {
			continue
		}
		name := "cluster " + env.Cluster
		if env.Cluster == "" { // nothing says that it shares one
			name = "environment " + env.Name
		}
		c := byName[name]
		if c == nil {
			c = &rules.Cluster{Name: env.Cluster, Whole: true}
			byName[name] = c
			clusters.list = append(clusters.list, c)
		}
		c.Whole = c.Whole && (len(o.envs) == 0 || slices.Contains(o.envs, env.Name))
		clusters.of[env.Name], clusters.environments[env.Name] = c, ruleEnvironment(env)
	}
	return clusters
}

func ruleEnvironment(env *inventory.Environment) *rules.Environment {
	e := &rules.Environment{Name: env.Name, Namespace: env.Namespace, Domain: env.Domain, Shared: slices.Contains(env.Templates, "service")}
	for _, x := range env.External {
		e.External = append(e.External, rules.External{Kind: x.Kind, Namespace: x.Namespace, Name: x.Name})
	}
	for _, link := range env.Chain {
		if link.Name != env.Name {
			e.Extends = append(e.Extends, link.Name)
		}
	}
	return e
}

// checkImmutable reports fields that the API server lets nobody change, and that differ from the file
// on disk. Changes that differ in a user's name alone are compared once.
func (o *renderOptions) checkImmutable(plan *tree.Plan, manifests []render.Manifest) error {
	if o.noValidate {
		return nil
	}
	var refused []render.Finding
	same := map[[2]textKey]bool{}
	for _, c := range plan.Changes {
		i, ok := slices.BinarySearchFunc(manifests, c.Path, func(m render.Manifest, path string) int { return strings.Compare(m.Path, path) })
		if !ok || c.Conflict || c.Action != tree.Update && c.Action != tree.Rename {
			continue
		}
		m := &manifests[i]
		if !slices.ContainsFunc(m.Text.Objects, func(o manifest.Object) bool { return rules.MayBeImmutable(o.Kind) }) {
			continue
		}
		key := [2]textKey{newUserText(c.Old, "", userOf(m)).key, newUserText(c.New, "", userOf(m)).key}
		if same[key] {
			continue
		}
		old, oldErr := parseObjects(c.Path, c.Old)
		now, nowErr := parseObjects(c.Path, c.New)
		if oldErr != nil || nowErr != nil {
			continue // what is on disk may be anything
		}
		header := bytes.Count(c.New, []byte("\n")) - bytes.Count(m.Text.Data, []byte("\n"))
		found := rules.Immutable(old, now)
		same[key] = len(found) == 0
		for _, f := range found {
			refused = append(refused, render.Finding{Manifest: m, Line: f.Place.Line - header, Code: f.Rule.Code, Message: f.Message, Hint: f.Hint})
		}
	}
	return o.inSource(render.Problems(refused).Err())
}
