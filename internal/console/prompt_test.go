package console

import (
	"bufio"
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestPrompt(t *testing.T) {
	for _, test := range []struct {
		name, answers string
		ask           func(*Prompt) ([]string, error)
		want          []string
		err           string
		printed       string
	}{
		{"a word", "web\n", func(p *Prompt) ([]string, error) {
			s, err := p.Ask("team", []string{"data", "web"})
			return []string{s}, err
		},
			[]string{"web"}, "", "team (data, web): "},
		{"a word that is misspelt", "wbe\n\nweb\n", func(p *Prompt) ([]string, error) { s, err := p.Ask("team", []string{"web"}); return []string{s}, err },
			[]string{"web"}, "", "team (web): unknown: wbe; did you mean \"web\"?\nteam (web): team (web): "},
		{"a list", "api, front\n", func(p *Prompt) ([]string, error) { return p.AskList("services", []string{"api", "front"}) },
			[]string{"api", "front"}, "", "services, separated by commas (api, front): "},
		{"an empty list", "\n", func(p *Prompt) ([]string, error) { return p.AskList("services", []string{"api"}) }, []string{}, "", "services, separated by commas (api): "},
		{"no answer", "", func(p *Prompt) ([]string, error) { s, err := p.Ask("name", nil); return []string{s}, err }, []string{""}, "no answer", "name: \n"},
		{"no valid answer", "a\nb\nc\nweb\n", func(p *Prompt) ([]string, error) { s, err := p.Ask("team", []string{"web"}); return []string{s}, err }, []string{""}, "no valid answer", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			got, err := test.ask(&Prompt{bufio.NewReader(strings.NewReader(test.answers)), &out})
			if !slices.Equal(got, test.want) || test.err == "" && err != nil || test.err != "" && (err == nil || err.Error() != test.err) {
				t.Errorf("got %q and %v, want %q and %q", got, err, test.want, test.err)
			}
			if test.printed != "" && out.String() != test.printed {
				t.Errorf("printed %q, want %q", out.String(), test.printed)
			}
		})
	}
	var nobody *Prompt
	if s, err := nobody.Ask("name", nil); s != "" || err != nil {
		t.Errorf("nobody answers %q and %v", s, err)
	}
	con := New("x", &bytes.Buffer{}, &bytes.Buffer{}, func(string) string { return "" })
	if con.Prompt(strings.NewReader("")) != nil {
		t.Error("a prompt where there is no terminal")
	}
}

// TestDevNullIsNoTerminal: it is a character device as terminals are, and shows no question.
func TestDevNullIsNoTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if con := New("x", null, null, func(string) string { return "" }); con.terminal || con.Colour {
		t.Errorf("terminal: %t, colour: %t", con.terminal, con.Colour)
	}
}
