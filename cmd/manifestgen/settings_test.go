package main

import (
	"strings"
	"testing"
)

func TestServiceSettings(t *testing.T) {
	for text, want := range map[string]string{
		"vars.replicas=2":           "vars.replicas=2",
		"prod:vars.replicas=2":      "prod: vars.replicas=2",
		`vars.labels["a:b"]=x`:      `vars.labels["a:b"]="x"`,
		`prod:vars.labels["a:b"]=x`: `prod: vars.labels["a:b"]="x"`,
		`vars.labels["a=b"]=x=y`:    `vars.labels["a=b"]="x=y"`,
		`vars.labels["a\"]=b"]=x`:   `vars.labels["a\"]=b"]="x"`,
		"vars.ports[name=a].port=1": "vars.ports[name=a].port=1",
		"prod:vars.p[name=a:b].x=1": "prod: vars.p[name=a:b].x=1",
		"vars.list=[a=b]":           `vars.list=["a=b"]`,
		"vars.ports[name=a]":        `--set "vars.ports[name=a]" is not KEY=VALUE`,
		"vars.ports[name=a":         `--set "vars.ports[name=a" is not KEY=VALUE`,
		"vars":                      `--set "vars" is not KEY=VALUE`,
		":vars.replicas=2":          `--set ":vars.replicas=2" is not KEY=VALUE`,
		"vars..replicas=2":          `--set "vars..replicas=2": the path "vars..replicas" goes wrong at "..replicas"`,
	} {
		settings, in, problems := serviceSettings([]string{text})
		var got strings.Builder
		for _, s := range settings {
			got.WriteString(s.Path.String() + "=" + s.Value.String())
		}
		for env, list := range in {
			for _, s := range list {
				got.WriteString(env + ": " + s.Path.String() + "=" + s.Value.String())
			}
		}
		for _, p := range problems {
			got.WriteString(p.Message)
		}
		if got.String() != want {
			t.Errorf("%s: got %s, want %s", text, got.String(), want)
		}
	}
}
