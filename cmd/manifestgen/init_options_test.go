package main

import (
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/scaffold"
)

// TestProductionOnce: production has the domain itself, so only one environment can be it.
func TestProductionOnce(t *testing.T) {
	for _, c := range []struct{ envs, want []string }{
		{[]string{"dev", "prod"}, nil},
		{[]string{"production", "staging"}, nil},
		{[]string{"prod", "production"}, []string{`--env "prod" and --env "production" are both production, which has the domain example.com`}},
		{[]string{"production", "dev", "prod"}, []string{`--env "production" and --env "prod" are both production, which has the domain example.com`}},
		{[]string{"prod", "prod"}, []string{`--env "prod" is not valid`}},
	} {
		o := scaffold.Options{Account: "123456789012", Region: "eu-west-1", Domain: "example.com", Repository: "example/k8s", Routing: "alb", Environments: c.envs}
		var got []string
		for _, p := range problem.All(o.Validate()) {
			got = append(got, p.Message)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.envs, got, c.want)
		}
	}
}

// TestEnvironmentsInOneFlag: people who write a list in one flag are told to repeat the flag.
func TestEnvironmentsInOneFlag(t *testing.T) {
	for _, env := range []string{"dev,prod", "dev prod"} {
		o := scaffold.Options{Account: "123456789012", Region: "eu-west-1", Domain: "example.com", Repository: "example/k8s", Routing: "alb", Environments: []string{env}}
		problems := problem.All(o.Validate())
		if len(problems) != 1 || problems[0].Hint != "pass --env once for each: --env dev --env prod" {
			t.Errorf("%q: got %q", env, problems)
		}
	}
}

// TestReservedEnvironments: names that the inventory refuses are refused before anything is rendered.
func TestReservedEnvironments(t *testing.T) {
	for _, env := range append([]string{"shared", "Dev", "a.b", "-dev"}, inventory.InputFolders...) {
		o := scaffold.Options{Account: "123456789012", Region: "eu-west-1", Domain: "example.com", Repository: "example/k8s", Routing: "alb", Environments: []string{env}}
		problems := problem.All(o.Validate())
		if len(problems) != 1 || problems[0].Message != "--env \""+env+"\" is not valid" {
			t.Errorf("%q: got %q", env, problems)
			continue
		}
		if inventory.IsName(env) && !strings.Contains(problems[0].Hint, env) {
			t.Errorf("%q: the hint does not name it: %s", env, problems[0].Hint)
		}
	}
}
