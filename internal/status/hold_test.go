package status

import (
	"bytes"
	"strings"
	"testing"

	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
)

// TestHeld shows a held service in all three forms, read over Git and over the API.
func TestHeld(t *testing.T) {
	repository := gittest.NewRepo(t, shop())
	repository.Commit("main", gittest.Files{"holds/prod/api.yaml": "tag: 1f0c9ae\nfrom: 9f2c1ab\nreason: rolled back <now>\nby: carol\n"}, "hold")
	server := ghtest.NewServer(t, ghtest.Options{Token: "ghs_x"})
	server.AddRepo("example/k8s", repository)
	client, err := github.New(github.Options{Token: "ghs_x", ServerURL: server.URL, APIURL: server.APIURL(), GraphQLURL: server.GraphQLURL()})
	if err != nil {
		t.Fatal(err)
	}
	store := &github.Store{Client: client, Repo: github.Repo{Owner: "example", Name: "k8s"}}
	c, err := store.Tip(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	git := reportOf(t, tipOf(t, repository.URL()), Options{History: 100})
	api := reportOf(t, &tip{c, store}, Options{History: 100})
	for name, r := range map[string]*Report{"git": git, "api": api} {
		held := r.cell(t, "api", "prod").Held
		if held == nil || *held != (Held{Tag: "1f0c9ae", From: "9f2c1ab", Reason: "rolled back <now>", By: "carol"}) {
			t.Errorf("%s: got %+v", name, held)
		}
		if !strings.Contains(r.Text(), " held") {
			t.Errorf("%s: got\n%s", name, r.Text())
		}
		var page bytes.Buffer
		if err := r.HTML(&page); err != nil || !strings.Contains(page.String(), "held by carol: rolled back &lt;now&gt;") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if git.Text() != api.Text() {
		t.Errorf("over Git\n%s\nover the API\n%s", git.Text(), api.Text())
	}
}
