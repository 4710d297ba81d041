package console

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"k8srepo/internal/problem"
)

// Prompt asks a person for what was not given. A nil Prompt has nobody to ask.
type Prompt struct {
	In  *bufio.Reader
	Out io.Writer
}

// Prompt returns a prompt on the terminal; nil where standard input or standard error is no
// terminal, or the program runs in GitHub Actions.
func (c *Console) Prompt(stdin io.Reader) *Prompt {
	if c.Actions || !c.terminal || !isTerminal(stdin) {
		return nil
	}
	return &Prompt{bufio.NewReader(stdin), c.Err}
}

// maxAsked is how often a question is asked at most.
const maxAsked = 3

// Ask asks for a word, which must be one of the choices if there are any. A question without
// a valid answer is repeated, and then an error. Without a prompt the answer is "".
func (p *Prompt) Ask(question string, choices []string) (string, error) {
	words, err := p.ask(question, choices, false)
	return strings.Join(words, ""), err
}

// AskList asks for some of the choices, or for any words if there are none. An empty list is
// a valid answer, and the one without a prompt.
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
