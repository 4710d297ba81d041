package deploy

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"k8srepo/internal/bump"
	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

func sampleBody(t *testing.T) *body {
	t.Helper()
	ref := func(s string) image.Ref {
		r, err := image.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const repository = "registry.example.com/api"
	was, is := ref(repository+":1f0c9ae"), ref(repository+":9f2c1ab")
	return &body{
		Envs: []string{"prod"}, Services: []string{"api"}, Tags: []string{"9f2c1ab"}, Repo: "https://github.com/example/k8s",
		Images: []bump.ImageChange{{Place: problem.Place{File: "prod/manifests/api/api-prod-deployment.yaml", Line: 62}, Old: was, New: is}},
		Moves: []move{{Target: bump.Target{Service: "api", Repository: ref(repository), Source: "example/api"}, Old: was, New: is, Between: &Between{
			Added: Commits{Total: 60, URL: "https://github.com/example/api/compare/1f0c9ae...9f2c1ab", Newest: []Commit{{"9f2c1ab07f", "Close idle connections (#118)", "alice", 118}}},
		}}},
		Previous:    []previous{{"prod", bump.Target{Service: "api"}, was}},
		Elsewhere:   []*running{{Env: "dev", Service: "api", Tags: []string{"9f2c1ab"}, Since: "2026-11-18"}},
		RequestedBy: "alice", RunURL: "https://github.com/example/api/actions/runs/42",
	}
}

func TestBodyKeepsWhatAPersonWrote(t *testing.T) {
	b := sampleBody(t)
	theirs := "Wait for Monday.\n\n- [x] read\n"
	first := b.markdown("") + theirs
	b.Tags = []string{"c3d9e01", "v1.2.0"}
	again := b.markdown(strings.ReplaceAll(first, "\n", "\r\n")) // as GitHub's editor saves it
	if !strings.HasSuffix(again, yoursLine+"\n"+theirs) || ProposedTag(again) != "c3d9e01, v1.2.0" {
		t.Errorf("got\n%s", again)
	}
}

// TestBodyKeepsWhatAPersonWroteElsewhere: text right behind the line, on top, and in the place of
// all of it stays too, once.
func TestBodyKeepsWhatAPersonWroteElsewhere(t *testing.T) {
	b := sampleBody(t)
	fresh := b.markdown("")
	line := strings.TrimSuffix(fresh, "\n")
	for name, c := range map[string]struct{ older, theirs string }{
		"behind the line":        {line + " Wait for Monday.\n", " Wait for Monday.\n"},
		"without a line's end":   {line, ""},
		"on top":                 {"Wait for Monday.\r\n\r\n" + fresh, "Wait for Monday.\n"},
		"on top and at the end":  {"Wait.\n" + fresh + "Till noon.\n", "Wait.\n\nTill noon.\n"},
		"instead of all of it":   {"Wait for Monday.\r\n\r\nReally.", "Wait for Monday.\n\nReally.\n"},
		"nothing":                {"\r\n", ""},
		"an older body, no line": {tagInBody.FindString(fresh) + "\n\nMerging this deploys.\n", ""},
	} {
		got := b.markdown(c.older)
		if want := fresh + c.theirs; got != want {
			t.Errorf("%s: got\n%q, want\n%q", name, got[len(got)-200:], want[len(want)-200:])
		}
		if again := b.markdown(got); again != got {
			t.Errorf("%s: it is not the same the second time:\n%s", name, again)
		}
	}
}

// TestBodyHasRoomForAPersonsBody: a text as long as GitHub takes is cut, rather than refused.
func TestBodyHasRoomForAPersonsBody(t *testing.T) {
	got := sampleBody(t).markdown(strings.Repeat("é", 65_536))
	if n := utf8.RuneCountInString(got); n > 65_536 {
		t.Errorf("%d characters", n)
	}
	if !strings.HasPrefix(got, "<!-- tagbump: ") || !strings.Contains(got, "tagbump rollback") || !strings.Contains(got, yoursLine+"\né") {
		t.Errorf("got\n%.300s", got)
	}
}

// TestBodyHasRoom cuts what is too long, and neither how to undo it nor what people wrote.
func TestBodyHasRoom(t *testing.T) {
	b := sampleBody(t)
	for range 3000 {
		b.Images = append(b.Images, b.Images[0])
		b.Moves = append(b.Moves, b.Moves[0])
	}
	theirs := strings.Repeat("x", 100)
	got := b.markdown("\n" + yoursLine + "\n" + theirs)
	if n := utf8.RuneCountInString(got); n > 65_536 {
		t.Errorf("%d characters", n)
	}
	if !strings.Contains(got, "tagbump rollback") || !strings.HasSuffix(got, theirs) || strings.Count(got, "`")%2 != 0 {
		t.Errorf("got the end\n%s", got[len(got)-600:])
	}
}

// TestBodySaysHowManyMore has 60 commits, of which one is known.
func TestBodySaysHowManyMore(t *testing.T) {
	got := sampleBody(t).markdown("")
	for _, want := range []string{
		"forward, [60 commits](https://github.com/example/api/compare/1f0c9ae...9f2c1ab)",
		"- … and [59 more](https://github.com/example/api/compare/1f0c9ae...9f2c1ab)",
		"- `9f2c1ab` `Close idle connections (#118)` ([#118](https://github.com/example/api/pull/118)), `alice`",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// TestBodyDirection says forward or back, and never "0 commits".
func TestBodyDirection(t *testing.T) {
	one := Commits{Total: 1, Newest: []Commit{{Hash: "c3d9e01", Title: "x"}}}
	for want, between := range map[string]*Between{
		": forward, 1 commit.":                              {Added: one},
		": back. This takes away 1 commit.":                 {Removed: one},
		"diverged. This adds 1 commit and takes away 1 com": {Added: one, Removed: one},
		": the same commit.":                                {},
		"are not known, because `it is away`.":              nil,
	} {
		b := sampleBody(t)
		b.Moves[0].Between, b.Moves[0].Unknown = between, "it is away"
		if got := b.markdown(""); !strings.Contains(got, want) || strings.Contains(got, "0 commits") || strings.Contains(got, "]()") {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// TestTitles has the hashes short, whatever is proposed.
func TestTitles(t *testing.T) {
	const one, two = "9f2c1ab07f0000000000000000000000000000aa", "7be21d40000000000000000000000000000000bb"
	for want, b := range map[string]*body{
		"Deploy api 9f2c1ab to prod":                {Services: []string{"api"}, Tags: []string{one}},
		"Deploy api, front 9f2c1ab to prod":         {Services: []string{"api", "front"}, Tags: []string{one}},
		"Deploy api 9f2c1ab, front 7be21d4 to prod": {Services: []string{"api", "front"}, Tags: []string{one, two}, Moves: []move{named(t, "api", one), named(t, "front", two)}},
		"Roll back api to 9f2c1ab in prod":          {kind: rollingBack, Services: []string{"api"}, Tags: []string{one}},
		"Hold api at 9f2c1ab in prod":               {kind: holding, Services: []string{"api"}, Tags: []string{one}},
		"Release api in prod":                       {kind: releasing, Services: []string{"api"}, Tags: []string{one}},
		"Deploy fix gh- 4 to prod":                  {Services: []string{"fix"}, Tags: []string{"gh-4"}},
		"Deploy 40 services to prod":                {Services: many(40), Tags: []string{one}},
	} {
		b.Envs = []string{"prod"}
		if got := b.title(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestMessageOfSeveralTags shortens each of them, digests too.
func TestMessageOfSeveralTags(t *testing.T) {
	a, b := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	plan := &Outcome{Result: &bump.Result{}, NewTag: a + ", " + b}
	got, err := messageOf(&Options{}, &task{envs: []string{"prod"}, names: []string{"api", "front"}}, plan)
	if want := "api, front: prod  → sha256:aaaaaaaaaaaa, sha256:bbbbbbbbbbbb\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func named(t *testing.T, service, tag string) move {
	t.Helper()
	ref, err := image.Parse("registry.example.com/" + service + ":" + tag)
	if err != nil {
		t.Fatal(err)
	}
	return move{Target: bump.Target{Service: service}, New: ref}
}

func many(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("service-%d", i))
	}
	return names
}

// TestOtherPeoplesWordsAreData: nothing in a text of others is Markdown, and in a commit
// message, where code spans mean nothing, it closes and mentions nothing either.
func TestOtherPeoplesWordsAreData(t *testing.T) {
	for in, want := range map[string]string{
		"fix #12 and (#13)":              "`fix # 12 and (#13)`",
		"Fixes: example/k8s#1":           "`Fixes: example/k8s# 1`",
		"resolved GH-5, closes gh-4":     "`resolved GH- 5, closes gh- 4`",
		"close https://x.y/a/b/issues/3": "`close https://x.y/a/b/issues/ 3`",
		"thanks @bob and (@a/team)":      "`thanks @ bob and (@ a/team)`",
		"me@example.com":                 "`me@example.com`",
		"<!-- tagbump: x y -->":          "`<! -- tagbump: x y -->`",
		"a | b `c` *d* [e](f)":           "`a | b 'c' *d* [e](f)`",
		"two\nlines":                     "`two lines`",
		"a\u202eb\x1b[31m":               "`a\\u202eb\\x1b[31m`",
		"":                               "",
	} {
		if got := data(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := cell("a | b"); got != "`a \\| b`" {
		t.Errorf("in a table: got %q", got)
	}
}

func FuzzData(f *testing.F) {
	f.Add("Fixes #12 @bob `x` <!-- -->")
	closes := regexp.MustCompile(`(?i)\b(close[sd]?|fix(e[sd])?|resolve[sd]?)\b:?\s+([\w.-]+/[\w.-]+)?(#|gh-)\d`)
	f.Fuzz(func(t *testing.T, text string) {
		got := data(text)
		if closes.MatchString(got) || regexp.MustCompile(`(^|\W)@\w`).MatchString(got) || strings.ContainsAny(got, "\n\x1b\u202e") || strings.Count(got, "`") > 2 {
			t.Errorf("%q: got %q", text, got)
		}
	})
}

// TestLink makes no link of what is none.
func TestLink(t *testing.T) {
	for in, want := range map[string]string{
		"https://x.y/a":        "[run](https://x.y/a)",
		"":                     "run",
		"javascript:alert(1)":  "run",
		"https://x.y/) [b](c":  "run",
		"https://x.y/a b":      "run",
		"https://x.y/<script>": "run",
	} {
		if got := link("run", in); got != want {
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
