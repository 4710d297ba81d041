package console

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"k8srepo/internal/problem"
)

// Prompt asks a person for what was not given. A nil Prompt has nobody to ask.
type Prompt struct {
	In  *bufio.Reader
	Out io.Writer
}

// Prompt returns a prompt on the terminal; nil where input or messages are on no
// terminal, or the program runs in GitHub Actions.
func (c *Console) Prompt(stdin io.Reader) *Prompt {
	in, ok := stdin.(*os.File)
	if !ok || c.Actions || !c.terminal || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	return &Prompt{bufio.NewReader(in), c.Err}
}

// maxAsked is how often a question is repeated.
const maxAsked = 3

// Ask asks for a word, one of some choices if there are any. It is "" where there is
// nobody to ask.
func (p *Prompt) Ask(question string, choices []string) (string, error) {
	words, err := p.ask(question, choices, false)
	return strings.Join(words, ""), err
}

// AskList asks for some of a list of choices, separated by commas; none is an answer too.
func (p *Prompt) AskList(question string, choices []string) ([]string, error) {
	return p.ask(question+", separated by commas", choices, true)
}

func (p *Prompt) ask(question string, choices []string, list bool) ([]string, error) {
	if p == nil {
		return nil, nil
	}
	if len(choices) > 0 {
		question += " (" + strings.Join(choices, ", ") + ")"
	}
	for range maxAsked {
		fmt.Fprintf(p.Out, "%s: ", question)
		line, err := p.In.ReadString('\n')
		if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
			fmt.Fprintln(p.Out)
			return nil, problem.New("", "no answer")
		}
		words := []string{strings.TrimSpace(line)}
		if list {
			words = Words(line)
		}
		unknown := slices.IndexFunc(words, func(w string) bool { return len(choices) > 0 && !slices.Contains(choices, w) })
		switch {
		case unknown >= 0 && words[unknown] != "":
			fmt.Fprintf(p.Out, "unknown: %s; %s\n", words[unknown], problem.DidYouMean(words[unknown], choices))
		case unknown < 0 && (list || words[0] != ""):
			return words, nil
		}
	}
	return nil, problem.New("", "no valid answer")
}

// Words splits a list that is separated by commas or blanks.
func Words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}
