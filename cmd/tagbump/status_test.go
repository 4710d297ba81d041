package main

import (
	"fmt"
	"io"
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
	k8s := gittest.NewRepo(t, gittest.Files{"a": "1"})
	k8s.Git("branch", "tagbump/prod/api", "main")
	k8s.Commit("tagbump/prod/api", gittest.Files{"a": "2"}, "Deploy")
	server.AddRepo("example/k8s", k8s)
	api := gittest.NewRepo(t, gittest.Files{"a": "1"})
	old := api.Tip("main")[:7]
	api.Commit("main", gittest.Files{"a": "2"}, "two")
	next := api.Commit("main", gittest.Files{"a": "3"}, "three")[:7]
	server.AddRepo("example/api", api)

	o := statusOptions{access: access{repo: server.URL + "/example/k8s.git", environment: environment{
		repoToken: token, serviceToken: token, server: server.URL, api: server.APIURL(), graphQL: server.GraphQLURL(),
	}}}
	con := console.New("tagbump", io.Discard, io.Discard, func(string) string { return "" })
	client, err := o.environment.client(token, "", con)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreatePullRequest(t.Context(), github.Repo{Owner: "example", Name: "k8s"}, github.NewPullRequest{
		Title: "Deploy api " + next + " to prod", Body: "<!-- tagbump: prod " + next + " -->", Branch: "tagbump/prod/api", Base: "main",
	})
	if err != nil {
		t.Fatal(err)
	}

	var want status.Options
	if err := o.askGitHub(&want, &clones{}, con); err != nil {
		t.Fatal(err)
	}
	pulls, err := want.PullRequests(t.Context())
	if err != nil || len(pulls) != 1 || pulls[0].Environment != "prod" || pulls[0].Service != "api" || pulls[0].Tag != next || pulls[0].Number != 1 || pulls[0].URL == "" {
		t.Errorf("got %+v, %v", pulls, err)
	}
	for _, c := range []struct{ repository, base, head, want string }{
		{"example/api", old, next, "2 0 true <nil>"},
		{"example/api", next, "sha-" + old, "0 2 true <nil>"},
		{"example/api", old, "0123456", "0 0 false <nil>"},
		{"example/api", old, "v1", "0 0 false <nil>"},
		{"", old, next, "0 0 false <nil>"},
	} {
		ahead, behind, ok, err := want.Compare(t.Context(), c.repository, c.base, c.head)
		if got := fmt.Sprint(ahead, behind, ok, err); got != c.want {
			t.Errorf("%s %s…%s: got %s, want %s", c.repository, c.base, c.head, got, c.want)
		}
	}
}
