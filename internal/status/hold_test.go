package status

import (
	"bytes"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo/gittest"
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
