package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Policy is how tags reach an environment, as its files say it: Strategy is "" where
// none of them does.
type Policy struct {
	Deploy
	Unmet  error                    // why After can never be met: a refusal, nil where it can
	places map[string]problem.Place // of the keys below deploy
}

// Place returns where a key below deploy is set, else the environment's file.
func (p *Policy) Place(key string) problem.Place {
	if place, set := p.places[key]; set {
		return place
	}
	return p.places[""]
}

// LoadPolicy reads how tags reach an environment. Whoever moves tags relies on it, so
// each mistake that could hide a part of the policy is a refusal: an unknown key below
// deploy, and a key at the top that may be meant for one that the policy depends on. The
// error is fs.ErrNotExist where the environment has no file.
func LoadPolicy(fsys fs.FS, env string) (*Policy, error) {
	file := path.Join(EnvironmentsDir, env+".yaml")
	p := &Policy{places: map[string]problem.Place{"": {File: file}}}
	e, err := LoadEnvironment(fsys, env)
	if short := strings.TrimSuffix(file, ".yaml") + ".yml"; e == nil && errors.Is(err, fs.ErrNotExist) && exists(fsys, short) {
		wrong := problem.At(problem.Place{File: short}, "rename it to "+file, "an environment's file ends in .yaml, so this one decides nothing").WithCode(problem.Missing)
		wrong.Refused = true
		return p, wrong
	}
	if e == nil {
		return p, err
	}
	l, after := &loader{}, &loader{}
	for _, link := range e.Chain {
		l.checkTopKeys(link)
	}
	l.problems.Add(err)
	after.checkAfter(e, func(name string) *Environment {
		other, _ := LoadEnvironment(fsys, name) // what else is wrong with it is not this environment's policy
		return other
	})
	for _, wrong := range slices.Concat(l.problems, after.problems) {
		wrong.Refused = wrong.Refused || wrong.Code != problem.NotReadable
	}
	p.Deploy, p.Unmet = e.Deploy, after.problems.Err()
	deploy, set := e.Source.Get("deploy")
	if set {
		p.places[""] = deploy.Place
	}
	for _, f := range deploy.Fields {
		p.places[f.Key.Text] = f.Key.Place
	}
	if _, set := deploy.Get("strategy"); !set {
		p.Strategy = ""
	}
	return p, l.problems.Err()
}

func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return err == nil
}

// policyKeys are the keys at the top of an environment's file that its policy depends
// on.
var policyKeys = []string{"deploy", "extends", "path"}

// maxSlip is how many letters a key may be away from one of policyKeys to be taken for
// it.
const maxSlip = 2

// checkTopKeys reports the keys of an environment's file that may be meant for one of
// policyKeys. Other keys are manifestgen's to judge.
func (l *loader) checkTopKeys(link Link) {
	if link.Source.Kind != manifest.Map {
		if link.Source.Kind != manifest.Null {
			l.report(problem.WrongType, link.Source.Place, "", "an environment must be a map, not %s", link.Source.Kind)
		}
		return
	}
	for _, f := range link.Source.Fields {
		key := f.Key.Text
		if slices.Contains(policyKeys, key) {
			continue
		}
		for _, known := range policyKeys {
			if problem.Distance(strings.ToLower(key), known) <= maxSlip {
				l.report(problem.UnknownKey, f.Key.Place, fmt.Sprintf("did you mean %q? It decides what may be deployed, so nothing is done until this is clear", known), "unknown key %q in an environment", key)
				break
			}
		}
	}
}

// LoadEnvironment reads from an environment's file, and those that it extends,
// what those need who move tags: its Deploy, its Path, and its services' images
// (see Environment.Image). Nothing else in the files is looked at, and users.yaml
// is not read. The error is fs.ErrNotExist where the environment has no file.
func LoadEnvironment(fsys fs.FS, env string) (*Environment, error) {
	if _, err := fs.Stat(fsys, path.Join(EnvironmentsDir, env+".yaml")); err != nil {
		return nil, err
	}
	l := &loader{fsys: fsys}
	entries, err := fs.ReadDir(fsys, EnvironmentsDir)
	if err != nil {
		return nil, err
	}
	l.environments = environmentFiles(entries)
	docs := map[string]manifest.Value{}
	for name := env; name != ""; {
		if _, known := docs[name]; known || name != env && !slices.Contains(l.environments, name) {
			break // extended reports what is wrong with that
		}
		docs[name] = l.document(path.Join(EnvironmentsDir, name+".yaml"), true, "")
		base, _ := docs[name].Get("extends")
		name = base.Text
	}
	whole, ok := l.extended(docs, env, nil)
	if !ok {
		return newEnvironment(env, whole, []Link{{env, docs[env]}}), l.problems.Err()
	}
	e := newEnvironment(env, whole, chainOf(docs, env))
	l.some(whole, map[string]func(manifest.Value){
		"abstract": l.boolean(&e.Abstract, "abstract"),
		"path":     l.pathTo(&e.Path),
		"deploy":   l.deploy(&e.Deploy),
	})
	for _, link := range e.Chain {
		l.some(link.Source, map[string]func(manifest.Value){"registry": l.checkRegistry, "services": l.imagesTo(e)})
	}
	return e, l.problems.Err()
}

// imagesTo reads the images in an environment's services, and nothing else.
func (l *loader) imagesTo(e *Environment) func(manifest.Value) {
	return func(v manifest.Value) {
		for _, f := range v.Fields {
			o := e.Overrides[f.Key.Text]
			l.some(f.Value, map[string]func(manifest.Value){"image": l.imageTo(&o.Image)})
			if e.Overrides == nil {
				e.Overrides = map[string]Override{}
			}
			e.Overrides[f.Key.Text] = o
		}
	}
}
