package trace

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/problem"
)

// TestLeavesAgreeWithRender looks at every variable of the starter, for everyone
// who has one: the layer that wins says what templates see.
func TestLeavesAgreeWithRender(t *testing.T) {
	inv, err := inventory.Load(os.DirFS("../.."), schema.Compile)
	if err != nil {
		t.Fatal(err)
	}
	leaves := 0
	for _, env := range inv.Environments {
		for _, service := range append([]*inventory.Service{nil}, inv.Services...) {
			for _, user := range append([]*inventory.User{nil}, inv.Users...) {
				for _, l := range NewVariables(inv, env, service, user).All() {
					leaves++
					if l.Winner().Layer == "" {
						t.Fatalf("nobody says %s in %s for %v and %v: %+v", l.Name(), env.Name, service, user, l)
					}
					for i, s := range l.Layers {
						if s.Wins && s.Value.String() != l.Value.String() || s.Wins && i < len(l.Layers)-1 {
							t.Errorf("%s in %s: layer %d of %d wins with %s, and templates see %s", l.Name(), env.Name, i+1, len(l.Layers), s.Value, l.Value)
						}
					}
				}
			}
		}
	}
	if leaves < 1000 {
		t.Errorf("looked at %d values only", leaves)
	}
}

// TestLeaves says who wins where layers remove, empty and set again.
func TestLeaves(t *testing.T) {
	fsys := fstest.MapFS{
		"templates/variables.yaml": {Data: []byte("m: {}\nlist: [1]\nword: null\n")},
		"users.yaml": {Data: []byte("teams: [{name: web}]\nservices:\n  - {name: api, image: ecr.example/api, vars: {m: {a: 1, b: {x: 1}, d: 4}, list: [2], word: hi}}\n" +
			"users: [{name: alice, mission_type: web, services: [api], vars: {m: {b: {z: 3}}}}]\n")},
		"environments/base.yaml": {Data: []byte("abstract: true\nvars: {m: {a: null, b: {}}, list: []}\n")},
		"environments/dev.yaml":  {Data: []byte("extends: base\ntemplates: [service]\nvars: {m: {b: {y: 2}}, word: null}\nservices: {api: {vars: {m: {d: null}}}}\n")},
		"environments/qa.yaml":   {Data: []byte("extends: dev\nvars: {m: {}}\n")},
	}
	inv, err := inventory.Load(fsys, schema.Compile)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ env, user, what, want string }{
		{"dev", "", "m.a", "m.a=null: service api m.a=1, environment base m.a=null wins"},
		{"dev", "", "m.b", "m.b.y=2: environment dev m.b.y=2 wins; m.b.x=null: service api m.b.x=1, environment base m.b={} wins"},
		{"dev", "alice", "m.b.z", "m.b.z=3: user alice m.b.z=3 wins"},
		{"dev", "", "m.d", "m.d=null: service api m.d=4, environment dev, service api m.d=null wins"},
		{"dev", "", "list", "list=[]: default list=[1], service api list=[2], environment base list=[] wins"},
		{"dev", "", "word", `word=null: default word=null, service api word="hi", environment dev word=null wins`},
		{"qa", "", "m.a", "m.a=null: service api m.a=1, environment base m.a=null, environment qa m={} wins"},
		{"qa", "", "m.b.y", "m.b.y=null: environment dev m.b.y=2, environment qa m={} wins"},
	} {
		v := NewVariables(inv, inv.Environment(c.env), inv.Service("api"), inv.User(c.user))
		paths, err := v.Paths(c.what)
		if err != nil || len(paths) != 1 {
			t.Error(paths, err)
			continue
		}
		var leaves []string
		for _, l := range v.Leaves(paths[0]) {
			var layers []string
			for _, s := range l.Layers {
				wins := ""
				if s.Wins {
					wins = " wins"
				}
				layers = append(layers, fmt.Sprintf("%s %s=%s%s", s.Layer, strings.Join(s.Path, "."), s.Value, wins))
			}
			leaves = append(leaves, fmt.Sprintf("%s=%s: %s", l.Name(), l.Value, strings.Join(layers, ", ")))
		}
		if got := strings.Join(leaves, "; "); got != c.want {
			t.Errorf("%s in %s:\ngot  %s\nwant %s", c.what, c.env, got, c.want)
		}
	}
}

// TestPaths has names that fit several paths, and names that fit none.
func TestPaths(t *testing.T) {
	fsys := fstest.MapFS{
		"templates/variables.yaml": {Data: []byte("a: {b.c: {x: 1}, b: {c: {y: 2}, c.x: 3}}\nl: {app.kubernetes.io/name: n}\n")},
		"users.yaml":               {Data: []byte("{}\n")},
		"environments/dev.yaml":    {Data: []byte("templates: [service]\n")},
	}
	inv, err := inventory.Load(fsys, schema.Compile)
	if err != nil {
		t.Fatal(err)
	}
	v := NewVariables(inv, inv.Environment("dev"), nil, nil)
	for what, want := range map[string]string{
		"a.b.c.x":                        "[[a b.c x] [a b c.x]]",
		"a.b.c.y":                        "[[a b c y]]",
		".Vars.l.app.kubernetes.io/name": "[[l app.kubernetes.io/name]]",
		"y":                              `unknown variable "y"; did you mean "a.b.c.y"?`,
		"x":                              `unknown variable "x"; did you mean "a.b.c.x"?`,
		"c.x":                            `unknown variable "c"; did you mean "a.b.c.x"?`,
		"a.b.c.q":                        `there is no "q" in a.b.c; did you mean "x"?`,
		"a.b.c.x.q":                      `there is no "q" in a.b.c.x; a.b.c.x is an integer`,
		"aa":                             `unknown variable "aa"; did you mean "a"?`,
	} {
		paths, err := v.Paths(what)
		got := fmt.Sprint(paths)
		if p := problem.All(err); len(p) == 1 {
			got = p[0].Message + "; " + p[0].Hint
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
}
