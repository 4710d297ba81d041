package main

import (
	"regexp"
	"strings"
	"testing"

	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
)

var (
	fence   = regexp.MustCompile("`+")
	escaped = regexp.MustCompile(`\\[^a-zA-Z0-9 ]`)
)

// withoutCode is a line of Markdown without its code spans.
func withoutCode(line string) string {
	open := fence.FindStringIndex(line)
	if open == nil {
		return line
	}
	ticks, rest := line[open[0]:open[1]], line[open[1]:]
	for _, end := range fence.FindAllStringIndex(rest, -1) {
		if rest[end[0]:end[1]] == ticks {
			return line[:open[0]] + withoutCode(rest[end[1]:])
		}
	}
	return line[:open[1]] + withoutCode(rest)
}

// TestSummaryOfPullRequests says of each pull request what became of it.
func TestSummaryOfPullRequests(t *testing.T) {
	api := &deploy.Outcome{Status: deploy.Proposed, Commit: "c0ffee", Branch: "tagbump/prod/api", PullRequest: "https://github.com/example/k8s/pull/1", Pull: "created"}
	web := &deploy.Outcome{Status: deploy.Proposed, Commit: "decade", Branch: "tagbump/prod/web", PullRequest: "https://github.com/example/k8s/pull/2", Pull: "updated"}
	r := newResult("prod", "")
	r.addPromoted([]deploy.Promoted{{Service: "api", Outcome: api}, {Service: "front", Outcome: api}, {Service: "web", Outcome: web}})
	var got []string
	for line := range strings.Lines(r.summary()) {
		if strings.HasPrefix(line, "[") || strings.HasPrefix(line, "Commit") {
			got = append(got, line)
		}
	}
	if want := "Commits c0ffee, decade, in 0 attempts.\n[Pull request](https://github.com/example/k8s/pull/1): created.\n[Pull request](https://github.com/example/k8s/pull/2): updated.\n"; strings.Join(got, "") != want {
		t.Errorf("got %q", got)
	}
}

// TestSummaryIsData: names that others chose are code spans in the run's summary. They make no
// column, no row, no link, no mention and no tag.
func TestSummaryIsData(t *testing.T) {
	for _, hostile := range []string{
		"a | b", "a\n| b | c | d | e |", "@somebody", "[click](https://evil.example)", "![x](https://evil.example/x.png)",
		"<img src=x>", "a`b", "``", "`@somebody`", "::error::x", "##[error]x", "fixes #1", "https://evil.example",
	} {
		image := imageResult{File: hostile, Line: 1, Container: hostile, Old: hostile, New: hostile + "2"}
		images := result{Result: "changed", moved: moved{NewTag: hostile, Branch: hostile, Commit: "c0ffee", Images: []imageResult{image}, Notices: []string{hostile}},
			Problems: []console.Problem{{File: hostile, Line: 1, Message: hostile, Hint: hostile}}}
		services := result{From: hostile, To: hostile, Result: "changed", Services: []serviceResult{{Service: hostile, Tag: hostile, Result: "changed", moved: moved{OldTags: []string{hostile}, Commit: "c0ffee"}}}}
		for _, r := range []result{images, services} {
			rows, head := 0, 0
			for line := range strings.Lines(r.summary()) {
				bare := escaped.ReplaceAllString(line, "")
				if strings.HasPrefix(line, "|") {
					columns := strings.Count(bare, "|")
					if rows++; rows == 1 {
						head = columns
					}
					if columns != head {
						t.Errorf("%q makes %d columns of %d: %s", hostile, columns, head, line)
					}
					bare = withoutCode(bare)
				}
				if strings.HasPrefix(line, "::") || strings.Contains(bare, "](") || strings.Contains(bare, "<img") || rows > 0 && strings.Contains(bare, "@somebody") {
					t.Errorf("%q is more than text: %s", hostile, line)
				}
			}
			if rows != 3 {
				t.Errorf("%q makes a table of %d lines", hostile, rows)
			}
		}
	}
}
