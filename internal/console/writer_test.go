package console

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"k8srepo/internal/problem"
)

// commands are what GitHub's runner takes for a command in a line.
var commands = regexp.MustCompile(`(?m)^\s*::|##\[`)

func TestWriter(t *testing.T) {
	for _, c := range []struct{ text, plain, inLog string }{
		{"a: 1\n", "a: 1\n", "a: 1\n"},
		{"日本 é ☃ 👩‍💻\n", "日本 é ☃ 👩‍💻\n", "日本 é ☃ 👩‍💻\n"},
		{"a\r\nb\r\n", "a\r\nb\r\n", "a\r\nb\r\n"},
		{"a\tb", "a\tb", "a\tb"},
		{"::error::x\n", "::error::x\n", `:\:error::x` + "\n"},
		{" \t ::error::x", " \t ::error::x", " \t :\\:error::x"},
		{"\u00a0\u3000::x", "\u00a0\u3000::x", "\u00a0\u3000:\\:x"},
		{"a ::b::", "a ::b::", "a ::b::"},
		{"a\n::b", "a\n::b", "a\n:\\:b"},
		{": :x", ": :x", ": :x"},
		{":x::", ":x::", ":x::"},
		{"::::", "::::", `:\:::`},
		{"##[error]x", "##[error]x", `##\[error]x`},
		{"a ###[b] ##[c]", "a ###[b] ##[c]", `a ###\[b] ##\[c]`},
		{"# [x] #[y] [##]", "# [x] #[y] [##]", "# [x] #[y] [##]"},
		{"a\r::set-env::b", `a\x0d::set-env::b`, `a\x0d::set-env::b`},
		{"\x1b[2J\x07\x7f\x00", `\x1b[2J\x07\x7f\x00`, `\x1b[2J\x07\x7f\x00`},
		{"\x1b::x", `\x1b::x`, `\x1b::x`},
		{"a\u202eb\u2066c\u200f\u061c", `a\u202eb\u2066c\u200f\u061c`, `a\u202eb\u2066c\u200f\u061c`},
		{"\u009b31m\u0085\u2028::x", `\u009b31m\u0085\u2028::x`, `\u009b31m\u0085\u2028::x`},
		{"\ufeffa: 1", `\ufeffa: 1`, `\ufeffa: 1`},
		{"a\u200b\u2063b\U000e0041", `a\u200b\u2063b\U000e0041`, `a\u200b\u2063b\U000e0041`},
		{"a\x9b\xff", `a\x9b\xff`, `a\x9b\xff`},
	} {
		if got := Clean(c.text, false); got != c.plain {
			t.Errorf("%q: got %q, want %q", c.text, got, c.plain)
		}
		if got := Clean(c.text, true); got != c.inLog {
			t.Errorf("%q in Actions: got %q, want %q", c.text, got, c.inLog)
		}
		if c.text == "a\r\nb\r\n" {
			continue // a line's end is written at once
		}
		// Written character by character it is the same.
		var b strings.Builder
		w := NewWriter(&b, true)
		for _, char := range strings.SplitAfter(c.text, "") {
			if n, err := w.Write([]byte(char)); n != len(char) || err != nil {
				t.Fatal(n, err)
			}
		}
		if b.String() != c.inLog {
			t.Errorf("%q, by character: got %q, want %q", c.text, b.String(), c.inLog)
		}
	}
}

// nasty is text of others that tries everything.
const nasty = "x\n::error::a\n  ::set-env name=X::b\n##[group]c\r::d\x1b[2J\u202ee"

// TestEveryOutputIsData prints others' text in every way that there is.
func TestEveryOutputIsData(t *testing.T) {
	for name, print := range map[string]func(*Console){
		"Printf": func(c *Console) { c.Printf("%s\n", nasty) },
		"Notice": func(c *Console) { c.Notice(nasty) },
		"Diff":   func(c *Console) { c.Diff([]byte(" " + nasty + "\n")) },
		"JSON":   func(c *Console) { c.JSON(map[string]string{nasty: nasty}) },
		"HTML":   func(c *Console) { c.HTML([]byte("<p>" + nasty)) },
		"Writer": func(c *Console) { c.Err.Write([]byte(nasty)) },
	} {
		out, stderr := &strings.Builder{}, &strings.Builder{}
		c := New("prog", out, stderr, func(key string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[key] })
		print(c)
		got := out.String() + stderr.String()
		if commands.MatchString(got) || strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, "error") {
			t.Errorf("%s: got %q", name, got)
		}
		if name == "JSON" {
			var back map[string]string
			if err := json.Unmarshal([]byte(out.String()), &back); err != nil || back[nasty] != nasty {
				t.Errorf("it comes back as %q, %v", back, err)
			}
		}
	}
}

// TestAnnotationIsOneCommand has a problem whose every part tries to be another one.
func TestAnnotationIsOneCommand(t *testing.T) {
	p := &problem.Problem{Place: problem.Place{File: nasty, Line: 1}, Message: nasty, Hint: nasty, Source: nasty, Notes: []problem.Note{{Text: nasty}}}
	got := shown(p, func(c *Console) { c.Actions = true; c.Err.inLog = true })
	var found []string
	for _, line := range strings.FieldsFunc(got, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if commands.MatchString(line) {
			found = append(found, line)
		}
	}
	if len(found) != 1 || !strings.HasPrefix(found[0], "::error title=prog,file=") || strings.Contains(got, "##[") || strings.ContainsAny(got, "\x1b\u202e") {
		t.Errorf("got %q", found)
	}
}

// FuzzWriter holds the writer to its promise, whatever is written in however many parts.
func FuzzWriter(f *testing.F) {
	f.Add(nasty, 3)
	f.Add("::x", 1)
	f.Add("##", 0)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		var b strings.Builder
		w := NewWriter(&b, true)
		cut = max(0, min(cut, len(text)))
		w.Write([]byte(text[:cut]))
		w.Write([]byte(text[cut:]))
		got := b.String()
		if commands.MatchString(got) || regexp.MustCompile(`\r([^\n]|$)`).MatchString(got) {
			t.Errorf("%q is written as %q", text, got)
		}
		for _, r := range got {
			if r != '\n' && r != '\t' && r != '\r' && isHidden(r) {
				t.Errorf("%q is written as %q", text, got)
			}
		}
		data, _ := json.Marshal(text)
		var shown strings.Builder
		NewWriter(&shown, true).in(jsonSyntax).Write(data)
		var back, want string
		json.Unmarshal(data, &want)
		if err := json.Unmarshal([]byte(shown.String()), &back); err != nil || back != want {
			t.Errorf("%q as JSON is %q: %v", text, shown.String(), err)
		}
	})
}
