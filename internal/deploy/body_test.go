package deploy

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"k8srepo/internal/bump"
	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

var update = flag.Bool("update", false, "write docs/pull-request.md anew")

func sampleBody(t *testing.T) *body {
	t.Helper()
	ref := func(s string) image.Ref {
		r, err := image.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const repository = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/api"
	return &body{
		Env: "prod", Services: []string{"api"}, Tag: "9f2c1ab", Repo: "https://github.com/example/k8s",
		Images: []bump.ImageChange{
			{Place: problem.Place{File: "prod/manifests/api/api-prod-deployment.yaml", Line: 62}, Old: ref(repository + ":1f0c9ae"), New: ref(repository + ":9f2c1ab")},
		},
		Histories: []commits{{Service: "api", Source: "example/api", URL: "https://github.com/example/api/compare/1f0c9ae...9f2c1ab", Total: 3, List: []commit{
			{"9f2c1ab07f", "Close idle connections (#118)", "alice", 118},
			{"c3d9e01b52", "Answer 429 with Retry-After, as @bob asked", "carol", 0},
			{"77ab0c2d10", "Drop `GET /v1/[legacy]`", "bob", 115},
		}}},
		Elsewhere: []running{
			{"dev", "api", "9f2c1ab", "2026-11-18"},
			{"qa", "api", "9f2c1ab", "2026-11-19"},
			{"staging", "api", "9f2c1ab", "2026-11-20"},
		},
		Asked: "[this run](https://github.com/example/api/actions/runs/42) of alice",
	}
}

// TestBody holds docs/pull-request.md to what a pull request says.
func TestBody(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "pull-request.md")
	got := sampleBody(t).markdown("")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBodyKeepsWhatAPersonWrote(t *testing.T) {
	b := sampleBody(t)
	theirs := "Wait for Monday.\n\n- [x] read\n"
	first := b.markdown("") + theirs
	b.Tag = "c3d9e01"
	again := b.markdown(strings.ReplaceAll(first, "\n", "\r\n")) // as GitHub's editor saves it
	if !strings.HasSuffix(again, yoursLine+"\n"+theirs) || proposedTag(again) != "c3d9e01" {
		t.Errorf("got\n%s", again)
	}
}

func TestBodyHasRoom(t *testing.T) {
	b := sampleBody(t)
	for range 3000 {
		b.Images = append(b.Images, b.Images[0])
		b.Histories = append(b.Histories, b.Histories[0])
	}
	if n := utf8.RuneCountInString(b.markdown(strings.Repeat("x", 100))); n > 65_536 {
		t.Errorf("%d characters", n)
	}
}

func TestOtherPeoplesWordsAreData(t *testing.T) {
	for in, want := range map[string]string{
		"fix #12 and (#13)":     "fix example/api#12 and (example/api#13)",
		"thanks @bob":           "thanks @\u200bbob",
		"<!-- tagbump: x y -->": "&lt;!-- tagbump: x y -->",
		"a | b `c` *d* [e](f)":  `a \| b \` + "`c\\`" + ` \*d\* \[e\](f)`,
		"two\nlines":            "two lines",
		"ask &#64;org/team":     "ask &amp;#64;org/team",
		"#1,#2, GH-3 and a#4":   "example/api#1,example/api#2, example/api#3 and a#4",
		"~~no~~":                `\~\~no\~\~`,
	} {
		if got := plain(in, "example/api"); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestSameVersion(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"r:742ad1e", "r:742ad1e", true},
		{"r:742ad1e", "r:742ad1e191b0", true},
		{"r:742ad1e191b0", "r:742ad1e", true},
		{"r:742ad1e", "r:742ad1f", false},
		{"r:v1", "r:v10", false},
		{"r:v1", "r", false},
	} {
		a, _ := image.Parse(c.a)
		b, _ := image.Parse(c.b)
		if got := sameVersion(a, b); got != c.want {
			t.Errorf("%s and %s: %t", c.a, c.b, got)
		}
	}
}
