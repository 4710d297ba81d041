package status

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/hold"
	"k8srepo/internal/problem"
)

// TestHeld shows a held service in all three forms.
func TestHeld(t *testing.T) {
	repository := gittest.NewRepo(t, shop())
	repository.Commit("main", gittest.Files{"holds/prod/api.yaml": "tag: 1f0c9ae\nfrom: 9f2c1ab\nreason: rolled back <now>\nby: carol\n"}, "hold")
	r := reportOf(t, tipOf(t, repository.URL()), Options{History: 100})
	held := r.cell(t, "api", "prod").Held
	if held == nil || *held != (Held{Tag: "1f0c9ae", From: "9f2c1ab", Reason: "rolled back <now>", By: "carol"}) {
		t.Errorf("got %+v", held)
	}
	if !strings.Contains(r.Text(), " held") {
		t.Errorf("got\n%s", r.Text())
	}
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil || !strings.Contains(page.String(), "held by carol: rolled back &lt;now&gt;") {
		t.Errorf("got %v, and\n%s", err, page.String())
	}
}

// TestEncodedHoldIsReadBack writes holds whose texts are not plain, and reads them again.
func TestEncodedHoldIsReadBack(t *testing.T) {
	for name, want := range map[string]hold.Hold{
		"all of it": {Tag: "1f0c9ae", From: "95d3e0b", Reason: "a: b # c\nsecond line", By: "no", Date: "2027-03-31"},
		"the least": {Tag: "1234567"},
		"no tag":    {Reason: "why"},
	} {
		want.Env, want.Service, want.Place = "prod", "api", problem.Place{File: "holds/prod/api.yaml"}
		got, err := hold.Read(fstest.MapFS{hold.File("prod", "api"): {Data: want.Encode()}}, "prod", "api")
		if err != nil || got == nil || *got != want {
			t.Errorf("%s: got %+v and %v, want %+v, of\n%s", name, got, err, want, want.Encode())
		}
	}
}

// TestAnyFileHolds: whatever is in the file, the service is held.
func TestAnyFileHolds(t *testing.T) {
	tree := fstest.MapFS{
		"holds/prod/api.yaml":       {Data: []byte("tag: [")},
		"holds/prod/front.yaml":     {},
		"holds/prod/worker.yaml":    {Data: []byte("tag: 1f0c9ae\nreason: {why: not}\n")},
		"holds/prod/search.yml":     {Data: []byte("tag: 95d3e0b\n")}, // as people write it
		"holds/prod/front.yml":      {},
		"holds/prod/README.md":      {Data: []byte("# Holds\n")},
		"holds/prod/old.yaml/a.txt": {},
	}
	holds, err := hold.All(tree, "prod")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range holds {
		got = append(got, h.String())
	}
	want := []string{"api is held in prod", "front is held in prod", "search is held in prod at 95d3e0b", "worker is held in prod at 1f0c9ae"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if h, err := hold.Read(tree, "prod", "README"); h != nil || err != nil {
		t.Errorf("a service without a file: %v, %v", h, err)
	}
	if holds, err := hold.All(tree, "dev"); holds != nil || err != nil {
		t.Errorf("an environment without a folder: %v, %v", holds, err)
	}
}
