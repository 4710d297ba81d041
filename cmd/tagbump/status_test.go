package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/console"
	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/status"
)

func TestStatusAsksGitHub(t *testing.T) {
	const token = "ghs_s3cret"
	server := ghtest.NewServer(t, ghtest.Options{Token: token})
	k8s := gittest.NewRepo(t, gittest.Files{"users.yaml": "services: [{name: api, image: example.com/api}]\n", "prod/manifests/api.yaml": "image: example.com/api:1\n",
		"holds/prod/api.yaml": "tag: 1\nfrom: 2\nreason: rolled back <now>\nby: carol\n"})
	branches := []string{"tagbump/prod/api", "tagbump-rollback/prod/api", "tagbump/prod+qa/api+web", "tagbump/qa/api"}
	for _, branch := range branches {
		k8s.Git("branch", branch, "main")
		k8s.Commit(branch, gittest.Files{"a": branch}, "Deploy")
	}
	server.AddRepo("example/k8s", k8s)
	api := gittest.NewRepo(t, gittest.Files{"a": "1"})
	old := api.Tip("main")[:7]
	api.Commit("main", gittest.Files{"a": "2"}, "two")
	next := api.Commit("main", gittest.Files{"a": "3"}, "three")[:7]
	server.AddRepo("example/api", api)

	env := environment{repoToken: token, serviceToken: token, server: server.URL, api: server.APIURL(), graphQL: server.GraphQLURL()}
	con := console.New("tagbump", io.Discard, io.Discard, func(string) string { return "" })
	client, err := env.client(token, "", con)
	if err != nil {
		t.Fatal(err)
	}
	for _, branch := range branches {
		_, err = client.CreatePullRequest(t.Context(), github.Repo{Owner: "example", Name: "k8s"}, github.NewPullRequest{
			Title: "Deploy api " + next, Body: "<!-- tagbump: prod " + next + " -->", Branch: branch, Base: "main",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var texts []string
	for name, way := range map[string]access{
		"over the API":            {repo: server.URL + "/example/k8s.git", via: "api", environment: env},
		"over Git, with --github": {repo: k8s.Dir, github: "example/k8s", via: "git", environment: env},
	} {
		o := statusOptions{access: way}
		report, err := o.report(t.Context(), con)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		texts = append(texts, report.Text())
		if held := report.Services[0].Environments[0].Held; held == nil || *held != (status.Held{Tag: "1", From: "2", Reason: "rolled back <now>", By: "carol"}) {
			t.Errorf("%s: got %+v", name, held)
		}
		pulls := report.Services[0].Environments[0].PullRequests
		var numbers []int
		for _, p := range pulls {
			numbers = append(numbers, p.Number)
		}
		if !slices.Equal(numbers, []int{1, 2, 3}) { // the last one is of another environment
			t.Errorf("%s: got the pull requests %v", name, numbers)
		} else if pulls[0].Environment != "prod" || pulls[0].Service != "api" || pulls[0].Tag != next || pulls[0].URL == "" {
			t.Errorf("%s: got %+v", name, pulls)
		}
	}
	if len(slices.Compact(texts)) != 1 {
		t.Errorf("the ways tell different things:\n%s", strings.Join(texts, "\n"))
	}
	countsCommits(t, client, old, next)
}

// countsCommits compares commits of example/api, where next is two ahead of old.
func countsCommits(t *testing.T, client *github.Client, old, next string) {
	t.Helper()
	commits := &commitCounter{clones: &clones{}, services: client}
	for _, c := range []struct{ repository, base, head, want string }{
		{"example/api", old, next, "2 0 true <nil>"},
		{"example/api", next, "sha-" + old, "0 2 true <nil>"},
		{"example/api", old, "0123456", "0 0 false <nil>"},
		{"example/api", old, "v1", "0 0 false <nil>"},
		{"", old, next, "0 0 false <nil>"},
	} {
		ahead, behind, ok, err := commits.count(t.Context(), c.repository, c.base, c.head)
		if got := fmt.Sprint(ahead, behind, ok, err); got != c.want {
			t.Errorf("%s %s…%s: got %s, want %s", c.repository, c.base, c.head, got, c.want)
		}
	}
}
