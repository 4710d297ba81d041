package main

import (
	"bytes"
	"slices"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/render"
	"k8srepo/internal/rules"
	"k8srepo/internal/tree"
)

// ruleObjects are what the rules across objects know of manifests, by manifest.
type ruleObjects []ruleObject

// ruleObject is a text that is known, and the user's name in a manifest that has it.
type ruleObject struct {
	*knownText
	user string
}

// set says which text the i-th manifest has. Without r, nothing asks for objects.
func (r ruleObjects) set(i int, known *knownText, user string) {
	if r != nil {
		r[i] = ruleObject{known, user}
	}
}

// readAll returns what the rules know of documents.
func readAll(documents []manifest.Value) []*rules.Object {
	objects := make([]*rules.Object, 0, len(documents))
	for _, document := range documents {
		if o := rules.Read(document); o != nil {
			objects = append(objects, o)
		}
	}
	return objects
}

// each calls a function with the objects of each manifest, which have its own user's name.
func (r ruleObjects) each(use func(i int, object *rules.Object)) {
	var list []rules.Object
	for i := range r {
		if r[i].knownText == nil {
			continue
		}
		for _, o := range r[i].objects {
			if len(list) == 0 { // a hundred at a time: memory that is at hand, and few allocations
				list = make([]rules.Object, 100)
			}
			object := &list[0]
			list = list[1:]
			o.CopyTo(object, r[i].knownText.user, r[i].user)
			object.User = r[i].user
			use(i, object)
		}
	}
}

// checkRules checks the rules across objects, cluster by cluster.
func (o *renderOptions) checkRules(inv *inventory.Inventory, manifests []render.Manifest, objects ruleObjects) (refused, warned []render.Finding) {
	clusters := o.clusters(inv)
	env, cluster := (*rules.Environment)(nil), (*rules.Cluster)(nil)
	objects.each(func(i int, object *rules.Object) {
		m := &manifests[i]
		if env == nil || env.Name != m.Env {
			env, cluster = clusters.environments[m.Env], clusters.of[m.Env]
			cluster.Objects = slices.Grow(cluster.Objects, len(manifests)-i)
		}
		object.Env, object.Document, object.Source = env, i, m.Template
		cluster.Objects = append(cluster.Objects, object)
	})
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

// changeKey is the same for changes that differ in a user's name alone.
type changeKey [2]textKey

func changeKeyOf(c tree.Change, user string) changeKey {
	return changeKey{newUserText(tree.WithoutHeader(c.Old), "", user).key, newUserText(tree.WithoutHeader(c.New), "", user).key}
}

// checkImmutable reports fields that the API server lets nobody change, and that differ from the
// file on disk. Changes that differ in a user's name alone are compared once.
func (o *renderOptions) checkImmutable(plan *tree.Plan, manifests []render.Manifest) error {
	if o.noValidate {
		return nil
	}
	var refused []render.Finding
	same := map[changeKey]bool{}
	for _, c := range plan.Changes {
		i, ok := slices.BinarySearchFunc(manifests, c.Path, func(m render.Manifest, path string) int { return strings.Compare(m.Path, path) })
		if !ok || c.Conflict || c.Action != tree.Update && c.Action != tree.Rename {
			continue
		}
		m := &manifests[i]
		if !slices.ContainsFunc(m.Text.Objects, func(o manifest.Object) bool { return rules.MayBeImmutable(o.Kind) }) {
			continue
		}
		key := changeKeyOf(c, userOf(m))
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
